"""Which checkers have a say when nobody names one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from typewright.assist.checker_choice import choose, configured
from typewright.assist.checkers import stand_in_for
from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with no checker in it, and none anywhere else."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "ours" / "bin" / "python"))
    return Environment(tmp_path / "environment", (3, 11), (), "setting")


def install(prefix: Path, *names: str) -> None:
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    for name in names:
        (prefix / "bin" / name).write_text("#!/bin/sh\n")
        (prefix / "bin" / name).chmod(0o755)


def labels(root: Path, environment: Environment, wanted: str = "auto") -> list[str]:
    return [checker.label for checker in choose(wanted, root, environment)]


def test_the_checkers_that_the_project_configures(root: Path, environment: Environment) -> None:
    install(environment.prefix, "mypy", "ty", "pyrefly")
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[tool.mypy]\npretty = true\n")
    assert configured(root) == {"mypy"}
    assert labels(root, environment) == ["mypy --check-untyped-defs", "mypy"]
    (root / "pyproject.toml").write_text("[tool.mypy]\nstrict = true\n")
    assert labels(root, environment) == ["mypy"]  # which looks into bodies anyway


def test_all_that_are_installed_where_none_is_configured(root: Path, environment: Environment) -> None:
    install(environment.prefix, "basedpyright", "ty", "pyright")
    (root / "setup.cfg").write_text("[metadata]\nname = x\n")
    # pyright alone would fetch itself from the network
    assert labels(root, environment) == ["ty", "basedpyright"]


def test_what_is_configured_but_not_installed_has_no_say(root: Path, environment: Environment) -> None:
    install(environment.prefix, "ty")
    (root / "mypy.ini").write_text("[mypy]\n")
    assert labels(root, environment) == ["ty"]


def test_basedpyright_stands_in_for_pyright(root: Path, environment: Environment) -> None:
    install(environment.prefix, "basedpyright", "ty")
    (root / "pyrightconfig.json").write_text("{}")
    assert labels(root, environment) == ["basedpyright"]


def test_none_and_a_name(root: Path, environment: Environment) -> None:
    install(environment.prefix, "ty", "pyrefly")
    assert labels(root, environment, "none") == []
    assert labels(root, environment, "pyrefly") == ["pyrefly"]
    with pytest.raises(TypewrightError, match="mypy is not installed"):
        choose("mypy", root, environment)
    assert labels(root, replace(environment, prefix=root / "elsewhere")) == []


def test_programs_of_the_workspace_run_only_where_their_environment_was_named(
    root: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(root / ".venv", "ty")
    found = replace(environment, prefix=root / ".venv", origin="in the project")
    assert labels(root, found) == []
    assert labels(root, replace(found, origin="setting")) == ["ty"]
    monkeypatch.setenv("VIRTUAL_ENV", str(root / ".venv"))
    assert labels(root, found) == ["ty"]
    monkeypatch.delenv("VIRTUAL_ENV")
    install(tmp_path / "ours", "ty")
    [checker] = choose("auto", root, found)
    assert checker.executable == tmp_path / "ours" / "bin" / "ty"


def test_plugins_that_are_files_of_the_workspace_are_not_run_unasked(
    root: Path, environment: Environment
) -> None:
    install(environment.prefix, "mypy")
    (root / "mypy.ini").write_text("[mypy]\nplugins =\n    numpy.typing.mypy_plugin,\n    ./plugin.py\n")
    assert labels(root, environment) == []
    assert labels(root, environment, "mypy") == ["mypy --check-untyped-defs", "mypy"]


def test_a_program_answers_for_the_interpreter(tmp_path: Path, environment: Environment) -> None:
    there = replace(environment, search_paths=(tmp_path / "it's here",))
    program = stand_in_for(there, tmp_path)
    assert program is not None

    def ask(*arguments: str) -> str:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout

    assert json.loads(ask("-c", "import sys, json; json.dump(tuple(sys.version_info), sys.stdout)"))[:2] == [
        3,
        11,
    ]
    assert json.loads(ask("-c", "json.dump(dict(path=sys.path))"))["path"] == [str(tmp_path / "it's here")]
    assert ask("pyinfo.py", "getsearchdirs") == repr(([], [str(tmp_path / "it's here")]))
