"""Scopes, bindings and name resolution by Python's own rules, from syntax alone.

One walk over a module finds every scope, every binding in it and, for every node, its parent and
the scope it is evaluated in. Nothing is inferred here: a star import "may bind anything", and who
knows the imported module decides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from typewright.analysis.bindings import Binding, BindingKind, Scope, ScopeKind
from typewright.analysis.inputs import ScopeInputs, TrackedNames, Tracker
from typewright.analysis.scope_walk import Walk, parameters

__all__ = [
    "MODULE_NAMES",
    "Binding",
    "BindingKind",
    "Resolution",
    "Scope",
    "ScopeKind",
    "Scopes",
    "parameters",
]

MODULE_NAMES = frozenset(
    {
        "__name__", "__doc__", "__file__", "__spec__", "__loader__", "__package__", "__path__", "__dict__",
        "__builtins__", "__annotations__", "__cached__", "__debug__",
    }
)  # fmt: skip
"""Names that every module has without binding them."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name may refer to.

    `scope` owns the name, or is None where no scope binds it: then it is a builtin, or comes from one
    of `stars`, or does not exist. `stars` are the star imports that may bind it as well.
    """

    name: str
    scope: Scope | None
    bindings: tuple[Binding, ...]
    stars: tuple[ast.ImportFrom, ...]


class Scopes:
    """The scopes of one module. Holds no text: positions come from the nodes."""

    def __init__(self, tree: ast.Module, tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        self._parents: dict[ast.AST, ast.AST] = {}
        self._scopes: dict[ast.AST, Scope] = {}
        self._inner: dict[ast.AST, Scope] = {}
        self._givers: dict[Scope, None] = {}
        self.module = self.opened("module", tree, None, "")
        self._scopes[tree] = self.module
        self._walk((tree,))

    def opened(self, kind: ScopeKind, node: ast.AST, parent: Scope | None, name: str) -> Scope:
        """The scope that a node opens, empty: the same one each time."""
        scope = self._inner.get(node)
        if scope is None:
            scope = Scope(kind, node, parent, name)
            if self.tracker is not None and kind in ("module", "class", "function"):
                scope.inputs = ScopeInputs(self.tracker)
                scope.bindings = TrackedNames(scope.inputs.names)
            self._inner[node] = scope
            return scope
        scope.parent, scope.name = parent, name
        for content in (
            scope.bindings,
            scope.uses,
            scope.children,
            scope.globals,
            scope.nonlocals,
            scope.stars,
        ):
            content.clear()
        return scope

    def _walk(self, owners: Iterable[ast.AST]) -> None:
        walk = Walk(self._parents, self._scopes, self._inner, self, dict.fromkeys(owners))
        walk.run()
        self._givers.update(dict.fromkeys(walk.givers))
        for scope in list(self._givers):
            self._give(scope)

    def _give(self, scope: Scope) -> None:
        """Gives names under `global` and `nonlocal` to the scope that owns them."""
        for name in scope.globals:
            self._give_to(self.module, scope, name)
        for name in scope.nonlocals:
            functions = (s for s in scope.ancestors() if s.kind in ("function", "lambda"))
            owner = next((s for s in functions if dict.__contains__(s.bindings, name)), None)
            if owner is not None:
                self._give_to(owner, scope, name)

    @staticmethod
    def _give_to(owner: Scope, scope: Scope, name: str) -> None:
        if owner is scope:
            return
        for binding in scope.bindings.pop(name, ()):
            scope.given.append((owner, binding))
            owner.bindings.setdefault(name, []).append(binding)

    def _take_back(self, scope: Scope) -> None:
        for owner, binding in scope.given:
            bindings = dict.get(owner.bindings, binding.name, [])
            if binding in bindings:
                bindings.remove(binding)
            if not bindings:
                owner.bindings.pop(binding.name, None)
            scope.bindings.setdefault(binding.name, []).append(binding)
        scope.given.clear()

    # Edits.

    def update(self, owners: Iterable[ast.AST], dropped: Iterable[ast.AST]) -> None:
        """Brings the scopes of definitions (or the module) up to date, whose statements have changed.

        Those of other definitions stay. `dropped` are nodes that have left the tree.
        """
        assert self.tracker is not None
        known = [node for node in owners if node in self._inner]
        known.sort(key=lambda node: sum(1 for _ in self.ancestors(node)))
        concerned = {self._inner[node]: None for node in known}
        concerned.update({owner: None for giver in self._givers for owner, _ in giver.given})
        before = {scope: self._described(scope) for scope in concerned}
        stars = {scope: list(scope.stars) for scope in concerned}
        definitions = set(self._definitions())
        for scope in list(self._givers):
            self._take_back(scope)
        for node in dropped:
            for inner in ast.walk(node):
                self._forget(inner)
        self._walk(known)
        for scope in concerned:
            if scope.inputs is None:
                continue
            after, earlier = self._described(scope), before[scope]
            for name in earlier.keys() | after.keys():
                if earlier.get(name) != after.get(name):
                    scope.inputs.names.change(name)
            if stars[scope] != scope.stars:
                scope.inputs.stars.changed = self.tracker.revision
        if definitions != set(self._definitions()):
            assert self.module.inputs is not None
            self.module.inputs.inside.changed = self.tracker.revision

    def _definitions(self) -> Iterator[Scope]:
        return (scope for scope in self._inner.values() if scope.inputs is not None)

    def _forget(self, node: ast.AST) -> None:
        self._parents.pop(node, None)
        self._scopes.pop(node, None)
        scope = self._inner.pop(node, None)
        if scope is not None:
            self._givers.pop(scope, None)
            for owner, binding in scope.given:
                bindings = dict.get(owner.bindings, binding.name, [])
                if binding in bindings:
                    bindings.remove(binding)

    def _described(self, scope: Scope) -> dict[str, list[object]]:
        """What each name is bound by: equal before and after an edit where that is the same."""
        return {
            name: [(binding.node, binding.kind, self._around(binding.node, scope)) for binding in bindings]
            for name, bindings in dict.items(scope.bindings)
        }

    def _around(self, node: ast.AST, scope: Scope) -> tuple[object, ...]:
        """The statements around a binding, and what they test."""
        found: list[object] = []
        child = node
        for above in self.ancestors(node):
            if above is scope.node:
                break
            found.append(above)
            found.append(getattr(above, "test", getattr(above, "type", None)))
            found.append(any(child is other for other in getattr(above, "orelse", None) or ()))
            child = above
        return tuple(found)

    # Questions.

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope in which `node` is evaluated: for a definition, the one around it."""
        return self._scopes.get(node, self.module)

    def inner(self, node: ast.AST) -> Scope:
        """The scope that a module, class, function, lambda or comprehension opens. KeyError for others."""
        return self._inner[node]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node around this one, None for the module."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around this one, innermost first, up to the module."""
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def all(self) -> Iterator[Scope]:
        """Every scope, outer ones first."""
        waiting = [self.module]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting.extend(reversed(scope.children))

    def resolve(self, name: str, scope: Scope) -> Resolution:
        """What `name`, used in `scope`, refers to."""
        stars: list[ast.ImportFrom] = []
        if name in scope.globals:
            candidates: Iterator[Scope] = iter((self.module,))
        elif name in scope.nonlocals:
            candidates = (s for s in scope.visible() if s is not scope and s.kind != "module")
        else:
            candidates = scope.visible()
        for candidate in candidates:
            stars.extend(candidate.stars)
            if name in candidate.globals and candidate is not self.module:
                stars.extend(self.module.stars)
                return self._owned(name, self.module, stars)
            if name in candidate.bindings:
                return self._owned(name, candidate, stars)
        return Resolution(name, None, (), tuple(stars))

    @staticmethod
    def _owned(name: str, scope: Scope, stars: list[ast.ImportFrom]) -> Resolution:
        bindings = tuple(scope.bindings.get(name, ()))
        return Resolution(name, scope if bindings else None, bindings, tuple(stars))
