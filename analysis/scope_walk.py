"""The walk over a module, or the parts of it that were edited, that finds scopes and bindings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typewright.analysis.bindings import Binding, BindingKind, Scope, ScopeKind

if TYPE_CHECKING:
    from typewright.analysis.scopes import Scopes

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True, eq=False)
class _Visit:
    node: ast.AST
    scope: Scope
    parent: ast.AST
    statement: ast.AST
    kind: BindingKind


class Walk:
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
        """Walks until every owner is read."""
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
