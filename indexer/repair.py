"""Repairs Python text that CPython refuses, line by line, without moving what is sound."""

import ast
import re
from collections.abc import Callable

from .source import Span

_LINE_END = re.compile(r"\r\n?|\n")


def repair(source: str, attempt: Callable[[str], ast.Module | None]) -> tuple[ast.Module, tuple[Span, ...]]:
    """Return a tree of what is sound in `source`, and the spans that are not."""
    lines = _LINE_END.split(source)
    damage: list[Span] = []
    for _ in range(200):
        text = "\n".join(lines)
        tree = attempt(text)
        if tree is not None:
            return tree, tuple(sorted(damage))
        line = _blamed(text)
        while line > 0 and not lines[line - 1].strip():
            line -= 1
        if line == 0:
            break
        damage.append(Span(line, 1, line, len(lines[line - 1]) + 1))
        lines[line - 1] = ""
    return ast.Module(body=[], type_ignores=[]), (Span(1, 1, len(lines), len(lines[-1]) + 1),)


def _blamed(text: str) -> int:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return min(error.lineno or 0, text.count("\n") + 1)
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        return 0
    return 0
