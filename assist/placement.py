"""Where annotations go: sites found in the tree, edits made between the tokens of their signature."""

from __future__ import annotations

import ast
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from typewright.assist.edits import TextEdit
from typewright.indexer.source import Span
from typewright.indexer.syntax import Syntax

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | Function
Key = tuple[str, str, str, int]  # kind, function, name, which of those that share them
Kind = Literal["return", "param", "variable"]

_TYPE_COMMENT = re.compile(r"#\s*type:(?!\s*ignore\b)")
_ASSIGNS = re.compile(r"[ \t]*=(?!=)")
_FILLER = (tokenize.NL, tokenize.COMMENT)
_BEFORE_BODY = (*_FILLER, tokenize.NEWLINE, tokenize.INDENT)


@dataclass(frozen=True, slots=True)
class Site:
    """A place for an annotation.

    `key` stays the same while annotations and imports come and go; `scopes` are the enclosing scopes, the
    module first, without the function whose parameter or return this is. An `occupied` site has an annotation
    already, or says its type in another way (type comment, overload).
    """

    key: Key
    kind: Kind
    node: Function | ast.arg | ast.Assign | ast.AnnAssign
    function: Function | None
    scopes: tuple[Scope, ...]
    line: int
    column: int
    occupied: bool


class Placement:
    """The sites of one text and the edits that annotate them; broken code elsewhere does no harm.

    `sites` addresses them as slots are: by kind, line and column of the identifier.
    """

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._signatures: dict[Function, _Signature] = {}
        found = list(self._find(syntax.tree, (syntax.tree,)))
        self.sites = {(site.kind, site.line, site.column): site for site in found}
        self.by_key = {site.key: site for site in found}

    def siblings(self, site: Site) -> list[Site]:
        """Return the sites of the same kind, function and name, this one included."""
        kind, function, name, _ = site.key
        count = self._seen[kind, function, name]
        return [self.by_key[kind, function, name, number] for number in range(1, count + 1)]

    def edit(self, site: Site, annotation: str) -> TextEdit | None:
        """Return the edit that writes `annotation` at `site`; None where there is no safe place for it."""
        if site.occupied:
            return None
        if isinstance(site.node, ast.Assign):
            return self._variable(site.node, annotation)
        if site.function is None:
            return None
        signature = self._signature(site.function)
        if isinstance(site.node, ast.arg):
            return self._parameter(site.node, signature, annotation)
        closing = signature.closing()
        if closing is None:
            return None
        line, column = closing.end
        return TextEdit.insert(line, column + 1, f" -> {annotation}")

    # -- sites ------------------------------------------------------------------------------------

    def _find(self, node: ast.AST, scopes: tuple[Scope, ...]) -> Iterator[Site]:
        overloaded: set[str] = set()
        for child in statements(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if _is_overload(child):
                    overloaded.add(child.name)
                occupied = child.name in overloaded or self._signature(child).has_type_comment
                yield from self._of_function(child, scopes, occupied=occupied)
                yield from self._find(child, (*scopes, child))
            elif isinstance(child, ast.ClassDef):
                yield from self._find(child, (*scopes, child))
            elif isinstance(child, ast.Assign) and len(child.targets) == 1:
                yield self._site("variable", child, child.targets[0], None, scopes, occupied=False)
            elif isinstance(child, ast.AnnAssign):
                yield self._site("variable", child, child.target, None, scopes, occupied=True)

    def _of_function(
        self, function: Function, scopes: tuple[Scope, ...], *, occupied: bool
    ) -> Iterator[Site]:
        arguments = function.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            *(extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None),
        ):
            taken = occupied or argument.annotation is not None
            yield self._site("param", argument, argument, function, scopes, occupied=taken)
        taken = occupied or function.returns is not None
        yield self._site("return", function, function, function, scopes, occupied=taken)

    def _site(
        self,
        kind: Kind,
        node: Function | ast.arg | ast.Assign | ast.AnnAssign,
        named: ast.AST,
        function: Function | None,
        scopes: tuple[Scope, ...],
        *,
        occupied: bool,
    ) -> Site:
        path = [scope.name for scope in (*scopes, function) if isinstance(scope, ast.ClassDef | Function)]
        if isinstance(named, ast.arg):
            name = named.arg
        else:
            name = path[-1] if isinstance(named, Function) else self._syntax.source(named)
        if function is None:
            function = next((scope for scope in reversed(scopes) if isinstance(scope, Function)), None)
        group = (kind, ".".join(path), name)
        self._seen[group] += 1
        span = self._syntax.span(named) if kind == "variable" else self._syntax.name_span(named)
        key = (*group, self._seen[group])
        return Site(key, kind, node, function, scopes, span.line, span.column, occupied)

    def _signature(self, function: Function) -> _Signature:
        if function not in self._signatures:
            self._signatures[function] = _Signature(self._syntax, function)
        return self._signatures[function]

    # -- edits ------------------------------------------------------------------------------------

    def _parameter(self, argument: ast.arg, signature: _Signature, annotation: str) -> TextEdit:
        span = self._syntax.name_span(argument)
        equals = signature.after(span.end_line, span.end_column)
        if equals is None or equals.string != "=" or equals.start[0] != span.end_line:
            return TextEdit.insert(span.end_line, span.end_column, f": {annotation}")
        # PEP 8: no spaces around the equals sign of a bare parameter, one on each side of an annotated one.
        line = self._syntax.lines[span.end_line - 1]
        end = equals.end[1]
        rest = line[end:].lstrip(" \t")
        on_same_line = bool(rest) and not rest.startswith(("#", "\\"))
        if on_same_line:
            end = len(line) - len(rest)
        replaced = Span(span.end_line, span.end_column, span.end_line, end + 1)
        return TextEdit(replaced, f": {annotation} ={' ' * on_same_line}")

    def _variable(self, node: ast.Assign, annotation: str) -> TextEdit | None:
        target, statement = self._syntax.span(node.targets[0]), self._syntax.span(node)
        if not _ASSIGNS.match(self._syntax.lines[target.end_line - 1], target.end_column - 1):
            return None  # a target in parentheses would no longer be a simple name
        if _TYPE_COMMENT.search(self._syntax.lines[statement.end_line - 1], statement.end_column - 1):
            return None
        return TextEdit.insert(target.end_line, target.end_column, f": {annotation}")


