"""Scopes, bindings and name resolution by Python's own rules, from syntax alone.

One walk over a module finds every scope, every binding in it and, for every node, its parent and
the scope it is evaluated in. Nothing is inferred here: a star import "may bind anything", and who
knows the imported module decides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from typewright.analysis.inputs import ScopeInputs, TrackedNames, Tracker

ScopeKind = Literal["module", "class", "function", "lambda", "comprehension", "type_parameters"]
BindingKind = Literal[
    "parameter",
    "assignment",
    "declaration",  # an annotation without a value
    "augmented",
    "import",
    "function",
    "class",
    "for",
    "with",
    "except",
    "match",
    "walrus",
    "delete",
    "type_parameter",
    "type_alias",
]

MODULE_NAMES = frozenset(
    {
        "__name__", "__doc__", "__file__", "__spec__", "__loader__", "__package__", "__path__", "__dict__",
        "__builtins__", "__annotations__", "__cached__", "__debug__",
    }
)  # fmt: skip
"""Names that every module has without binding them."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One place that binds a name.

    `node` carries the name (a `Name`, `arg`, `alias`, definition, `ExceptHandler`, pattern or type
    parameter); `statement` is the statement, comprehension, lambda or walrus that binds it; `scope`
    is where that stands, which `global` and `nonlocal` make differ from the scope that owns the name.
    """

    name: str
    kind: BindingKind
    node: ast.AST
    statement: ast.AST
    scope: Scope


@dataclass(slots=True, eq=False)
class Scope:
    """A region with names of its own. `bindings` are in textual order, those by `global` last.

    `given` are its bindings that belong to another scope, by `global` and `nonlocal`, with that scope.
    `inputs` is there where the module may be edited (`Scopes.update`).
    """

    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    name: str
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    uses: dict[str, list[ast.Name]] = field(default_factory=dict)
    children: list[Scope] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    given: list[tuple[Scope, Binding]] = field(default_factory=list)
    inputs: ScopeInputs | None = None

    @property
    def qualified_name(self) -> str:
        """The dotted name within the module: `Class.method`, '' for the module itself."""
        names = [s.name for s in (self, *self.ancestors()) if s.kind in ("class", "function")]
        return ".".join(reversed(names))

    def ancestors(self) -> Iterator[Scope]:
        """The scopes around this one, innermost first, whether their names are visible or not."""
        scope = self.parent
        while scope is not None:
            yield scope
            scope = scope.parent

    def visible(self) -> Iterator[Scope]:
        """The scopes in which a name used here is looked up, in that order.

        A class's names are visible in its own body, and to type parameters and annotations that stand
        directly in it, but not in its methods and comprehensions.
        """
        yield self
        directly = self.kind == "type_parameters"
        for scope in self.ancestors():
            if scope.kind != "class" or directly:
                yield scope
            directly = directly and scope.kind == "type_parameters"

    def enclosing(self, *kinds: ScopeKind) -> Scope | None:
        """The innermost scope of one of these kinds, this one included."""
        return next((scope for scope in (self, *self.ancestors()) if scope.kind in kinds), None)


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
        walk = _Walk(self._parents, self._scopes, self._inner, self, dict.fromkeys(owners))
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


@dataclass(slots=True, eq=False)
class _Visit:
    node: ast.AST
    scope: Scope
    parent: ast.AST
    statement: ast.AST
    kind: BindingKind


class _Walk:
    """Fills the scopes of `owners`, and of what is new in them; other definitions in them stay as they are.

    An explicit stack, since a generated expression may be thousands deep.
    """

    def __init__(
        self,
        parents: dict[ast.AST, ast.AST],
        scopes: dict[ast.AST, Scope],
        inner: dict[ast.AST, Scope],
        opener: Scopes,
        owners: dict[ast.AST, None],
    ) -> None:
        self.parents, self.scopes, self.inner = parents, scopes, inner
        self.opener = opener
        self.owners = owners
        self.stack: list[_Visit] = []
        self.givers: list[Scope] = []

    def run(self) -> None:
        while self.owners:
            owner = next(iter(self.owners))
            self._start(owner)
            while self.stack:
                visit = self.stack.pop()
                self.parents[visit.node] = visit.parent
                self.scopes[visit.node] = visit.scope
                self._visit(visit)

    def _start(self, owner: ast.AST) -> None:
        """Begins with a definition whose head stays, or the module."""
        del self.owners[owner]
        known = self.inner[owner]
        scope = self.opener.opened(known.kind, owner, known.parent, known.name)
        if isinstance(owner, _FUNCTIONS):
            self._bind_parameters(owner.args, scope, owner)
        self._push(owner.body, scope, owner, owner)  # type: ignore[attr-defined]

    def _stays(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a definition's own scope is there and up to date; then it becomes a child of `scope`."""
        known = self.inner.get(node)
        if known is None or node in self.owners:
            self.owners.pop(node, None)
            return False
        while known.parent is not None and known.parent is not scope:
            known = known.parent
        scope.children.append(known)
        return True

    def _push(
        self,
        nodes: Iterator[ast.AST] | list[ast.AST],
        scope: Scope,
        parent: ast.AST,
        statement: ast.AST,
        kind: BindingKind = "assignment",
    ) -> None:
        visits = [
            _Visit(node, scope, parent, statement, kind)
            for node in nodes
            if not isinstance(node, ast.expr_context | ast.operator | ast.unaryop | ast.cmpop | ast.boolop)
        ]
        self.stack.extend(reversed(visits))

    def _bind(self, name: str, kind: BindingKind, node: ast.AST, statement: ast.AST, scope: Scope) -> None:
        if kind == "walrus":
            outer = scope.enclosing("module", "class", "function", "lambda", "type_parameters")
            scope = outer or scope
        scope.bindings.setdefault(name, []).append(Binding(name, kind, node, statement, scope))

    def _open(self, kind: ScopeKind, node: ast.AST, parent: Scope, name: str = "") -> Scope:
        if kind == "type_parameters":
            scope = Scope(kind, node, parent, name)
        else:
            scope = self.opener.opened(kind, node, parent, name)
        parent.children.append(scope)
        return scope

    def _visit(self, visit: _Visit) -> None:
        node, scope = visit.node, visit.scope
        if isinstance(node, ast.Name):
            self._name(node, visit)
        elif isinstance(node, _FUNCTIONS):
            self._function(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, ast.Lambda):
            self._lambda(node, scope)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, scope)
        elif isinstance(node, ast.stmt):
            self._statement(node, scope)
        elif isinstance(node, ast.NamedExpr):
            self._push([node.target], scope, node, node, "walrus")
            self._push([node.value], scope, node, visit.statement)
        elif isinstance(node, ast.withitem):
            if node.optional_vars is not None:
                self._push([node.optional_vars], scope, node, visit.statement, "with")
            self._push([node.context_expr], scope, node, visit.statement)
        elif isinstance(node, ast.ExceptHandler):
            if node.name:
                self._bind(node.name, "except", node, node, scope)
            self._push(ast.iter_child_nodes(node), scope, node, node)
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            self._bind(node.name, "match", node, visit.statement, scope)
            self._push(ast.iter_child_nodes(node), scope, node, visit.statement)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self._bind(node.rest, "match", node, visit.statement, scope)
            self._push(ast.iter_child_nodes(node), scope, node, visit.statement)
        else:
            self._push(ast.iter_child_nodes(node), scope, node, visit.statement, visit.kind)

    def _name(self, node: ast.Name, visit: _Visit) -> None:
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id, visit.kind, node, visit.statement, visit.scope)
        elif isinstance(node.ctx, ast.Del):
            self._bind(node.id, "delete", node, visit.statement, visit.scope)
        visit.scope.uses.setdefault(node.id, []).append(node)

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._bind(alias.asname or alias.name.partition(".")[0], "import", alias, node, scope)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    scope.stars.append(node)
                else:
                    self._bind(alias.asname or alias.name, "import", alias, node, scope)
        elif isinstance(node, ast.Global):
            scope.globals.update(node.names)
            self.givers.append(scope)
        elif isinstance(node, ast.Nonlocal):
            scope.nonlocals.update(node.names)
            self.givers.append(scope)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self._push([*node.body, *node.orelse], scope, node, node)
            self._push([node.iter], scope, node, node)
            self._push([node.target], scope, node, node, "for")
            return
        elif isinstance(node, ast.AugAssign):
            self._push([node.value], scope, node, node)
            self._push([node.target], scope, node, node, "augmented")
            return
        elif isinstance(node, ast.AnnAssign):
            self._push([node.annotation, *([node.value] if node.value else [])], scope, node, node)
            self._push([node.target], scope, node, node, "assignment" if node.value else "declaration")
            return
        elif type(node).__name__ == "TypeAlias":  # an ast node from Python 3.12 on
            self._type_alias(node, scope)
            return
        self._push(ast.iter_child_nodes(node), scope, node, node)

    def _type_parameters(self, node: ast.AST, scope: Scope) -> Scope:
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        if not parameters:
            return scope
        inside = self._open("type_parameters", node, scope)
        for parameter in parameters:
            self._bind(getattr(parameter, "name", ""), "type_parameter", parameter, node, inside)
        self._push(parameters, inside, node, node)
        return inside

    def _type_alias(self, node: ast.AST, scope: Scope) -> None:
        target, value = getattr(node, "name", None), getattr(node, "value", None)
        inside = self._type_parameters(node, scope)
        if isinstance(value, ast.expr):
            self._push([value], inside, node, node)
        if isinstance(target, ast.expr):
            self._push([target], scope, node, node, "type_alias")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        self._bind(node.name, "function", node, node, scope)
        if self._stays(node, scope):
            inside = self.inner[node]
            signature = inside.parent or scope
            if signature is not scope:
                signature.uses.clear()
                signature.children[:] = [inside]
                self._push(getattr(node, "type_params", []), signature, node, node)
        else:
            signature = self._type_parameters(node, scope)
            inside = self._open("function", node, signature, node.name)
            self._bind_parameters(node.args, inside, node)
            self._push(list(node.body), inside, node, node)
        if node.returns is not None:
            self._push([node.returns], signature, node, node)
        self._arguments(node.args, inside, signature, scope, node)
        self._push(list(node.decorator_list), scope, node, node)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> None:
        inside = self._open("lambda", node, scope)
        self._bind_parameters(node.args, inside, node)
        self._push([node.body], inside, node, node)
        self._arguments(node.args, inside, scope, scope, node)

    def _arguments(
        self, arguments: ast.arguments, inside: Scope, signature: Scope, outside: Scope, owner: ast.AST
    ) -> None:
        self.parents[arguments] = owner
        self.scopes[arguments] = outside
        for argument in parameters(arguments):
            self.parents[argument] = arguments
            self.scopes[argument] = inside
            if argument.annotation is not None:
                self._push([argument.annotation], signature, argument, owner)
        defaults = [d for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]
        self._push(list(defaults), outside, arguments, owner)

    def _bind_parameters(self, arguments: ast.arguments, inside: Scope, owner: ast.AST) -> None:
        for argument in parameters(arguments):
            self._bind(argument.arg, "parameter", argument, owner, inside)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        self._bind(node.name, "class", node, node, scope)
        if self._stays(node, scope):
            header = self.inner[node].parent or scope
            if header is not scope:
                header.uses.clear()
                header.children[:] = [self.inner[node]]
                self._push(getattr(node, "type_params", []), header, node, node)
        else:
            header = self._type_parameters(node, scope)
            inside = self._open("class", node, header, node.name)
            self._push(list(node.body), inside, node, node)
        self._push([*node.bases, *node.keywords], header, node, node)
        self._push(list(node.decorator_list), scope, node, node)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope
    ) -> None:
        inside = self._open("comprehension", node, scope)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._push(list(results), inside, node, node)
        for position, generator in reversed(list(enumerate(node.generators))):
            self.parents[generator] = node
            self.scopes[generator] = inside
            self._push(list(generator.ifs), inside, generator, generator)
            self._push([generator.iter], inside if position else scope, generator, generator)
            self._push([generator.target], inside, generator, generator, "for")


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter in the order in which it is written."""
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg is not None:
        found.append(arguments.vararg)
    found.extend(arguments.kwonlyargs)
    if arguments.kwarg is not None:
        found.append(arguments.kwarg)
    return found
