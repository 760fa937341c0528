"""A copy of the sources, and what type checkers say of it that they did not say of the code as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.checker_choice import AUTO, CONFIGURATION, choose
from typewright.assist.checkers import Checker, CheckerError, stand_in_for
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError
from typewright.indexer.syntax import parse

if TYPE_CHECKING:
    from typewright.assist.session import Session

_SLOW = frozenset({"basedpyright", "pyright"})  # which begin anew at each run
# mypy says it of annotated functions alone, even with --check-untyped-defs: any annotation of one brings it.
_UNSAID = frozenset({"var-annotated"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that was not there before; `surfaced`: it was, in a body that was not judged in full."""

    checker: Checker
    error: CheckerError
    surfaced: bool

    @property
    def charge(self) -> tuple[object, ...]:
        """What stays the same when lines move."""
        return self.checker.name, self.error.identity

    @property
    def text(self) -> str:
        """What the checker says, and which."""
        code = f" [{self.error.code}]" if self.error.code else ""
        return f"{self.checker.name}: {self.error.message.splitlines()[0]}{code}"

    @property
    def slow(self) -> bool:
        """Whether it takes long to ask the checker again."""
        return self.checker.name in _SLOW


class CheckedCopy:
    """The sources on trial, with the checkers that are asked about them.

    `judgements` counts how often they were. What they say is remembered until other errors are taken for
    granted.
    """

    def __init__(
        self,
        session: Session,
        wanted: str,
        files: Sequence[Path],
        *,
        progress: Progress | None = None,
        cancel: CancelToken = NEVER,
    ) -> None:
        snapshot = session.snapshot(cancel=cancel)
        self._session = session
        self._root = snapshot.root
        self._lenient = wanted == AUTO
        self._progress = progress
        self._cancel = cancel
        self._checkers = choose(wanted, self._root, snapshot.environment)
        self._known: dict[str, Counter[tuple[Path, str, str]]] = {}
        self._runs = self.judgements = 0
        self._written = int(time.time())
        self._folder = tempfile.TemporaryDirectory(prefix="typewright-check-")
        folder = Path(self._folder.name).resolve()
        self._stand_in = stand_in_for(snapshot.environment, folder)
        self._copy = folder / "code"
        self._copy.mkdir()
        self._sources: dict[Path, str] = {}
        if self._checkers:
            texts = {path: snapshot.text(path) for path in files}
            with self._room():
                self._copy_project([*snapshot.files(), *files], texts)
        self._files = [path for path in files if path in self._sources]
        self.take_for_granted()

    def _copy_project(self, paths: Iterable[Path], texts: Mapping[Path, str]) -> None:
        for name in CONFIGURATION:
            if (self._root / name).is_file():
                shutil.copy(self._root / name, self._copy / name)
        snapshot = self._session.snapshot()
        for path in dict.fromkeys(paths):
            text = texts[path] if path in texts else snapshot.text(path)
            if not path.is_relative_to(self._root) or parse(text, remember=False).damage:
                continue  # checkers give up altogether where one file is broken
            self._write(path, text)
            if (path.parent / "py.typed").is_file():
                (self._place(path).parent / "py.typed").touch()

    @property
    def names(self) -> tuple[str, ...]:
        """The checkers that have the last word."""
        return tuple(dict.fromkeys(checker.name for checker in self._checkers))

    def hold(self, texts: Mapping[Path, str]) -> None:
        """Write the texts that are others now."""
        with self._room():
            for path, text in texts.items():
                if path in self._sources and self._sources[path] != text:
                    self._write(path, text)

    def close(self) -> None:
        """Remove the copy."""
        self._folder.cleanup()

    def take_for_granted(self) -> None:
        """Take the errors that there are now for granted."""
        self._judged: dict[tuple[int, frozenset[tuple[Path, int]]], list[Complaint]] = {}
        for checker in self._checkers:
            errors = self._errors(checker)
            self._known[checker.label] = Counter(error.identity for error in errors or ())

    def allow(self, complaint: Complaint) -> None:
        """Take one more error for granted: it comes and goes without any annotation."""
        self._known[complaint.checker.label][complaint.error.identity] += 1
        self._judged.clear()

    def complaints(self, *, quick: bool = False) -> list[Complaint]:
        """Return the new errors of the first checker with any; `quick` leaves slow ones out beside others."""
        fast = [checker for checker in self._checkers if checker.name not in _SLOW]
        asked = fast if quick and fast else self._checkers
        state = len(asked), frozenset((path, hash(text)) for path, text in self._sources.items())
        if state not in self._judged:
            self.judgements += 1
            found = (list(self.new(checker)) for checker in asked)
            self._judged[state] = next(filter(None, found), [])
        return self._judged[state]

    def new(self, checker: Checker, only: Path | None = None) -> Iterator[Complaint]:
        """Yield the errors that were not there before, of all files or of one."""
        errors = self._errors(checker, only)
        if errors is None:
            return
        known = Counter(self._known[checker.label])
        inside = self._known.get(_with_bodies(checker), Counter())
        for error in errors:
            if known[error.identity]:
                known[error.identity] -= 1
            else:
                surfaced = inside[error.identity] > 0 or error.code in _UNSAID
                yield Complaint(checker, error, surfaced=surfaced)

    def _errors(self, checker: Checker, only: Path | None = None) -> tuple[CheckerError, ...] | None:
        """Return what a checker says; None where it gave up, which ends its part if nobody named it."""
        self._cancel.check()
        self._runs += 1
        if self._progress is not None:
            self._progress(f"{checker.label}, run {self._runs}", 0, len(self._files))
        files = [only] if only else [path.relative_to(self._root) for path in self._files]
        if not files:
            return ()
        try:
            return checker.errors(self._copy, files, stand_in=self._stand_in, cancel=self._cancel)
        except TypewrightError as error:
            if not self._lenient:
                raise
            self._checkers = tuple(other for other in self._checkers if other.name != checker.name)
            self._session.notice(f"{error} It has no say.")
            return None

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Go on without checkers where there is no room for the copy, unless one was named."""
        try:
            yield
        except OSError as error:
            reason = f"The code cannot be copied for type checkers: {error.strerror or error}."
            if not self._lenient:
                raise TypewrightError(reason) from error
            self._checkers = ()
            self._session.notice(f"{reason} They have no say.")

    def _place(self, path: Path) -> Path:
        return self._copy / path.relative_to(self._root)

    def _write(self, path: Path, text: str) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")
        # mypy takes a file of the same size and second for the same file.
        self._written += 1
        os.utime(place, (self._written, self._written))
        self._sources[path] = text


def _with_bodies(checker: Checker) -> str:
    return f"{checker.label} --check-untyped-defs" if checker.name == "mypy" and not checker.bodies else ""
