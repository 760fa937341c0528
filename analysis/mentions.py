"""Where a module mentions names, kept up to date definition by definition."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from typewright.analysis.inputs import Inputs
from typewright.analysis.scopes import Scopes
from typewright.analysis.trees import DEFINITIONS

Node = TypeVar("Node", bound=ast.AST)

MUTATORS = frozenset(
    {"append", "add", "insert", "extend", "update", "setdefault", "appendleft", "extendleft", "__setitem__"}
)
"""Methods that put something into a container."""


def filled_reference(node: ast.AST) -> ast.expr | None:
    """The reference whose container a node fills: `x` of `x.append(y)`, `x[k] = y`, `x[k].append(y)`…"""
    match node:
        case ast.Subscript(value=target, ctx=ast.Store()):
            return target
        case ast.Call(func=ast.Attribute(value=target, attr=attr)) if attr in MUTATORS:
            match target:
                case ast.Subscript(value=inner):
                    return inner
                case ast.Call(func=ast.Attribute(value=inner, attr="setdefault")):
                    return inner
                case _:
                    return target
        case _:
            return None


def stored_attribute(node: ast.AST) -> ast.Attribute | None:
    """The attribute that a node assigns, or whose container it fills."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node
    target = filled_reference(node)
    return target if isinstance(target, ast.Attribute) else None


@dataclass(slots=True)
class _Part:
    """What one definition (or the module) says itself, without the bodies of the definitions in it."""

    loads: dict[str, list[ast.AST]] = field(default_factory=dict)
    stores: dict[str, list[ast.Attribute]] = field(default_factory=dict)
    fills: dict[str, list[ast.Name]] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    inside: list[ast.AST] = field(default_factory=list)


