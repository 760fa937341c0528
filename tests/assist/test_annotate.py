"""Annotating whole workspaces: thresholds, rounds, idempotence, writing, the checker in the loop."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from typewright.assist.annotate import AnnotatedFile, AnnotateOptions, annotate
from typewright.assist.edits import FileChanged
from typewright.assist.session import Session
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError

from .conftest import Opener

SURE = AnnotateOptions(minimum_confidence=0.5)
PACKAGE = {
    "pyproject.toml": "[project]\nname = 'p'\nrequires-python = '>=3.9'\n",
    "p/__init__.py": "from .model import Model\n",
    "p/model.py": """\
        '''A model.'''
        from .view import render

        class Model:
            def __init__(self, name, size=1):
                self.name = name
                self.size = size

            def copy(self):
                return Model(self.name, self.size)

            def show(self):
                return render(self)

        Model("a", 2).copy()
        """,
    "p/view.py": """\
        def render(model):
            return [model.name]

        def lines(count):
            return ["-"] * count
        """,
}


def annotated(session: Session, options: AnnotateOptions = SURE) -> dict[str, AnnotatedFile]:
    return {file.path.name: file for file in annotate(session, [session.root], options)}


def test_a_package_with_a_cycle_is_annotated_and_still_imports(open_session: Opener) -> None:
    session = open_session(PACKAGE)
    for file in annotated(session).values():
        file.write()
    model, view = (session.root / "p" / f"{name}.py" for name in ("model", "view"))
    assert "def __init__(self, name: str, size: int = 1) -> None:" in model.read_text()
    assert "def copy(self) -> Model:" in model.read_text()
    assert "def render(model: Model) -> list[str]:" in view.read_text()
    assert "if TYPE_CHECKING:\n    from p.model import Model" in view.read_text()
    done = subprocess.run(
        [sys.executable, "-c", "import p, p.view"],
        cwd=session.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_a_second_run_changes_nothing(open_session: Opener) -> None:
    session = open_session(PACKAGE)
    first = annotated(session)
    assert sum(len(file.slots) for file in first.values()) > 4
    for file in first.values():
        file.write()
    session.refresh()
    assert [file for file in annotated(session).values() if file.changed or file.slots] == []


def test_nothing_is_written_unless_asked(open_session: Opener) -> None:
    session = open_session(PACKAGE)
    before = {path: path.read_bytes() for path in session.root.rglob("*.py")}
    diff = annotated(session)["view.py"].diff("p/view.py")
    assert "+def render(model: Model) -> list[str]:" in diff
    assert {path: path.read_bytes() for path in session.root.rglob("*.py")} == before


def test_only_what_is_selected_and_sure(open_session: Opener) -> None:
    text = "def f(a, b=1):\n    found = {}\n    found[a] = 1\n    return found\n\nf('x')\n"
    session = open_session({"a.py": text})
    returns = annotated(session, AnnotateOptions(frozenset({"returns"}), 0.5))["a.py"]
    assert {slot.kind for slot in returns.slots} == {"return"}
    variables = annotated(session, AnnotateOptions(frozenset({"variables"}), 0.5))["a.py"]
    assert "    found: dict[str, int] = {}\n" in variables.after
    assert not annotated(session, AnnotateOptions(minimum_confidence=1.0))["a.py"].changed


def test_an_annotation_that_settles_another_is_followed_by_it(open_session: Opener) -> None:
    session = open_session({"a.py": "def one():\n    return 1\n\ndef two():\n    return [one()]\n"})
    assert "def two() -> list[int]:" in annotated(session)["a.py"].after


def test_line_ends_encoding_and_bom_survive(open_session: Opener) -> None:
    session = open_session({"a.py": ""})
    path = session.root / "a.py"
    content = b"\xef\xbb\xbf# coding: utf-8\r\ndef f():\r\n    return '\xc3\xa9'\r\n"
    path.write_bytes(content)
    session.refresh()
    annotated(session)["a.py"].write()
    assert path.read_bytes() == content.replace(b"f()", b"f() -> str")


def test_files_that_cannot_be_annotated_are_said(open_session: Opener) -> None:
    session = open_session({"broken.py": "def f(:\n    return 1\n", "good.py": "def g():\n    return 1\n"})
    (session.root / "latin.py").write_bytes(b"x = '\xff'\ndef h(): return 1\n")
    session.refresh()
    found = annotated(session)
    assert "does not parse" in found["broken.py"].problem
    assert "cannot read" in found["latin.py"].problem
    assert not found["broken.py"].changed
    assert found["good.py"].changed


def test_a_file_that_changes_meanwhile_is_left(open_session: Opener) -> None:
    session = open_session({"a.py": "def f():\n    return 1\n"})
    file = annotated(session)["a.py"]
    (session.root / "a.py").write_text("def f():\n    return 'other'\n")
    with pytest.raises(FileChanged):
        file.write()
    assert (session.root / "a.py").read_text() == "def f():\n    return 'other'\n"


def test_a_cancelled_run_writes_nothing(open_session: Opener) -> None:
    session = open_session(PACKAGE)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        list(annotate(session, [session.root], SURE, cancel=token))


def test_the_checker_takes_back_what_brings_errors(open_session: Opener) -> None:
    session = open_session(
        {
            "pyproject.toml": "[tool.mypy]\nwarn_return_any = true\n",
            "a.py": """\
                class Box:
                    def __init__(self):
                        self.content = None

                    def fill(self, thing):
                        self.content = thing
                        return self.content.upper()

                def good(n):
                    return n + 1

                Box().fill("x")
                good(3)
                """,
        }
    )
    without = annotated(session)["a.py"]
    assert "-> int" in without.after
    gated = annotated(session, AnnotateOptions(minimum_confidence=0.5, checker="mypy"))["a.py"]
    assert "def good(n: int) -> int:" in gated.after
    assert "def fill(self, thing: str):" in gated.after
    assert {slot.name for slot, _ in gated.taken_back} == {"__init__", "fill"}
    (session.root / "a.py").write_text(gated.after)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "a.py"], cwd=session.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_checker_that_is_not_installed_is_one_clear_error(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    session = open_session({"a.py": "def f():\n    return 1\n"})
    with pytest.raises(TypewrightError, match="pyrefly is not installed"):
        annotated(session, AnnotateOptions(checker="pyrefly"))


def test_every_annotated_file_of_a_real_package_is_the_same_code(open_session: Opener) -> None:
    import json.decoder

    folder = Path(json.decoder.__file__).parent
    session = open_session({f"copy/{path.name}": path.read_text() for path in folder.glob("*.py")})
    found = annotated(session)
    assert sum(len(file.slots) for file in found.values()) > 10
    for file in found.values():
        assert not file.problem
        ast.parse(file.after)


def test_decorators_of_the_workspace_that_read_annotations_are_left_alone(open_session: Opener) -> None:
    session = open_session(
        {
            "framework.py": """\
                import typing

                def command(f):
                    print(typing.get_type_hints(f))
                    return f
                """,
            "tool.py": """\
                from framework import command

                @command
                def run():
                    return 1

                def plain():
                    return 1
                """,
        }
    )
    after = annotated(session)["tool.py"].after
    assert "def run():" in after
    assert "def plain() -> int:" in after


def test_a_later_round_knows_the_imports_of_an_earlier_one(open_session: Opener) -> None:
    session = open_session(
        {
            "maker.py": "class Thing:\n    pass\n\ndef make():\n    return Thing()\n",
            "user.py": """\
                from maker import make

                def first():
                    return make()

                def second(thing):
                    return third(thing)

                def third(thing):
                    return thing

                second(first())
                """,
        }
    )
    for _ in range(2):
        files = annotated(session)
        for file in files.values():
            file.write()
        session.refresh()
    assert not any(file.changed for file in files.values())
    text = (session.root / "user.py").read_text()
    assert text.count("Thing") == 1 + text.count("-> Thing") + text.count("thing: Thing")


CHAIN = {
    "a.py": "import b\n\ndef first():\n    return b.second()\n\ndef own():\n    return 'a'\n",
    "b.py": "import c\n\ndef second():\n    return c.third()\n",
    "c.py": "def third():\n    return [1]\n",
}


def test_many_files_are_settled_in_batches_and_once_more_together(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = {name: file.after for name, file in annotated(open_session(CHAIN)).items()}
    monkeypatch.setattr("typewright.assist.annotate._BATCH", 1)
    session = open_session(CHAIN)
    handed_out = []
    for file in annotate(session, [session.root], SURE):
        file.write()
        handed_out.append(file.path.name)
    assert {path.name: path.read_text() for path in session.root.glob("*.py")} == together
    assert handed_out[:3] == ["a.py", "b.py", "c.py"]
    session.refresh()
    assert not any(file.changed for file in annotated(session).values())


def test_who_stops_keeps_the_batches_before_and_goes_on_where_he_stopped(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typewright.assist.annotate._BATCH", 1)
    session = open_session(CHAIN)
    for file in annotate(session, [session.root], SURE):
        file.write()
        break
    assert "def own() -> str:" in (session.root / "a.py").read_text()
    assert (session.root / "c.py").read_text() == CHAIN["c.py"]
    session.refresh()
    files = list(annotate(session, [session.root], SURE))
    for file in files:
        file.write()
    assert "def third() -> list[int]:" in (session.root / "c.py").read_text()


def test_what_is_left_open_is_counted_by_what_is_in_the_way(open_session: Opener) -> None:
    text = "def f(a, b=1):\n    return b\n\ndef g(self, c):\n    pass\n"
    session = open_session({"a.py": text})
    file = annotated(session, AnnotateOptions(minimum_confidence=1.0))["a.py"]
    assert not file.slots
    assert sum(file.left.values()) == 5  # a, b, c and both returns
    assert file.left["not sure enough"] >= 3
