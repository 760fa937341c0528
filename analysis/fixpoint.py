"""Demand-driven computation with cycles: results are kept, recursion runs to a fixed point, edits are cheap.

The scheme is tabled evaluation (as in logic programming): asking for a value that is being computed answers
with its last approximation, and the outermost computation of the cycle is repeated until nothing changes.
What was computed on the way stands on an approximation and is kept only until then. All effort is bounded.

Over edits, the scheme is that of rustc's and salsa's "red and green" queries: a result notes the inputs
and results that it read. When it is asked for after an edit, these are looked at first; a result that was
computed again and is the same as before does not make anything out of date that stands on it. Members of
a cycle stand and fall together.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from typewright.analysis.budget import Budget, Exhausted
from typewright.analysis.identity import identical
from typewright.analysis.inputs import Input
from typewright.analysis.results import (
    TOP,
    Entry,
    Moment,
    Momentary,
    Provisional,
    Question,
    Running,
    Support,
    Value,
)
from typewright.indexer.cancellation import NEVER, CancelToken

__all__ = ["Budget", "Exhausted", "Memo"]

_MAX_ROUNDS = 3
_UNHURRIED = 0.4  # the share of a query's time in which everything is pursued
_RECURSION_LIMIT = 8_000
_ENOUGH = 5  # so many levels of callers less are not worth another computation
_SWEEP = 20_000  # so many new results and what was not asked for lately is forgotten
_LATELY = 100  # revisions
_LIGHT = frozenset({"seen", "local"})
"""Kinds of results that only select from others: they do not count as a level of depth."""


class Memo:
    """Keeps what was computed, by key; see the module's description.

    `callers` is how many more levels of call sites may be followed. A value that was cut short there is
    computed again when somebody asks who may go further.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.callers = budget.callers
        self.cancel: CancelToken = NEVER
        self.revision = 1
        self._entries: dict[Hashable, Entry] = {}
        self._provisional: dict[Hashable, Provisional] = {}
        self._momentary: dict[Hashable, Momentary] = {}
        self._seeds: dict[Hashable, object] = {}
        self._running: dict[Hashable, Running[object]] = {}
        self._stack: list[Running[object]] = []
        self._steps = 0
        self._limit = float("inf")
        self._deadline = self._hurry = float("inf")
        self._swept = 0
        self._light = 0

    def clear(self) -> None:
        """Forgets everything."""
        for entry in self._entries.values():
            if entry.support is not None:
                entry.support.sound = False
        self._entries.clear()

    def edited(self) -> None:
        """Begins a new revision: inputs are about to change."""
        assert not self._stack, "an edit in the middle of a computation"
        self.revision += 1
        self._seeds.clear()
        if len(self._entries) > self._swept + _SWEEP:
            old = self.revision - _LATELY
            stale = [
                entry
                for entry in self._entries.values()
                if entry.support is None or (not entry.support.fixed and entry.support.verified < old)
            ]
            for entry in stale:
                if entry.support is not None:
                    entry.support.sound = False
                del self._entries[entry.key]
            self._swept = len(self._entries)

    # What a computation reports about itself.

    def tick(self, amount: int = 1) -> None:
        """Counts work. Raises `Exhausted` when the budget is used up, `Cancelled` when nobody waits."""
        self._steps += amount
        if self._steps > self._limit:
            raise Exhausted
        if self._steps & 127 < amount:
            self.cancel.check()
            if time.monotonic() > self._deadline:
                raise Exhausted

    @contextmanager
    def limited(self, steps: int) -> Iterator[None]:
        """Bounds the work inside; the bound around stays in force."""
        outside = self._limit
        self._limit = min(outside, self._steps + steps)
        try:
            yield
        finally:
            self._limit = outside

    @contextmanager
    def apart(self, steps: int) -> Iterator[None]:
        """Bounds work that is not done for the caller alone: it is not charged to the bound around."""
        outside, before = self._limit, self._steps
        self._limit = self._steps + steps
        try:
            yield
        finally:
            self._limit = outside + self._steps - before

    @contextmanager
    def query(self, cancel: CancelToken) -> Iterator[None]:
        """One query from outside: its cancel token, its deadline, its budget."""
        if sys.getrecursionlimit() < _RECURSION_LIMIT:  # our depth is bounded by `Budget.depth`
            sys.setrecursionlimit(_RECURSION_LIMIT)
        outside = (self.cancel, self._deadline, self._hurry)
        self.cancel = cancel
        self._hurry = min(self._hurry, time.monotonic() + _UNHURRIED * self.budget.seconds)
        self._deadline = min(self._deadline, time.monotonic() + self.budget.seconds)
        try:
            yield
        finally:
            self.cancel, self._deadline, self._hurry = outside

    @property
    def exceeded(self) -> bool:
        """Whether the budget of the whole query is used up, not only that of a part."""
        return time.monotonic() > self._deadline

    @property
    def hurried(self) -> bool:
        """Whether so much of the query's time is gone that call sites are not followed any more."""
        return time.monotonic() > self._hurry

    @property
    def overdrawn(self) -> bool:
        """Whether the budget of the part around is used up."""
        return self._steps > self._limit

    @property
    def depth(self) -> int:
        """How many computations are running."""
        return len(self._stack)

    def depend(self, input: Input) -> None:
        """Notes that the running computation read something that may change."""
        if self._stack:
            self._stack[-1].inputs[input] = None

    def truncate(self) -> None:
        """Notes that the running computation was cut short."""
        if self._stack:
            self._stack[-1].truncated = True

    def read_running(self, depth: int, moment: Moment, name: str) -> None:
        """Notes that the running computation read what a name holds in the scope that runs at `depth`."""
        if self._stack:
            top = self._stack[-1]
            top.volatile = min(top.volatile, depth)
            top.moments[moment, name] = moment.holds(name)

    def has(self, key: Hashable) -> bool:
        """Whether a value is there already."""
        if key in self._provisional or key in self._running:
            return True
        entry = self._entries.get(key)
        return entry is not None and self._holds(entry)

    def fresh(self, key: Hashable) -> bool:
        """Whether a value is there that was used since the last edit."""
        entry = self._entries.get(key)
        return entry is not None and entry.support is not None and entry.support.verified == self.revision

    # Results.

    def get(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        bottom: Value,
        widen: Callable[[Value, Value], Value] | None = None,
        exhausted: Value | None = None,
        *,
        transient: bool = False,
    ) -> Value:
        """The value of `key`. `bottom` starts a cycle, `widen(old, new)` makes it end.

        `exhausted` (or else `bottom`) is the answer where computations are nested too deep. A `transient`
        value that has read the state of a running scope is computed again when that state is another.
        """
        entry = self._entries.get(key)
        if entry is not None and self._holds(entry) and not self._cut_short(entry):
            if self._stack:
                top = self._stack[-1]
                top.results[entry] = None
                if entry.truncated:
                    top.truncated = True
            return entry.value  # type: ignore[return-value]
        provisional = self._provisional.get(key)
        if provisional is not None:
            top = self._stack[-1]
            top.results[provisional.entry] = None
            top.truncated = top.truncated or provisional.truncated
            top.low = min(top.low, provisional.low)
            if provisional.momentary:
                top.volatile = min(top.volatile, provisional.low)
            return provisional.value  # type: ignore[return-value]
        momentary = self._momentary.get(key)
        if momentary is not None and momentary.holds():
            top = self._stack[-1]
            made = momentary.made
            top.results[made.entry] = None
            top.inputs.update(made.inputs)
            top.results.update(made.results)
            top.moments.update(momentary.moments)
            top.truncated = top.truncated or made.truncated
            top.low = min(top.low, momentary.low)
            top.volatile = min(top.volatile, momentary.volatile)
            return made.value  # type: ignore[return-value]
        running = self._running.get(key)
        if running is not None:
            running.hit = True
            top = self._stack[-1]
            top.results[running.entry] = None
            top.low = min(top.low, running.depth)
            return running.value  # type: ignore[return-value]
        if len(self._stack) - self._light >= self.budget.depth:
            self.truncate()
            return bottom if exhausted is None else exhausted
        question: Question = (compute, bottom, widen, exhausted, transient)  # type: ignore[assignment]
        return self._compute(key, question)  # type: ignore[return-value]

    # Whether results still hold.

    def _cut_short(self, entry: Entry) -> bool:
        """Whether a value was cut short where now more effort may be made."""
        return entry.truncated and entry.callers + _ENOUGH < self.callers and not self.hurried

    def _holds(self, entry: Entry) -> bool:
        while True:
            support = entry.support
            if support is None or not support.sound:
                return False
            if support.fixed or support.verified == self.revision or self._verify(support):
                return True
            if entry.support is support:
                return False  # else it was computed again on the way

    def _verify(self, support: Support) -> bool:
        """Whether nothing that these results stand on has changed since they were last seen to hold."""
        if support.checking:  # what it stands on now asks for it: then it is computed in that cycle
            support.sound = False
            return False
        verified = support.verified
        for input in support.inputs:
            if input.changed > verified:
                support.sound = False
                return False
        support.checking = True
        try:
            for entry in support.results:
                if not self._is_unchanged(entry, verified) or not support.sound:
                    support.sound = False
                    return False
        finally:
            support.checking = False
        support.verified = self.revision
        return True

    def _is_unchanged(self, entry: Entry, since: int) -> bool:
        if not self._holds(entry):
            if entry.question is None or entry.key in self._running or entry.key in self._provisional:
                return False
            if len(self._stack) - self._light >= self.budget.depth:
                return False
            callers = self.callers
            self.callers = max(entry.callers, 0) if entry.truncated else callers
            try:
                self._compute(entry.key, entry.question)
            except LookupError:  # what it was about is gone
                return False
            finally:
                self.callers = callers
            if not self._holds(entry):
                return False
        return entry.changed <= since

    # Computations.

    def _compute(self, key: Hashable, question: Question) -> object:
        compute, bottom, widen, _, transient = question
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(key)
        entry.question = question
        running: Running[object] = Running(len(self._stack), entry, self._seeds.pop(key, bottom))
        light = key[0] in _LIGHT  # type: ignore[index]
        self._light += light
        self._running[key] = running
        self._stack.append(running)
        finished = False
        try:
            for round_ in range(_MAX_ROUNDS):
                running.hit = running.unsettled = False
                running.low = running.volatile = TOP
                running.moments.clear()
                value = compute()
                if not running.hit:
                    break
                settled = value == running.value
                running.value = value if round_ == 0 or widen is None else widen(running.value, value)
                if running.low < running.depth:  # a wider cycle repeats this one
                    if not settled:
                        self._stack[running.low].unsettled = True
                    break
                if settled and not running.unsettled:
                    break
                if self.hurried:
                    running.truncated = True
                    break
                if (
                    round_ + 1 < _MAX_ROUNDS
                ):  # the last round counts, at rest or not: else it would be run again
                    self._drop(running.pending, running)
            finished = True
        finally:
            self._stack.pop()
            self._light -= light
            del self._running[key]
            if not finished:
                self._drop(running.pending, running)
                self._pass_on(running)
        self._keep(key, running, value, transient)
        return value

    def _keep(self, key: Hashable, running: Running[object], value: object, transient: bool) -> None:
        callers = -1 if running.truncated and self.hurried else self.callers
        low = running.low if running.low < running.depth else TOP
        volatile = running.volatile if running.volatile < running.depth else TOP
        head = min(low, volatile)
        moments = {read: value for read, value in running.moments.items() if read[0].running}
        provisional = Provisional(
            running.entry,
            value,
            head,
            volatile != TOP,
            running.truncated,
            callers,
            running.inputs,
            running.results,
        )
        if head == TOP:
            self._settle(provisional, running.pending)
        elif volatile != TOP and transient:
            self._momentary[key] = Momentary(provisional, low, volatile, moments)
            self._stack[head].pending.extend((key, *running.pending))
            self._pass_on(running)
        else:
            self._provisional[key] = provisional
            self._stack[head].pending.extend((key, *running.pending))
            if running.hit:
                self._seeds[key] = running.value
        if self._stack:
            top = self._stack[-1]
            top.results[running.entry] = None
            top.truncated = top.truncated or running.truncated
            top.low = min(top.low, low)
            top.volatile = min(top.volatile, volatile)
            if volatile != TOP:
                top.moments.update(moments)

    def _pass_on(self, running: Running[object]) -> None:
        """What a value stands on that is not kept concerns whoever has asked for it."""
        if self._stack:
            self._stack[-1].inputs.update(running.inputs)
            self._stack[-1].results.update(running.results)

    def _settle(self, head: Provisional, pending: list[Hashable]) -> None:
        """Keeps what stood on the approximation that has proved right; not what saw a momentary state."""
        if not pending:
            results = (entry for entry in head.results if entry is not head.entry and self._stands(entry))
            self._store(head, Support(head.inputs, results, self.revision), head.truncated)
            return
        members = [head]
        for key in pending:
            self._momentary.pop(key, None)
            provisional = self._provisional.pop(key, None)
            if provisional is not None:
                members.append(provisional)
        own = {member.entry for member in members}
        support = Support(
            dict.fromkeys(input for member in members for input in member.inputs),
            dict.fromkeys(
                entry
                for member in members
                for entry in member.results
                if entry not in own and self._stands(entry)
            ),
            self.revision,
        )
        for member in members:
            if not member.momentary:
                self._store(member, support, member.truncated or head.truncated)

    def _stands(self, entry: Entry) -> bool:
        """Whether a result that was read is kept; what others stand on was handed on else."""
        support = entry.support
        return support is not None and support.sound and (support.fixed or support.verified == self.revision)

    def _store(self, made: Provisional, support: Support, truncated: bool) -> None:
        entry = made.entry
        if entry.support is None or not identical(entry.value, made.value):
            entry.value = made.value
            entry.changed = self.revision
        entry.support = support
        entry.truncated, entry.callers = truncated, made.callers

    def _drop(self, pending: list[Hashable], running: Running[object]) -> None:
        for key in pending:
            self._momentary.pop(key, None)
            provisional = self._provisional.pop(key, None)
            if provisional is not None:
                running.inputs.update(provisional.inputs)
                running.results.update(provisional.results)
        pending.clear()
