"""The algebra of types: what a value can be, joined where control flow meets and widened where it loops.

Types are immutable and compare by value; the classes, functions and modules in them compare by identity
(`definitions.py`). `Unknown` is the top of what cannot be known and may stand as one arm of a union, where it
means "and perhaps something else"; `Never` is the bottom: no value has come this way.
"""

from __future__ import annotations

from collections.abc import Callable as Function_
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from typing import Literal as OneOf

if TYPE_CHECKING:
    from typewright.analysis.definitions import ClassDefinition, Frame, FunctionDefinition, ModuleDefinition

MAX_UNION = 10
"""More alternatives than this tell a reader nothing: the union becomes unknown."""
MAX_LITERALS = 6
MAX_SAME_CLASS = 3
MAX_ELEMENTS = 24
MAX_DEPTH = 5

LiteralValue = str | int | bytes
ParameterKind = OneOf["positional", "normal", "variadic", "keyword", "keywords"]


class Type:
    """The base of all types."""

    __slots__ = ()

    def __str__(self) -> str:
        return render(self)


@dataclass(frozen=True, slots=True)
class Unknown(Type):
    """Not known."""


@dataclass(frozen=True, slots=True)
class Never(Type):
    """No value: unreachable, or the elements of an empty container."""


@dataclass(frozen=True, slots=True)
class NoneType(Type):
    """The type of None."""


@dataclass(frozen=True, slots=True)
class Instance(Type):
    """An instance of a class.

    `elements` are the facts known about single elements of a list or dictionary, by literal index or key.
    `sites` are the displays it was born from while their element types were still open.
    """

    definition: ClassDefinition
    arguments: tuple[Type, ...] = ()
    elements: tuple[tuple[LiteralValue, Type], ...] = ()
    sites: frozenset[object] = field(default=frozenset(), compare=False, repr=False)

    def element(self, key: LiteralValue) -> Type | None:
        """What is known to lie at a literal key or index."""
        return next((t for k, t in self.elements if k == key and type(k) is type(key)), None)


@dataclass(frozen=True, slots=True)
class Literal(Type):
    """One value of `int`, `str`, `bytes` or `bool`, or one member (its name) of an enumeration."""

    definition: ClassDefinition
    value: LiteralValue


