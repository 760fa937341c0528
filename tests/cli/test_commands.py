"""The commands end to end: what they print, their exit codes, and how they end early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typewright.cli.main import BROKEN_PIPE, INTERRUPTED, main

CODE = """\
    import json

    def load(path, strict=True):
        with open(path) as file:
            return json.loads(file.read())

    def names(count):
        return [str(n) for n in range(count)]

    load("x.json", False)
    names(3)
    json.parse("{}")
    """
Run = Callable[..., tuple[int, str, str]]


pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project, which is also the working directory."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\nname = 'p'\n")
    (root / "code.py").write_text(dedent(CODE))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; its index lies in the test's folder."""

    def run_(*arguments: str) -> tuple[int, str, str]:
        workspace = arguments[0] not in ("models", "train", "serve")
        try:
            code = main([*arguments, *(["--cache", str(tmp_path / "cache")] if workspace else [])])
        except SystemExit as ended:
            code = int(ended.code or 0)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_


def install_tiny_library(project: Path) -> None:
    """Give the project an environment with one small library: reading the standard library takes a while."""
    site = project / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "tiny-1.0.dist-info").mkdir(parents=True)
    (site / "tiny.py").write_text("def grow(by):\n    'Grow a tiny thing.'\n")
    (site / "tiny-1.0.dist-info" / "METADATA").write_text("Name: tiny\nVersion: 1.0\n")
    (site / "tiny-1.0.dist-info" / "RECORD").write_text("tiny.py,,\n")
    (project / ".venv" / "pyvenv.cfg").write_text("version = 3.11.0\n")


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_types_prints_the_rows_of_the_contract(run: Run) -> None:
    code, out, _ = run("types", "code.py", "--json", "--no-neural")
    assert code == 0
    found = {(row["kind"], row["name"]): row for row in rows(out)}
    assert list(found["return", "names"]) == [
        "file", "line", "col", "kind", "function", "name", "type", "confidence", "source", "evidence",
    ]  # fmt: skip
    row = found["return", "names"]
    assert (row["file"], row["line"], row["col"], row["type"]) == ("code.py", 7, 5, "list[str]")
    assert all(each["source"] == "static" for each in found.values())
    assert row["evidence"][0]["file"] == "code.py"


def test_types_for_people(run: Run) -> None:
    code, out, _ = run("types", ".", "--no-neural", "--min-confidence", "0.5")
    assert code == 0
    assert (
        "code.py:7:5: return names.names: list[str]" in out or "code.py:7:5: return names: list[str]" in out
    )


def test_annotate_shows_a_diff_and_has_findings(project: Path, run: Run) -> None:
    before = (project / "code.py").read_text()
    code, out, err = run("annotate", ".", "--no-neural", "--min-confidence", "0.5")
    assert code == 1
    assert "+def names(count: int) -> list[str]:" in out
    assert "--write writes them" in err
    assert (project / "code.py").read_text() == before


def test_annotate_writes_and_has_nothing_left(project: Path, run: Run) -> None:
    arguments = ("annotate", ".", "--no-neural", "--min-confidence", "0.5")
    code, out, err = run(*arguments, "--write")
    assert (code, out) == (0, "")
    assert "written to 1 file" in err
    assert "def names(count: int) -> list[str]:" in (project / "code.py").read_text()
    code, out, err = run(*arguments)
    assert (code, out) == (0, "")
    assert "nothing to annotate" in err


def test_annotate_says_what_it_left_and_who_had_the_last_word(project: Path, run: Run) -> None:
    (project / "worse.py").write_text("class A:\n    def __init__(self):\n        self.items = []\n")
    arguments = ("annotate", ".", "--no-neural", "--min-confidence", "0.5")
    _, _, err = run(*arguments, "--checker", "mypy")
    assert "confidence" in err
    assert "the last word: mypy" in err
    assert "1 taken back" in err
    assert 'taken back (1): mypy: Need type annotation for "items"' in err
    _, _, err = run(*arguments, "--checker", "none")
    assert "the last word: no type checker" in err
    _, out, _ = run(*arguments, "--checker", "mypy", "--json")
    [row] = [row for row in rows(out) if row["file"] == "worse.py"]
    assert [(found["name"], found["reason"].partition(":")[0]) for found in row["taken_back"]] == [
        ("__init__", "mypy")
    ]


def test_annotate_json_is_one_row_a_file(project: Path, run: Run) -> None:
    (project / "broken.py").write_text("def f(:\n")
    code, out, _ = run("annotate", ".", "--json", "--no-neural", "--min-confidence", "0.5")
    assert code == 0
    found = {row["file"]: row for row in rows(out)}
    assert found["code.py"]["changed"] is True
    assert {row["name"] for row in found["code.py"]["annotations"]} >= {"names", "count"}
    assert "does not parse" in found["broken.py"]["problem"]


def test_check_finds_what_does_not_exist(project: Path, run: Run) -> None:
    code, out, _ = run("check", ".")
    assert code == 1
    assert out.startswith("code.py:12:6: member: ")
    code, out, _ = run("check", ".", "--json")
    [row] = rows(out)
    assert (row["file"], row["line"], row["name"]) == ("code.py", 12, "parse")
    (project / "code.py").write_text("x = 1\n")
    assert run("check", ".")[:2] == (0, "")


