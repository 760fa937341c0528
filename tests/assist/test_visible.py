"""What a file can name, as candidates for the type model."""

from __future__ import annotations

from typewright.assist.visible import NameableTypes, VisibleTypesCache, candidates
from typewright.models.protocol import Candidate

from .conftest import Opener

FILES = {
    "base.py": "class Board:\n    def draw(self): ...\nclass Desk(Board):\n    def move(self): ...\n",
    "common.py": "class Zebra: ...\nclass Rarity: ...\n",
    "one.py": "from common import Zebra\nZebra()\n",
    "two.py": "from common import Zebra\nZebra()\n",
    "app.py": (
        "from base import Board\nfrom lib import Outside\n"
        "def sit(desk, board: Board): return Outside()\ndef f(x: Board): ...\n"
    ),
}


def seen(open_session: Opener) -> dict[str, Candidate]:
    session = open_session(FILES)
    session.refresh()
    nameable = NameableTypes(session.snapshot(), VisibleTypesCache())
    return {each.name: each for each in candidates(nameable.of(session.root / "app.py"))}


def test_what_only_annotations_import_is_told_apart(open_session: Opener) -> None:
    found = seen(open_session)
    assert (found["Board"].origin, found["Outside"].origin) == ("annotation", "import")
    assert found["Desk"].origin == "elsewhere"


def test_members_are_inherited_and_importers_counted(open_session: Opener) -> None:
    found = seen(open_session)
    assert found["Desk"].members == ("move", "draw")
    assert (found["Board"].importers, found["Board"].subclasses) == (1, 1)


def test_what_many_modules_import_may_be_meant_anywhere(open_session: Opener) -> None:
    found = seen(open_session)
    assert found["Zebra"].importers == 2
    assert "Rarity" not in found
