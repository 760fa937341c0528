"""Containers that other scopes fill: a list of a module to which functions append, a dict in a closure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typewright.analysis.definitions import Frame
from typewright.analysis.scopes import Scope
from typewright.analysis.types import NEVER, Instance, Type, alternatives, join, widen

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


class Fillings:
    """Adds to a name's container what scopes put into it."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def filled(self, frame: Frame, name: str, type: Type) -> Type:
        """The type of a name of the frame's own scope with what is put into it anywhere in the module."""
        sites = frozenset(s for item in alternatives(type) if isinstance(item, Instance) for s in item.sites)
        if not sites or frame.module.origin != "workspace":
            return type
        if not frame.module.mentions.fills(name):
            return type
        key = ("filled", frame, name, sites)
        return join(
            type, self.evaluator.memo.get(key, lambda: self._growth(frame, name, sites), NEVER, widen)
        )

    def _fillers(self, frame: Frame, name: str) -> list[Scope]:
        """The scopes that fill the container which a name of this frame's scope holds."""
        scopes = frame.module.scopes
        found: dict[Scope, None] = {}
        for node in frame.module.mentions.fills(name):
            scope = scopes.scope_of(node)
            binding = next((around for around in scope.visible() if name in around.bindings), None)
            filling = scope.enclosing("module", "class", "function")
            if binding is frame.scope and filling is not None:
                found.setdefault(filling)
        return list(found)

    def _growth(self, frame: Frame, name: str, sites: frozenset[object]) -> Type:
        found: list[Type] = []
        for scope in self._fillers(frame, name):
            if scope is frame.scope and frame.running:  # what stands there already is in its environment
                self.evaluator.memo.read_running(frame.depth or 0, frame, name)
                continue
            outcome = self.evaluator.activations.outcome_of(frame.module, scope)
            if outcome is not None:
                found.extend(type for site, type in outcome.growth.items() if site in sites)
        return join(*found)
