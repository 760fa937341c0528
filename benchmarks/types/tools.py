"""What is measured: a tool takes a folder and says a type for as many slots as it can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from slots import Place

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "type-benchmarks"


@dataclass(frozen=True, slots=True)
class Answer:
    """A type, as the tool writes it, and how sure the tool is."""

    type: str
    confidence: float = 1.0


Answers = dict[Place, Answer]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, children included; memory is that of the largest process."""

    wall: float
    cpu: float
    megabytes: float


class Tool(Protocol):
    """One way to get types for a folder."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def version(self) -> str:
        """What is measured, exactly."""

    def types(self, folder: Path, scratch: Path) -> Answers:
        """Types for the slots of all files in the folder, which is a project's root."""


def run(
    command: Sequence[str | Path],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    text: str = "",
    timeout: float = 3600,
) -> str:
    """A command's output; what it says on stderr is shown where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{command[0]}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


class Typewright:
    """Our own command line, as a user runs it."""

    def __init__(self, *, neural: bool) -> None:
        self.name = "Typewright" if neural else "Typewright --no-neural"
        self._options = [] if neural else ["--no-neural"]

    def version(self) -> str:
        """The last commit of the code, since versions stay the same for long; a changed tree is its own."""
        sources = ["analysis", "assist", "cli", "indexer", "models"]
        commit = run(["git", "log", "-1", "--format=%h", "--", *sources], ROOT).strip()
        changed = run(["git", "status", "--porcelain", "--", *sources], ROOT).strip()
        return f"{commit}-changed-{time.time():.0f}" if changed else commit

    def types(self, folder: Path, scratch: Path) -> Answers:
        """One JSON line a slot."""
        program = Path(sys.executable).with_name("typewright")
        command = [str(program), "types", ".", "--root", ".", "--json"]
        cache = {"TYPEWRIGHT_CACHE": str(scratch / "typewright")}
        output = run([*command, *self._options], folder, environment=cache)
        return answers_from_rows(map(json.loads, output.splitlines()))


def answers_from_rows(rows: Iterable[dict[str, Any]]) -> Answers:
    """Answers from JSON rows {file, line, col, kind, type, confidence?}."""
    found: Answers = {}
    for row in rows:
        place = Place(Path(row["file"]).as_posix(), row["line"], row["col"], row["kind"])
        found[place] = Answer(row["type"], row.get("confidence", 1.0))
    return found


def bare_environment() -> dict[str, str]:
    """No tool sees an installed package: one of them might be the annotated original of what was stripped."""
    folder = CACHE / "environment"
    if not folder.is_dir():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "VIRTUAL_ENV": str(folder), "PATH": path}


def measured(
    tool: Tool, folder: Path, scratch: Path, *, every: int = 1, limit: float = 7200
) -> tuple[Answers, Cost]:
    """Run a tool in a process of its own and see what that takes.

    Tools that are asked file by file can be asked about every n-th file only.
    """
    program = Path(__file__).with_name("worker.py")
    output = scratch / "answers.jsonl"
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(program), tool.name, str(folder), str(scratch), str(output)],
        env=bare_environment() | {"EVERY": str(every)},
        start_new_session=True,
    )
    ending = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    ending.start()
    _, status, usage = os.wait4(process.pid, 0)
    ending.cancel()
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        reason = f"did not end within {limit:.0f} s" if wall >= limit else f"failed ({process.returncode})"
        raise RuntimeError(f"{tool.name} {reason} on {folder.name}")
    return load(output), Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def save(answers: Answers, path: Path) -> None:
    """Write answers as JSON lines, in one step."""
    rows = [
        {
            "file": p.file,
            "line": p.line,
            "col": p.column,
            "kind": p.kind,
            "type": a.type,
            "confidence": a.confidence,
        }
        for p, a in answers.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    partial.replace(path)


def load(path: Path) -> Answers:
    """Read what `save` wrote."""
    return answers_from_rows(map(json.loads, path.read_text(encoding="utf-8").splitlines()))
