"""Repairs Python text that CPython refuses, without moving what is sound.

The text is cut into top-level statements, and those that do not parse into logical lines. A line that does
not parse loses as few tokens as make it parse, and is given the brackets, quotes or colon that it lacks
(`mending.py`); then the lines are fitted together (`blocks.py`). Every change keeps lines and columns,
appends to the end of a line, or moves a line's start by a number of columns that is undone in the tree.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from .blocks import fit
from .grammar import error_offset, module_or_none
from .logical_lines import LogicalLine, best_reading, logical_lines
from .mending import Statement, first_word, kind, mend
from .source import Span

CLAUSES: Final = frozenset({"else", "elif", "except", "finally"})
_MOST_BLANKED: Final = 20


@dataclass(frozen=True, slots=True)
class _Repaired:
    """A repaired stretch of lines; shifts and damage count lines from 0 within it."""

    lines: tuple[str, ...]
    shifts: tuple[tuple[int, int], ...]
    damage: tuple[tuple[int, int, int, int], ...]


def repair(source: Sequence[str]) -> tuple[ast.Module, tuple[Span, ...]]:
    """Return a tree of what is sound in the lines of a text, and the spans that are not."""
    lines = list(source)
    text = "\n".join(lines)
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    logical, blamed = best_reading(text)
    shifts: dict[int, int] = {}
    damage: list[Span] = []
    for first, end in _chunks(logical, len(lines)):
        local = tuple(each - starts[first] for each in blamed if starts[first] <= each < starts[end])
        repaired = _repaired("\n".join(lines[first:end]), local)
        if repaired is not None:
            lines[first:end] = repaired.lines
            shifts.update((first + line, shift) for line, shift in repaired.shifts)
            damage += [Span(first + a + 1, b + 1, first + c + 1, d + 1) for a, b, c, d in repaired.damage]
    tree = module_or_none("\n".join(lines))
    if tree is None:
        return ast.Module(body=[], type_ignores=[]), (Span(1, 1, len(lines), len(lines[-1]) + 1),)
    if shifts:
        _undo(tree, shifts)
    return tree, tuple(sorted(set(damage)))


def _chunks(lines: Sequence[LogicalLine], count: int) -> Iterator[tuple[int, int]]:
    """Yield the (first, end) physical lines of top-level statements with their clauses and decorators."""
    firsts: list[int] = []
    decorated = False
    for line in lines:
        word = first_word(line.text)
        if line.width == 0:
            if not decorated and word not in CLAUSES:
                firsts.append(line.first)
            decorated = word == "@"
    yield from zip([0, *firsts[1:]], [*firsts[1:], count], strict=True) if firsts else [(0, count)]


@lru_cache(maxsize=4096)
def _repaired(text: str, blamed: tuple[int, ...]) -> _Repaired | None:
    """Repair one chunk; None where it parses as it is."""
    if not blamed and module_or_none(text) is not None:
        return None
    statements = list(_statements(text, blamed))
    fit(statements)
    lines = text.split("\n")
    damage = [span for statement in statements for span in _damage(statement, lines)]
    for offset in blamed:
        line, column = text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1
        damage.append((line, column, line, len(lines[line])))
    for statement in statements:
        for offset, piece in enumerate(_pieces(statement)):
            lines[statement.line.first + offset] = piece
    covered = {line for each in statements for line in range(each.line.first, each.line.last + 1)}
    for line in range(len(lines)):
        if line not in covered:  # blank, a comment, or the line of a quote that is one too many
            lines[line] = ""
    shifts = tuple((each.line.first, each.shift) for each in statements if each.text and each.shift)
    return _Repaired(*_blank_rest(lines, damage, shifts))


def _blank_rest(
    lines: list[str], damage: list[tuple[int, int, int, int]], shifts: tuple[tuple[int, int], ...]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], tuple[tuple[int, int, int, int], ...]]:
    """Blank out the lines that CPython still complains of: nested too deeply, or not foreseen here."""
    for _ in range(_MOST_BLANKED):
        text = "\n".join(lines)
        offset = error_offset(text)
        if offset is None:
            return tuple(lines), shifts, tuple(damage)
        line = text.count("\n", 0, offset)
        while line > 0 and not lines[line]:
            line -= 1
        damage.append((line, 0, line, len(lines[line])))
        lines[line] = ""
    return ("",) * len(lines), (), ((0, 0, len(lines) - 1, len(lines[-1])),)


def _statements(text: str, blamed: tuple[int, ...]) -> Iterator[Statement]:
    physical = text.split("\n")
    for line in logical_lines(text, blamed=blamed):
        if line.last > line.first and kind(line.text) is None:
            block = "\n".join(physical[line.first : line.last + 1])
            for part in logical_lines(block, eager=True):
                moved = LogicalLine(
                    line.first + part.first,
                    line.first + part.last,
                    part.indent,
                    part.text,
                    part.closers,
                    part.strays,
                )
                yield mend(moved)
        else:
            yield mend(line)


def _pieces(statement: Statement) -> list[str]:
    """Return the statement's physical lines; a bracket that is cut off leaves blank ones."""
    count = statement.line.last - statement.line.first + 1
    pieces = (statement.indent + statement.text).split("\n") if statement.text else []
    return [*pieces, *[""] * (count - len(pieces))]


def _damage(statement: Statement, lines: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the statement's damage as 0-based (line, column, end line, end column)."""
    for start, end in statement.damage:
        places = []
        for offset in (start, end):
            before = statement.line.text[:offset]
            row = before.count("\n")
            column = offset - (before.rfind("\n") + 1) + (len(statement.line.indent) if row == 0 else 0)
            line = statement.line.first + row
            places += [line, min(column, len(lines[line]))]
        yield places[0], places[1], places[2], places[3]


def _undo(tree: ast.Module, shifts: dict[int, int]) -> None:
    """Give nodes the columns that they had before their line was moved."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(
            node, (ast.stmt, ast.expr, ast.arg, ast.alias, ast.keyword, ast.excepthandler, ast.pattern)
        ):
            node.col_offset = max(0, node.col_offset + shifts.get(node.lineno - 1, 0))
            if node.end_lineno is not None and node.end_col_offset is not None:
                node.end_col_offset = max(0, node.end_col_offset + shifts.get(node.end_lineno - 1, 0))
