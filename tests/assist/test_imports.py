"""Where a name could come from, and what importing it does to the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typewright.assist.edits import apply
from typewright.assist.imports import import_edits
from typewright.assist.session import Session, Settings

FILES = {
    "shapes/__init__.py": "",
    "shapes/round.py": "class Circle: ...\ndef _hidden(): ...\nRADIUS = 1\n",
    "shapes/flat.py": "from .round import Circle\n\ndef disc():\n    return Circle()\n",
    "tools/circles.py": "class Circle: ...\n",
    "uses.py": "import numpy_like as npl\nimport json as j\nfrom tools.circles import Circle\n",
    "numpy_like.py": "",
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    root = tmp_path / "workspace"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with Session(root, settings=Settings(cache=tmp_path / "cache", neural=False)) as session:
        yield session


def choices(session: Session, name: str, text: str, file: str = "main.py") -> dict[str, str]:
    path = session.root / file
    found = import_edits(session, path, name, overlay={path: text})
    return {choice.statement: apply(text, choice.edits) for choice in found}


def test_what_others_import_comes_first(session: Session) -> None:
    found = choices(session, "Circle", "Circle()\n")
    assert list(found)[:2] == ["from shapes.round import Circle", "from tools.circles import Circle"]
    assert found["from tools.circles import Circle"] == "from tools.circles import Circle\n\nCircle()\n"


def test_a_symbol_of_the_workspace(session: Session) -> None:
    assert next(iter(choices(session, "disc", "disc()\n"))) == "from shapes.flat import disc"


def test_a_variable_of_the_workspace(session: Session) -> None:
    assert "from shapes.round import RADIUS" in choices(session, "RADIUS", "RADIUS\n")


def test_a_module(session: Session) -> None:
    found = choices(session, "json", '"""Docs."""\n\njson.dumps(1)\n')
    assert found["import json"] == '"""Docs."""\n\nimport json\n\njson.dumps(1)\n'


def test_an_alias_that_this_workspace_uses(session: Session) -> None:
    found = choices(session, "npl", "npl.array\n")
    assert found["import numpy_like as npl"].startswith("import numpy_like as npl\n")


def test_an_import_is_extended(session: Session) -> None:
    found = choices(session, "Circle", "from shapes.round import RADIUS\n\nprint(RADIUS, Circle)\n")
    after = found["from shapes.round import Circle"]
    assert after == "from shapes.round import RADIUS, Circle\n\nprint(RADIUS, Circle)\n"


def test_a_name_that_is_bound_needs_no_import(session: Session) -> None:
    assert choices(session, "Circle", "from tools.circles import Circle\nCircle()\n") == {}
    assert choices(session, "len", "len([])\n") == {}
    assert choices(session, "x", "def f(x):\n    return x\n") == {}


def test_a_name_that_is_bound_in_another_scope_does(session: Session) -> None:
    assert choices(session, "json", "def f(json): ...\njson.dumps(1)\n")


def test_nothing_is_found(session: Session) -> None:
    assert choices(session, "no_such_name_anywhere", "no_such_name_anywhere\n") == {}
    assert choices(session, "not a name", "x = 1\n") == {}


def test_a_module_does_not_import_itself(session: Session) -> None:
    found = choices(session, "disc", "disc()\n", "shapes/flat.py")
    assert not any("shapes.flat" in statement for statement in found)
