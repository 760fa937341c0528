"""The kinds of types: what a value can be.

Types are immutable and compare by value; the classes, functions and modules in them compare by identity
(`definitions.py`). `Unknown` is the top of what cannot be known and may stand as one arm of a union, where it
means "and perhaps something else"; `Never` is the bottom: no value has come this way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from typing import Literal as OneOf

if TYPE_CHECKING:
    from typewright.analysis.definitions import ClassDefinition, Frame, FunctionDefinition, ModuleDefinition

MAX_ELEMENTS = 24

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
