"""The slots of a file: what may carry a type, and where a tool is asked for it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

TARGETED = ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor, ast.NamedExpr, ast.comprehension


@dataclass(frozen=True, slots=True)
class Place:
    """A slot's key within a folder: line and column are 1-based, the column in characters."""

    file: str
    line: int
    column: int
    kind: str  # return, param or variable


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter, a return (at the function's name) or the target of an assignment."""

    place: Place
    function: str
    name: str
    annotation: str = ""
    node: ast.AST | None = field(default=None, compare=False)
    asynchronous: bool = False
    overload: bool = False
    stars: int = 0

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when annotations come and go."""
        return self.place.file, self.place.kind, self.function, self.name


def python_files(folder: Path) -> list[Path]:
    """The files that are measured: all that can be read and parsed, without vendored copies."""
    skipped = {"_vendor", "vendor", "_vendored", "__pycache__"}
    found = [p for p in sorted(folder.rglob("*.py")) if not skipped.intersection(p.relative_to(folder).parts)]
    return [path for path in found if _parses(path)]


def _parses(path: Path) -> bool:
    try:
        ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return False
    return True


def asked_files(folder: Path) -> list[Path]:
    """The files that a tool is asked about one by one: all, or every n-th where EVERY says so."""
    return python_files(folder)[:: int(os.environ.get("EVERY", "1"))]


def slots(text: str, file: str) -> list[Slot]:
    """Every slot of a module, in the order of the tree."""
    return list(_Walk(text, file).module())


class _Walk:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.tree = ast.parse(text)
        self.lines = [line.encode() for line in text.splitlines()]
        self.overload = False

    def module(self) -> Iterator[Slot]:
        yield from self._children(self.tree, ())

    def _slot(
        self, line: int, offset: int, kind: str, scope: tuple[str, ...], name: str, node: ast.AST
    ) -> Slot:
        column = len(self.lines[line - 1][:offset].decode(errors="ignore")) + 1
        annotation = getattr(node, "returns" if kind == "return" else "annotation", None)
        return Slot(
            Place(self.file, line, column, kind),
            ".".join(scope),
            name,
            ast.unparse(annotation) if annotation is not None else "",
            node,
            isinstance(node, ast.AsyncFunctionDef),
            self.overload and kind != "variable",
        )

    def _children(self, node: ast.AST, scope: tuple[str, ...]) -> Iterator[Slot]:
        for child in ast.iter_child_nodes(node):
            yield from self._node(child, scope)

    def _node(self, node: ast.AST, scope: tuple[str, ...]) -> Iterator[Slot]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._function(node, scope)
        elif isinstance(node, ast.Lambda):
            yield from self._parameters(node.args, (*scope, "<lambda>"), scope, bound=False)
            yield from self._node(node.body, (*scope, "<lambda>"))
        elif isinstance(node, ast.ClassDef):
            for statement in node.body:
                yield from self._node(statement, (*scope, node.name))
        else:
            yield from self._bound(node, scope)
            yield from self._children(node, scope)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: tuple[str, ...]
    ) -> Iterator[Slot]:
        inner = (*scope, node.name)
        line = self.lines[node.lineno - 1]
        match = re.compile(rb"def\s+").search(line, node.col_offset)
        self.overload = any(ast.unparse(d).split(".")[-1] == "overload" for d in node.decorator_list)
        yield self._slot(node.lineno, match.end() if match else 0, "return", inner, node.name, node)
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
        yield from self._parameters(node.args, inner, scope, bound=not static)
        self.overload = False
        for statement in node.body:
            yield from self._node(statement, inner)

    def _parameters(
        self, given: ast.arguments, scope: tuple[str, ...], outer: tuple[str, ...], *, bound: bool
    ) -> Iterator[Slot]:
        named = given.posonlyargs + given.args
        stars = {given.vararg: 1, given.kwarg: 2}
        stars = {given.vararg: 1, given.kwarg: 2}
        starred = [a for a in stars if a is not None]
        for position, argument in enumerate([*named, *given.kwonlyargs, *starred]):
            if not (bound and position == 0 and argument.arg in {"self", "cls", "mcs", "mcls"}):
                place = argument.lineno, argument.col_offset
                found = self._slot(*place, "param", scope, argument.arg, argument)
                yield replace(found, stars=stars.get(argument, 0))
        for default in [*given.defaults, *given.kw_defaults]:
            if default is not None:
                yield from self._node(default, outer)

    def _bound(self, node: ast.AST, scope: tuple[str, ...]) -> Iterator[Slot]:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from self._targets(target, scope, node)
        elif isinstance(node, TARGETED):
            yield from self._targets(node.target, scope, node)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield from self._targets(node.optional_vars, scope, node)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            line = self.lines[node.lineno - 1]
            match = re.compile(rb" as\s+(?=" + node.name.encode() + rb"\b)").search(line)
            if match:
                yield self._slot(node.lineno, match.end(), "variable", scope, node.name, node)

    def _targets(self, target: ast.expr, scope: tuple[str, ...], node: ast.AST) -> Iterator[Slot]:
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                yield from self._targets(element, scope, node)
        elif isinstance(target, ast.Starred):
            yield from self._targets(target.value, scope, node)
        else:
            name = ast.unparse(target)
            yield self._slot(target.lineno, target.col_offset, "variable", scope, name, node)
