"""References (`x`, `x.y`, `x['k']`) whose values are followed, and containers that grow as they are used."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.names import literal_value
from typewright.analysis.types import MAX_ELEMENTS, UNKNOWN, Instance, Type, join, widen_literals

if TYPE_CHECKING:
    from typewright.analysis.arguments import Arguments
    from typewright.analysis.operators import Operators


def reference(node: ast.expr) -> str | None:
    """The text of a reference that can be followed; None for any other expression."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            base = reference(value)
            return f"{base}.{attribute}" if base is not None else None
        case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as key)):
            base = reference(value)
            return f"{base}[{key!r}]" if base is not None else None
        case _:
            return None


_LISTS = frozenset({"list", "deque"})
_MAPPINGS = frozenset({"dict", "defaultdict", "OrderedDict", "Counter"})


def grown(operators: Operators, container: Type, method: str, arguments: Arguments) -> Type:
    """A container after a method has put something into it; the same where its elements are not open."""
    if not isinstance(container, Instance) or not container.sites:
        return container
    name, given = container.definition.name, arguments.positional
    if name in _MAPPINGS and len(container.arguments) >= 1:
        return _grown_mapping(operators, container, method, arguments)
    if not given or not container.arguments:
        return container
    elements = container.elements
    if method in ("append", "add", "appendleft"):
        added = given[0]
        if method == "append" and name == "list" and len(elements) < MAX_ELEMENTS and _is_dense(container):
            elements = (*elements, (len(elements), added))
    elif method == "insert" and len(given) > 1:
        added, elements = given[1], ()
    elif method in ("extend", "extendleft", "update"):
        added = join(*(operators.element(item) for item in given))
    elif method == "__setitem__" and len(given) > 1 and name in _LISTS:
        added = given[1]
        index = literal_value(given[0])
        if isinstance(index, int) and container.element(index) is not None:
            elements = tuple((k, added if k == index else t) for k, t in elements)
    else:
        return container
    element = join(container.arguments[0], widen_literals(added))
    return Instance(container.definition, (element,), elements, container.sites)


def _is_dense(container: Instance) -> bool:
    """Whether all positions of a list are known, so that the next one is, too."""
    return bool(container.elements) or str(container.arguments[0]) == "Never"


def _grown_mapping(operators: Operators, container: Instance, method: str, arguments: Arguments) -> Type:
    given = arguments.positional
    keys = container.arguments[0]
    values = container.arguments[1] if len(container.arguments) > 1 else operators.evaluator.instance("int")
    facts = dict(container.elements)
    if method in ("__setitem__", "setdefault") and given:
        value = given[1] if len(given) > 1 else UNKNOWN
        keys, values = join(keys, widen_literals(given[0])), join(values, widen_literals(value))
        key = literal_value(given[0])
        if key is not None and len(facts) < MAX_ELEMENTS:
            facts[key] = value
    elif method == "update":
        for item in given:
            pair = operators.evaluator.classes.supertype(
                item, operators.evaluator.class_named("typing.Mapping")
            )
            if pair is not None and len(pair) == 2:
                keys, values = join(keys, pair[0]), join(values, pair[1])
                facts.update(item.elements if isinstance(item, Instance) else ())
        for name, type in arguments.keywords:
            keys = join(keys, operators.evaluator.instance("str"))
            values = join(values, widen_literals(type))
            facts[name] = type
    else:
        return container
    new = (keys, values) if len(container.arguments) > 1 else (keys,)
    return Instance(container.definition, new, tuple(facts.items()), container.sites)
