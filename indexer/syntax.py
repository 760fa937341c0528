"""Python text to an `ast.Module`, whatever the text: parsing never fails.

CPython's own parser does the work. Text that it refuses is repaired first (`repair.py`), in such a way that
every node keeps the position that it has in the text as it was written.
"""

import ast
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from .grammar import module_or_none
from .incremental import reparse
from .repair import repair
from .source import Span, content_hash

_UNSPEAKABLE: Final = re.compile("[\0\ud800-\udfff]")
_LINE_END: Final = re.compile(r"\r\n?|\n")
_BEFORE_NAME: Final = re.compile(r"(?:async(?:\s|\\\n)+)?(?:def|class|type)(?:\s|\\\n)+")
_IDENTIFIER: Final = re.compile(r"\w+")


class Syntax:
    """A parsed text; immutable. `tree` is always an `ast.Module`.

    `damage` holds what had to be repaired: those spans may be missing from the tree.
    """

    def __init__(self, text: str, tree: ast.Module, damage: tuple[Span, ...]) -> None:
        self.text: Final = text
        self.tree: Final = tree
        self.damage: Final = damage

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends (`\\n`, `\\r\\n` or `\\r`, as Python counts lines)."""
        return tuple(_LINE_END.split(self.text))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def offset(self, line: int, column: int) -> int:
        """Index into `text` of a 1-based position; one outside the text is moved to the nearest inside."""
        if line < 1:
            return 0
        if line > len(self.lines):
            return len(self.text)
        return self._line_starts[line - 1] + min(max(column - 1, 0), len(self.lines[line - 1]))

    def position(self, offset: int) -> tuple[int, int]:
        """1-based (line, column) of an index into `text`."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def column(self, line: int, byte_offset: int) -> int:
        """1-based character column of `ast`'s UTF-8 byte offset within a 1-based line."""
        if not 1 <= line <= len(self.lines):
            return 1
        text = self.lines[line - 1]
        if text.isascii():
            return min(byte_offset, len(text)) + 1
        # A lone surrogate or a BOM was parsed as one ASCII character.
        spoken = speakable(text) if line == 1 or not text.isprintable() else text
        return len(spoken.encode("utf-8")[:byte_offset].decode("utf-8", errors="ignore")) + 1

    def span(self, node: ast.AST) -> Span:
        """Where a node stands. A node without a position (`ast.Module`, `ast.arguments`) covers the text."""
        line = getattr(node, "lineno", None)
        if line is None:
            return Span(1, 1, len(self.lines), len(self.lines[-1]) + 1)
        end_line = getattr(node, "end_lineno", None) or line
        end_byte = getattr(node, "end_col_offset", None) or 0
        return Span(
            line, self.column(line, getattr(node, "col_offset", 0)), end_line, self.column(end_line, end_byte)
        )

    def source(self, node: ast.AST) -> str:
        """Return the text of a node as it was written."""
        span = self.span(node)
        return self.text[self.offset(span.line, span.column) : self.offset(span.end_line, span.end_column)]

    def name_span(self, node: ast.AST) -> Span:
        """Where the identifier stands that a node defines or reads; the node itself where it has none.

        That is the name of a function or class, the bound name of an import alias or `except ... as`, an
        argument or keyword without its annotation or value, and an attribute without its receiver.
        """
        span = self.span(node)
        start = self.offset(span.line, span.column)
        end = self.offset(span.end_line, span.end_column)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                head = _BEFORE_NAME.match(self.text, start)
                return self._identifier(head.end() if head else start, end, span)
            case ast.alias(asname=None) | ast.arg() | ast.keyword():
                return self._identifier(start, end, span)
            case ast.Attribute() | ast.alias() | ast.MatchAs() | ast.MatchStar() | ast.MatchMapping():
                return self._last_identifier(start, end, span)
            case ast.ExceptHandler(name=str()):
                after = self.span(node.type) if node.type else span
                found = re.compile(r"\W*\bas\b[\s\\]*").match(
                    self.text, self.offset(after.end_line, after.end_column)
                )
                return self._identifier(found.end(), end, span) if found else span
            case ast.Global() | ast.Nonlocal():
                return self._identifier(
                    start + len("global" if isinstance(node, ast.Global) else "nonlocal"), end, span
                )
            case _:
                return span

    def _identifier(self, start: int, end: int, otherwise: Span) -> Span:
        """Return the first identifier in `text[start:end]`."""
        found = _IDENTIFIER.search(self.text, start, end)
        return self._between(found.start(), found.end()) if found else otherwise

    def _last_identifier(self, start: int, end: int, otherwise: Span) -> Span:
        """Return the identifier that ends at `end` (closing brackets and spaces aside)."""
        while end > start and not (self.text[end - 1].isalnum() or self.text[end - 1] == "_"):
            end -= 1
        first = end
        while first > start and (self.text[first - 1].isalnum() or self.text[first - 1] == "_"):
            first -= 1
        return self._between(first, end) if first < end else otherwise

    def _between(self, start: int, end: int) -> Span:
        return Span(*self.position(start), *self.position(end))

    def nodes_at(self, line: int, column: int) -> tuple[ast.AST, ...]:
        """Return the nodes that touch a cursor position, outermost (the module) first."""
        path: list[ast.AST] = [self.tree]
        while True:
            inner = self._child_at(path[-1], line, column)
            if inner is None:
                return tuple(path)
            path.append(inner)

    def _child_at(self, node: ast.AST, line: int, column: int) -> ast.AST | None:
        """Return the child at a position: the one that begins last where two touch it."""
        best: ast.AST | None = None
        for child in _positioned_children(node):
            first = min([child.lineno, *(d.lineno for d in getattr(child, "decorator_list", ()))])  # type: ignore[attr-defined]
            if not first <= line <= child.end_lineno:  # type: ignore[attr-defined]
                continue
            if (first < child.lineno and line < child.lineno) or self.span(child).contains(line, column):  # type: ignore[attr-defined]
                best = child
        return best


