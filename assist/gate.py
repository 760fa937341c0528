"""Type checkers in the loop: annotations that bring new errors are taken back, or say less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typewright.analysis.spelling import Annotation
from typewright.assist.blame import Blame, Item, Placed
from typewright.assist.checked_copy import CheckedCopy, Complaint
from typewright.assist.checkers import CheckerError
from typewright.assist.isolation import Trials, culprits
from typewright.indexer.cancellation import NEVER, CancelToken, Progress

if TYPE_CHECKING:
    from typewright.assist.session import Session

_Trials = dict[Item, list[Annotation]]  # what was taken back, and the forms that it may still take
_MANY = 8  # suspects for one error, too many to let them all fall
# Runs of each checker that find out who of many brings an error: at least, and for so many annotations one.
_TRIALS, _ANNOTATIONS_A_TRIAL = 72, 8
_SLOW_TRIAL = 2  # as many as one of a slow checker counts
# Judgements of second chances, one after the other, that bring nothing back: then the rest stays out.
_PATIENCE = 8


class Annotated(Protocol):
    """The work that a gate judges: annotations that stand now, and those that were taken back."""

    def placed(self) -> Placed:
        """Return the text of every file now, and the sites annotated in it that are on trial."""

    def take_back(self, reasons: Mapping[Item, str]) -> None:
        """Take annotations away, each for a reason."""

    def give_back(self, forms: Mapping[Item, Annotation]) -> None:
        """Write annotations that were taken back, in these forms."""

    def form(self, item: Item) -> Annotation:
        """Return an annotation as it stands."""

    def forms(self, item: Item, error: CheckerError) -> Sequence[Annotation]:
        """Return an annotation as it was found, and what says less and might pass."""


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
        self._root = session.root
        self._copy = CheckedCopy(session, wanted, files, progress=progress, cancel=cancel)
        self._last_judgement = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The checkers that have the last word."""
        return self._copy.names

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._copy.close()

    def restart(self, work: Annotated) -> None:
        """Take the errors that there are now for granted."""
        self._hold(work)
        self._copy.take_for_granted()

    def settle(self, work: Annotated) -> bool:
        """Take back what brings new errors; return whether anything was.

        Annotations fall with the error that points at them. Those that fell in company, because it was not
        clear which of them was to blame, and those that can say less, are then tried one by one: at the same
        time in all functions, since most errors stay where they arise.
        """
        full, less, slow = self._accuse(work)
        self._last_judgement = self._copy.judgements + _PATIENCE
        for trials in (full, less):
            for quick in (True, False):
                while self._copy.judgements < self._last_judgement:
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
        standing = sum(len(keys) for _, keys in work.placed().values())
        most = max(_TRIALS, standing // _ANNOTATIONS_A_TRIAL)
        trials: defaultdict[str, Trials] = defaultdict(lambda: Trials(most))
        while complaints := self._complaints(work):
            blame = Blame(work.placed())
            charges: list[tuple[Complaint, Sequence[Item]]] = []
            vague: list[tuple[Complaint, Sequence[Item]]] = []
            for complaint in complaints:
                error = complaint.error
                doubtful |= accused[complaint.charge]  # they fell, and the error is still there
                items = blame.suspects(self._root / error.path, error, surfaced=complaint.surfaced)
                if items:
                    many = len(items) > _MANY and trials[complaint.checker.label].left > 0
                    (vague if many else charges).append((complaint, items))
            isolated = not charges
            if isolated:
                if not vague:
                    break  # nothing stands any more that could be taken back
                complaint = vague[0][0]
                guilty = self._isolate(work, complaint, blame, trials[complaint.checker.label])
                if not guilty:
                    self._copy.allow(complaint)
                charges = [(complaint, guilty)]
            found: dict[Item, str] = {}
            for complaint, guilty in charges:
                accused[complaint.charge].update(guilty)
                apart = (
                    len({*map(_function, guilty)}) if isolated else 1
                )  # that many are known to be to blame
                certain = complaint.surfaced or len(guilty) == apart
                (clear if certain else doubtful).update(guilty)
                for item in guilty:
                    found.setdefault(item, complaint.text)
                    errors.setdefault(item, complaint.error)
                if complaint.slow:
                    slow.update(guilty)
            work.take_back(found)
        forms = {item: list(work.forms(item, errors[item])) for item in sorted(errors)}
        again = {item: found[:1] * (item in doubtful or item not in clear) for item, found in forms.items()}
        return again, {item: found[1:] for item, found in forms.items()}, slow

    def _isolate(self, work: Annotated, complaint: Complaint, blame: Blame, trials: Trials) -> Sequence[Item]:
        """Return the annotations that bring an error; they all stand afterwards, as they did before."""
        error = complaint.error
        circles = list(blame.circles(self._root / error.path, error, surfaced=complaint.surfaced))
        suspects = [item for circle in circles for item in circle]
        forms = {item: work.form(item) for item in suspects}
        fallen: set[Item] = set()

        def let_fall(items: Collection[Item]) -> None:
            work.take_back({item: complaint.text for item in items if item not in fallen})
            work.give_back({item: forms[item] for item in fallen.difference(items)})
            fallen.clear()
            fallen.update(items)

        def stays(without: Sequence[Item]) -> bool:
            let_fall(without)
            self._hold(work)
            return any(
                found.charge == complaint.charge for found in self._copy.new(complaint.checker, only=only)
            )

        only: Path | None = error.path if complaint.slow else None
        if only and (not stays(()) or stays(suspects)):
            only = None  # it takes the other files to bring it, or to end it
        cost = _SLOW_TRIAL if complaint.slow else 1
        found = culprits(circles, stays, trials, cost=cost, group=_function)
        let_fall(())
        return found

    def _retry(self, work: Annotated, batch: Mapping[Item, Annotation], *, quick: bool) -> set[Item]:
        """Write a batch again and keep what brings no error; return what was kept.

        The suspects fall first. If that ends the errors, those that were suspected alone have had their
        trial; if it does not, everything falls and is tried again in two parts.
        """
        work.give_back(batch)
        complaints = self._complaints(work, quick=quick)
        if not complaints:
            return self._kept(batch)
        reasons = self._suspected(work, complaints, set(batch))
        alone = {item for items, _ in reasons if len(items) == 1 for item in items}
        suspects = {item: text for items, text in reversed(reasons) for item in items}
        rest = {item: form for item, form in batch.items() if item not in suspects}
        work.take_back(suspects or dict.fromkeys(batch, complaints[0].text))
        if len(batch) == 1 or self._copy.judgements >= self._last_judgement:
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
        return self._kept(rest) | {
            item for half in _halves(doubtful) for item in self._retry(work, half, quick=quick)
        }

    def _kept(self, items: Iterable[Item]) -> set[Item]:
        """Go on with second chances for longer where they are worth it."""
        kept = set(items)
        if kept:
            self._last_judgement = self._copy.judgements + _PATIENCE
        return kept

    def _suspected(
        self, work: Annotated, complaints: Sequence[Complaint], among: set[Item]
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

    def _complaints(self, work: Annotated, *, quick: bool = False) -> list[Complaint]:
        self._hold(work)
        return self._copy.complaints(quick=quick)

    def _hold(self, work: Annotated) -> None:
        self._copy.hold({path: text for path, (text, _) in work.placed().items()})


def _function(item: Item) -> tuple[Path, str]:
    path, key = item
    return path, key[1]


def _halves(batch: Mapping[Item, Annotation]) -> Iterator[dict[Item, Annotation]]:
    items = list(batch.items())
    yield from (dict(half) for half in (items[::2], items[1::2]) if half)


def _next_batch(trials: _Trials) -> dict[Item, Annotation]:
    """Take the next form to be tried from each function; {} where nothing is left to try."""
    batch: dict[tuple[Path, str], tuple[Item, Annotation]] = {}
    for item, forms in trials.items():
        if forms and _function(item) not in batch:
            batch[_function(item)] = item, forms.pop(0)
    return dict(batch.values())