@dataclass(frozen=True, slots=True)
class Tuple(Type):
    """A tuple whose items are known by position."""

    definition: ClassDefinition
    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class ClassObject(Type):
    """A class itself, as a value: `type[C]`."""

    definition: ClassDefinition
    arguments: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class Function(Type):
    """A function, `async` function or lambda, with the activation of the scope that defined it.

    `overloads` are its `@overload` signatures, where it has any.
    """

    definition: FunctionDefinition
    closure: Frame
    overloads: tuple[FunctionDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundMethod(Type):
    """A callable together with its first argument."""

    function: Type
    receiver: Type


@dataclass(frozen=True, slots=True)
class Wrapped(Type):
    """A `staticmethod`, `classmethod`, `property` or cached property, before an instance binds it."""

    kind: OneOf["staticmethod", "classmethod", "property", "cached_property"]
    function: Type
    setter: Type | None = None


@dataclass(frozen=True, slots=True)
class Partial(Type):
    """`functools.partial`: a callable and the arguments it already has."""

    function: Type
    positional: tuple[Type, ...]
    keywords: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a callable type."""

    name: str
    kind: ParameterKind
    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True)
class Callable(Type):
    """A callable known by its signature. `parameters` None takes anything.

    `origin` is the function whose parameters a ParamSpec took over: calls reach it.
    """

    parameters: tuple[Parameter, ...] | None
    returns: Type
    origin: Type | None = None


@dataclass(frozen=True, slots=True)
class Module(Type):
    """A module."""

    definition: ModuleDefinition


@dataclass(frozen=True, slots=True)
class Super(Type):
    """`super()`: looks members up behind `definition` in the order of `receiver`'s class."""

    definition: ClassDefinition
    receiver: Type


@dataclass(frozen=True, slots=True)
class TypeVariable(Type):
    """A type parameter. `owner` tells apart those that share a name; `Self` has the class it stands in."""

    name: str
    kind: OneOf["TypeVar", "ParamSpec", "TypeVarTuple", "Self"]
    owner: str
    bound: Type | None = field(default=None, compare=False)
    constraints: tuple[Type, ...] = field(default=(), compare=False)
    default: Type | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SpecialForm(Type):
    """A form of `typing` that means something only in annotations: `Optional`, `Callable`, `Final`…"""

    name: str


@dataclass(frozen=True, slots=True)
class Alias(Type):
    """A type expression as a value: `Number = int | float`."""

    type: Type


@dataclass(frozen=True, slots=True)
class Union(Type):
    """Several alternatives in the order in which they were met; equal whatever the order. See `join`."""

    items: tuple[Type, ...] = field(compare=False)
    members: frozenset[Type]


UNKNOWN: Type = Unknown()
NEVER: Type = Never()
NONE: Type = NoneType()


def alternatives(type: Type) -> tuple[Type, ...]:
    """The arms of a union; any other type alone; nothing for `Never`."""
    if isinstance(type, Union):
        return type.items
    return () if isinstance(type, Never) else (type,)


def join(*types: Type) -> Type:
    """The smallest type that holds all of these, within the bounds above."""
    if len(types) == 2:
        first, second = types
        if first is second or first == second:
            return _keep_sites(first, second)
        if isinstance(first, Never):
            return second
        if isinstance(second, Never):
            return first
    found: list[Type] = []
    for type in types:
        for item in alternatives(type):
            _add(found, item)
    return _union(found)


def declared_union(*types: Type) -> Type:
    """The union that somebody has written: nothing is folded, however long it is."""
    found = list(dict.fromkeys(item for type in types for item in alternatives(type)))
    if len(found) < 2:
        return found[0] if found else NEVER
    return Union(tuple(found), frozenset(found))


def _union(found: list[Type]) -> Type:
    found = _fold_literals(found)
    if not found:
        return NEVER
    if len(found) == 1:
        return found[0]
    if len(found) > MAX_UNION:
        return UNKNOWN
    return Union(tuple(found), frozenset(found))


def _add(found: list[Type], item: Type) -> None:
    """Adds one alternative, merged into what is there where the two say the same thing."""
    same: list[int] = []
    for position, other in enumerate(found):
        if other == item:
            found[position] = _keep_sites(other, item)
            return
        if isinstance(item, Literal) and isinstance(other, Instance) and other.definition is item.definition:
            return
        if isinstance(item, Instance) and isinstance(other, Instance) and other.definition is item.definition:
            merged = _merge(other, item)
            if merged is not None:
                found[position] = merged
                return
            same.append(position)
        elif isinstance(item, Tuple) and isinstance(other, Tuple):
            fuller = _fuller(other, item)
            if fuller is not None:
                found[position] = fuller
                return
            same.append(position)
    if isinstance(item, Instance):
        found[:] = [o for o in found if not (isinstance(o, Literal) and o.definition is item.definition)]
    if len(same) >= MAX_SAME_CLASS:
        kept = [found[position] for position in same]
        found[:] = [o for o in found if not any(o is k for k in kept)]
        item = _collapse([*kept, item])
    found.append(item)


def _fuller(first: Tuple, second: Tuple) -> Tuple | None:
    """One tuple for two that differ only where one of them does not know."""
    if len(first.items) != len(second.items):
        return None
    items = []
    for one, other in zip(first.items, second.items, strict=True):
        if one == other or isinstance(other, Unknown):
            items.append(one)
        elif isinstance(one, Unknown):
            items.append(other)
        else:
            return None
    return Tuple(first.definition, tuple(items))


def _merge(first: Instance, second: Instance) -> Instance | None:
    """One instance for two of the same class, where one is open or both differ only in their elements."""
    elements = _common_elements(first, second)
    sites = first.sites | second.sites
    if first.arguments == second.arguments:
        return Instance(first.definition, first.arguments, elements, sites)
    if not first.arguments or not second.arguments:
        return Instance(first.definition, first.arguments or second.arguments, elements, sites)
    if len(first.arguments) != len(second.arguments):
        return None
    arguments = []
    for one, other in zip(first.arguments, second.arguments, strict=True):
        if one == other or isinstance(other, Never | Unknown):
            arguments.append(one)
        elif isinstance(one, Never | Unknown):
            arguments.append(other)
        elif first.sites and second.sites:
            arguments.append(join(one, other))
        else:
            return None
    return Instance(first.definition, tuple(arguments), elements, sites)


def _common_elements(first: Instance, second: Instance) -> tuple[tuple[LiteralValue, Type], ...]:
    if first.elements == second.elements:
        return first.elements
    both = []
    for key, type in first.elements:
        other = second.element(key)
        if other is not None:
            both.append((key, join(type, other)))
    return tuple(both)


def _keep_sites(first: Type, second: Type) -> Type:
    if isinstance(first, Instance) and isinstance(second, Instance) and second.sites - first.sites:
        return replace(first, sites=first.sites | second.sites)
    return first


def _collapse(types: list[Type]) -> Type:
    """Several instances of one class, or several tuples, as one whose arguments are joined."""
    if all(isinstance(type, Tuple) for type in types):
        tuples = [type for type in types if isinstance(type, Tuple)]
        if len({len(type.items) for type in tuples}) == 1:
            columns = zip(*(type.items for type in tuples), strict=True)
            return Tuple(tuples[0].definition, tuple(join(*column) for column in columns))
        return Instance(tuples[0].definition, (join(*(i for t in tuples for i in t.items)),))
    instances = [type for type in types if isinstance(type, Instance)]
    width = max(len(type.arguments) for type in instances)
    rows = [type.arguments for type in instances if len(type.arguments) == width]
    return Instance(instances[0].definition, tuple(join(*column) for column in zip(*rows, strict=True)))


def _fold_literals(found: list[Type]) -> list[Type]:
    """Both values of `bool`, or too many literals of one class, become the class."""
    literals = [type for type in found if isinstance(type, Literal)]
    if len(literals) < 2:
        return found
    for definition in dict.fromkeys(type.definition for type in literals):
        mine = [type for type in literals if type.definition is definition]
        if len(mine) > MAX_LITERALS or (definition.name == "bool" and len(mine) == 2):
            position = next(i for i, type in enumerate(found) if type in mine)
            found = [type for type in found if type not in mine]
            found.insert(position, Instance(definition))
    return found


def transform(type: Type, change: Function_[[Type], Type | None]) -> Type:
    """Rebuilds a type bottom up through `change`, which returns None to keep what is inside."""
    changed = change(type)
    if changed is not None:
        return changed
    match type:
        case Union(items=items):
            new = tuple(transform(item, change) for item in items)
            return type if new == items else join(*new)
        case Instance(arguments=arguments, elements=elements) if arguments or elements:
            new = tuple(transform(item, change) for item in arguments)
            facts = tuple((key, transform(item, change)) for key, item in elements)
            return (
                type
                if (new, facts) == (arguments, elements)
                else replace(type, arguments=new, elements=facts)
            )
        case Tuple(items=items):
            new = tuple(transform(item, change) for item in items)
            return type if new == items else replace(type, items=new)
        case ClassObject(arguments=arguments) if arguments:
            return replace(type, arguments=tuple(transform(item, change) for item in arguments))
        case Callable(parameters=parameters, returns=returns):
            if parameters is not None:
                parameters = tuple(replace(p, type=transform(p.type, change)) for p in parameters)
            return replace(type, parameters=parameters, returns=transform(returns, change))
        case BoundMethod(function=function, receiver=receiver):
            return BoundMethod(transform(function, change), transform(receiver, change))
        case Partial(function=function, positional=positional, keywords=keywords):
            return Partial(
                transform(function, change),
                tuple(transform(item, change) for item in positional),
                tuple((name, transform(item, change)) for name, item in keywords),
            )
        case _:
            return type


def walk(type: Type) -> Iterator[Type]:
    """Every type inside a type, itself first."""
    yield type
    match type:
        case Union(items=items) | Tuple(items=items):
            inside: Iterable[Type] = items
        case Instance(arguments=arguments, elements=elements):
            inside = (*arguments, *(item for _, item in elements))
        case ClassObject(arguments=arguments):
            inside = arguments
        case Callable(parameters=parameters, returns=returns):
            inside = (*(p.type for p in parameters or ()), returns)
        case BoundMethod(function=function, receiver=receiver):
            inside = (function, receiver)
        case Partial(function=function, positional=positional, keywords=keywords):
            inside = (function, *positional, *(item for _, item in keywords))
        case _:
            inside = ()
    for item in inside:
        yield from walk(item)


def widen_literals(type: Type) -> Type:
    """What a person writes: literals become their classes, facts about single elements are dropped."""

    def change(type: Type) -> Type | None:
        if isinstance(type, Literal):
            return Instance(type.definition)
        if isinstance(type, Instance) and type.elements:
            return widen_literals(replace(type, elements=()))
        return None

    return transform(type, change)


def widen(old: Type, new: Type) -> Type:
    """A type above both that a loop reaches in finitely many steps: literals go, unions collapse."""
    joined = widen_literals(join(old, new))
    if joined == old:
        return old
    by_class: dict[object, list[Type]] = {}
    for item in alternatives(joined):
        if isinstance(item, Instance):
            by_class.setdefault(item.definition, []).append(item)
        elif isinstance(item, Tuple):
            by_class.setdefault("tuple", []).append(item)
        else:
            by_class.setdefault(item, []).append(item)
    return limit_depth(
        join(*(items[0] if len(items) == 1 else _collapse(items) for items in by_class.values()))
    )


def limit_depth(type: Type, depth: int = MAX_DEPTH) -> Type:
    """Replaces what lies deeper than `depth` brackets by `Unknown`."""
    match type:
        case Union(items=items):
            new = tuple(limit_depth(item, depth) for item in items)
            return type if all(a is b for a, b in zip(new, items, strict=True)) else join(*new)
        case Instance(arguments=arguments) if arguments:
            if depth <= 0:
                return Instance(type.definition)
            new = tuple(limit_depth(item, depth - 1) for item in arguments)
            return (
                type
                if all(a is b for a, b in zip(new, arguments, strict=True))
                else replace(type, arguments=new)
            )
        case Tuple(items=items):
            if depth <= 0:
                return Instance(type.definition)
            new = tuple(limit_depth(item, depth - 1) for item in items)
            return type if all(a is b for a, b in zip(new, items, strict=True)) else replace(type, items=new)
        case BoundMethod() | Partial() | Callable():
            return type if depth > 0 else UNKNOWN
        case _:
            return type


def known(type: Type) -> Type:
    """The type without its unknown arms: `Never` if nothing is left."""
    if isinstance(type, Union) and UNKNOWN in type.members:
        return join(*(item for item in type.items if item != UNKNOWN))
    return NEVER if isinstance(type, Unknown) else type


def simplified(type: Type) -> Type:
    """The type without unknown arms, also inside; alternatives that then say the same become one."""

    def change(type: Type) -> Type | None:
        if isinstance(type, Union):
            arms = [transform(item, change) for item in type.items if not isinstance(item, Unknown)]
            return join(*arms) if arms else UNKNOWN
        return None

    return transform(type, change)


def without_none(type: Type) -> Type:
    """The type without None."""
    if isinstance(type, Union) and NONE in type.members:
        return join(*(item for item in type.items if item != NONE))
    return NEVER if type == NONE else type


def is_complete(type: Type) -> bool:
    """Whether nothing inside is unknown."""
    return not any(isinstance(item, Unknown) for item in walk(type))


def render(type: Type) -> str:
    """The type as people write it: `list[int]`, `dict[str, int] | None`; classes without modules."""
    match type:
        case Unknown():
            return "Unknown"
        case Never():
            return "Never"
        case NoneType():
            return "None"
        case Instance(definition=definition, arguments=arguments):
            shown = _arguments(arguments)
            if definition.qualified_name == "builtins.tuple" and len(arguments) == 1 and shown:
                return f"tuple[{render(arguments[0])}, ...]"
            return definition.display_name + shown
        case Literal(definition=definition, value=value):
            if definition.module.name != "builtins":
                return f"Literal[{definition.display_name}.{value!s}]"
            shown_value = repr(bool(value)) if definition.name == "bool" else repr(value)
            return f"Literal[{shown_value}]"
        case Tuple(items=items):
            return f"tuple[{', '.join(map(render, items)) or '()'}]"
        case ClassObject(definition=definition, arguments=arguments):
            return f"type[{definition.display_name}{_arguments(arguments)}]"
        case Callable(parameters=parameters, returns=returns):
            if parameters is None or any(p.kind not in ("positional", "normal") for p in parameters):
                return f"Callable[..., {render(returns)}]"
            return f"Callable[[{', '.join(render(p.type) for p in parameters)}], {render(returns)}]"
        case Function() | BoundMethod() | Partial():
            return "Callable"
        case Wrapped():
            return "property"
        case Module():
            return "ModuleType"
        case Super(receiver=receiver):
            return render(receiver)
        case TypeVariable(name=name):
            return name
        case Union(items=items):
            shown_items = [render(item) for item in items if item != NONE]
            return " | ".join(dict.fromkeys([*shown_items, *(["None"] if NONE in items else [])]))
        case _:
            return "Unknown"


def _arguments(arguments: tuple[Type, ...]) -> str:
    if not arguments or all(isinstance(argument, Unknown | Never) for argument in arguments):
        return ""
    shown = ("Any" if isinstance(argument, Unknown | Never) else render(argument) for argument in arguments)
    return f"[{', '.join(shown)}]"
