"""Type checkers as gates: their output read as data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typewright.assist.checkers import CHECKERS, CheckerError, find_checker
from typewright.indexer.environment import discover
from typewright.indexer.errors import TypewrightError

OUTPUT = {
    "mypy": "pkg/a.py:3: error: Incompatible types  [assignment]\npkg/a.py:4: note: see there\n",
    "pyright": json.dumps(
        {
            "generalDiagnostics": [
                {
                    "file": "pkg/a.py",
                    "severity": "error",
                    "message": "Incompatible types",
                    "rule": "assignment",
                    "range": {"start": {"line": 2, "character": 0}},
                },
                {"file": "pkg/a.py", "severity": "warning", "message": "unused"},
            ]
        }
    ),
    "pyrefly": json.dumps(
        {
            "errors": [
                {
                    "path": "pkg/a.py",
                    "line": 3,
                    "name": "assignment",
                    "description": "Incompatible types\n  and more",
                    "concise_description": "Incompatible types",
                    "severity": "error",
                }
            ]
        }
    ),
    "ty": "pkg/a.py:3:5: error[assignment] Incompatible types\npkg/a.py:4:1: warning[x] y\n",
}
OUTPUT["basedpyright"] = OUTPUT["pyright"]


def fake_checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, output: str, code: int) -> None:
    """A program on PATH that says what the real checker said once."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "output").write_text(output)
    program = folder / name
    program.write_text(f"#!/bin/sh\n/bin/cat {folder}/output\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.executable", str(tmp_path / "nowhere" / "python"))


@pytest.mark.parametrize("name", CHECKERS)
def test_the_output_of_every_checker_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    environment = discover(tmp_path)
    (tmp_path / "pkg").mkdir()
    fake_checker(tmp_path, monkeypatch, name, OUTPUT[name], 1)
    checker = find_checker(name, environment)
    if checker.executable.parent != tmp_path / "bin":
        pytest.skip(f"{name} is installed in the environment of the tests")
    found = checker.errors(tmp_path, [Path("pkg/a.py")])
    assert found == (CheckerError(Path("pkg/a.py"), 3, "assignment", "Incompatible types"),)


def test_mypy_itself_is_understood(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x: int = 'text'\ny: str = 3\n")
    found = find_checker("mypy", discover(tmp_path)).errors(tmp_path, [Path("a.py")])
    assert [(error.path, error.line, error.code) for error in found] == [
        (Path("a.py"), 1, "assignment"),
        (Path("a.py"), 2, "assignment"),
    ]


def test_a_checker_that_gives_up_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = no_such_plugin\n")
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(TypewrightError, match="mypy could not check"):
        find_checker("mypy", discover(tmp_path)).errors(tmp_path, [Path("a.py")])


def test_an_error_stays_itself_when_lines_move() -> None:
    one = CheckerError(Path("a.py"), 3, "no-redef", 'Name "f" already defined on line 12')
    other = CheckerError(Path("a.py"), 9, "no-redef", 'Name "f" already defined on line 18')
    assert one.identity == other.identity


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('"Unknown | str | None" is not "int"', '"None | str | Unknown" is not "int"', True),
        ("found `list[int] | None`", "found `None | list[int]`", True),
        ('expected "int", got "str | None"', 'expected "str | None", got "int"', False),
        ('"a | b" is not "c | d"', '"b | c" is not "a | d"', False),
    ],
)
def test_the_order_of_a_union_makes_no_other_error(one: str, other: str, *, same: bool) -> None:
    first, second = (CheckerError(Path("a.py"), 1, "code", message) for message in (one, other))
    assert (first.identity == second.identity) is same
