"""Parses again only the top-level statements that an edit touched."""

import ast
from collections.abc import Sequence
from typing import Final

from .grammar import module_or_none
from .logical_lines import best_reading
from .mending import first_word
from .repair import CLAUSES, repair
from .source import Span

_LARGEST_SHARE: Final = 0.5


def reparse(
    lines: Sequence[str], before: Sequence[str], tree: ast.Module, damage: Sequence[Span]
) -> tuple[ast.Module, tuple[Span, ...]] | None:
    """Return the tree and damage of `lines`, given those of the lines `before` an edit.

    Statements that neither the edit nor earlier damage touches are shared with `tree`. None where the number
    of lines differs, or where most of the text is touched: then all of it is to be parsed.
    """
    if len(lines) != len(before) or not tree.body:
        return None
    touched = [
        number for number, (one, other) in enumerate(zip(lines, before, strict=True), 1) if one != other
    ]
    touched += [line for span in damage for line in (span.line, span.end_line)]
    if not touched:
        return tree, tuple(damage)
    first, last = min(touched), max(touched)
    head = [statement for statement in tree.body if (statement.end_lineno or 0) < first]
    tail = [statement for statement in tree.body if _first_line(statement) > last]
    start = head[-1].end_lineno or 0 if head else 0
    end = _first_line(tail[0]) - 1 if tail else len(lines)
    follows_on = len(tree.body) > len(head) and _first_line(tree.body[len(head)]) <= start  # a; b
    if follows_on or end - start > len(lines) * _LARGEST_SHARE:
        return None
    middle = [*[""] * start, *lines[start:end]]
    parsed = module_or_none("\n".join(middle))
    spans: tuple[Span, ...] = ()
    if parsed is None:
        if _reaches_out(lines[start:end]):
            return None
        parsed, spans = repair(middle)
    return ast.Module(body=[*head, *parsed.body, *tail], type_ignores=[]), spans


def _reaches_out(lines: Sequence[str]) -> bool:
    """Whether broken lines could be sound together with what stands before or after them."""
    logical, blamed = best_reading("\n".join(lines))
    if blamed or not logical:
        return bool(blamed)  # a string without an end takes in what follows
    first, last = logical[0], logical[-1]
    goes_back = first.width > 0 or first_word(first.text) in CLAUSES
    return goes_back or last.text.startswith("@") or last.text.endswith("\\")


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])
