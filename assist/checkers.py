"""Type checkers as gates: run as the user would, their errors read as data."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError

# Files beside the sources that tell a checker how to check.
CONFIGURATION = (
    "pyproject.toml",
    "setup.cfg",
    "mypy.ini",
    ".mypy.ini",
    "pyrightconfig.json",
    "pyrefly.toml",
    "ty.toml",
)
_TEXT_LINE = re.compile(
    r"^(?P<path>.+?):(?P<line>\d+):(?:\d+:)? error: (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?$"
)
_CONCISE_LINE = re.compile(r"^(?P<path>.+?):(?P<line>\d+):\d+: error\[(?P<code>[\w-]+)\] (?P<message>.*)$")
_PLACE = re.compile(r"\bline \d+|:\d+")


@dataclass(frozen=True, slots=True)
class CheckerError:
    """One error: the file relative to the folder that was checked, a 1-based line, what the checker says."""

    path: Path
    line: int
    code: str
    message: str

    @property
    def identity(self) -> tuple[Path, str, str]:
        """What stays the same when lines move."""
        return self.path, self.code, _PLACE.sub("", self.message)


@dataclass(frozen=True, slots=True)
class Checker:
    """A type checker that is installed here."""

    name: str
    executable: Path
    environment: Environment

    def errors(self, folder: Path, files: Sequence[Path]) -> tuple[CheckerError, ...]:
        """Check `files` (relative to `folder`), with the folder's own configuration.

        Raises TypewrightError where the checker gives up before it has checked.
        """
        dialect = _DIALECTS[self.name]
        command = [str(self.executable), *dialect.arguments(_interpreter(self.environment)), *map(str, files)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            reason = (
                done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
            ).splitlines()
            raise TypewrightError(f"{self.name} could not check: {reason[0]}.")
        return tuple(dialect.read(done.stdout, folder.resolve()))


def find_checker(name: str, environment: Environment) -> Checker:
    """Return the checker: the one of the project's environment first, then ours, then any on PATH."""
    folders = [environment.prefix / "bin", environment.prefix / "Scripts", Path(sys.executable).parent]
    for folder in (*map(str, folders), None):
        found = shutil.which(name, path=folder)
        if found is not None:
            return Checker(name, Path(found), environment)
    raise TypewrightError(f"{name} is not installed here: pip install {name}.")


def _interpreter(environment: Environment) -> Path | None:
    for place in ("bin/python", "Scripts/python.exe", "python.exe"):
        if (environment.prefix / place).exists():
            return environment.prefix / place
    return None


@dataclass(frozen=True, slots=True)
class _Dialect:
    arguments: Callable[[Path | None], list[str]]
    read: Callable[[str, Path], Iterable[CheckerError]]


def _mypy_arguments(python: Path | None) -> list[str]:
    plain = [
        "--no-pretty",
        "--no-color-output",
        "--no-error-summary",
        "--show-error-codes",
        "--hide-error-context",
        "--cache-dir=.typewright-mypy-cache",
    ]
    return [*plain, *(["--python-executable", str(python)] if python else [])]


def _pyright_arguments(python: Path | None) -> list[str]:
    return ["--outputjson", *(["--pythonpath", str(python)] if python else [])]


def _pyrefly_arguments(python: Path | None) -> list[str]:
    interpreter = ["--python-interpreter-path", str(python)] if python else []
    return ["check", "--output-format", "json", "--summary=none", *interpreter]


def _ty_arguments(python: Path | None) -> list[str]:
    return ["check", "--output-format", "concise", *(["--python", str(python)] if python else [])]


def _read_lines(pattern: re.Pattern[str]) -> Callable[[str, Path], Iterable[CheckerError]]:
    def read(output: str, folder: Path) -> Iterable[CheckerError]:
        for line in output.splitlines():
            if match := pattern.match(line):
                yield CheckerError(
                    _relative(match["path"], folder),
                    int(match["line"]),
                    match["code"] or "",
                    match["message"],
                )

    return read


def _read_pyright(output: str, folder: Path) -> Iterable[CheckerError]:
    for row in json.loads(output or "{}").get("generalDiagnostics", ()):
        if row["severity"] == "error":
            line = row.get("range", {}).get("start", {}).get("line", 0) + 1
            yield CheckerError(_relative(row["file"], folder), line, row.get("rule", ""), row["message"])


def _read_pyrefly(output: str, folder: Path) -> Iterable[CheckerError]:
    for row in json.loads(output or "{}").get("errors", ()):
        if row.get("severity", "error") == "error":
            message = row.get("concise_description") or row["description"]
            yield CheckerError(_relative(row["path"], folder), row["line"], row["name"], message)


def _relative(name: str, folder: Path) -> Path:
    path = (folder / name).resolve()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


_DIALECTS = {
    "mypy": _Dialect(_mypy_arguments, _read_lines(_TEXT_LINE)),
    "pyright": _Dialect(_pyright_arguments, _read_pyright),
    "basedpyright": _Dialect(_pyright_arguments, _read_pyright),
    "pyrefly": _Dialect(_pyrefly_arguments, _read_pyrefly),
    "ty": _Dialect(_ty_arguments, _read_lines(_CONCISE_LINE)),
}
CHECKERS = tuple(_DIALECTS)
