"""What an edit can change, in pieces small enough that an edit of one function concerns few results.

Whoever computes something notes the inputs that it reads (`Tracker.depend`); an edit marks those that it
changes with the revision in which they last changed. Definitions and scopes keep their identity over edits,
so results that read no changed input stay as they are.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Generic, Protocol, TypeVar, overload

Value = TypeVar("Value")
Default = TypeVar("Default")


class Input:
    """One thing that can change. `changed` is the revision in which it last did."""

    __slots__ = ("changed",)

    def __init__(self) -> None:
        self.changed = 0


class Tracker(Protocol):
    """Who wants to know what is read."""

    revision: int

    def depend(self, input: Input) -> None:
        """Notes that what is being computed reads an input."""
        ...


class Inputs(Generic[Value]):
    """Things that can change, by name; and all of them together."""

    __slots__ = ("_by_name", "everything", "tracker")

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.everything = Input()
        self._by_name: dict[str, Input] = {}

    def read(self, name: str) -> None:
        """Notes that one of them is read."""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = Input()
        self.tracker.depend(found)

    def read_all(self) -> None:
        """Notes that all of them are read."""
        self.tracker.depend(self.everything)

    def change(self, name: str) -> None:
        """Marks one of them as changed."""
        self.everything.changed = self.tracker.revision
        found = self._by_name.get(name)
        if found is not None:
            found.changed = self.tracker.revision


class ScopeInputs:
    """What can change about a module, class or function.

    `own` are its own statements with the heads of definitions in them, but not their bodies; `head` is its
    own head (decorators, parameters, bases), `stars` are its star imports, `inside` which scopes it contains.
    """

    __slots__ = ("head", "inside", "names", "own", "stars", "tracker")

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.own, self.head, self.stars, self.inside = Input(), Input(), Input(), Input()
        self.names: Inputs[object] = Inputs(tracker)


class TrackedNames(dict[str, Value]):
    """A dictionary by name that notes what is read of it."""

    __slots__ = ("inputs",)

    def __init__(self, inputs: Inputs[object]) -> None:
        super().__init__()
        self.inputs = inputs

    def __getitem__(self, name: str) -> Value:
        self.inputs.read(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.inputs.read(name)  # type: ignore[arg-type]
        return super().__contains__(name)

    @overload
    def get(self, name: str, default: None = None, /) -> Value | None: ...
    @overload
    def get(self, name: str, default: Value, /) -> Value: ...
    @overload
    def get(self, name: str, default: Default, /) -> Value | Default: ...
    def get(self, name: str, default: object = None, /) -> object:
        """What a name holds."""
        self.inputs.read(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.inputs.read_all()
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """The names."""
        self.inputs.read_all()
        return super().keys()

    def values(self) -> ValuesView[Value]:  # type: ignore[override]
        """What they hold."""
        self.inputs.read_all()
        return super().values()

    def items(self) -> ItemsView[str, Value]:  # type: ignore[override]
        """Both."""
        self.inputs.read_all()
        return super().items()
