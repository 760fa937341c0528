"""From a position to where its symbol is defined, and from there to every place that uses it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, FunctionDefinition, ModuleDefinition
from typewright.analysis.modules import absolute_name
from typewright.analysis.scopes import Binding, Scope, parameters
from typewright.analysis.types import (
    BoundMethod,
    ClassObject,
    Function,
    Module,
    Partial,
    Type,
    Wrapped,
    alternatives,
)
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.source import Span, read_source
from typewright.indexer.syntax import Syntax, parse

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_MAX_HOPS = 20


@dataclass(frozen=True, slots=True)
class Location:
    """A named place in a file; a module's is the first character of its file."""

    path: Path
    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a name refers to: a node that binds it in a module, or (None) the module itself."""

    path: Path
    node: ast.AST | None
    name: str


class Navigator:
    """Finds definitions and references in one snapshot."""

    def __init__(self, evaluator: Evaluator, cancel: CancelToken = NEVER) -> None:
        self.evaluator = evaluator
        self.cancel = cancel

    # Definitions.

    def definition(self, path: Path, line: int, column: int) -> Sequence[Location]:
        """Where the symbol at a position is defined; imports are followed to what they import."""
        module = self.evaluator.modules.at(path)
        syntax = self._syntax(path)
        found = _identifier_at(syntax, line, column)
        return self._locations(self.targets(module, *found)) if found else ()

    def targets(self, module: ModuleDefinition, node: ast.AST, name: str) -> tuple[Target, ...]:
        """What the identifier `name` that `node` carries refers to."""
        scopes = module.scopes
        match node:
            case ast.Name() | ast.arg() | ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                found = self._name(module, name, scopes.scope_of(node))
            case ast.MatchMapping() | ast.Global() | ast.Nonlocal():
                found = self._name(module, name, scopes.scope_of(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found = self._name(module, name, scopes.scope_of(node))
            case ast.Attribute():
                found = self._attribute(module, node)
            case ast.keyword():
                found = self._keyword(module, node)
            case ast.alias():
                found = self._alias(module, node, name)
            case ast.ImportFrom():
                found = self._module(_up_to(absolute_name(module, node), name))
            case _:
                found = iter(())
        return tuple(dict.fromkeys(found))

    def _name(self, module: ModuleDefinition, name: str, scope: Scope) -> Iterator[Target]:
        resolution = module.scopes.resolve(name, scope)
        if resolution.bindings:
            yield from self._bindings(module, resolution.bindings)
            return
        yield from self._starred(module, name, _MAX_HOPS)
        if name not in module.scopes.module.bindings:
            builtins = self.evaluator.builtins
            yield from self._bindings(builtins, tuple(builtins.scopes.module.bindings.get(name, ())))

    def _bindings(
        self, module: ModuleDefinition, bindings: Sequence[Binding], hops: int = _MAX_HOPS
    ) -> Iterator[Target]:
        binding_kinds = {binding.kind for binding in bindings}
        for binding in bindings:
            if binding.kind == "delete" or (binding.kind == "augmented" and binding_kinds != {"augmented"}):
                continue
            if len(bindings) > 1 and not self.evaluator.modules.reachable(module, binding):
                continue
            if binding.kind == "import" and hops:
                followed = tuple(self._import(module, binding, hops - 1))
                if followed:
                    yield from followed
                    continue
            yield Target(module.path, binding.node, binding.name)

    def _import(self, module: ModuleDefinition, binding: Binding, hops: int) -> Iterator[Target]:
        alias, statement = binding.node, binding.statement
        assert isinstance(alias, ast.alias)
        if isinstance(statement, ast.ImportFrom):
            yield from self._symbol(absolute_name(module, statement), alias.name, hops, module)
        else:
            yield from self._module(alias.name if alias.asname else alias.name.partition(".")[0])

    def imported(self, module: ModuleDefinition, binding: Binding) -> Target | None:
        """What an import binds, if that is known."""
        return next(self._import(module, binding, _MAX_HOPS), None)

    def _symbol(
        self, module_name: str, name: str, hops: int, importer: ModuleDefinition | None = None
    ) -> Iterator[Target]:
        """A module's member; an `__init__` that says `from . import x` means its submodule."""
        source = self.evaluator.modules.find(module_name)
        if source is not None and source is not importer:
            bindings = source.scopes.module.bindings.get(name, ())
            if bindings:
                yield from self._bindings(source, bindings, hops)
                return
            starred = tuple(self._starred(source, name, hops))
            if starred:
                yield from starred
                return
        yield from self._module(f"{module_name}.{name}")

    def _starred(self, module: ModuleDefinition, name: str, hops: int) -> Iterator[Target]:
        modules = self.evaluator.modules
        for statement in reversed(module.scopes.module.stars):
            source = modules.imported_module(module, statement)
            if hops and source is not None and source is not module and name in modules.exported(source):
                yield from self._symbol(source.name, name, hops - 1)
                return

    def _module(self, name: str) -> Iterator[Target]:
        file = self.evaluator.workspace.find_module(name)
        if file is not None and file.kind != "namespace":
            yield Target(file.path, None, name)

    def _alias(self, module: ModuleDefinition, alias: ast.alias, name: str) -> Iterator[Target]:
        statement = module.scopes.parent(alias)
        if isinstance(statement, ast.ImportFrom):
            yield from self._symbol(absolute_name(module, statement), alias.name, _MAX_HOPS, module)
        else:
            yield from self._module(alias.name if name == alias.asname else _up_to(alias.name, name))

    def _attribute(self, module: ModuleDefinition, node: ast.Attribute) -> Iterator[Target]:
        receiver = self.evaluator.infer(module.path, node.value).type
        for value in alternatives(receiver):
            yield from self.member(value, node.attr)

    def member(self, value: Type, name: str) -> Iterator[Target]:
        """Where a member of a type is defined."""
        if isinstance(value, Module):
            yield from self._symbol(value.definition.name, name, _MAX_HOPS)
            return
        attribute = self.evaluator.lookup(value, name)
        if attribute is not None and isinstance(attribute.owner, ClassDefinition):
            yield from self._class_member(attribute.owner, name)

    def _class_member(self, owner: ClassDefinition, name: str) -> Iterator[Target]:
        if owner.scope is None:
            return
        for binding in owner.scope.bindings.get(name, ()):
            if binding.kind not in ("delete", "augmented"):
                yield from self._bindings(owner.module, (binding,))
        for node in self_stores(owner.scope, name):
            yield Target(owner.module.path, node, name)

    def _keyword(self, module: ModuleDefinition, keyword: ast.keyword) -> Iterator[Target]:
        call = module.scopes.parent(keyword)
        if not isinstance(call, ast.Call) or keyword.arg is None:
            return
        for value in alternatives(self.evaluator.infer(module.path, call.func).type):
            for function in self.callees(value):
                for argument in parameters(function.node.args):
                    if argument.arg == keyword.arg:
                        yield Target(function.module.path, argument, argument.arg)
            if isinstance(value, ClassObject):
                yield from self._field(value.definition, keyword.arg)

    def _field(self, definition: ClassDefinition, name: str) -> Iterator[Target]:
        """The field of a dataclass, named tuple or typed dictionary that a keyword argument fills."""
        for owner, _ in self.evaluator.classes.mro(definition):
            for binding in owner.scope.bindings.get(name, ()) if owner.scope else ():
                if isinstance(binding.statement, ast.AnnAssign):
                    yield Target(owner.module.path, binding.node, name)
                    return

    def callees(self, value: Type) -> Iterator[FunctionDefinition]:
        """The functions that a call of this type runs, constructors included."""
        match value:
            case Function(definition=definition, overloads=overloads):
                yield from overloads or (definition,)
            case BoundMethod(function=function) | Partial(function=function) | Wrapped(function=function):
                yield from self.callees(function)
            case ClassObject(definition=definition):
                for name in ("__init__", "__new__"):
                    found = self.evaluator.lookup(value, name)
                    owner = found.owner if found is not None else None
                    if isinstance(owner, ClassDefinition) and owner.qualified_name != "builtins.object":
                        yield from self._methods(owner, name)
            case _:
                return

    def _methods(self, owner: ClassDefinition, name: str) -> Iterator[FunctionDefinition]:
        for binding in owner.scope.bindings.get(name, ()) if owner.scope else ():
            if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef):
                scope = owner.module.scopes.inner(binding.node)
                yield FunctionDefinition(binding.node, owner.module, scope, owner)

    # References.

    def references(self, path: Path, line: int, column: int) -> Sequence[Location]:
        """Every place in the workspace that refers to the symbol at a position, its definition included.

        Each candidate is resolved: a place whose receiver is not known is left out.
        """
        module = self.evaluator.modules.at(path)
        found = _identifier_at(self._syntax(path), line, column)
        if found is None:
            return ()
        targets = frozenset(self.targets(module, *found))
        names = {found[1], *(target.name.rpartition(".")[2] for target in targets)}
        places: dict[tuple[Path, Span], Location] = {}
        for file in self._files(module, targets, names):
            self.cancel.check()
            for location in self._uses(file, names, targets):
                places[location.path, location.span] = location
        return tuple(places[key] for key in sorted(places))

    def _files(self, module: ModuleDefinition, targets: frozenset[Target], names: set[str]) -> Sequence[Path]:
        if targets and all(self._is_local(target) for target in targets):
            return [module.path]
        found = {module.path}
        for name in names:
            found.update(self.evaluator.workspace.files_using(name))
        return sorted(found)

    def _is_local(self, target: Target) -> bool:
        """Whether nothing outside the file can name it."""
        if target.node is None or isinstance(target.node, ast.arg | ast.Attribute):
            return False
        module = self.evaluator.modules.at(target.path)
        return module.scopes.scope_of(target.node).kind in ("function", "lambda", "comprehension")

    def _uses(self, path: Path, names: set[str], targets: frozenset[Target]) -> Iterator[Location]:
        try:
            syntax = self._syntax(path)
        except TypewrightError:
            return
        module = self.evaluator.modules.at(path)
        names = set(names)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.alias) and node.asname and node.name.rpartition(".")[2] in names:
                names.add(node.asname)
        for node in ast.walk(module.tree):
            for name in names.intersection(_identifiers(node)):
                self.cancel.check()
                if targets.intersection(self.targets(module, node, name)):
                    yield Location(path, _identifier_span(syntax, node, name), name)

    # Places.

    def _locations(self, targets: Sequence[Target]) -> tuple[Location, ...]:
        found: dict[tuple[Path, Span], Location] = {}
        for target in targets:
            if target.node is None:
                span = Span(1, 1, 1, 1)
            else:
                span = _identifier_span(self._syntax(target.path), target.node, target.name)
            found.setdefault((target.path, span), Location(target.path, span, target.name))
        return tuple(found.values())

    def _syntax(self, path: Path) -> Syntax:
        """A workspace file as it is in the snapshot, any other as it lies on disk."""
        if self.evaluator.modules.at(path).origin == "workspace":
            return self.evaluator.modules.syntax(path)
        return parse(read_source(path))


