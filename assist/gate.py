"""Type checkers in the loop: annotations that bring new errors are taken back, or say less."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typewright.analysis.spelling import Annotation
from typewright.assist.blame import Blame, Item, Placed
from typewright.assist.checker_choice import AUTO, CONFIGURATION, choose
from typewright.assist.checkers import Checker, CheckerError, stand_in_for
from typewright.assist.isolation import Trials, culprits
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError
from typewright.indexer.syntax import parse

if TYPE_CHECKING:
    from typewright.assist.session import Session

_Trials = dict[Item, list[Annotation]]  # what was taken back, and the forms that it may still take
_SLOW = frozenset({"basedpyright", "pyright"})  # which begin anew at each run
_MOST_JUDGEMENTS = 16  # for second chances; what has had none by then stays out
_MANY = 8  # suspects for one error, too many to let them all fall
_MOST_TRIALS = 72  # runs of a checker that find out who of many brings an error
_SLOW_TRIAL = 3  # as many as one of a slow checker counts


class Annotated(Protocol):
    """The work that a gate judges: annotations that stand now, and those that were taken back."""

    def placed(self) -> Placed:
        """Return the text of every file now, and the sites annotated in it that are on trial."""

    def take_back(self, reasons: Mapping[Item, str]) -> None:
        """Take annotations away, each for a reason."""

    def give_back(self, forms: Mapping[Item, Annotation]) -> None:
        """Write annotations that were taken back, in these forms."""

    def forms(self, item: Item, error: CheckerError) -> Sequence[Annotation]:
        """Return an annotation as it was found, and what says less and might pass."""


@dataclass(frozen=True, slots=True)
class _Complaint:
    """An error that was not there before; `surfaced`: it was, in a body that nobody looked into."""

    checker: Checker
    error: CheckerError
    surfaced: bool

    @property
    def charge(self) -> tuple[object, ...]:
        """What stays the same when lines move."""
        return self.checker.name, self.error.identity

    @property
    def text(self) -> str:
        code = f" [{self.error.code}]" if self.error.code else ""
        return f"{self.checker.name}: {self.error.message.splitlines()[0]}{code}"


class Gate:
    """Compares checkers' errors with those of the code as it was, on a copy of the sources.

    What is taken back depends on the code before, the annotations on trial and the checkers alone; nothing is
    remembered between runs, so that equal facts are judged alike.
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
        self._runs = self._judgements = self._last_judgement = 0
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
        self._take_for_granted()

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

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def restart(self, work: Annotated) -> None:
        """Take the errors that there are now for granted."""
        self._copy_again(work)
        self._take_for_granted()

    def _take_for_granted(self) -> None:
        self._judged: dict[tuple[int, frozenset[tuple[Path, int]]], list[_Complaint]] = {}
        for checker in self._checkers:
            errors = self._errors(checker)
            self._known[checker.label] = Counter(error.identity for error in errors or ())

    def settle(self, work: Annotated) -> bool:
        """Take back what brings new errors; return whether anything was.

        Annotations fall with the error that points at them. Those that fell in company, because it was not
        clear which of them was to blame, and those that can say less, are then tried one by one: at the same
        time in all functions, since most errors stay where they arise.
        """
        full, less, slow = self._accuse(work)
        self._last_judgement = self._judgements + _MOST_JUDGEMENTS
        for trials in (full, less):
            for quick in (True, False):
                while self._judgements < self._last_judgement:
                    batch = _next_batch({item: trials[item] for item in trials if (item in slow) != quick})
                    if not batch:
                        break
                    for item in self._retry(work, batch, quick=quick):
                        full[item] = less[item] = []
        if full:
            self._accuse(work)  # what the slow checkers say of chances that they were not asked about
        return bool(full)

    # -- what is taken back -----------------------------------------------------------------------

    def _accuse(self, work: Annotated) -> tuple[_Trials, _Trials, set[Item]]:
        """Take annotations back until no error is new.

        Return all that fell, once with the form they had where that is worth another trial, once with those
        that say less, and those that fell by a slow checker.
        """
        accused: defaultdict[tuple[object, ...], set[Item]] = defaultdict(set)
        errors: dict[Item, CheckerError] = {}
        slow: set[Item] = set()
        clear: set[Item] = set()
        doubtful: set[Item] = set()
        trials = Trials(_MOST_TRIALS)
        while complaints := self._complaints(work):
            blame = Blame(work.placed())
            charges: list[tuple[_Complaint, Sequence[Item]]] = []
            vague: list[tuple[_Complaint, Sequence[Item]]] = []
            for complaint in complaints:
                error = complaint.error
                doubtful |= accused[complaint.charge]  # they fell, and the error is still there
                items = blame.suspects(self._root / error.path, error, surfaced=complaint.surfaced)
                if items:
                    (vague if len(items) > _MANY and trials.left > 0 else charges).append((complaint, items))
            isolated = not charges
            if isolated:
                charges = [
                    (complaint, self._isolate(work, complaint, items, trials))
                    for complaint, items in vague[:1]
                ]
            found: dict[Item, str] = {}
            for complaint, guilty in charges:
                accused[complaint.charge].update(guilty)
                certain = isolated or complaint.surfaced or len(guilty) == 1
                (clear if certain else doubtful).update(guilty)
                for item in guilty:
                    found.setdefault(item, complaint.text)
                    errors.setdefault(item, complaint.error)
                if complaint.checker.name in _SLOW:
                    slow.update(guilty)
            if not found:
                break  # nothing stands any more that could be taken back
            work.take_back(found)
        forms = {item: list(work.forms(item, errors[item])) for item in sorted(errors)}
        again = {item: found[:1] * (item in doubtful or item not in clear) for item, found in forms.items()}
        return again, {item: found[1:] for item, found in forms.items()}, slow

    def _isolate(
        self, work: Annotated, complaint: _Complaint, items: Sequence[Item], trials: Trials
    ) -> Sequence[Item]:
        """Return those of the items that bring an error; they all stand afterwards, as they did before."""
        standing = set(items)
        forms = {item: work.forms(item, complaint.error)[0] for item in items}

        def stand(chosen: Collection[Item]) -> None:
            work.take_back(dict.fromkeys(standing.difference(chosen), complaint.text))
            work.give_back({item: forms[item] for item in chosen if item not in standing})
            standing.intersection_update(chosen)
            standing.update(chosen)

        def brings(chosen: Sequence[Item]) -> bool:
            stand(chosen)
            self._copy_again(work)
            return any(found.charge == complaint.charge for found in self._new(complaint.checker))

        cost = _SLOW_TRIAL if complaint.checker.name in _SLOW else 1
        found = culprits(items, brings, trials, cost)
        stand(items)
        return found

    def _retry(self, work: Annotated, batch: Mapping[Item, Annotation], *, quick: bool) -> set[Item]:
        """Write a batch again and keep what brings no error; return what was kept.

        The suspects fall first. If that ends the errors, those that were suspected alone have had their
        trial; if it does not, everything falls and is tried again in two parts.
        """
        work.give_back(batch)
        complaints = self._complaints(work, quick=quick)
        if not complaints:
            return set(batch)
        reasons = self._suspected(work, complaints, set(batch))
        alone = {item for items, _ in reasons if len(items) == 1 for item in items}
        suspects = {item: text for items, text in reversed(reasons) for item in items}
        rest = {item: form for item, form in batch.items() if item not in suspects}
        work.take_back(suspects or dict.fromkeys(batch, complaints[0].text))
        if len(batch) == 1 or self._judgements >= self._last_judgement:
            return set()
        if not suspects:
            return {item for half in _halves(batch) for item in self._retry(work, half, quick=quick)}
        if complaints := self._complaints(work, quick=quick):
            work.take_back(dict.fromkeys(rest, complaints[0].text))
            if not rest:
                return set()  # what is wrong now is not of this batch
            return self._retry(work, rest, quick=quick) | self._retry(
                work, {item: batch[item] for item in suspects}, quick=quick
            )
        doubtful = {item: batch[item] for item in batch if item in suspects and item not in alone}
        return set(rest) | {
            item for half in _halves(doubtful) for item in self._retry(work, half, quick=quick)
        }

    def _suspected(
        self, work: Annotated, complaints: Sequence[_Complaint], among: set[Item]
    ) -> list[tuple[list[Item], str]]:
        """Return, for each complaint that points at some `among` the annotations, those and the complaint."""
        blame = Blame(work.placed())
        found = []
        for complaint in complaints:
            error = complaint.error
            items = blame.suspects(self._root / error.path, error, surfaced=complaint.surfaced)
            if pointed := [item for item in items if item in among]:
                found.append((pointed, complaint.text))
        return found if {item for items, _ in found for item in items} != among else []

    # -- what checkers say ------------------------------------------------------------------------

    def _complaints(self, work: Annotated, *, quick: bool = False) -> list[_Complaint]:
        """Return the new errors of the first checker with any; `quick` leaves slow ones out beside others."""
        self._copy_again(work)
        fast = [checker for checker in self._checkers if checker.name not in _SLOW]
        asked = fast if quick and fast else self._checkers
        state = len(asked), frozenset((path, hash(text)) for path, text in self._sources.items())
        if state not in self._judged:
            self._judgements += 1
            found = (list(self._new(checker)) for checker in asked)
            self._judged[state] = next(filter(None, found), [])
        return self._judged[state]

    def _new(self, checker: Checker) -> Iterator[_Complaint]:
        errors = self._errors(checker)
        if errors is None:
            return
        known = Counter(self._known[checker.label])
        inside = self._known.get(_with_bodies(checker), Counter())
        for error in errors:
            if known[error.identity]:
                known[error.identity] -= 1
            else:
                yield _Complaint(checker, error, surfaced=inside[error.identity] > 0)

    def _errors(self, checker: Checker) -> tuple[CheckerError, ...] | None:
        """Return what a checker says; None where it gave up, which ends its part if nobody named it."""
        self._cancel.check()
        self._runs += 1
        if self._progress is not None:
            self._progress(f"{checker.label}, run {self._runs}", 0, len(self._files))
        files = [path.relative_to(self._root) for path in self._files]
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

    def _copy_again(self, work: Annotated) -> None:
        with self._room():
            for path, (text, _) in work.placed().items():
                if path in self._sources and self._sources[path] != text:
                    self._write(path, text)

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


def _halves(batch: Mapping[Item, Annotation]) -> Iterator[dict[Item, Annotation]]:
    items = list(batch.items())
    yield from (dict(half) for half in (items[::2], items[1::2]) if half)


def _next_batch(trials: _Trials) -> dict[Item, Annotation]:
    """Take the next form to be tried from each function; {} where nothing is left to try."""
    batch: dict[tuple[Path, str], tuple[Item, Annotation]] = {}
    for item, forms in trials.items():
        path, key = item
        if forms and (path, key[1]) not in batch:
            batch[path, key[1]] = item, forms.pop(0)
    return dict(batch.values())
