"""The analysis's own trees, edited in place: what an edit leaves alone keeps its nodes.

Results refer to nodes by identity. So a new text is not a new tree: statements whose text is the same keep
their nodes (only moved), definitions and compound statements keep theirs and get new contents where they
differ, and only the rest is replaced. Nobody else may hold these trees, since they change.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from typewright.indexer.grammar import module_or_none
from typewright.indexer.syntax import Syntax, speakable

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_POSITIONS = ("lineno", "col_offset", "end_lineno", "end_col_offset")


@dataclass(slots=True)
class Changes:
    """What an edit changed: definitions (or the module) by what of theirs is new, and the nodes that left.

    `own`: the statements directly in it, with the heads of definitions among them; `heads`: its own head.
    """

    own: dict[ast.AST, None] = field(default_factory=dict)
    heads: dict[ast.AST, None] = field(default_factory=dict)
    dropped: list[ast.AST] = field(default_factory=list)


def own_tree(syntax: Syntax) -> ast.Module:
    """A tree of a text that nobody else holds."""
    tree = module_or_none(speakable(syntax.text)) if not syntax.damage else None
    return tree if tree is not None else _copied(syntax.tree)  # type: ignore[return-value]


class TreeEditor:
    """Brings one module's tree to its next texts."""

    def __init__(self) -> None:
        self._units: dict[ast.AST, tuple[ast.AST, ...]] = {}

    def edit(self, tree: ast.Module, before: Syntax, after: Syntax) -> Changes:
        """Makes `tree`, which is that of `before`, the tree of `after`."""
        edit = _Edit(self._units, before, after)
        edit.run(tree)
        for node in edit.changes.dropped:
            for inner in ast.walk(node):
                self._units.pop(inner, None)
        return edit.changes


