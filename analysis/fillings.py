"""Containers that other scopes fill: a list of a module to which functions append, a dict in a closure."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.assignments import MUTATORS
from typewright.analysis.definitions import Frame, ModuleDefinition
from typewright.analysis.scopes import Scope
from typewright.analysis.types import NEVER, Instance, Type, alternatives, join, widen

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

Fillers = dict[tuple[Scope, str], list[Scope]]
"""By the scope that binds a name: the scopes whose statements fill the container that it holds."""


class Fillings:
    """Adds to a name's container what scopes put into it."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def filled(self, frame: Frame, name: str, type: Type) -> Type:
        """The type of a name of the frame's own scope with what is put into it anywhere in the module."""
        sites = frozenset(s for item in alternatives(type) if isinstance(item, Instance) for s in item.sites)
        if not sites or frame.module.origin != "workspace":
            return type
        nothing: Fillers = {}
        key = ("fillers", frame.module)
        fillers = self.evaluator.memo.get(key, lambda: _fillers(frame.module), nothing)
        scopes = fillers.get((frame.scope, name))
        if not scopes:
            return type
        filled = self.evaluator.memo.get(
            ("filled", frame.key, name), lambda: self._growth(frame, scopes, sites), NEVER, widen
        )
        return join(type, filled)

    def _growth(self, frame: Frame, scopes: list[Scope], sites: frozenset[object]) -> Type:
        found: list[Type] = []
        for scope in scopes:
            if scope is frame.scope and frame.running:  # what stands there already is in its environment
                self.evaluator.memo.read_running(frame.depth or 0)
                continue
            outcome = self.evaluator.activations.outcome_of(frame.module, scope)
            if outcome is not None:
                found.extend(type for site, type in outcome.growth.items() if site in sites)
        return join(*found)


def filled_reference(node: ast.AST) -> ast.expr | None:
    """The reference whose container a node fills: `x` of `x.append(y)`, `x[k] = y`, `x[k].append(y)`…"""
    match node:
        case ast.Subscript(value=target, ctx=ast.Store()):
            return target
        case ast.Call(func=ast.Attribute(value=target, attr=attr)) if attr in MUTATORS:
            match target:
                case ast.Subscript(value=inner):
                    return inner
                case ast.Call(func=ast.Attribute(value=inner, attr="setdefault")):
                    return inner
                case _:
                    return target
        case _:
            return None


def _fillers(module: ModuleDefinition) -> Fillers:
    found: Fillers = {}
    for node in ast.walk(module.tree):
        target = filled_reference(node)
        if not isinstance(target, ast.Name):
            continue
        scope = module.scopes.scope_of(target)
        binding = next((around for around in scope.visible() if target.id in around.bindings), None)
        filling = scope.enclosing("module", "class", "function")
        if binding is not None and filling is not None:
            scopes = found.setdefault((binding, target.id), [])
            if filling not in scopes:
                scopes.append(filling)
    return found
