"""What can be typed: help that costs little, versions, and wrong use in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typewright.cli.arguments import build_parser
from typewright.cli.main import main

HEAVY = ("torch", "transformers", "pygls", "lsprotocol", "numpy", "faiss", "griffe", "sqlite3")
COMMANDS = (
    "index", "types", "annotate", "recommend", "complete", "check",
    "describe", "serve", "models", "train", "doctor",
)  # fmt: skip


def modules_after(arguments: list[str]) -> set[str]:
    """The modules that are loaded when the command line has done its work, in a process of its own."""
    code = (
        "import json, sys\n"
        "from typewright.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["annotate", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(arguments)
    assert "argparse" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert not {name for name in loaded if name.startswith(("typewright.assist", "typewright.analysis"))}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_contract_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: typewright {command}" in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"typewright {version('typewright')}\n"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "invalid choice"),
        (["types"], "required: PATH"),
        (["annotate", ".", "--diff", "--write"], "not allowed with"),
        (["annotate", ".", "--min-confidence", "2"], "not a number from 0 to 1"),
        (["annotate", ".", "--select", "params,classes"], "not made of params, returns, variables"),
        (["annotate", ".", "--checker", "pylint"], "invalid choice"),
        (["complete", "a.py:3"], "not FILE:LINE:COL"),
        (["complete", "a.py:0:1"], "not FILE:LINE:COL"),
        (["recommend", "x", "-k", "0"], "whole number"),
        (["recommend", "x", "--context", "a.py"], "not FILE:LINE"),
        (["serve", "--tcp", "nowhere"], "not HOST:PORT"),
        (["train", "type-model"], "--config"),
        (["models"], "ACTION"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    output = capsys.readouterr()
    assert ended.value.code == 2
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_places_are_read_from_the_right() -> None:
    options = build_parser().parse_args(["complete", "C:/odd:name.py:3:14"])
    assert options.place == (Path("C:/odd:name.py"), 3, 14)
    options = build_parser().parse_args(["serve", "--tcp", "[::1]:2087"])
    assert options.tcp == ("::1", 2087)
