"""How results reach a terminal, a pipe or a script."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from typewright.indexer.cancellation import Progress

_REDRAW_SECONDS = 0.1
_BAR = 24


def print_json(row: object) -> None:
    """Print one JSON object on one line; plain data classes and paths are understood."""
    print(json.dumps(row, default=_plain))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Path):
        return shown(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def shown(path: Path) -> str:
    """Return a path as a person would write it: relative to the working directory where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def home(path: Path) -> str:
    """Return a path with the home folder as `~`."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def say(text: str) -> None:
    """Tell the user something that is no result: on stderr, so that pipes stay clean."""
    print(text, file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Return rows in aligned columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 file", "2 files", "12,000 files"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on stderr while the block runs; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.clear()


class _Bar:
    def __init__(self) -> None:
        self._drawn = 0.0
        self._stage = ""
        self._width = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._drawn < _REDRAW_SECONDS and stage == self._stage and done != total:
            return
        self._drawn, self._stage = now, stage
        filled = _BAR * done // total if total else 0
        line = f"{stage}  [{'#' * filled}{'.' * (_BAR - filled)}] {done:,}/{total:,}"
        line = line[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{line.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(line)

    def clear(self) -> None:
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0


def discard_output() -> None:
    """Send what Python would still flush at exit nowhere: our output has no reader or no room."""
    if sys.stdout is not None:  # it is None where the shell has closed it (`>&-`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
