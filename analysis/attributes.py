"""Attributes that exist because somebody assigns them: `self.x = …` in methods, `value.x = …` elsewhere."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, ModuleDefinition, read_deep
from typewright.analysis.mentions import stored_attribute
from typewright.analysis.scopes import Scope
from typewright.analysis.types import (
    NEVER,
    UNKNOWN,
    ClassObject,
    Type,
    Unknown,
    join,
    widen,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


class Attributes:
    """Finds and evaluates assignments to attributes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def stores(self, definition: ClassDefinition) -> dict[str, list[tuple[ast.AST, ast.Attribute]]]:
        """Where the methods of a class assign or fill `self.name`: method and target."""
        if definition.written is None or definition.module.origin == "stub":
            return {}
        return self.evaluator.memo.get(("stores", definition), lambda: self._stores(definition), {})

    def _stores(self, definition: ClassDefinition) -> dict[str, list[tuple[ast.AST, ast.Attribute]]]:
        found: dict[str, list[tuple[ast.AST, ast.Attribute]]] = {}
        assert definition.scope is not None
        scopes, memo = definition.module.scopes, self.evaluator.memo
        nothing: list[ast.Attribute] = []
        for bindings in definition.scope.bindings.values():
            for binding in bindings:
                method = binding.node
                if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                key = ("method's stores", method)
                for target in memo.get(key, partial(_stores, method, scopes.inner(method)), nothing):
                    found.setdefault(target.attr, []).append((method, target))
        return found

    def assigned(self, definition: ClassDefinition, name: str) -> Type | None:
        """What the class's methods and its module's code assign to an attribute; None if nothing does."""
        stores = self.stores(definition).get(name)
        outside = self.evaluator.callers.outside_stores(definition, name)
        if not stores and not outside:
            return None
        key = ("attribute", definition, name)
        return self.evaluator.memo.get(
            key, lambda: self._assigned(definition, stores or [], outside), NEVER, widen, UNKNOWN
        )

    def _assigned(
        self,
        definition: ClassDefinition,
        stores: list[tuple[ast.AST, ast.Attribute]],
        outside: list[tuple[ModuleDefinition, ast.Attribute]],
    ) -> Type:
        module, activations = definition.module, self.evaluator.activations
        found: list[Type] = []
        for method, target in stores:
            assert isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
            statement = module.scopes.parent(target)
            if isinstance(statement, ast.AnnAssign) and statement.target is target:
                function = activations.function_at(module, method)
                declared = self.evaluator.annotations.evaluate(statement.annotation, function.closure)
                if not isinstance(declared, Unknown):
                    return declared
            # A function inside the method may be the one that does it.
            outcome = activations.outcome_of(module, module.scopes.scope_of(target))
            type = outcome.stores.get(target) if outcome is not None else None
            if outcome is not None and type is not None:
                found.append(outcome.final(type))
        for other, target in outside:
            outcome_outside = activations.outcome_of(other, other.scopes.scope_of(target))
            if outcome_outside is None or target not in outcome_outside.stores:
                continue
            receiver = outcome_outside.types.get(target.value, UNKNOWN)
            own = self.evaluator.classes.class_of(receiver)
            if isinstance(receiver, ClassObject):
                own = receiver.definition
            if own is not None and self.evaluator.classes.is_subclass(own, definition):
                found.append(outcome_outside.stores[target])
        result = widen_literals(join(*found))
        return result if found else NEVER


def _stores(method: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> list[ast.Attribute]:
    read_deep(scope)
    names = [*method.args.posonlyargs, *method.args.args]
    if not names:
        return []
    stored = (stored_attribute(node) for node in ast.walk(method))
    return [
        target
        for target in stored
        if target is not None and isinstance(target.value, ast.Name) and target.value.id == names[0].arg
    ]
