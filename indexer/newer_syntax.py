"""Syntax newer than the interpreter that runs us, rewritten in place so that it can parse the rest.

CPython reads the grammar of its own version only. The grammar of tree-sitter knows the newer forms: type
parameters and `type` statements (PEP 695), f-strings that reuse their quotes (PEP 701), template strings
(PEP 750) and `except` without parentheses (PEP 758).
"""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_OTHER_QUOTE: Final = {'"': "'", "'": '"'}
_Change = tuple[int, int, str]


@cache
def _parser() -> "Parser":
    from tree_sitter import Language, Parser
    from tree_sitter_python import language

    return Parser(Language(language()))


def rewritten(text: str, before: str = "", after: str = "") -> str | None:
    """Return a statement or its head with newer syntax replaced by older, None where there is none.

    `before` and `after` are what must stand around it to be grammatical. What stays is where it was, except
    that a `)` is put before the colon of an `except`, and that `type` is cut off in front of an alias.
    """
    if sys.version_info >= (3, 14):
        return None
    data = text.encode("utf-8")
    start = len(before.encode("utf-8"))
    whole = b"".join([before.encode("utf-8"), data, after.encode("utf-8")])
    found = _changes(_parser().parse(whole).root_node, whole)
    changes = sorted((first - start, end - start, new) for first, end, new in found if first >= start)
    if not changes:
        return None
    pieces = []
    position = 0
    for start, end, replacement in changes:
        if start >= position:
            pieces += [data[position:start].decode("utf-8"), replacement]
            position = end
    return "".join([*pieces, data[position:].decode("utf-8")])


def _changes(root: "Node", data: bytes) -> Iterator[_Change]:
    pending = [root]
    while pending:
        node = pending.pop()
        rewrite = _REWRITES.get(node.type)
        if rewrite is not None:
            yield from rewrite(node, data)
        pending.extend(node.children)


def _type_parameters(node: "Node", _data: bytes) -> Iterator[_Change]:
    if node.parent is not None and node.parent.type in ("function_definition", "class_definition"):
        yield node.start_byte, node.end_byte, _blank(node)


def _type_alias(node: "Node", _data: bytes) -> Iterator[_Change]:
    name = node.child_by_field_name("left")
    if name is not None:
        yield node.start_byte, name.start_byte, ""
        bracket = next((each for each in _descendants(name) if each.type == "["), None)
        if bracket is not None:  # type Pair[T] = ...: the parameters were read as a subscript
            yield bracket.start_byte, name.end_byte, " " * (name.end_byte - bracket.start_byte)


def _string(node: "Node", data: bytes) -> Iterator[_Change]:
    start = node.children[0] if node.children else None
    if start is None or start.type != "string_start":
        return
    prefix = data[start.start_byte : start.end_byte].decode("ascii", errors="replace")
    letters = prefix.rstrip("'\"")
    if "t" in letters.lower():
        yield start.start_byte, start.start_byte + len(letters), letters.replace("t", "f").replace("T", "F")
    quotes = prefix[len(letters) :]
    for part in node.children:
        if part.type == "interpolation":
            yield from _inner_quotes(part, quotes)


def _inner_quotes(interpolation: "Node", quotes: str) -> Iterator[_Change]:
    """Give strings inside an f-string's field the quotes that it does not use itself."""
    for node in _descendants(interpolation):
        if node.type == "string" and node.text is not None:
            inner = node.text.decode("utf-8")
            body = inner.lstrip("bBrRuU")
            if quotes[0] in inner:
                other = _OTHER_QUOTE[quotes[0]]
                fits = other not in inner and "\\" not in inner and body[:1] == quotes[0]
                replacement = inner.replace(quotes[0], other) if fits else "0".ljust(len(inner))
                yield node.start_byte, node.end_byte, replacement


def _except(node: "Node", _data: bytes) -> Iterator[_Change]:
    values = node.children_by_field_name("value")
    if len(values) > 1 and values[0].start_byte > 0:
        yield values[0].start_byte - 1, values[0].start_byte, "("
        yield values[-1].end_byte, values[-1].end_byte, ")"


def _descendants(node: "Node") -> Iterator["Node"]:
    pending = list(node.children)
    while pending:
        inner = pending.pop()
        yield inner
        pending.extend(inner.children)


def _blank(node: "Node") -> str:
    text = node.text.decode("utf-8") if node.text is not None else ""
    return "".join("\n" if letter == "\n" else " " for letter in text)


_REWRITES: Final[dict[str, Callable[["Node", bytes], Iterator[_Change]]]] = {
    "type_parameter": _type_parameters,
    "type_alias_statement": _type_alias,
    "string": _string,
    "except_clause": _except,
}
