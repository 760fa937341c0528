from pathlib import Path

import pytest
from typewright.assist.describe import describe, hover
from typewright.assist.session import Session, Settings

MODULE = '''
import tables
from tables import Table


class Greeter:
    """Greets people."""

    def greet(self, name: str) -> str:
        """Say hello.

        >>> Greeter().greet("you")
        'hello you'
        """
        return "hello " + name


def run(path):
    count = 3
    table = tables.read(path)
    Greeter().greet("x")
    return Table, count
'''


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def session(tmp_path):
    root = tmp_path / "root"
    site = root / ".venv" / "lib" / "python3.12" / "site-packages"
    write(root / ".venv" / "pyvenv.cfg", "home = /nowhere\nversion = 3.12.1\n")
    write(
        site / "tables.py",
        'class Table:\n    """Rows."""\n\ndef read(path: str, *, sep: str = ",") -> Table:\n'
        '    """Read a table.\n\n    Args:\n        path: Where it lies.\n    """\n',
    )
    write(site / "tables-1.0.dist-info" / "METADATA", "Name: tables\nVersion: 1.0\n")
    write(site / "tables-1.0.dist-info" / "RECORD", "tables.py,,\n")
    write(root / "app.py", MODULE)
    with Session(root, settings=Settings(cache=tmp_path / "cache", neural=False)) as session:
        session.refresh()
        yield session


def at(session, text: str, word: str):
    """Hover over the last `word` in the first line that holds `text`."""
    lines = MODULE.splitlines()
    line = next(number for number, each in enumerate(lines, 1) if text in each)
    column = lines[line - 1].rindex(word) + 1
    return hover(session, session.root / "app.py", line, column)


def test_an_api_by_name_reads_its_library_first(session):
    found = describe(session, "tables.read")
    assert found.signature == "read(path: str, *, sep: str = ',') -> Table"
    assert (found.library, found.version, found.summary) == ("tables", "1.0", "Read a table.")
    assert found.parameters[0].description == "Where it lies."
    assert [(example.path.name, example.line) for example in found.examples] == [("app.py", 20)]
    text = str(found)
    assert "Read a table." in text
    assert "tables 1.0" in text
    assert "table = tables.read(path)" in text


def test_an_api_of_the_workspace(session):
    found = describe(session, "app.Greeter.greet")
    assert (found.kind, found.summary) == ("method", "Say hello.")
    assert found.path == session.root / "app.py"


def test_hover_over_what_is_indexed(session):
    session.index.add_libraries(["tables"])
    found = at(session, "tables.read", "read")
    assert (found.name, found.library) == ("tables.read", "tables")
    shown = found.markdown()
    assert shown.startswith("```python\ndef read(path: str, *, sep: str = ',') -> Table\n```")
    assert "Read a table." in shown


def test_hover_over_what_is_not_indexed_goes_by_the_analysis(session):
    found = at(session, "tables.read", "read")
    assert found.signature == "read(path: str, *, sep: str=',') -> Table"
    assert found.summary == "Read a table."


def test_hover_over_a_value_shows_its_type(session):
    assert at(session, "count = 3", "count").markdown().startswith("```python\ncount: Literal[3]\n```")
    found = at(session, "def greet", "name")
    assert (found.name, found.type) == ("name", "str")


def test_hover_over_a_class_and_a_method_of_the_workspace(session):
    assert at(session, "class Greeter", "Greeter").documentation == "Greets people."
    shown = at(session, 'Greeter().greet("x")', "greet").markdown()
    assert "Say hello." in shown
    assert shown.count("```") % 2 == 0


@pytest.mark.parametrize(("line", "column"), [(1, 1), (5, 1), (10_000, 1), (2, 500)])
def test_nothing_stands_there(session, line, column):
    assert hover(session, session.root / "app.py", line, column) is None


def test_hover_reads_the_open_buffer(session):
    path = session.root / "app.py"
    found = hover(session, path, 1, 1, overlay={path: "value = 1.5\n"})
    assert (found.name, found.type) == ("value", "float")
