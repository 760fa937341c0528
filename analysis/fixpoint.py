"""Demand-driven computation with cycles: results are kept, recursion runs to a fixed point.

The scheme is tabled evaluation (as in logic programming): asking for a value that is being computed answers
with its last approximation, and the outermost computation of the cycle is repeated until nothing changes.
What was computed on the way stands on an approximation and is kept only until then. All effort is bounded.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from typewright.indexer.cancellation import NEVER, CancelToken

Value = TypeVar("Value")

_TOP = 1 << 30
_MAX_ROUNDS = 4
_UNHURRIED = 0.4  # the share of a query's time in which everything is pursued
_RECURSION_LIMIT = 8_000
_ENOUGH = 5  # so many levels of callers less are not worth another computation


class Exhausted(Exception):  # noqa: N818 - it is no error: the answer is "unknown"
    """The budget of a computation is used up."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How far one query may go. An editor wants fewer `seconds` than a batch: the rest is then unknown.

    `steps` are statements and calls interpreted for one scope, `call_steps` for one call of an un-annotated
    function; `depth` bounds computations inside computations, `callers` how many levels up call sites are
    followed, `contexts` how often one function is interpreted for different arguments.
    """

    seconds: float = 60.0
    steps: int = 200_000
    call_steps: int = 3_000
    depth: int = 150
    callers: int = 10
    contexts: int = 24


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    dependencies: int
    truncated: bool
    callers: int


@dataclass(slots=True)
class _Running(Generic[Value]):
    depth: int
    value: Value
    hit: bool = False
    unsettled: bool = False
    low: int = _TOP
    volatile: int = _TOP
    dependencies: int = 0
    truncated: bool = False
    pending: list[Hashable] = field(default_factory=list)


class Memo:
    """Keeps what was computed, by key; see the module's description.

    `callers` is how many more levels of call sites may be followed. A value that was cut short there is
    computed again when somebody asks who may go further.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.callers = budget.callers
        self.cancel: CancelToken = NEVER
        self._kept: dict[Hashable, _Entry[object]] = {}
        self._provisional: dict[Hashable, tuple[_Entry[object], int, bool]] = {}
        self._seeds: dict[Hashable, object] = {}
        self._running: dict[Hashable, _Running[object]] = {}
        self._stack: list[_Running[object]] = []
        self._steps = 0
        self._limit = float("inf")
        self._deadline = self._hurry = float("inf")

    def inherit(self, other: Memo, changed: int) -> None:
        """Takes over what another memo knows that does not depend on what `changed` (a bit set)."""
        for key, entry in other._kept.items():
            if not entry.dependencies & changed:
                self._kept[key] = entry

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

    def depend(self, bit: int) -> None:
        """Notes that the running computation read something that may change."""
        if self._stack:
            self._stack[-1].dependencies |= bit

    def truncate(self) -> None:
        """Notes that the running computation was cut short."""
        if self._stack:
            self._stack[-1].truncated = True

    def read_running(self, depth: int) -> None:
        """Notes that the running computation read the momentary state of the one at `depth`."""
        if self._stack:
            top = self._stack[-1]
            top.volatile = min(top.volatile, depth)

    def has(self, key: Hashable) -> bool:
        """Whether a value is there already."""
        return key in self._kept or key in self._provisional or key in self._running

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
        value is computed again each time while the state that it has read is momentary.
        """
        entry = self._kept.get(key)
        if entry is not None and not (
            entry.truncated and not self.hurried and entry.callers + _ENOUGH < self.callers
        ):
            self._note(entry, _TOP)
            return entry.value  # type: ignore[return-value]
        provisional = self._provisional.get(key)
        if provisional is not None:
            below, low, momentary = provisional
            self._note(below, low)
            if momentary:
                self.read_running(low)
            return below.value  # type: ignore[return-value]
        running = self._running.get(key)
        if running is not None:
            running.hit = True
            top = self._stack[-1]
            top.low = min(top.low, running.depth)
            return running.value  # type: ignore[return-value]
        if len(self._stack) >= self.budget.depth:
            self.truncate()
            return bottom if exhausted is None else exhausted
        return self._compute(key, compute, bottom, widen, transient)

    def _compute(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        bottom: Value,
        widen: Callable[[Value, Value], Value] | None,
        transient: bool,
    ) -> Value:
        running: _Running[Value] = _Running(len(self._stack), self._seeds.pop(key, bottom))  # type: ignore[arg-type]
        self._running[key] = running  # type: ignore[assignment]
        self._stack.append(running)  # type: ignore[arg-type]
        finished = False
        try:
            for round_ in range(_MAX_ROUNDS):
                running.hit = running.unsettled = False
                running.low = running.volatile = _TOP
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
                self._drop(running.pending)
            finished = True
        finally:
            self._stack.pop()
            del self._running[key]
            if not finished:
                self._drop(running.pending)
        self._keep(key, running, value, transient)  # type: ignore[arg-type]
        return value

    def _keep(self, key: Hashable, running: _Running[object], value: object, transient: bool) -> None:
        callers = -1 if running.truncated and self.hurried else self.callers
        entry = _Entry(value, running.dependencies, running.truncated, callers)
        low = running.low if running.low < running.depth else _TOP
        volatile = running.volatile if running.volatile < running.depth else _TOP
        head = min(low, volatile)
        if head == _TOP:
            self._kept[key] = entry
            self._settle(running.pending, entry)
        elif volatile != _TOP and transient:
            self._stack[head].pending.extend(running.pending)
        else:
            self._provisional[key] = (entry, head, volatile != _TOP)
            self._stack[head].pending.extend((key, *running.pending))
            if running.hit:
                self._seeds[key] = running.value
        if self._stack:
            self._note(entry, low)
            self.read_running(volatile)

    def _settle(self, pending: list[Hashable], head: _Entry[object]) -> None:
        """Keeps what stood on the approximation that has proved right; not what saw a momentary state."""
        for key in pending:
            entry, _, momentary = self._provisional.pop(key, (None, 0, True))
            if entry is not None and not momentary:
                entry.dependencies |= head.dependencies
                entry.truncated |= head.truncated
                self._kept[key] = entry

    def _note(self, entry: _Entry[object], low: int) -> None:
        if self._stack:
            top = self._stack[-1]
            top.dependencies |= entry.dependencies
            top.truncated |= entry.truncated
            top.low = min(top.low, low)

    def _drop(self, pending: list[Hashable]) -> None:
        for key in pending:
            self._provisional.pop(key, None)
        pending.clear()
