"""Where the workspace uses an API: real examples."""

import ast
import textwrap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from .outline import Outline, Usage
from .records import Example
from .references import bindings
from .syntax import Syntax

_MOST_LINES: Final = 12
_RANK: Final = {"call": 0, "attribute": 1, "name": 1, "keyword": 9}


def call_sites(
    path: Path, module: str, syntax: Syntax, outline: Outline, names: Collection[str], *, is_member: bool
) -> Iterator[Example]:
    """Yield the statements of a file that use an API under one of its qualified names, calls first.

    For a member of a class, whose receiver may be any expression, every use of the member's name counts.
    """
    bound = bindings(outline.imports, module, path.stem == "__init__")
    lasts = {name.rpartition(".")[2] for name in names}
    found = [
        usage
        for usage in outline.usages
        if (usage.name in lasts and is_member and usage.kind in ("call", "attribute"))
        or (usage.kind != "keyword" and _qualified(usage, bound) in names)
    ]
    seen: set[int] = set()
    for usage in sorted(found, key=lambda each: _RANK[each.kind]):
        statement = _statement(syntax, usage)
        if statement is not None and statement.lineno not in seen:
            seen.add(statement.lineno)
            yield Example(_code(syntax, statement), path, statement.lineno)


def _qualified(usage: Usage, bound: dict[str, str]) -> str:
    """Return the qualified name that a usage writes, as far as imports tell."""
    written = f"{usage.receiver}.{usage.name}" if usage.receiver else usage.name
    top, dot, rest = written.partition(".")
    return bound.get(top, "") + dot + rest


def _statement(syntax: Syntax, usage: Usage) -> ast.stmt | None:
    nodes = syntax.nodes_at(usage.span.line, usage.span.column)
    found = next((node for node in reversed(nodes) if isinstance(node, ast.stmt)), None)
    return None if isinstance(found, (ast.Import, ast.ImportFrom)) else found


def _code(syntax: Syntax, statement: ast.stmt) -> str:
    """Return a statement, or the head of a compound one, without its indentation."""
    body = getattr(statement, "body", None)
    end = statement.end_lineno or statement.lineno
    if body:
        end = max(statement.lineno, body[0].lineno - 1)
    lines = syntax.lines[statement.lineno - 1 : min(end, statement.lineno + _MOST_LINES - 1)]
    return textwrap.dedent("\n".join(lines)).rstrip()
