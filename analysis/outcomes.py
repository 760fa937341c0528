"""What running a scope has shown, and what its syntax says about that."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from typewright.analysis.types import (
    NEVER,
    Instance,
    Type,
    alternatives,
    join,
    widen,
)

if TYPE_CHECKING:
    from typewright.analysis.definitions import FunctionDefinition


Observation = tuple[ast.AST | None, "FunctionDefinition", dict[str, Type]]
"""A call that was seen: where, of what, with which arguments by parameter."""


@dataclass(slots=True, eq=False)
class Outcome:
    """What running a scope has shown. Outcomes are equal when callers see no difference."""

    returns: Type
    types: dict[ast.AST, Type] = field(default_factory=dict)
    stores: dict[ast.AST, Type] = field(default_factory=dict)
    growth: dict[object, Type] = field(default_factory=dict)
    returned: list[tuple[ast.Return, Type]] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    names: dict[str, Type] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and self._seen == other._seen

    @property
    def _seen(self) -> tuple[object, ...]:
        return self.returns, self.stores, self.growth, self.names, self.observations

    __hash__ = None  # type: ignore[assignment]

    def final(self, type: Type) -> Type:
        """A recorded type with what its open containers were filled with later in the scope."""
        if not self.growth:
            return type
        found = [type]
        for item in alternatives(type):
            if isinstance(item, Instance):
                found.extend(self.growth[site] for site in item.sites if site in self.growth)
        return join(*found)


def widened_outcome(old: Outcome, new: Outcome) -> Outcome:
    """The new outcome, widened so that a cycle of calls comes to rest."""
    stores = {node: widen(old.stores.get(node, NEVER), type) for node, type in new.stores.items()}
    growth = {site: widen(old.growth.get(site, NEVER), type) for site, type in new.growth.items()}
    return replace(new, returns=widen(old.returns, new.returns), stores=stores, growth=growth)


def has_yield(node: ast.AST) -> bool:
    """Whether a function's own body contains `yield`."""
    if isinstance(node, ast.Lambda):
        return any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node.body))
    waiting: list[ast.AST] = list(getattr(node, "body", ()))
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(inner))
    return False


def ignores_sent(node: ast.AST) -> bool:
    """Whether a generator never looks at what `yield` gives back."""
    ignored = {id(inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Expr)}
    return all(id(inner) in ignored for inner in ast.walk(node) if isinstance(inner, ast.Yield))


def mentioned_names(node: ast.AST) -> frozenset[str]:
    """The names and attributes in a function."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return frozenset(names | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)})


def is_placeholder(node: ast.AST) -> bool:
    """Whether a function only says that somebody else implements it."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Raise) and inner.exc is not None:
            exception = inner.exc.func if isinstance(inner.exc, ast.Call) else inner.exc
            if getattr(exception, "id", getattr(exception, "attr", "")) == "NotImplementedError":
                return True
    return False


def is_not_implemented(type: Type) -> bool:
    """Whether a type is that of `NotImplemented`."""
    return isinstance(type, Instance) and type.definition.name in (
        "NotImplementedType",
        "_NotImplementedType",
    )


def is_stub(node: ast.AST) -> bool:
    """Whether a function's body says nothing: a docstring, `pass` or `...` at most."""
    return not isinstance(node, ast.Lambda) and all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in getattr(node, "body", ())
    )


def is_ellipsis(node: ast.AST) -> bool:
    """Whether a function's body is only `...`."""
    body = () if isinstance(node, ast.Lambda) else getattr(node, "body", ())
    said = [s.value.value for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)]
    return len(said) == len(body) and any(not isinstance(value, str) for value in said)


def is_abstract(node: ast.AST) -> bool:
    """Whether a function is decorated as abstract."""
    return any(
        getattr(decorator, "id", getattr(decorator, "attr", "")).startswith("abstract")
        for decorator in getattr(node, "decorator_list", ())
    )
