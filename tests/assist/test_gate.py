"""Checkers in the loop: whom an error is blamed on, what may be written instead, what is tried again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from typewright.analysis.spelling import Annotation
from typewright.assist.annotate import AnnotatedFile, AnnotateOptions, annotate
from typewright.assist.blame import Blame
from typewright.assist.checkers import CheckerError
from typewright.assist.placement import Placement
from typewright.assist.session import Session
from typewright.assist.weakening import weaker
from typewright.indexer.syntax import parse

from .conftest import Opener

GATED = AnnotateOptions(minimum_confidence=0.5, checker="mypy")
PATH = Path("/project/a.py")
TEXT = dedent(
    """\
    class Box:
        def __init__(self, size: int) -> None:
            self.content = None

        def put(self, thing: str, count: int | None) -> str:
            self.content = thing
            return thing.parent

    def fill(box: Box, words: list[str], other: str) -> list[str] | None:
        box.put(
            words,
            3,
        )
        return words

    print(fill(Box(1), [], '').pop())
    """
)


def suspects(line: int, code: str, message: str, *, surfaced: bool = False) -> set[tuple[str, str]]:
    keys = frozenset(
        key
        for key, site in Placement(parse(TEXT)).by_key.items()
        if site.occupied and site.kind != "variable"
    )
    blame = Blame({PATH: (TEXT, keys)})
    found = blame.suspects(PATH, CheckerError(PATH, line, code, message), surfaced=surfaced)
    return {(key[1], key[2]) for _, key in found}


@pytest.mark.parametrize(
    ("line", "code", "message", "expected"),
    [
        # mypy counts arguments, pyright names the parameter, ty only quotes the type
        (11, "arg-type", 'Argument 1 to "put" of "Box" has incompatible type "list[str]"; expected "str"',
         {("Box.put", "thing")}),
        (11, "reportArgumentType", 'Argument of type "list[str]" cannot be assigned to parameter "thing" of '
         'type "str" in function "put"', {("Box.put", "thing")}),
        (11, "invalid-argument-type", "Argument is incorrect: Expected `str`, found `list[str]`",
         {("Box.put", "thing")}),
        (16, "arg-type", 'Argument 1 to "Box" has incompatible type "str"; expected "int"',
         {("Box.__init__", "size")}),
        (7, "return-value", 'Incompatible return value type (got "Any", expected "str")',
         {("Box.put", "put")}),
        (7, "attr-defined", '"str" has no attribute "parent"', {("Box.put", "thing")}),
        (5, "override", 'Argument 2 of "put" is incompatible with supertype "Base"', {("Box.put", "count")}),
        (5, "override", 'Return type "str" of "put" incompatible with return type "int" in supertype "Base"',
         {("Box.put", "put")}),
        # an attribute that is None for good once the method that begins it is annotated
        (6, "assignment", 'Incompatible types in assignment (expression has type "str", variable has type '
         '"None")', {("Box.__init__", "size"), ("Box.__init__", "__init__")}),
        (16, "union-attr", 'Item "None" of "list[str] | None" has no attribute "pop"', {("fill", "fill")}),
    ],
)  # fmt: skip
def test_errors_point_at_annotations(
    line: int, code: str, message: str, expected: set[tuple[str, str]]
) -> None:
    assert suspects(line, code, message) == expected


def test_what_surfaces_in_a_body_is_the_fault_of_all_annotations_of_its_function() -> None:
    found = suspects(7, "attr-defined", '"str" has no attribute "parent"', surfaced=True)
    assert found == {("Box.put", "thing"), ("Box.put", "count"), ("Box.put", "put")}


def test_a_cycle_of_imports_is_the_fault_of_the_annotations_that_need_them() -> None:
    imports = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .{} import {}\n"
    texts = {
        Path("/project/shop/one.py"): imports.format("two", "Two")
        + "class One:\n    def put(self, two: Two, count: int) -> None: ...\n",
        Path("/project/shop/two.py"): "class Two:\n    def take(self, what: str) -> None: ...\n",
        Path("/project/shop/other.py"): imports.format("two", "Two") + "def f(two: Two) -> None: ...\n",
    }
    placed = {
        path: (text, frozenset(key for key, site in Placement(parse(text)).by_key.items() if site.occupied))
        for path, text in texts.items()
    }
    message = "Cycle detected in import chain\n  /copy/shop/two.py\n  /copy/shop/one.py"
    error = CheckerError(Path("/project/shop/two.py"), 1, "reportImportCycles", message)
    found = Blame(placed).suspects(Path("/project/shop/two.py"), error, surfaced=False)
    assert [(path.name, key[2]) for path, key in found] == [("one.py", "two")]


@pytest.mark.parametrize(
    ("text", "kind", "code", "message", "expected"),
    [
        ("list[str]", "param", "arg-type", 'incompatible type "tuple[str]"; expected "list[str]"',
         ["Sequence[str]"]),
        ("list[str]", "param", "reportArgumentType", 'type "list[int]" cannot be assigned to "list[str]"',
         ["Sequence[str]", "list"]),
        ("list[str]", "return", "return-value", 'got "list[int]", expected "list[str]"', ["list"]),
        ("list[str]", "return", "return-value", 'got "int", expected "list[str]"', []),
        ("str", "param", "arg-type", 'has incompatible type "None"; expected "str"', ["str | None"]),
        ("str", "param", "attr-defined", '"None" has no attribute "x"', []),
        ("str | None", "param", "arg-type", 'incompatible type "None"', []),
        ("dict[str, list[int]] | None", "param", "arg-type", "", ["Mapping[str, list[int]] | None"]),
        ("list[int] | list[str]", "return", "index", 'found `list[int | str]`', ["list"]),
        ("Thing[int]", "return", "index", 'found `Thing[str]`', []),
    ],
)  # fmt: skip
def test_what_says_less(text: str, kind: str, code: str, message: str, expected: list[str]) -> None:
    found = weaker(Annotation(text, ()), kind, CheckerError(PATH, 1, code, message))
    assert [annotation.text for annotation in found] == expected


def test_weaker_annotations_bring_their_imports_and_no_other() -> None:
    error = CheckerError(PATH, 1, "arg-type", 'incompatible type "list[str]"')
    abstract, bare = weaker(Annotation("list[Path]", (("pathlib", "Path"),)), "param", error)
    assert abstract.imports == (("pathlib", "Path"), ("collections.abc", "Sequence"))
    assert bare.imports == ()


# -- in the loop ------------------------------------------------------------------------------------------


def gated(session: Session, options: AnnotateOptions = GATED) -> dict[str, AnnotatedFile]:
    return {file.path.name: file for file in annotate(session, [session.root], options)}


def mypy(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *arguments, "."]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout


FAULTY = {
    "a.py": """\
        import b

        class Shape:
            def __init__(self):
                self.name = None
                self.parts = []

            def rename(self, name):
                self.name = name
                return self.name.upper()

            def area(self, scale=1):
                return scale * 2

            def half(self):
                return self.area() / 2

        def show(shape, depth=0):
            if depth:
                return None
            return b.line(shape.rename("x"), depth)

        def broken():
            return "a" + 1

        show(Shape())
        """,
    "b.py": """\
        def line(text, depth):
            return [text] * depth

        def width(words):
            return len(words)

        width(["a"])
        width(("a", "b"))
        """,
}


def test_no_error_is_new_neither_with_bodies_nor_without(open_session: Opener) -> None:
    session = open_session(FAULTY)
    before = mypy(session.root).count("error"), mypy(session.root, "--check-untyped-defs").count("error")
    files = gated(session)
    assert sum(len(file.slots) for file in files.values()) > 4
    assert any(file.taken_back for file in files.values())
    for file in files.values():
        file.write()
    after = mypy(session.root).count("error"), mypy(session.root, "--check-untyped-defs").count("error")
    assert after[0] <= before[0]
    assert after[1] <= before[1]
    assert "def area(self, scale: int = 1) -> int:" in files["a.py"].after
    assert "def broken():" in files["a.py"].after  # its error would surface


def test_a_second_run_comes_to_the_same_decisions(open_session: Opener) -> None:
    session = open_session(FAULTY)
    first = gated(session)
    for file in first.values():
        file.write()
    session.refresh()
    second = gated(session)
    assert not [file for file in second.values() if file.changed]

    def taken_back(files: dict[str, AnnotatedFile]) -> set[tuple[str, str, str]]:
        return {
            (slot.file.name, slot.function, slot.name) for f in files.values() for slot, _ in f.taken_back
        }

    assert taken_back(first) == taken_back(second) != set()


def test_a_checker_that_nobody_named_and_that_gives_up_is_a_notice(open_session: Opener) -> None:
    session = open_session(
        {"a.py": "def f():\n    return 1\n", "mypy.ini": "[mypy]\nplugins = no_such_plugin\n"}
    )
    [file] = gated(session, AnnotateOptions(minimum_confidence=0.5, checker="auto")).values()
    assert "def f() -> int:" in file.after
    assert file.checkers == ()
    assert any("mypy could not check" in notice for notice in session.notices)


class Fake:
    """A checker that objects to lines, there or `at` the beginning of another file."""

    bodies = False

    def __init__(self, name: str, objection: str, at: str = "") -> None:
        self.name = self.label = name
        self._objection = re.compile(objection)
        self._at = at
        self.runs = 0

    def errors(self, folder: Path, files: list[Path], **_: object) -> tuple[CheckerError, ...]:
        self.runs += 1
        lines = [
            (path, number, line)
            for path in sorted(file.relative_to(folder) for file in folder.iterdir())
            for number, line in enumerate((folder / path).read_text().splitlines(), 1)
        ]
        errors = [
            CheckerError(Path(self._at or path), 1 if self._at else number, "bad", f"not {match[0]}")
            for path, number, line in lines
            if (match := self._objection.search(line))
        ]
        return tuple(error for error in errors if error.path in files)


def test_slow_checkers_are_asked_less_and_have_the_last_word_all_the_same(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def one(a=1, b='x'):\n    return 1\n\ndef two(c=2, d=''):\n    return [1]\n"
    session = open_session({"a.py": text})
    fast, slow = Fake("ty", "b: str"), Fake("basedpyright", r"-> list\[int\]")
    monkeypatch.setattr("typewright.assist.checked_copy.choose", lambda *_: (fast, slow))
    file = gated(session, AnnotateOptions(minimum_confidence=0.5, checker="auto"))["a.py"]
    assert "def one(a: int = 1, b='x') -> int:" in file.after
    assert "def two(c: int = 2, d: str = ''):" in file.after
    assert file.checkers == ("ty", "basedpyright")
    assert slow.runs < fast.runs


def test_annotations_do_not_fall_for_an_error_that_others_bring(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much a fast checker finds, and where many could be to blame for what a slow one says."""
    names = [f"{a}{b}" for a in "abcdef" for b in "klmnopqr"]
    function = "def {0}({0}x=1, {0}y='s'):\n    return 1\n\n"
    session = open_session(
        {
            "one.py": "import two\n\n" + "".join(function.format(f"_{name}") for name in names),
            "two.py": "".join(map(function.format, names)),
        }
    )
    counted, worded = [f"{name}x" for name in names[3::6]], [f"{name}y" for name in names[5::24]]
    fast = Fake("ty", r"\b(" + "|".join(counted) + "): int", at="one.py")
    slow = Fake("basedpyright", r"\b(" + "|".join(worded) + "): str", at="one.py")
    monkeypatch.setattr("typewright.assist.checked_copy.choose", lambda *_: (fast, slow))
    files = gated(session, AnnotateOptions(minimum_confidence=0.5, checker="auto"))
    taken_back = [slot.name for file in files.values() for slot, _ in file.taken_back]
    assert sorted(taken_back) == sorted(counted + worded)


class Moody(Fake):
    """A checker that also complains from its second run on, whatever stands there."""

    def errors(self, folder: Path, files: list[Path], **options: object) -> tuple[CheckerError, ...]:
        found = super().errors(folder, files, **options)
        return (*found, CheckerError(files[0], 1, "bad", "moody")) if self.runs > 1 else found


def test_what_is_wrong_without_any_annotation_takes_none_along(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session({"a.py": "".join(f"def f{n}(x=1):\n    return x\n\n" for n in range(12))})
    monkeypatch.setattr("typewright.assist.checked_copy.choose", lambda *_: (Moody("ty", "def f3.*x: int"),))
    [file] = gated(session, AnnotateOptions(minimum_confidence=0.5, checker="auto")).values()
    assert [(slot.function, slot.name) for slot, _ in file.taken_back] == [("f3", "x")]
    assert len(file.slots) == 23
