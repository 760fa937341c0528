"""Which names an annotation of a file could use as they are, and which it would have to import first.

An import that neither code nor annotations use yet is there for annotations that are still to come.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from typewright.assist.spelling import BUILTINS
from typewright.indexer.syntax import Syntax

Standing = Literal["own", "used", "silent", "absent"]
"""How a name stands to a file: defined there, imported and used, imported and used by nothing, absent."""

_TYPING = frozenset({"typing", "typing_extensions", "collections.abc"})


@dataclass(frozen=True, slots=True)
class Sight:
    """The names of one file."""

    own: frozenset[str]
    used: frozenset[str]
    silent: frozenset[str]

    @property
    def waiting(self) -> bool:
        """Whether imports wait for annotations."""
        return bool(self.silent)

    def standings(self, text: str) -> dict[Standing, int]:
        """Count how the names in an annotation stand to the file, those of builtins aside."""
        found: dict[Standing, int] = {}
        for name in dict.fromkeys(_names(text)):
            if name in self.silent:
                standing: Standing = "silent"
            elif name in self.used:
                standing = "used"
            elif name in self.own:
                standing = "own"
            elif name in BUILTINS:
                continue
            else:
                standing = "absent"
            found[standing] = found.get(standing, 0) + 1
        return found


def sight(syntax: Syntax, *, is_package: bool) -> Sight:
    """Read what a file defines and imports. What an `__init__` imports and does not use, it exports."""
    spoken = set(_spoken(syntax.tree))
    own: set[str] = set()
    used: set[str] = set()
    silent: set[str] = set()
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            exports = is_package and getattr(node, "module", None) not in _TYPING
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                is_type = isinstance(node, ast.ImportFrom) and name.lstrip("_")[:1].isupper()
                (used if name in spoken or exports or not is_type else silent).add(name)
        elif isinstance(node, ast.ClassDef):
            own.add(node.name)
    for statement in syntax.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            own.update(target.id for target in targets if isinstance(target, ast.Name))
        elif statement.__class__.__name__ == "TypeAlias":
            own.add(statement.name.id)  # type: ignore[attr-defined]
    return Sight(frozenset(own), frozenset(used), frozenset(silent))


def _spoken(tree: ast.Module) -> Iterator[str]:
    """The names that code and annotations use, quoted annotations included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        for field in ("annotation", "returns"):
            annotation = getattr(node, field, None)
            for part in ast.walk(annotation) if isinstance(annotation, ast.AST) else ():
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from _names(part.value)


def size(text: str) -> int:
    """Return how many names an annotation consists of."""
    return sum(1 for _ in _names(text))


def _names(text: str) -> Iterator[str]:
    """The names in an annotation, dotted ones by what they start with."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _names(node.value)