class _Edit:
    def __init__(self, units: dict[ast.AST, tuple[ast.AST, ...]], before: Syntax, after: Syntax) -> None:
        self.units = units
        self.after = after
        self.old_lines, self.new_lines = before.lines, after.lines
        self.exact = not before.damage and not after.damage  # equal text is then an equal tree
        self.changes = Changes()

    def run(self, tree: ast.Module) -> None:
        tree.body = self._body(tree, tree.body, self.after.tree.body)

    # Statements.

    def _body(self, owner: ast.AST, old: list[ast.stmt], new: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of `new`, as far as possible those of `old`, in the definition `owner`."""
        start, end = 0, 0
        shortest = min(len(old), len(new))
        while start < shortest and self._same_text(old[start], new[start]):
            self._shift(old[start], new[start])
            start += 1
        while end < shortest - start and self._same_text(old[-1 - end], new[-1 - end]):
            self._shift(old[-1 - end], new[-1 - end])
            end += 1
        tail = old[len(old) - end :]
        middle = self._aligned(owner, old[start : len(old) - end], new[start : len(new) - end])
        return [*old[:start], *middle, *tail]

    def _aligned(self, owner: ast.AST, old: list[ast.stmt], new: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        if not old or not new:
            self._replace(owner, old, new, made)
            return made
        old_keys = [self._key(statement, self.old_lines) for statement in old]
        new_keys = [self._key(statement, self.new_lines) for statement in new]
        at_old = at_new = 0
        for one, other, size in SequenceMatcher(
            None, old_keys, new_keys, autojunk=False
        ).get_matching_blocks():
            self._replace(owner, old[at_old:one], new[at_new:other], made)
            for before, after in zip(old[one : one + size], new[other : other + size], strict=True):
                self._keep(owner, before, after)
                made.append(before)
            at_old, at_new = one + size, other + size
        return made

    def _replace(
        self, owner: ast.AST, old: Sequence[ast.stmt], new: Sequence[ast.stmt], made: list[ast.stmt]
    ) -> None:
        """Puts `new` in the place of `old`: pairs of compound statements keep the node."""
        if len(old) != len(new):
            self.changes.own[owner] = None
        for position, after in enumerate(new):
            before = old[position] if position < len(old) else None
            if before is not None and _is_pair(before, after):
                self._keep(owner, before, after)
                made.append(before)
                continue
            if before is not None:
                self.changes.dropped.append(before)
            self.changes.own[owner] = None
            made.append(_copied(after))  # type: ignore[arg-type]
        self.changes.dropped.extend(old[len(new) :])

    def _key(self, statement: ast.stmt, lines: Sequence[str]) -> Hashable:
        if isinstance(statement, DEFINITIONS):
            return type(statement).__name__, statement.name
        if not self.exact:
            return ast.dump(statement)
        return (statement.col_offset, *lines[statement.lineno - 1 : statement.end_lineno])

    def _same_text(self, old: ast.stmt, new: ast.stmt) -> bool:
        if type(old) is not type(new):
            return False
        if not self.exact:
            return ast.dump(old) == ast.dump(new)
        first, start = _first_line(old), _first_line(new)
        return (
            old.col_offset == new.col_offset
            and old.end_col_offset == new.end_col_offset
            and self.old_lines[first - 1 : old.end_lineno] == self.new_lines[start - 1 : new.end_lineno]
        )

    def _keep(self, owner: ast.AST, old: ast.stmt, new: ast.stmt) -> None:
        """Gives the node of a statement what it holds now."""
        if self._same_text(old, new):
            self._shift(old, new)
        elif isinstance(old, DEFINITIONS):
            self._definition(owner, old, new)
        elif _is_compound(old):
            self._compound(owner, old, new)
        else:  # equal by text, but for what stands beside it
            self._place(old, new)

    def _definition(self, owner: ast.AST, old: ast.stmt, new: ast.stmt) -> None:
        self.units.pop(old, None)
        _move(old, new)
        for name in old._fields:
            if name == "body":
                old.body = self._body(old, old.body, new.body)  # type: ignore[attr-defined]
            elif not self._part(old, new, name):
                self.changes.heads[old] = self.changes.own[old] = self.changes.own[owner] = None

    def _compound(self, owner: ast.AST, old: ast.AST, new: ast.AST) -> None:
        """An `if`, `for`, `try`…, or a part of it that holds statements."""
        self.units.pop(old, None)
        _move(old, new)
        for name in old._fields:
            one: Any = getattr(old, name, None)
            other: Any = getattr(new, name, None)
            if _holds_statements(one, other):
                setattr(old, name, self._body(owner, one, other))
            elif _holds_branches(one, other):
                for before, after in zip(one, other, strict=True):
                    self._compound(owner, before, after)
            elif not self._part(old, new, name):
                self.changes.own[owner] = None

    def _part(self, old: ast.AST, new: ast.AST, name: str) -> bool:
        """Takes over one field; returns whether it says the same as before."""
        one, other = getattr(old, name, None), getattr(new, name, None)
        if _equal(one, other):
            for before, after in zip(_nodes(one), _nodes(other), strict=True):
                self._place(before, after)
            return True
        self.changes.dropped.extend(_nodes(one))
        if isinstance(other, list):
            other = [_copied(item) if isinstance(item, ast.AST) else item for item in other]
        setattr(old, name, _copied(other) if isinstance(other, ast.AST) else other)
        return False

    # Positions.

    def _place(self, old: ast.AST, new: ast.AST) -> None:
        """Moves a node and all inside to where the equal node `new` stands."""
        _move(old, new)
        for before, after in zip(ast.iter_child_nodes(old), ast.iter_child_nodes(new), strict=True):
            self._place(before, after)

    def _shift(self, old: ast.stmt, new: ast.stmt) -> None:
        """Moves a statement that has the same text as `new`."""
        if not self.exact:
            self._place(old, new)
            return
        lines = new.lineno - old.lineno
        if lines:
            self._shift_by(old, lines)

    def _shift_by(self, node: ast.AST, lines: int) -> None:
        unit = self.units.get(node)
        if unit is None:
            unit = self.units[node] = tuple(_unit(node))
        for inner in unit:
            inner.lineno += lines  # type: ignore[attr-defined]
            inner.end_lineno += lines  # type: ignore[attr-defined]
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            inside = getattr(node, name, None)
            if isinstance(inside, list):
                for statement in inside:
                    self._shift_by(statement, lines)


def _unit(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes with a position that move with a statement, without the statements in it."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if hasattr(inner, "lineno"):
            yield inner
        for name in inner._fields:
            value = getattr(inner, name, None)
            if isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list) and not (value and _is_inside(value[0])):
                waiting.extend(item for item in value if isinstance(item, ast.AST))


def _is_inside(node: object) -> bool:
    return isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)


def _is_compound(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt) and (hasattr(node, "body") or hasattr(node, "cases"))


def _is_pair(before: ast.stmt, after: ast.stmt) -> bool:
    """Whether one is what became of the other: a compound statement, but no definition under another name."""
    if type(before) is not type(after) or not _is_compound(after):
        return False
    return not isinstance(before, DEFINITIONS) or before.name == after.name  # type: ignore[attr-defined]


def _holds_statements(one: object, other: object) -> bool:
    """Whether these are lists of statements."""
    both = (one, other)
    return all(isinstance(value, list) for value in both) and any(
        value and isinstance(value[0], ast.stmt)  # type: ignore[index]
        for value in both
    )


def _holds_branches(one: object, other: object) -> bool:
    """Whether these are as many handlers or cases."""
    return (
        isinstance(one, list)
        and isinstance(other, list)
        and len(one) == len(other) > 0
        and all(isinstance(item, ast.ExceptHandler | ast.match_case) for item in (*one, *other))
    )


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _move(old: ast.AST, new: ast.AST) -> None:
    for name in _POSITIONS:
        if hasattr(new, name):
            setattr(old, name, getattr(new, name))


def _nodes(value: object) -> list[ast.AST]:
    """The nodes in a field."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, ast.AST)]
    return [value] if isinstance(value, ast.AST) else []


def _equal(one: object, other: object) -> bool:
    """Whether two fields say the same, wherever they stand."""
    if isinstance(one, ast.AST):
        return type(one) is type(other) and all(
            _equal(getattr(one, name, None), getattr(other, name, None)) for name in one._fields
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(_equal(item, same) for item, same in zip(one, other, strict=True))
        )
    return type(one) is type(other) and one == other


def _copied(node: ast.AST) -> ast.AST:
    new = node.__class__()
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            value = [_copied(item) if isinstance(item, ast.AST) else item for item in value]
        elif isinstance(value, ast.AST):
            value = _copied(value)
        setattr(new, name, value)
    _move(new, node)
    return new
