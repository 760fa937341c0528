"""Annotated modules imported in a child process of the project's interpreter, where the user asks.

Nothing is written for it: the child reads the annotated texts in place of the files on disk, so that data
files and compiled modules are where they always are.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.checkers import interpreter_of
from typewright.assist.edits import SourceFile
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError

if TYPE_CHECKING:
    from typewright.assist.session import Session

_SECONDS = 600  # for all modules together
# Runs on whatever Python the project has. A line is written before each import, so that the end of the whole
# process can be told apart, and one after it.
_CHILD = """
import importlib, json, os, sys, traceback
from importlib.machinery import SourceFileLoader
job = json.load(open(sys.argv[1], encoding="utf-8"))
texts = {os.path.realpath(path): text.encode("latin-1") for path, text in job["texts"].items()}
read, status = SourceFileLoader.get_data, SourceFileLoader.path_stats
def get_data(self, path):
    found = texts.get(os.path.realpath(path))
    return read(self, path) if found is None else found
def path_stats(self, path):
    if os.path.realpath(path) in texts:
        raise OSError("compiled code is of the text before")
    return status(self, path)
SourceFileLoader.get_data, SourceFileLoader.path_stats = get_data, path_stats
sys.dont_write_bytecode = True
sys.path[:0] = job["roots"]
report = open(sys.argv[2], "w", encoding="utf-8")
def tell(*row):
    report.write(json.dumps(row) + "\\n")
    report.flush()
for name in job["modules"]:
    tell("begins", name)
    try:
        importlib.import_module(name)
    except BaseException as error:
        frames = [os.path.realpath(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, SyntaxError) and error.filename:
            frames.append(os.path.realpath(error.filename))
        tell("fails", name, type(error).__name__ + ": " + str(error), frames)
    else:
        tell("works", name)
"""


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    frames: tuple[Path, ...] = ()


class Importer:
    """Imports modules before and after."""

    def __init__(self, session: Session, paths: Sequence[Path], *, cancel: CancelToken = NEVER) -> None:
        snapshot = session.snapshot(cancel=cancel)
        self._cancel = cancel
        python = interpreter_of(snapshot.environment)
        if python is None:
            raise TypewrightError(f"There is no interpreter in {snapshot.environment.prefix} to import with.")
        self._python = python
        self._root = snapshot.root
        self._modules: dict[str, Path] = {}
        self._roots: dict[str, None] = {}
        for path in paths:
            name = snapshot.module_name(path)
            parts = name.split(".")
            if path.suffix == ".py" and path.stem != "__main__" and all(map(str.isidentifier, parts)):
                self._modules[name] = path
                depth = len(parts) - (path.stem != "__init__")
                self._roots[str(path.parents[depth])] = None
        self._before = self._failures({})

    def broken(self, texts: Mapping[Path, str]) -> dict[Path, str]:
        """Return the files of `texts` because of which an import fails that worked before, and why."""
        found: dict[Path, str] = {}
        if not texts:
            return found
        real = {path.resolve(): path for path in texts}
        for name, failure in self._failures(texts).items():
            if name in self._before:
                continue
            changed = [real[frame] for frame in reversed(failure.frames) if frame in real]
            own = [path for path in (self._modules[name],) if path in texts]
            for path in (changed or own or list(texts))[: 1 if changed or own else None]:
                found.setdefault(path, f"import {name} would fail: {failure.reason}")
        return found

    def _failures(self, texts: Mapping[Path, str]) -> dict[str, _Failure]:
        contents = {
            str(path): SourceFile.read(path).holding(text).content.decode("latin-1")
            for path, text in texts.items()
        }
        found: dict[str, _Failure] = {}
        left = list(self._modules)
        while left:
            self._cancel.check()
            rows = self._run({"modules": left, "texts": contents, "roots": list(self._roots)})
            found |= {
                name: _Failure(why, tuple(map(Path, frames)))
                for kind, name, why, frames in rows
                if kind == "fails"
            }
            told = {name for kind, name, _, _ in rows if kind != "begins"}
            ended = [name for _, name, _, _ in rows if name not in told] or [left[0]] * (not told)
            found |= {name: _Failure("the interpreter ended") for name in ended}
            left = [name for name in left if name not in told and name not in ended]
        return found

    def _run(self, job: Mapping[str, object]) -> list[tuple[str, str, str, list[str]]]:
        with tempfile.TemporaryDirectory(prefix="typewright-import-") as folder:
            task, report = Path(folder) / "job.json", Path(folder) / "report.jsonl"
            task.write_text(json.dumps(job), encoding="utf-8")
            report.touch()
            try:
                subprocess.run(
                    [str(self._python), "-W", "ignore", "-c", _CHILD, str(task), str(report)],
                    cwd=self._root,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                pass  # the report says how far it came
            except OSError as error:
                raise TypewrightError(f"{self._python} does not start: {error.strerror or error}.") from error
            rows = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
        return [(kind, name, *(rest or ("", []))) for kind, name, *rest in rows]
