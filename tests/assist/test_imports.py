"""Where a name could come from, and what importing it does to the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typewright.assist.edits import apply
from typewright.assist.imports import import_edits
from typewright.assist.session import Session, Settings
from typewright.indexer import knowledge

SITE = ".venv/lib/python3.11/site-packages"
FILES = {
    "shapes/__init__.py": "",
    "shapes/round.py": "class Circle: ...\ndef _hidden(): ...\nRADIUS = 1\n",
    "shapes/flat.py": "from .round import Circle\n\ndef disc():\n    return Circle()\n",
    "tools/circles.py": "class Circle: ...\n",
    "uses.py": "import numpy_like as npl\nimport json as j\nfrom tools.circles import Circle\n",
    "numpy_like.py": "",
}
LIBRARY = {
    ".venv/pyvenv.cfg": "home = /nowhere\nversion = 3.11.4\n",
    f"{SITE}/postal/__init__.py": "from ._api import get as fetch\nfrom .parcels import Parcel\n",
    f"{SITE}/postal/_api.py": "def get(url: str) -> str: ...\n",
    f"{SITE}/postal/parcels.py": "class Parcel:\n    def fetch(self): ...\n",
    f"{SITE}/postal-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: postal\nVersion: 1.0\n",
    f"{SITE}/postal-1.0.dist-info/RECORD": "postal/__init__.py,,\npostal/_api.py,,\npostal/parcels.py,,\n",
}
STANDARD = ("_bisect", "bisect", "collections", "dataclasses", "json", "pathlib", "typing", "zipfile")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    root = tmp_path / "workspace"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with Session(root, settings=Settings(cache=tmp_path / "cache", neural=False)) as session:
        yield session


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A workspace whose library and, of the standard library, a few modules are indexed."""
    folder = tmp_path_factory.mktemp("libraries")
    for name, text in LIBRARY.items():
        path = folder / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (
        pytest.MonkeyPatch.context() as patch,
        Session(folder / "workspace", settings=Settings(cache=folder / "cache", neural=False)) as session,
    ):
        patch.setattr(knowledge, "standard_library_modules", lambda _: STANDARD)
        session.index.add_libraries(["postal", "json"])
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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Path", "from pathlib import Path"),
        ("dataclass", "from dataclasses import dataclass"),
        ("defaultdict", "from collections import defaultdict"),
        ("json", "import json"),
        ("loads", "from json import loads"),
        ("bisect_right", "from bisect import bisect_right"),
        ("Parcel", "from postal import Parcel"),
        ("fetch", "from postal import fetch"),
        ("postal", "import postal"),
    ],
)
def test_what_libraries_offer(libraries: Session, name: str, expected: str) -> None:
    assert next(iter(choices(libraries, name, f"{name}\n"))) == expected


def test_members_of_classes_and_what_is_private_are_not_imported(libraries: Session) -> None:
    assert choices(libraries, "read_text", "read_text\n") == {}
    assert not any("_api" in statement for statement in choices(libraries, "get", "get\n"))
