"""Types joined where control flow meets, widened where it loops, and rebuilt."""

from __future__ import annotations

from collections.abc import Callable as Change
from dataclasses import replace

from typewright.analysis.kinds import (
    NEVER,
    NONE,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    LiteralValue,
    Never,
    Partial,
    Tuple,
    Type,
    Union,
    Unknown,
    alternatives,
)

MAX_UNION = 10
"""More alternatives than this tell a reader nothing: a union becomes unknown, one of functions a callable."""


MAX_LITERALS = 6
MAX_SAME_CLASS = 3
MAX_DEPTH = 5


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
        functions = all(isinstance(item, (Function, BoundMethod, Callable, Partial)) for item in found)
        return Callable(None, UNKNOWN) if functions else UNKNOWN
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
        if one == other or isinstance(other, Never):
            arguments.append(one)
        elif isinstance(one, Never | Unknown):
            arguments.append(other)
        elif isinstance(other, Unknown):
            arguments.append(one)
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


def transform(type: Type, change: Change[[Type], Type | None]) -> Type:
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
