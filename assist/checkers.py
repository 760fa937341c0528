"""Type checkers as gates: run as the user would, their errors read as data."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError

_TEXT_LINE = re.compile(
    r"^(?P<path>.+?):(?P<line>\d+):(?:\d+:)? error: (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?$"
)
_CONCISE_LINE = re.compile(r"^(?P<path>.+?):(?P<line>\d+):\d+: error\[(?P<code>[\w-]+)\] (?P<message>.*)$")
_PLACE = re.compile(r"\bline \d+|:\d+")
_UNION = re.compile(r"[^\s\"'`|]+(?: \| [^\s\"'`|]+)+")
# Of a function with annotations some of which are missing, mypy says something else than of one without any.
_WHOLE = frozenset({"no-untyped-def"})
_PATIENCE = 0.1  # seconds between looks at whether the user still waits


@dataclass(frozen=True, slots=True)
class CheckerError:
    """One error: the file relative to the folder that was checked, a 1-based line, what the checker says."""

    path: Path
    line: int
    code: str
    message: str

    @property
    def identity(self) -> tuple[Path, str, str]:
        """What stays the same when lines move, or the arms of a union come in another order."""
        if self.code in _WHOLE:
            return self.path, self.code, ""
        message = _UNION.sub(lambda union: " | ".join(sorted(union[0].split(" | "))), self.message)
        return self.path, self.code, _PLACE.sub("", message)


@dataclass(frozen=True, slots=True)
class Checker:
    """A type checker that is installed here.

    `bodies` makes mypy look into functions without annotations, which it leaves alone unless it is told to.
    """

    name: str
    executable: Path
    environment: Environment
    bodies: bool = False

    @property
    def label(self) -> str:
        """What to call it in progress and messages."""
        return f"{self.name} --check-untyped-defs" if self.bodies else self.name

    def errors(
        self,
        folder: Path,
        files: Sequence[Path],
        *,
        stand_in: Path | None = None,
        cancel: CancelToken = NEVER,
    ) -> tuple[CheckerError, ...]:
        """Check `files` (relative to `folder`), with the folder's own configuration.

        `stand_in` is a program that answers for the environment's interpreter (`stand_in_for`); without one
        the interpreter itself is asked. Raises TypewrightError where the checker gives up before it has
        checked.
        """
        dialect = _DIALECTS[self.name]
        python = stand_in or interpreter_of(self.environment)
        command = [str(self.executable), *dialect.arguments(self, python), *map(str, files)]
        code, output, complaint = _run(command, folder, cancel)
        if code not in (0, 1):
            reason = (complaint.strip() or output.strip() or f"exit code {code}").splitlines()
            raise TypewrightError(f"{self.name} could not check: {reason[0]}.")
        try:
            return tuple(dialect.read(output, folder.resolve()))
        except (ValueError, KeyError, TypeError) as error:
            raise TypewrightError(f"{self.name} could not check: its report makes no sense.") from error


def _run(command: Sequence[str], folder: Path, cancel: CancelToken) -> tuple[int, str, str]:
    """Run a program to its end, or end it where the user does not want to wait any longer."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        try:
            running = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=complaint
            )
        except OSError as error:
            raise TypewrightError(f"{command[0]} does not start: {error.strerror or error}.") from error
        try:
            while True:
                cancel.check()
                try:
                    code = running.wait(timeout=_PATIENCE)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
        output.seek(0)
        complaint.seek(0)
        return code, output.read().decode(errors="replace"), complaint.read().decode(errors="replace")


def stand_in_for(environment: Environment, folder: Path) -> Path | None:
    """Write a program that tells checkers what the environment's interpreter would, which then need not run.

    None where the system cannot run a script as a program.
    """
    if os.name != "posix":
        return None
    paths = [str(path) for path in environment.search_paths]
    library = [str(path) for path in environment.standard_library]
    answers = {
        "*version_info*": json.dumps([*environment.version, 0, "final", 0]),
        "*getsearchdirs*": repr((library, paths)),  # mypy reads a Python literal
        "*": json.dumps({"path": [*library, *paths], "prefix": str(environment.prefix)}),
    }
    cases = "".join(f"{case}) printf '%s' {shlex.quote(answer)};;\n" for case, answer in answers.items())
    program = folder / "python"
    program.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}esac\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def find_checker(name: str, environment: Environment) -> Checker:
    """Return the checker: the one of the project's environment first, then ours, then any on PATH."""
    folders = [environment.prefix / "bin", environment.prefix / "Scripts", Path(sys.executable).parent]
    for folder in (*map(str, folders), None):
        found = shutil.which(name, path=folder)
        if found is not None:
            return Checker(name, Path(found).absolute(), environment)
    raise TypewrightError(f"{name} is not installed here: pip install {name}.")


def interpreter_of(environment: Environment) -> Path | None:
    """Return the interpreter of an environment, None where it has none."""
    for place in ("bin/python", "Scripts/python.exe", "python.exe"):
        if (environment.prefix / place).exists():
            return environment.prefix / place
    return None


@dataclass(frozen=True, slots=True)
class _Dialect:
    arguments: Callable[[Checker, Path | None], list[str]]
    read: Callable[[str, Path], Iterable[CheckerError]]


def _mypy_arguments(checker: Checker, python: Path | None) -> list[str]:
    plain = [
        "--no-pretty",
        "--no-color-output",
        "--no-error-summary",
        "--show-error-codes",
        "--hide-error-context",
        f"--cache-dir=.typewright-mypy-cache{'-bodies' * checker.bodies}",
    ]
    bodies = ["--check-untyped-defs"] if checker.bodies else []
    return [*plain, *bodies, *(["--python-executable", str(python)] if python else [])]


def _pyright_arguments(_: Checker, python: Path | None) -> list[str]:
    return ["--outputjson", *(["--pythonpath", str(python)] if python else [])]


def _pyrefly_arguments(checker: Checker, _: Path | None) -> list[str]:
    environment = checker.environment
    paths = [f"--site-package-path={path}" for path in environment.search_paths]
    version = ".".join(map(str, environment.version))
    arguments = ["--skip-interpreter-query", "--python-version", version, *paths]
    return ["check", "--output-format", "json", "--summary=none", *arguments]


def _ty_arguments(checker: Checker, _: Path | None) -> list[str]:
    return ["check", "--output-format", "concise", "--python", str(checker.environment.prefix)]


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