def _positioned_children(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if hasattr(child, "lineno"):
            yield child
        elif not isinstance(child, (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)):
            yield from _positioned_children(child)


def speakable(text: str) -> str:
    """Return the text with each character that Python cannot read replaced by one that it can."""
    if text.startswith("\ufeff"):
        text = "\f" + text[1:]
    return _UNSPEAKABLE.sub(lambda match: " " if match[0] == "\0" else "_", text)


class _Cache:
    """The most recently used parses by content, bounded by their characters (100 bytes of tree each)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[str, Syntax] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Syntax | None:
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: str, syntax: Syntax) -> None:
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = syntax
            self._size += len(syntax.text)
            while self._size > self._capacity and len(self._entries) > 1:
                self._size -= len(self._entries.popitem(last=False)[1].text)


_cache: Final = _Cache(capacity=2_000_000)


def parse(text: str, previous: Syntax | None = None, *, remember: bool = True) -> Syntax:
    """Parse Python text; never raises. Equal text is parsed once, unless `remember` is off (for bulk work).

    `previous` is the syntax before an edit: where lines were only changed, not added or removed, the
    top-level statements around them are taken over from its tree.
    """
    if previous is not None and previous.text == text:
        return previous
    key = content_hash(text)
    found = _cache.get(key)
    if found is None:
        found = _parse(text, previous)
        if remember:
            _cache.put(key, found)
    return found


def _parse(text: str, previous: Syntax | None) -> Syntax:
    source = speakable(text)
    if previous is not None:
        lines = _LINE_END.split(source)
        found = reparse(lines, previous.lines, previous.tree, previous.damage)
        if found is not None:
            return Syntax(text, *found)
    tree = module_or_none(source)
    if tree is not None:
        return Syntax(text, tree, ())
    return Syntax(text, *repair(_LINE_END.split(source)))
