"""Results of demand-driven computation, and computations that are going on (`fixpoint.py`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from typewright.analysis.inputs import Input

Value = TypeVar("Value")

TOP = 1 << 30
"""A depth below all others: that of nothing."""


class Support:
    """What results stand on, those of one cycle in common. `verified` is when it was last seen to hold."""

    __slots__ = ("checking", "fixed", "inputs", "results", "sound", "verified")

    def __init__(self, inputs: Iterable[Input], results: Iterable[Entry], verified: int) -> None:
        self.inputs = tuple(inputs)
        self.results = tuple(e for e in results if e.support is None or not e.support.fixed)
        self.fixed: bool = not self.inputs and not self.results  # no edit concerns it: what libraries say
        self.verified = verified
        self.sound = True
        self.checking = False


class Entry:
    """One result. `support` is None until there is one that is kept; `changed` is when the value last did."""

    __slots__ = ("callers", "changed", "key", "question", "support", "truncated", "value")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.value: object = None
        self.changed = 0
        self.support: Support | None = None
        self.truncated = False
        self.callers = 0
        self.question: Question | None = None


Question = tuple[
    Callable[[], object], object, Callable[[object, object], object] | None, object, bool
]  # how to compute it again: the arguments of `Memo.get`


@dataclass(slots=True)
class Provisional:
    """A value that stands on the approximation of the computation at depth `low`."""

    entry: Entry
    value: object
    low: int
    momentary: bool
    truncated: bool
    callers: int
    inputs: dict[Input, None]
    results: dict[Entry, None]


class Moment(Protocol):
    """Something that changes while a computation goes on: what a name holds in a scope that is running."""

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        ...

    def holds(self, name: str) -> object:
        """The value of a name now, None where it has none."""
        ...


Moments = dict[tuple[Moment, str], object]


@dataclass(slots=True)
class Momentary:
    """A transient value: it is good while what it has read of running scopes is still the same."""

    made: Provisional
    low: int
    volatile: int
    moments: Moments

    def holds(self) -> bool:
        """Whether that is so."""
        for (moment, name), value in self.moments.items():
            if not moment.running:
                return False
            now = moment.holds(name)
            if now is not value and now != value:
                return False
        return True


@dataclass(slots=True)
class Running(Generic[Value]):
    """A computation that is going on.

    `value` is its approximation and `hit` whether somebody read that; `low` and `volatile` are the depths of
    the outermost computations whose approximation or momentary state it has read itself.
    """

    depth: int
    entry: Entry
    value: Value
    hit: bool = False
    unsettled: bool = False
    low: int = TOP
    volatile: int = TOP
    truncated: bool = False
    inputs: dict[Input, None] = field(default_factory=dict)
    results: dict[Entry, None] = field(default_factory=dict)
    moments: Moments = field(default_factory=dict)
    pending: list[Hashable] = field(default_factory=list)
