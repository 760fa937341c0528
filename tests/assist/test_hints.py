"""Inlay hints: where they stand, what they say, what they leave out."""

from __future__ import annotations

from textwrap import dedent

from typewright.assist.annotate import annotation_edits
from typewright.assist.edits import apply
from typewright.assist.hints import Hint, hints
from typewright.assist.session import Session

from .conftest import Opener

TEXT = """\
    from pathlib import Path

    def read(name, times=2):
        home = Path("x")
        count = 0
        found = home.read_text()
        return [found] * times

    read("a", 3)
    """


def shown(session: Session, found: list[Hint]) -> str:
    """The text with the hints in guillemets."""
    lines = (session.root / "a.py").read_text().splitlines()
    for hint in sorted(found, key=lambda hint: (hint.line, hint.column), reverse=True):
        line = lines[hint.line - 1]
        lines[hint.line - 1] = f"{line[: hint.column - 1]}«{hint.label}»{line[hint.column - 1 :]}"
    return "\n".join(lines)


def test_hints_stand_where_annotations_would(open_session: Opener) -> None:
    session = open_session({"a.py": TEXT})
    found = list(hints(session, session.root / "a.py"))
    text = shown(session, found)
    assert "def read(name«: str», times«: int»=2)« -> list[str]»:" in text
    assert "found«: str» = home.read_text()" in text
    assert "count = 0" in text
    assert 'home = Path("x")' in text


def test_only_the_lines_asked_for(open_session: Opener) -> None:
    session = open_session({"a.py": TEXT})
    found = hints(session, session.root / "a.py", lines=(4, 7))
    assert [hint.line for hint in found] == [6]


def test_tooltips_say_how_likely_and_why(open_session: Opener) -> None:
    session = open_session({"a.py": TEXT})
    name = next(hint for hint in hints(session, session.root / "a.py") if hint.slot.name == "name")
    assert name.tooltip.startswith("`str`")
    assert "% likely" in name.tooltip
    assert "a.py:9" in name.tooltip


def test_a_hint_can_be_written_with_its_import(open_session: Opener) -> None:
    session = open_session(
        {
            "a.py": "from b import make\n\n\ndef f():\n    return make()\n",
            "b.py": "class Thing: ...\n\ndef make():\n    return Thing()\n",
        }
    )
    path = session.root / "a.py"
    [hint] = hints(session, path)
    assert hint.label == " -> Thing"
    text = apply(path.read_text(), annotation_edits(session, path, [hint.slot]))
    assert text == dedent("""\
        from __future__ import annotations

        from typing import TYPE_CHECKING

        from b import make

        if TYPE_CHECKING:
            from b import Thing


        def f() -> Thing:
            return make()
        """)


def test_nothing_is_shown_where_an_annotation_stands(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(x: int = 1) -> int:\n    y: int = x\n    return y\n"})
    assert list(hints(session, session.root / "a.py")) == []


def test_broken_code_keeps_its_other_hints(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(x=1):\n    return [x]\n\ndef broken(:\n"})
    labels = [hint.label for hint in hints(session, session.root / "a.py")]
    assert " -> list[int]" in labels
