"""Libraries, documents and questions that are bad: clear answers, and nothing else is lost."""

from pathlib import Path

import numpy as np
import pytest
from typewright.assist.recommend import recommend
from typewright.assist.session import Session, Settings
from typewright.indexer.errors import TypewrightError


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def site(tmp_path) -> Path:
    """The packages of a workspace's environment: one that is sound."""
    write(tmp_path / "root" / ".venv" / "pyvenv.cfg", "home = /nowhere\nversion = 3.12.1\n")
    site = tmp_path / "root" / ".venv" / "lib" / "python3.12" / "site-packages"
    install(site, "sound", {"__init__.py": 'def ripen(fruit):\n    """Ripen a fruit in the sun."""\n'})
    return site


def install(site: Path, name: str, files: dict[str, str], more: str = "") -> None:
    for file, text in files.items():
        write(site / name / file, text)
    write(site / f"{name}-1.0.dist-info" / "METADATA", f"Name: {name}\nVersion: 1.0\n")
    record = "".join(f"{name}/{file},,\n" for file in files) + more
    write(site / f"{name}-1.0.dist-info" / "RECORD", record)


@pytest.fixture
def session(tmp_path, site):
    root = site.parents[3]
    write(root / "app.py", "import sound\n")
    with Session(root, settings=Settings(cache=tmp_path / "cache", neural=False)) as session:
        session.refresh()
        yield session


def first(session: Session, question: str = "ripen fruit") -> str:
    return recommend(session, question)[0].api.name


def test_a_broken_wheel_costs_its_broken_modules(session, site):
    files = {"__init__.py": 'def peel():\n    """Peel an orange."""\n', "cut.py": "def (:\n", "zero.py": "\0"}
    install(site, "broken", files, "broken/gone.py,,\nnonsense\n,,,,\n")
    report = session.index.add_libraries(["sound", "broken"])
    assert {name for name, _ in report.skipped} == {"broken.cut", "broken.zero"}
    assert (first(session), first(session, "peel an orange")) == ("sound.ripen", "broken.peel")


def test_a_wheel_without_metadata_is_no_library(session, site):
    write(site / "headless-1.0.dist-info" / "METADATA", "nothing\n")
    session.index.add_libraries(["sound"])
    with pytest.raises(TypewrightError, match="headless: no such library"):
        session.index.add_libraries(["headless"])
    assert first(session) == "sound.ripen"


def test_a_package_without_source_is_named(session, site):
    install(site, "sealed", {"__init__.pyc": "", "core.so": ""})
    report = session.index.add_libraries(["sound", "sealed"])
    assert [name for name, _ in report.skipped] == ["sealed.core"]
    assert all(reason for _, reason in report.skipped)
    assert first(session) == "sound.ripen"


def test_reexports_in_a_circle_end(session, site):
    install(
        site,
        "circle",
        {
            "__init__.py": "from circle.a import spin\nfrom circle.b import *\n",
            "a.py": "from circle.b import spin\n__all__ = ['spin']\n",
            "b.py": 'from circle.a import spin\nfrom circle import *\ndef roll():\n    """Roll a wheel."""\n',
        },
    )
    session.index.add_libraries(["sound", "circle"])
    assert first(session, "roll a wheel") in {"circle.roll", "circle.b.roll"}
    assert session.snapshot().api("circle.spin") is None


def test_a_page_that_is_no_documentation_is_named(session, tmp_path):
    session.index.add_libraries(["sound"])
    page = write(
        tmp_path / "docs" / "app.html", "<html><script>let x</script><body><div id=root></div></body>"
    )
    report = session.index.add_documents([page.parent])
    assert report.skipped == ((page, "no documentation in it"),)
    assert first(session) == "sound.ripen"


def test_a_folder_of_a_hundred_megabytes_says_what_is_too_large(session, tmp_path):
    session.index.add_libraries(["sound"])
    docs = tmp_path / "docs"
    write(docs / "guide.md", "# Jam\n\nTo make jam, call `sound.ripen`.\n")
    for number in range(12):
        with write(docs / f"dump{number}.md").open("wb") as file:
            file.truncate(9 << 20)
    report = session.index.add_documents([docs])
    assert (report.documents, len(report.skipped)) == (1, 12)
    assert {reason for path, reason in report.skipped} == {
        f"dump{n}.md is larger than 8 MiB." for n in range(12)
    }
    assert first(session, "make jam") == "sound.ripen"


@pytest.mark.parametrize("question", ["果物を熟させるには", "Wie reift das Obst?"])
def test_a_question_in_another_language_is_said_to_be_one(session, question):
    session.index.add_libraries(["sound"])
    assert recommend(session, question) == []
    assert any("No word of the question" in notice for notice in session.notices)


def test_a_notice_on_words_comes_with_answers_by_meaning_too(session, monkeypatch):
    session.index.add_libraries(["sound"])

    def embed(texts, **_):
        return np.eye(1, 384, dtype=np.float32).repeat(len(texts), 0)

    session.index.embed(embed)
    monkeypatch.setattr(session.inference, "embed", embed)
    monkeypatch.setattr(session, "settings", Settings(neural=True))
    assert recommend(session, "Obst")
    assert any("No word of the question" in notice for notice in session.notices)


@pytest.mark.parametrize("question", ["", " \n", "?"])
def test_an_empty_question_is_one_clear_error(session, question):
    with pytest.raises(TypewrightError, match="no words"):
        recommend(session, question)
