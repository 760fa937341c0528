"""Where annotations go in a text: sites found in the tree, edits made between its tokens."""

from __future__ import annotations

import ast
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from typewright.assist.edits import TextEdit
from typewright.indexer.source import Span
from typewright.indexer.syntax import Syntax

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | Function

_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?!ignore\b)")
_FILLER = (tokenize.NL, tokenize.COMMENT)


Key = tuple[str, str, str, int]  # kind, function, name, which of those that share them


@dataclass(frozen=True, slots=True)
class Site:
    """A place for an annotation.

    `key` stays the same while annotations and imports come and go; `scopes` are the enclosing scopes, the
    module first, without the function whose parameter or return this is. An `occupied` site has an annotation
    already, or says its type in another way (type comment, overload).
    """

    key: Key
    kind: Literal["return", "param", "variable"]
    node: Function | ast.arg | ast.Assign | ast.AnnAssign
    function: Function | None
    scopes: tuple[Scope, ...]
    line: int
    column: int
    occupied: bool


class Placement:
    """The sites of one text and the edits that annotate them.

    `sites` addresses them as slots are: by kind, line and column of the identifier.
    """

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        lines = iter([f"{line}\n" for line in syntax.lines])
        self._tokens = list(tokenize.generate_tokens(lambda: next(lines, "")))
        self._at = {(token.start[0], token.start[1] + 1): i for i, token in enumerate(self._tokens)}
        self._seen: Counter[tuple[str, str, str]] = Counter()
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
        if isinstance(site.node, ast.arg):
            return self._parameter(site.node, annotation)
        if isinstance(site.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self._return(site.node, annotation)
        return self._variable(site.node, annotation) if isinstance(site.node, ast.Assign) else None

    # -- sites ------------------------------------------------------------------------------------

    def _find(self, node: ast.AST, scopes: tuple[Scope, ...]) -> Iterator[Site]:
        overloaded: set[str] = set()
        for child in _statements(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if _is_overload(child):
                    overloaded.add(child.name)
                occupied = child.name in overloaded or self._has_type_comment(child)
                yield from self._of_function(child, scopes, occupied=occupied)
                yield from self._find(child, (*scopes, child))
            elif isinstance(child, ast.ClassDef):
                yield from self._find(child, (*scopes, child))
            elif isinstance(child, ast.Assign) and len(child.targets) == 1:
                yield self._site(
                    "variable", child, ast.unparse(child.targets[0]), None, scopes, occupied=False
                )
            elif isinstance(child, ast.AnnAssign):
                yield self._site("variable", child, ast.unparse(child.target), None, scopes, occupied=True)

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
            has_annotation = occupied or argument.annotation is not None
            yield self._site("param", argument, argument.arg, function, scopes, occupied=has_annotation)
        has_annotation = occupied or function.returns is not None
        yield self._site("return", function, function.name, function, scopes, occupied=has_annotation)

    def _site(
        self,
        kind: Literal["return", "param", "variable"],
        node: Function | ast.arg | ast.Assign | ast.AnnAssign,
        name: str,
        function: Function | None,
        scopes: tuple[Scope, ...],
        *,
        occupied: bool,
    ) -> Site:
        if isinstance(node, ast.Assign):
            span = self._syntax.span(node.targets[0])
        elif isinstance(node, ast.AnnAssign):
            span = self._syntax.span(node.target)
        else:
            span = self._syntax.name_span(node)
        if function is None:
            function = next((s for s in reversed(scopes) if isinstance(s, Function)), None)
        path = [scope.name for scope in scopes if not isinstance(scope, ast.Module)]
        if function is not None and kind != "variable":
            path.append(function.name)
        common = (kind, ".".join(path), name)
        self._seen[common] += 1
        key = (*common, self._seen[common])
        return Site(key, kind, node, function, scopes, span.line, span.column, occupied)

    def _has_type_comment(self, function: Function) -> bool:
        """Whether a comment in the signature (or on the line after it) already says the types."""
        start = self._syntax.name_span(function)
        body = self._syntax.span(function.body[0])
        for token in self._tokens[self._at[start.line, start.column] :]:
            if token.start >= (body.line, body.column - 1):
                return False
            if token.type == tokenize.COMMENT and _TYPE_COMMENT.match(token.string):
                return True
        return False

    # -- edits ------------------------------------------------------------------------------------

    def _next(self, index: int) -> int:
        """Return the index of the next token that is neither a line break nor a comment."""
        index += 1
        while self._tokens[index].type in _FILLER:
            index += 1
        return index

    def _parameter(self, argument: ast.arg, annotation: str) -> TextEdit:
        span = self._syntax.span(argument)
        name = self._at[span.line, span.column]
        equals = self._tokens[self._next(name)]
        if equals.string != "=" or equals.start[0] != span.end_line:
            return TextEdit.insert(span.end_line, span.end_column, f": {annotation}")
        # PEP 8: no spaces around the equals sign of a bare parameter, one on each side of an annotated one.
        line = self._syntax.lines[span.end_line - 1]
        end = equals.end[1]
        rest = line[end:].lstrip(" \t")
        if rest and not rest.startswith(("#", "\\")):
            end = len(line) - len(rest)
            return TextEdit(
                Span(span.end_line, span.end_column, span.end_line, end + 1), f": {annotation} = "
            )
        return TextEdit(Span(span.end_line, span.end_column, span.end_line, end + 1), f": {annotation} =")

    def _return(self, function: Function, annotation: str) -> TextEdit | None:
        span = self._syntax.name_span(function)
        index = self._next(self._at[span.line, span.column])
        if self._tokens[index].string == "[":  # type parameters (PEP 695)
            index = self._next(self._closing(index))
        if self._tokens[index].string != "(":
            return None
        closing = self._closing(index)
        if self._tokens[self._next(closing)].string != ":":
            return None
        line, column = self._tokens[closing].end
        return TextEdit.insert(line, column + 1, f" -> {annotation}")

    def _closing(self, index: int) -> int:
        depth = 0
        while True:
            text = self._tokens[index].string if self._tokens[index].type == tokenize.OP else ""
            depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
            if not depth:
                return index
            index += 1

    def _variable(self, node: ast.Assign, annotation: str) -> TextEdit | None:
        target = self._syntax.span(node.targets[0])
        end = next(
            (
                index
                for index in range(self._at[target.line, target.column], len(self._tokens))
                if self._tokens[index].end == (target.end_line, target.end_column - 1)
            ),
            None,
        )
        if end is None or self._tokens[self._next(end)].string != "=":
            return None  # a target in parentheses would no longer be a simple name
        statement = self._syntax.span(node)
        for token in self._tokens[end:]:
            if token.start[0] > statement.end_line:
                break
            if token.type == tokenize.COMMENT and _TYPE_COMMENT.match(token.string):
                return None
        return TextEdit.insert(target.end_line, target.end_column, f": {annotation}")


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of one scope, those in its branches and loops included, in order."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, field, ()):
            if isinstance(child, ast.stmt):
                yield child
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _statements(child)


def _is_overload(function: Function) -> bool:
    names = (ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list)
    return any(name in ("overload", "no_type_check") for name in names)