def self_stores(scope: Scope, name: str) -> Iterator[ast.Attribute]:
    """Where the methods of a class assign an attribute of their first parameter."""
    for method in scope.children:
        if method.kind != "function":
            continue
        first = parameters(method.node.args)[:1] if isinstance(method.node, ast.FunctionDef) else []
        if isinstance(method.node, ast.AsyncFunctionDef):
            first = parameters(method.node.args)[:1]
        for node in ast.walk(method.node) if first else ():
            if (
                isinstance(node, ast.Attribute)
                and node.attr == name
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
                and node.value.id == first[0].arg
            ):
                yield node


def _identifier_at(syntax: Syntax, line: int, column: int) -> tuple[ast.AST, str] | None:
    """The node whose identifier the position touches, and that identifier."""
    for node in reversed(syntax.nodes_at(line, column)):
        for name in _identifiers(node):
            if _identifier_span(syntax, node, name).contains(line, column):
                return node, name
        if isinstance(node, ast.stmt):
            break
    return None


def _identifiers(node: ast.AST) -> Sequence[str]:
    """The identifiers that a node itself carries, without those of the nodes in it."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
            return (name,)
        case ast.keyword(arg=str() as name):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.alias(name=name, asname=alias):
            return (*name.split("."), *((alias,) if alias else ()))
        case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
            return (name,)
        case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            return (name,)
        case ast.ImportFrom(module=str() as name):
            return name.split(".")
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case _:
            return ()


def _identifier_span(syntax: Syntax, node: ast.AST, name: str) -> Span:
    """Where an identifier that a node carries stands."""
    if isinstance(node, ast.alias | ast.ImportFrom | ast.Global | ast.Nonlocal):
        return _word_span(syntax, node, name)
    return syntax.name_span(node)


def _word_span(syntax: Syntax, node: ast.AST, name: str) -> Span:
    """Where a word stands in a node's text: the last one for what is bound by `as`, else the first."""
    span = syntax.span(node)
    start, end = syntax.offset(span.line, span.column), syntax.offset(span.end_line, span.end_column)
    found = list(re.compile(rf"\b{re.escape(name)}\b").finditer(syntax.text, start, end))
    if not found:
        return span
    match = found[-1 if isinstance(node, ast.alias) and name == node.asname else 0]
    return Span(*syntax.position(match.start()), *syntax.position(match.end()))


def _up_to(dotted: str, part: str) -> str:
    """A dotted name cut behind one of its parts."""
    parts = dotted.split(".")
    return ".".join(parts[: parts.index(part) + 1]) if part in parts else dotted