class Mentions:
    """The names in one module: read at the first question, then kept up to date."""

    def __init__(self, tree: ast.Module, scopes: Scopes) -> None:
        self._tree, self._scopes = tree, scopes
        self._parts: dict[ast.AST, _Part] | None = None
        self._loads: dict[str, dict[ast.AST, None]] = {}
        self._stores: dict[str, dict[ast.AST, None]] = {}
        self._fills: dict[str, dict[ast.AST, None]] = {}
        self._aliases: dict[str, dict[ast.AST, None]] = {}
        self._count: Counter[str] = Counter()
        tracker = scopes.tracker
        self._inputs: Inputs[object] | None = Inputs(tracker) if tracker is not None else None

    def loads(self, name: str) -> list[ast.AST]:
        """The mentions of a name or attribute, outer ones first, then in the order of the text.

        Attributes that are assigned are among them, since that calls the setter of a property.
        """
        parts = self._asked(name)
        return self._in_order(
            node for owner in self._loads.get(name, ()) for node in parts[owner].loads[name]
        )

    def stores(self, name: str) -> list[ast.Attribute]:
        """Where attributes `name` of anything but `self` and `cls` are assigned or filled, in that order."""
        parts = self._asked(name)
        return self._in_order(
            node for owner in self._stores.get(name, ()) for node in parts[owner].stores[name]
        )

    def fills(self, name: str) -> list[ast.Name]:
        """Where the container that a name holds is filled, in the same order."""
        parts = self._asked(name)
        return self._in_order(
            node for owner in self._fills.get(name, ()) for node in parts[owner].fills[name]
        )

    def aliases(self, name: str) -> list[str]:
        """The other names under which the module imports `name`."""
        parts = self._asked(name)
        return [alias for owner in self._aliases.get(name, ()) for alias in parts[owner].aliases[name]]

    def names(self) -> set[str]:
        """Every identifier in the module."""
        self._read()
        return set(self._count)

    def _asked(self, name: str) -> dict[ast.AST, _Part]:
        """The parts of the module, read for the sake of a name."""
        if self._inputs is not None:
            self._inputs.read(name)
        return self._read()

    def _in_order(self, nodes: Iterable[Node]) -> list[Node]:
        found = list(nodes)
        return sorted(found, key=self._order) if len(found) > 1 else found

    def _order(self, node: ast.AST) -> tuple[int, int, int]:
        depth = sum(1 for _ in self._scopes.ancestors(node))
        return depth, node.lineno, node.col_offset  # type: ignore[attr-defined]

    # Reading.

    def _read(self) -> dict[ast.AST, _Part]:
        if self._parts is None:
            self._parts = {}
            waiting: list[ast.AST] = [self._tree]
            while waiting:
                waiting.extend(self._add(waiting.pop()).inside)
        return self._parts

    def _add(self, owner: ast.AST) -> _Part:
        assert self._parts is not None
        part = self._parts[owner] = _part(owner)
        for name in part.loads:
            self._loads.setdefault(name, {})[owner] = None
        for name in part.stores:
            self._stores.setdefault(name, {})[owner] = None
        for name in part.fills:
            self._fills.setdefault(name, {})[owner] = None
        for name in part.aliases:
            self._aliases.setdefault(name, {})[owner] = None
        self._count.update(part.names)
        return part

    def _remove(self, owner: ast.AST) -> _Part:
        assert self._parts is not None
        part = self._parts.pop(owner)
        for table, names in (
            (self._loads, part.loads),
            (self._stores, part.stores),
            (self._fills, part.fills),
            (self._aliases, part.aliases),
        ):
            for name in names:
                table[name].pop(owner, None)
        for name in part.names:
            self._count[name] -= 1
            if not self._count[name]:
                del self._count[name]
        return part

    def update(self, owners: Iterable[ast.AST]) -> set[str]:
        """Reads definitions again whose own statements have changed; returns names that came or went."""
        if self._parts is None:
            return set()
        before = set(self._count)
        for owner in owners:
            if owner not in self._parts:
                continue
            old = self._remove(owner)
            new = self._add(owner)
            self._note(old, new)
            waiting = [node for node in old.inside if node not in set(new.inside)]
            while waiting:
                left = waiting.pop()
                if left in self._parts:
                    part = self._remove(left)
                    waiting.extend(part.inside)
                    self._note(part, _Part())
            waiting = [node for node in new.inside if node not in self._parts]
            while waiting:
                come = waiting.pop()
                part = self._add(come)
                waiting.extend(node for node in part.inside if node not in self._parts)
                self._note(_Part(), part)
        return before ^ set(self._count)

    def _note(self, old: _Part, new: _Part) -> None:
        """Marks the names whose mentions have changed."""
        if self._inputs is None:
            return
        for one, other in (
            (old.loads, new.loads),
            (old.stores, new.stores),
            (old.fills, new.fills),
            (old.aliases, new.aliases),
        ):
            for name in one.keys() | other.keys():
                if one.get(name) != other.get(name):
                    self._inputs.change(name)


def _part(owner: ast.AST) -> _Part:
    part = _Part()
    names = part.names
    if isinstance(owner, DEFINITIONS):
        names.add(owner.name)
    waiting: list[ast.AST] = list(owner.body)  # type: ignore[attr-defined]
    while waiting:
        node = waiting.pop()
        target = filled_reference(node)
        if isinstance(target, ast.Name):
            part.fills.setdefault(target.id, []).append(target)
        stored = stored_attribute(node)
        if stored is not None and not (
            isinstance(stored.value, ast.Name) and stored.value.id in ("self", "cls")
        ):
            part.stores.setdefault(stored.attr, []).append(stored)
        if isinstance(node, ast.Name):
            names.add(node.id)
            if isinstance(node.ctx, ast.Load):
                part.loads.setdefault(node.id, []).append(node)
            continue
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
            part.loads.setdefault(node.attr, []).append(node)
            waiting.append(node.value)
            continue
        if isinstance(node, ast.Constant):
            continue
        if isinstance(node, DEFINITIONS):
            names.add(node.name)
            part.inside.append(node)
            for name in node._fields:
                if name != "body":
                    value = getattr(node, name, None)
                    if isinstance(value, list):
                        waiting.extend(value)
                    elif isinstance(value, ast.AST):
                        waiting.append(value)
            continue
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names.add(alias.name.rpartition(".")[2])
                if alias.asname and alias.asname != alias.name:
                    part.aliases.setdefault(alias.name, []).append(alias.asname)
            continue
        if isinstance(node, ast.alias):
            names.add(node.name.rpartition(".")[2])
            continue
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                waiting.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                waiting.append(value)
    return part
