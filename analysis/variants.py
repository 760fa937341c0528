"""What people write for values of a type besides the type itself: an alias, a base class, an abstraction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from typewright.analysis.spelling import Annotation, Spelling
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Alias,
    Callable,
    ClassObject,
    Instance,
    Literal,
    Partial,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    alternatives,
    join,
    transform,
    walk,
    widen_literals,
    without_none,
)

if TYPE_CHECKING:
    from typewright.analysis.definitions import ClassDefinition
    from typewright.analysis.evaluator import Evaluator

# By the name of a class: what stands above it, with the same arguments (as many as that takes).
_ABSTRACTIONS = {
    "Generator": "typing.Iterator typing.Iterable",
    "AsyncGenerator": "typing.AsyncIterator typing.AsyncIterable",
    "Coroutine": "typing.Awaitable",
    "Future": "typing.Awaitable",
    "Iterator": "typing.Iterable",
    "filter": "typing.Iterator typing.Iterable",
    "map": "typing.Iterator typing.Iterable",
    "zip": "typing.Iterator typing.Iterable",
    "enumerate": "typing.Iterator typing.Iterable",
    "reversed": "typing.Iterator typing.Iterable",
    "chain": "typing.Iterator typing.Iterable",
    "islice": "typing.Iterator typing.Iterable",
    "dict_keys": "typing.KeysView typing.Iterable",
    "dict_values": "typing.ValuesView typing.Iterable",
    "dict_items": "typing.ItemsView typing.Iterable",
    "list": "typing.Sequence typing.Iterable typing.Collection",
    "deque": "typing.Iterable",
    "set": "typing.AbstractSet typing.Iterable typing.Collection",
    "frozenset": "typing.AbstractSet typing.Iterable typing.Collection",
    "dict": "typing.Mapping typing.MutableMapping",
    "defaultdict": "builtins.dict typing.Mapping",
    "OrderedDict": "builtins.dict typing.Mapping",
    "tuple": "typing.Sequence typing.Iterable typing.Collection",
    "Sequence": "typing.Iterable",
    "_Environ": "typing.Mapping",
}
_ONE_ARGUMENT = frozenset(
    ["Awaitable", "Iterator", "Iterable", "AsyncIterator", "AsyncIterable", "Sequence", "Collection"]
)
_UNNAMED = frozenset({"object", "ABC", "Generic", "Protocol"})
_MAX_BASES = 4
_MAX_VARIANTS = 16


class Variant(NamedTuple):
    """A way to write a type: the annotation, and how it comes about, step by step."""

    steps: tuple[str, ...]
    annotation: Annotation


class Variants:
    """Finds the ways to write a type in one module."""

    def __init__(self, evaluator: Evaluator, path: Path) -> None:
        self.evaluator = evaluator
        self.module = evaluator.modules.at(path)
        self._plain = Spelling(evaluator, path)
        aliases = self._find_aliases()
        folded = {type: name for name, type in aliases.items() if _is_telling(type)}
        self._folding = Spelling(evaluator, path, folded)
        self._above = [
            (
                name,
                "alias above" if _is_telling(type) else "plain alias above",
                without_none(widen_literals(type)),
            )
            for name, type in aliases.items()
        ]

    def of(self, type: Type) -> Iterator[Variant]:
        """Yield them, the type itself aside; some may say the same."""
        shown = widen_literals(type)
        optional = NONE in alternatives(shown)
        bare = without_none(shown)
        found: dict[Type, tuple[str, ...]] = {bare: ()}
        for step, change in (("joined", self._joined), ("base inside", self._with_bases)):
            for other, steps in list(found.items()):
                found.setdefault(transform(other, change), (*steps, step))
        for other, steps in list(found.items()):
            for step, above in (*self._abstractions(other), *self._bases(other)):
                found.setdefault(above, (*steps, step))
        for other, steps in list(found.items())[:_MAX_VARIANTS]:
            whole = join(other, NONE) if optional else other
            annotation, folded = self._plain.annotation(whole), self._folding.annotation(whole)
            if annotation is not None and steps:
                yield Variant(steps, annotation)
            if folded is not None and folded != annotation:
                yield Variant((*steps, "alias"), folded)
        accepts = self.evaluator.calls.generics.accepts
        for name, step, meant in self._above:
            if accepts(meant, bare):
                yield Variant((step,), Annotation(f"{name} | None" if optional else name, ()))

    def _find_aliases(self) -> dict[str, Type]:
        """The aliases that the module can name, with what they stand for."""
        found: dict[str, Type] = {}
        for name, bindings in self.module.scopes.module.bindings.items():
            if not name.lstrip("_")[:1].isupper() or bindings[-1].kind in ("class", "function"):
                continue
            value = self.evaluator.names.settled(self.module.frame, name)
            match value:
                case Alias(type=meant):
                    pass
                case ClassObject(definition=definition, arguments=arguments) if arguments or (
                    definition.name != name and bindings[-1].kind == "assignment"
                ):
                    meant = Instance(definition, arguments)
                case _:
                    continue
            generic = any(isinstance(part, TypeVariable) for part in walk(meant))
            if not generic and not isinstance(meant, Unknown):
                found[name] = meant
        return found

    # Types above a type.

    def _joined(self, type: Type) -> Type | None:
        """Tuples of one length as one tuple."""
        if isinstance(type, Union) and all(isinstance(item, Tuple) for item in type.items):
            rows = [item.items for item in type.items if isinstance(item, Tuple)]
            if len({len(row) for row in rows}) == 1:
                return self.evaluator.tuple_of(*(join(*column) for column in zip(*rows, strict=True)))
        return None

    def _with_bases(self, type: Type) -> Type | None:
        """Alternatives of one family as the nearest base class that they share."""
        if not isinstance(type, Union):
            return None
        family = [
            item
            for item in type.items
            if isinstance(item, Instance) and item.definition.module.origin == "workspace"
        ]
        above = next((base for _, base in self._bases(join(*family))), None) if len(family) > 1 else None
        return join(above, *(item for item in type.items if item not in family)) if above else None

    def _abstractions(self, type: Type) -> Iterator[tuple[str, Type]]:
        evaluator = self.evaluator
        match type:
            case Tuple(items=items) if type.definition.qualified_name == "builtins.tuple" and items:
                element = join(*items)
                if not isinstance(element, Union):
                    yield "any length", evaluator.instance("tuple", element)
                    yield "tuple>Sequence", evaluator.instance("typing.Sequence", element)
                    yield "tuple>Iterable", evaluator.instance("typing.Iterable", element)
            case Instance(definition=definition, arguments=arguments):
                name = definition.name
                for above in _ABSTRACTIONS.get(name, "").split():
                    if definition.module.origin == "workspace":
                        break
                    target = above.rpartition(".")[2]
                    given = arguments[:1] if target in _ONE_ARGUMENT else arguments
                    yield f"{name}>{target}", evaluator.instance(above.removeprefix("builtins."), *given)
            case Callable() | Partial():
                yield "any callable", Callable(None, UNKNOWN)
            case Union(items=items):
                yield from self._of_union(items)

    def _of_union(self, items: tuple[Type, ...]) -> Iterator[tuple[str, Type]]:
        """What is above several containers: `Sequence` of a list and a tuple, both with joined elements."""
        elements: list[Type] = []
        for item in items:
            match item:
                case Tuple(items=inner):
                    elements.extend(inner)
                case Instance(definition=definition, arguments=(element, *_)) if definition.name in (
                    "list",
                    "tuple",
                    "Sequence",
                    "set",
                    "Iterable",
                    "Generator",
                ):
                    elements.append(element)
                case _:
                    return
        element = join(*elements) if elements else NEVER
        yield "containers>Sequence", self.evaluator.instance("typing.Sequence", element)
        yield "containers>Iterable", self.evaluator.instance("typing.Iterable", element)

    def _bases(self, type: Type) -> Iterator[tuple[str, Type]]:
        """The base classes that all alternatives share."""
        shared: list[ClassDefinition] | None = None
        items = alternatives(type)
        for item in items:
            if not isinstance(item, Instance):
                return
            above = [definition for definition, _ in self.evaluator.classes.mro(item.definition)]
            shared = above if shared is None else [each for each in shared if each in above]
        own = {item.definition for item in items if isinstance(item, Instance)}
        for definition in [
            each
            for each in shared or ()
            if each.name not in _UNNAMED
            and (len(items) > 1 or (each not in own and each.module.origin == "workspace"))
        ][:_MAX_BASES]:
            yield "base" if len(items) == 1 else "common base", Instance(definition)


def _is_telling(alias: Type) -> bool:
    """Whether an alias stands for what nothing else is likely to be: no literals, no lone builtin."""
    if any(isinstance(part, Literal) for part in walk(alias)):
        return False
    if isinstance(alias, Instance) and not alias.arguments:
        return alias.definition.module.name != "builtins"
    return True