class _Signature:
    """The tokens from a function's name to the first of its body."""

    def __init__(self, syntax: Syntax, function: Function) -> None:
        name = syntax.name_span(function)
        self._tokens: list[tokenize.TokenInfo] = []
        self.has_type_comment = False
        lines = iter([f"{line}\n" for line in syntax.lines[name.line - 1 : _last_line(function)]])
        depth, colon = 0, False
        try:
            for found in tokenize.generate_tokens(lambda: next(lines, "")):
                token = _moved(found, name.line - 1)
                if token.start < (name.line, name.column - 1):
                    continue
                if colon and token.type not in _BEFORE_BODY:
                    break
                if token.type == tokenize.COMMENT and _TYPE_COMMENT.match(token.string):
                    self.has_type_comment = True
                if token.type == tokenize.OP:
                    depth += (token.string in "([{") - (token.string in ")]}")
                    colon = colon or (not depth and token.string == ":")
                self._tokens.append(token)
        except (tokenize.TokenError, SyntaxError):
            pass  # broken code: what was read so far may do

    def after(self, line: int, column: int) -> tokenize.TokenInfo | None:
        """Return the first token at or behind a position that is neither a line break nor a comment."""
        behind = (t for t in self._tokens if t.type not in _FILLER and t.start >= (line, column - 1))
        return next(behind, None)

    def closing(self) -> tokenize.TokenInfo | None:
        """Return the parenthesis that closes the parameters, where the colon follows it."""
        tokens = [token for token in self._tokens if token.type not in _FILLER]
        depth = 0
        for token, following in pairwise(tokens):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                if not depth and token.string == ")":
                    return token if following.string == ":" else None
        return None


def _moved(token: tokenize.TokenInfo, lines: int) -> tokenize.TokenInfo:
    (line, column), (end_line, end_column) = token.start, token.end
    return token._replace(start=(line + lines, column), end=(end_line + lines, end_column))


def _last_line(function: Function) -> int:
    """The last line that the signature and a type comment below it may reach."""
    return max(function.body[0].lineno if function.body else 0, function.lineno + 1)


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of one scope, those in its branches and loops included, in order."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, field, ()):
            if isinstance(child, ast.stmt):
                yield child
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from statements(child)


def _is_overload(function: Function) -> bool:
    names = (ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list)
    return any(name in ("overload", "no_type_check") for name in names)