def test_index_says_what_it_read_and_where(project: Path, run: Run, tmp_path: Path) -> None:
    (project / "guide.md").write_text("# Guide\n\nHow to load things.\n")
    install_tiny_library(project)
    (project / "solved.jsonl").write_text('{"query": "load it", "gold": [["tiny.load"]]}\n')
    code, out, _ = run("index", ".", "--docs", "guide.md", "--questions", "solved.jsonl", "--library", "tiny")
    assert code == 0
    assert "documents: 2 read, 2 sections" in out
    assert str(tmp_path / "cache") in out
    code, out, _ = run("index", ".", "--json", "--library", "tiny")
    [report] = rows(out)
    assert report["files"]["files"] == 1
    assert report["libraries"]["unchanged"] == ["tiny"]
    assert report["bytes"] > 0


def test_doctor_says_what_is_here_and_what_mends_the_rest(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    for name in ("environment", "libraries", "index", "device", "weights"):
        assert name in out
    code, out, _ = run("doctor", "--json")
    found = {row["name"]: row for row in rows(out)}
    assert found["index"]["ok"] is False
    assert "typewright index" in found["index"]["remedy"]


def test_models_are_listed_and_described(run: Run) -> None:
    code, out, _ = run("models", "list")
    assert code == 0
    assert out.startswith("NAME")
    code, out, _ = run("models", "list", "--json")
    names = [row["name"] for row in rows(out)]
    code, out, _ = run("models", "info", names[0], "--json")
    assert rows(out)[0]["license"]
    code, out, err = run("models", "info", "no-such-model")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("types", "gone.py"),
        ("annotate", "notes.txt"),
        ("check", "gone"),
        ("types", ".", "--python", "no/such/python"),
        ("types", ".", "--root", "gone"),
        ("complete", "gone.py:1:1", "--no-neural"),
        ("complete", "code.py:99:1", "--no-neural"),
        ("complete",),
        ("recommend",),
        ("recommend", "--batch", "gone.jsonl"),
        ("recommend", "--batch", "bad.jsonl"),
        ("complete", "--batch", "bad.jsonl"),
        ("train", "type-model", "--config", "gone.toml"),
        ("train", "nothing", "--config", "bad.jsonl"),
        ("index", "gone"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    project: Path, run: Run, arguments: tuple[str, ...]
) -> None:
    (project / "notes.txt").write_text("")
    (project / "bad.jsonl").write_text('{"id": 1}\n')
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("typewright: ")
    assert err.count("\n") == 1


def test_an_empty_project_is_no_error(project: Path, run: Run) -> None:
    (project / "code.py").unlink()
    assert run("types", ".", "--no-neural")[:2] == (0, "")
    assert run("annotate", ".", "--no-neural")[:2] == (0, "")
    assert run("check", ".")[:2] == (0, "")


def program(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "typewright.cli.main", *arguments]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)


def test_a_reader_that_goes_away_is_no_crash(project: Path, tmp_path: Path) -> None:
    lines = "".join(f"def f{n}(a):\n    return 1\n" for n in range(400))
    (project / "code.py").write_text(lines)
    reader, writer = os.pipe()
    running = program("types", ".", "--no-neural", "--json", "--cache", str(tmp_path / "c"), stdout=writer)
    os.close(writer)
    os.close(reader)
    _, err = running.communicate(timeout=240)
    assert running.returncode == BROKEN_PIPE
    assert "Traceback" not in err


def test_ctrl_c_ends_cleanly_and_leaves_the_files_whole(project: Path, tmp_path: Path) -> None:
    text = "".join(f"def f{n}(a, b):\n    return [a.x{n}, b] * {n}\n" for n in range(3000))
    for number in range(6):
        (project / f"m{number}.py").write_text(text)
    running = program(
        "annotate", ".", "--write", "--no-neural", "--cache", str(tmp_path / "c"), stdout=subprocess.PIPE
    )
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=240)
    assert running.returncode == INTERRUPTED
    assert "Traceback" not in err
    assert {path.read_text() for path in project.glob("m?.py")} == {text}
    assert not list(project.glob(".*.tmp"))


def test_recommend_and_describe_find_an_api(project: Path, run: Run) -> None:
    install_tiny_library(project)
    question = {"id": 7, "query": "make a thing grow", "context": "code.py:3"}
    (project / "questions.jsonl").write_text(json.dumps(question))
    library = ("--library", "tiny", "--no-neural")
    code, out, _ = run("recommend", "grow a thing", "-k", "1", "--json", *library)
    assert code == 0
    assert [(row["name"], row["library"]) for row in rows(out)] == [("tiny.grow", "tiny")]
    code, out, _ = run("recommend", "grow a thing", "-k", "1", *library)
    first, why, where = out.splitlines()
    assert first == " 1. tiny.grow(by)"
    assert "“Grow a tiny thing.”" in why
    assert where.endswith("tiny.py:1")
    code, out, _ = run("recommend", "--batch", "questions.jsonl", *library)
    assert code == 0
    [row] = rows(out)
    assert list(row) == ["id", "pred", "reasons", "total_ms"]
    assert (row["id"], row["pred"]) == (7, ["tiny.grow"])
    code, out, _ = run("describe", "tiny.grow")
    assert code == 0
    assert "Grow a tiny thing." in out
    code, out, _ = run("describe", "tiny.nothing")
    assert (code, out) == (2, "")
