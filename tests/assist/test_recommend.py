from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typewright.assist.recommend import recommend
from typewright.assist.session import Session, Settings
from typewright.indexer.cancellation import Cancelled, CancelToken
from typewright.indexer.errors import TypewrightError


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


LIBRARY = '''
class Table:
    """Rows and columns."""

    def group_rows(self, key):
        """Group the rows of a table by a key. The order of the groups is that of the keys."""

    def drop(self):
        """Remove rows from a table.

        .. deprecated:: 2.0
           Use remove.
        """

def read_table(path):
    """Read a table from a file."""

def write_table(path):
    """Write a table to a file."""
'''


@pytest.fixture
def session(tmp_path):
    """A workspace that uses a library, which alone is indexed."""
    root = tmp_path / "root"
    site = root / ".venv" / "lib" / "python3.12" / "site-packages"
    write(root / ".venv" / "pyvenv.cfg", "home = /nowhere\nversion = 3.12.1\n")
    write(site / "tables" / "__init__.py", LIBRARY)
    write(
        site / "other" / "__init__.py", 'def read_rows(path):\n    """Read a table of rows from a file."""\n'
    )
    for name in ("tables", "other"):
        write(site / f"{name}-1.0.dist-info" / "METADATA", f"Name: {name}\nVersion: 1.0\n")
        write(site / f"{name}-1.0.dist-info" / "RECORD", f"{name}/__init__.py,,\n")
    write(root / "app.py", "import tables\n\n\ndef load(path):\n    return tables.read_table(path)\n")
    write(root / "tool.py", "import other\n")
    settings = Settings(cache=tmp_path / "cache", neural=False)
    with Session(root, settings=settings) as session:
        session.refresh()
        session.index.add_libraries(["tables", "other"])
        yield session


def names(found):
    return [each.api.name for each in found]


def test_the_api_and_a_reason_that_can_be_checked(session):
    first = recommend(session, "How can I group rows by key?")[0]
    assert first.api.name == "tables.Table.group_rows"
    assert "“Group the rows of a table by a key.”" in first.reason
    assert first.matched == ("group", "rows", "key")
    for word in first.matched:
        assert word in first.reason


def test_quoted_values_of_the_question_do_not_count(session):
    assert names(recommend(session, "write the table `group_rows` to 'rows key'"))[0] == "tables.write_table"
    assert names(recommend(session, "read it with `write_table`"))[0] == "tables.write_table"
    assert names(recommend(session, "'group rows'"))[0] == "tables.Table.group_rows"


def test_what_is_used_and_imported_here_comes_first(session):
    question = "read a table from a file"
    best = recommend(session, question)[0]
    assert best.api.name == "tables.read_table"
    assert "used here" in best.reason
    assert (best.example.path.name, best.example.line) == ("app.py", 5)
    context = (session.root / "tool.py", 1)
    ours = {each.api.name: each.score for each in recommend(session, question, context=context)}
    anywhere = {each.api.name: each.score for each in recommend(session, question)}
    assert ours["other.read_rows"] == anywhere["other.read_rows"]
    assert ours["tables.write_table"] < anywhere["tables.write_table"]


def test_libraries_limit_the_answer(session):
    assert names(recommend(session, "read a table", libraries=["other"])) == ["other.read_rows"]
    with pytest.raises(TypewrightError, match="absent"):
        recommend(session, "read a table", libraries=["absent"])
    assert len(recommend(session, "table", limit=2)) == 2


def test_documents_vote_for_the_apis_that_they_name(session):
    text = "# Frobnicating\n\nTo frobnicate, call `tables.write_table`.\n"
    write(session.root / "guide.md", text)
    session.index.add_documents([session.root / "guide.md"])
    assert names(recommend(session, "frobnicate")) == ["tables.write_table"]


def test_deprecation_is_said_and_lowers(session):
    (found,) = (each for each in recommend(session, "remove rows") if each.api.name == "tables.Table.drop")
    assert "deprecated" in found.reason


@pytest.mark.parametrize("query", ["", "   ", "?!", "``"])
def test_a_question_without_words_is_one_clear_error(session, query):
    with pytest.raises(TypewrightError, match="no words"):
        recommend(session, query)


@pytest.mark.parametrize("query", ["日本語の質問", "zzzzqqq", "x" * 10_000, "SELECT \" OR ' NEAR("])
def test_nothing_found_is_an_empty_answer(session, query):
    assert recommend(session, query) == []


def test_a_context_that_cannot_be_read_counts_for_nothing(session):
    assert names(recommend(session, "read a table", context=(session.root / "missing.py", 1)))


def test_it_can_be_cancelled(session):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        recommend(session, "read a table", cancel=token)


def test_solved_questions_say_which_apis_answer_one_like_them(session, monkeypatch):
    questions = session.root / "solved.jsonl"
    questions.write_text('{"query": "make it persist", "gold": [["tables.write_table"]]}\n')
    session.index.add_documents([questions])

    def embed(texts, **_):
        vectors = np.zeros((len(texts), 384), np.float32)
        for row, text in enumerate(texts):
            alike = "persist" in text or "survive" in text
            vectors[row, :2] = (1.0, 0.0) if alike else (0.6, 0.8)
        return vectors

    session.index.embed(embed)
    monkeypatch.setattr(session.inference, "embed", embed)
    monkeypatch.setattr(session, "settings", replace(session.settings, neural=True))
    assert names(recommend(session, "how does it survive?"))[0] == "tables.write_table"
    questions.unlink()
    session.index.add_documents([questions.parent])
    assert names(recommend(session, "how does it survive?"))[0] != "tables.write_table"
