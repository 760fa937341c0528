"""What a file defines, imports and uses, as plain data; syntax only."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from .source import Span
from .syntax import Syntax

SymbolKind = Literal["module", "class", "function", "method", "property", "variable", "attribute"]
UsageKind = Literal["name", "attribute", "call", "keyword"]

_PROPERTIES: Final = frozenset({"property", "cached_property", "abstractproperty", "getter"})
_ACCESSORS: Final = frozenset({"setter", "deleter"})
_RECEIVER_LENGTH: Final = 200
_VALUE_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition.

    `signature` is one line of source: `name(a: int, b=1) -> str`, `Name(Base)`, `name: int = 3`.
    """

    name: str
    qualified_name: str
    kind: SymbolKind
    name_span: Span
    span: Span
    signature: str
    docstring: str


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `from module import name as alias`, `import module as alias` (name None).

    `alias` is '' where there is no `as`; `level` counts the leading dots; `name` may be `*`.
    """

    module: str
    name: str | None
    alias: str
    level: int
    span: Span


@dataclass(frozen=True, slots=True)
class Usage:
    """An identifier that is used. An identifier that is called is a `call`, whether name or attribute.

    `receiver` is the text before the dot of an attribute, or the callee's text for a keyword argument
    ('' where it is longer than 200 characters).
    """

    name: str
    kind: UsageKind
    span: Span
    receiver: str


@dataclass(frozen=True, slots=True)
class Outline:
    """All of a file, each in source order."""

    symbols: tuple[Symbol, ...]
    imports: tuple[Import, ...]
    usages: tuple[Usage, ...]


@lru_cache(maxsize=256)
def outline(syntax: Syntax, module: str) -> Outline:
    """Return what a file named `module` defines, imports and uses. Equal text is read once."""
    return Outline(symbols(syntax, module), imports(syntax), usages(syntax))


def symbols(syntax: Syntax, module: str) -> tuple[Symbol, ...]:
    """Return the classes, functions, properties, module and class variables, and attributes of a file."""
    collector = _Symbols(syntax)
    collector.body(syntax.tree.body, module, None)
    return tuple(sorted(collector.found.values(), key=lambda symbol: (symbol.name_span, symbol.name)))


def imports(syntax: Syntax) -> tuple[Import, ...]:
    """Return the imports of a file, those inside functions too."""
    found: list[Import] = []
    pending: list[ast.stmt] = list(syntax.tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found += [Import(each.name, None, each.asname or "", 0, syntax.span(each)) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [
                Import(node.module or "", each.name, each.asname or "", node.level, syntax.span(each))
                for each in node.names
            ]
        else:
            pending.extend(_nested(node))
    return tuple(sorted(found, key=lambda each: each.span))


def usages(syntax: Syntax) -> tuple[Usage, ...]:
    """Return the identifiers that a file uses, those it assigns to included."""
    found: list[Usage] = []
    called: set[int] = set()
    for node in _walk(syntax.tree):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            if node.keywords:
                callee = _short_source(syntax, node.func)
                found += [
                    Usage(each.arg, "keyword", syntax.name_span(each), callee)
                    for each in node.keywords
                    if each.arg is not None
                ]
        elif isinstance(node, ast.Name):
            found.append(Usage(node.id, "call" if id(node) in called else "name", syntax.span(node), ""))
        elif isinstance(node, ast.Attribute):
            kind: UsageKind = "call" if id(node) in called else "attribute"
            found.append(Usage(node.attr, kind, syntax.name_span(node), _short_source(syntax, node.value)))
    return tuple(sorted(found, key=lambda usage: usage.span))


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node, parents before children; on a stack of its own, since expressions nest deeply."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(ast.iter_child_nodes(node))


def _short_source(syntax: Syntax, node: ast.expr) -> str:
    span = syntax.span(node)
    start, end = syntax.offset(span.line, span.column), syntax.offset(span.end_line, span.end_column)
    return syntax.text[start:end] if end - start <= _RECEIVER_LENGTH else ""


_Owner = tuple[str, str] | None


class _Symbols:
    """Collects definitions scope by scope; the first of several of one qualified name counts."""

    def __init__(self, syntax: Syntax) -> None:
        self.found: dict[str, Symbol] = {}
        self._syntax = syntax
        self._overloads: set[str] = set()

    def body(
        self, body: Iterable[ast.stmt], scope: str, within: ast.AST | None, owner: _Owner = None
    ) -> None:
        """Read the statements of one scope.

        `within` is its class or function, None for the module; `owner` the class of the method that the scope
        lies in, and what that method calls its instance.
        """
        pending = list(body)[::-1]
        while pending:
            statement = pending.pop()
            match statement:
                case ast.ClassDef():
                    self._class(statement, scope)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._function(statement, scope, within, owner)
                case _:
                    for target in _targets(statement):
                        self._target(target, statement, None if _is_function(within) else scope, owner)
                    pending.extend(reversed(list(_nested(statement))))

    def _class(self, node: ast.ClassDef, scope: str) -> None:
        keywords = [(f"{each.arg}=" if each.arg else "**") + self._line(each.value) for each in node.keywords]
        bases = ", ".join([*map(self._line, node.bases), *keywords])
        self._add(node, node.name, scope, "class", f"{node.name}({bases})" if bases else node.name, node)
        self.body(node.body, f"{scope}.{node.name}", node)

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        scope: str,
        within: ast.AST | None,
        owner: _Owner,
    ) -> None:
        decorators = {_last_name(each) for each in node.decorator_list}
        name = f"{scope}.{node.name}"
        in_class = isinstance(within, ast.ClassDef)
        if not decorators & _ACCESSORS:
            kind: SymbolKind = "method" if in_class else "function"
            if in_class and decorators & _PROPERTIES:
                kind = "property"
            if name in self._overloads and "overload" not in decorators:
                self._overloads.discard(name)
                del self.found[name]  # the implementation stands for its overloads
            elif "overload" in decorators:
                self._overloads.add(name)
            self._add(node, node.name, scope, kind, self._signature(node), node)
        if in_class:
            parameters = [*node.args.posonlyargs, *node.args.args]
            has_instance = parameters and "staticmethod" not in decorators
            owner = (scope, parameters[0].arg) if has_instance else None
        self.body(node.body, name, node, owner)

    def _target(self, target: ast.expr, statement: ast.stmt, scope: str | None, owner: _Owner) -> None:
        """Add what an assignment binds: names in `scope` (None in a function), attributes of the instance."""
        match target:
            case ast.Name(id=name) if scope is not None:
                self._add(target, name, scope, "variable", self._assigned(name, statement), None, statement)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if owner and name == owner[1]:
                signature = self._assigned(attribute, statement)
                self._add(target, attribute, owner[0], "attribute", signature, None)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self._target(element, statement, scope, owner)
            case ast.Starred(value=value):
                self._target(value, statement, scope, owner)

    def _add(
        self,
        node: ast.AST,
        name: str,
        scope: str,
        kind: SymbolKind,
        signature: str,
        documented: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | None,
        whole: ast.AST | None = None,
    ) -> None:
        qualified = f"{scope}.{name}" if scope else name
        if qualified in self.found:
            return
        docstring = (ast.get_docstring(documented) or "") if documented else ""
        spans = self._syntax.name_span(node), self._syntax.span(whole or node)
        self.found[qualified] = Symbol(name, qualified, kind, *spans, signature, docstring)

    def _line(self, node: ast.expr) -> str:
        return " ".join(self._syntax.source(node).split())

    def _assigned(self, name: str, statement: ast.stmt) -> str:
        annotation = getattr(statement, "annotation", None)
        text = f"{name}: {self._line(annotation)}" if annotation else name
        value = getattr(statement, "value", None)
        unpacks = isinstance(statement, ast.Assign) and isinstance(
            statement.targets[0], (ast.Tuple, ast.List)
        )
        if value is None or unpacks:
            return text
        lines = (value.end_lineno or value.lineno) - value.lineno
        assigned = self._line(value) if lines == 0 else "..."
        return f"{text} = {assigned if len(assigned) <= _VALUE_LENGTH else '...'}"

    def _signature(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        returns = f" -> {self._line(node.returns)}" if node.returns else ""
        return f"{node.name}({', '.join(self._parameters(node.args))}){returns}"

    def _parameters(self, arguments: ast.arguments) -> Iterator[str]:
        positional = [*arguments.posonlyargs, *arguments.args]
        required = len(positional) - len(arguments.defaults)
        for index, parameter in enumerate(positional):
            yield self._parameter(
                parameter, arguments.defaults[index - required] if index >= required else None
            )
            if index + 1 == len(arguments.posonlyargs):
                yield "/"
        if arguments.vararg:
            yield "*" + self._parameter(arguments.vararg, None)
        elif arguments.kwonlyargs:
            yield "*"
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            yield self._parameter(parameter, default)
        if arguments.kwarg:
            yield "**" + self._parameter(arguments.kwarg, None)

    def _parameter(self, parameter: ast.arg, default: ast.expr | None) -> str:
        text = (
            f"{parameter.arg}: {self._line(parameter.annotation)}" if parameter.annotation else parameter.arg
        )
        if default is None:
            return text
        return text + (" = " if parameter.annotation else "=") + self._line(default)


def _targets(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield what a statement assigns to (of loops and `with`, what may be an attribute)."""
    match statement:
        case ast.Assign(targets=targets):
            yield from targets
        case ast.AnnAssign(target=target):
            yield target
        case ast.For(target=target) | ast.AsyncFor(target=target):
            if not isinstance(target, ast.Name):
                yield target
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from (each.optional_vars for each in items if isinstance(each.optional_vars, ast.Attribute))
        case _ if type(statement).__name__ == "TypeAlias":  # since Python 3.12
            yield statement.name  # type: ignore[attr-defined]


def _nested(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements directly inside a compound statement."""
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        for inner in getattr(statement, field, ()):
            if isinstance(inner, ast.stmt):
                yield inner
            else:
                yield from inner.body


def _is_function(node: ast.AST | None) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _last_name(decorator: ast.expr) -> str:
    """Return the last part of a decorator's dotted name."""
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
