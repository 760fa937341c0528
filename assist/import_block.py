"""Adds imports to a module: where a person would put them, and never twice."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from typewright.assist.edits import TextEdit
from typewright.assist.spelling import is_standard, is_type_checking
from typewright.indexer.syntax import Syntax

Import = tuple[str, str]  # (module, name); name '' = import the module itself
TYPE_CHECKING: Import = ("typing", "TYPE_CHECKING")
FUTURE: Import = ("__future__", "annotations")


@dataclass(slots=True)
class WantedImports:
    """What a module is to import: at run time, for type checkers only, and postponed annotations."""

    runtime: set[Import] = field(default_factory=set)
    typing_only: set[Import] = field(default_factory=set)
    future: bool = False

    def names(self) -> frozenset[Import]:
        """Every import wanted, the future import and TYPE_CHECKING included where they are needed."""
        extra = ({FUTURE} if self.future else set()) | ({TYPE_CHECKING} if self.typing_only else set())
        return frozenset(self.runtime | self.typing_only | extra)


def import_edits(
    syntax: Syntax, wanted: WantedImports, *, package: str = "", has_type_checking: bool
) -> list[TextEdit]:
    """Return the edits that add `wanted` to a module that has none of it.

    Imports from inside `package`, the module's own, are relative where the module has relative imports.
    `has_type_checking` says that the name TYPE_CHECKING is bound already.
    """
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in syntax.tree.body)
    block = _ImportBlock(syntax, package if relative else "")
    return list(block.edits(wanted, has_type_checking=has_type_checking))


class _ImportBlock:
    def __init__(self, syntax: Syntax, package: str) -> None:
        self._syntax = syntax
        self._package = package
        self._body = syntax.tree.body
        first_definition = next(
            (
                index
                for index, node in enumerate(self._body)
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            ),
            len(self._body),
        )
        self._header = self._body[:first_definition]
        self._imports = [node for node in self._header if isinstance(node, (ast.Import, ast.ImportFrom))]
        self._future = [
            n for n in self._imports if isinstance(n, ast.ImportFrom) and n.module == "__future__"
        ]
        self._ordinary = [node for node in self._imports if node not in self._future]
        self._docstring = ast.get_docstring(syntax.tree, clean=False) is not None

    def edits(self, wanted: WantedImports, *, has_type_checking: bool) -> Iterator[TextEdit]:
        guard = next((node for node in self._header if is_type_checking(node)), None)
        runtime = set(wanted.runtime)
        if wanted.typing_only and not has_type_checking:
            runtime.add(TYPE_CHECKING)
        lines = [] if not wanted.future else ["from __future__ import annotations"]
        merged, statements = self._merge(runtime, self._ordinary)
        yield from merged
        standard = [node for node in self._ordinary if _module_is_standard(node)]
        if statements and standard:
            yield self._after(standard[-1], "".join(f"{line}\n" for line in statements))
        elif statements:
            lines += ["", *statements] if lines else statements
        block = ""
        if wanted.typing_only and isinstance(guard, ast.If) and self._on_own_lines(guard):
            yield from self._into_guard(guard, wanted.typing_only)
        elif wanted.typing_only:
            _, guarded = self._merge(wanted.typing_only, ())
            block = "if TYPE_CHECKING:\n" + "".join(f"    {line}\n" for line in guarded)
        carriers = [node for node in self._header if _carries_imports(node) and node not in self._future]
        if block and carriers:
            anchor = carriers[-1]
            yield self._after(anchor, f"\n{block}{'' if self._blank_after(anchor) else chr(10)}")
        elif block:
            lines += ["", *block.splitlines()] if lines else block.splitlines()
        if lines:
            yield self._at_top(lines)

    # -- merging ----------------------------------------------------------------------------------

    def _merge(self, wanted: Iterable[Import], nodes: Iterable[ast.AST]) -> tuple[list[TextEdit], list[str]]:
        """Add names to imports of the same module; return the edits, and statements for the rest."""
        homes = {
            "." * node.level + (node.module or ""): node
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.names[0].name != "*"
        }
        edits: list[TextEdit] = []
        statements: list[str] = []
        names: defaultdict[str, list[str]] = defaultdict(list)
        for module, name in wanted:
            if name:
                names[_relative(module, self._package)].append(name)
            else:
                statements.append(f"import {module}")
        for module, found in names.items():
            if module in homes:
                edits += self._join(homes[module], sorted(found))
            else:
                statements.append(f"from {module} import {', '.join(sorted(found))}")
        return edits, sorted(statements, key=_isort_key)

    def _join(self, node: ast.ImportFrom, names: list[str]) -> Iterator[TextEdit]:
        """Put names into an import, in order where it is in order."""
        present = [alias.name for alias in node.names]
        order = next((key for key in _ORDERS if present == sorted(present, key=key)), None)
        for name in names:
            later = (alias for alias in node.names if order is not None and order(alias.name) > order(name))
            before = next(later, None)
            span = self._syntax.span(before or node.names[-1])
            margin = self._syntax.lines[span.line - 1][: span.column - 1]
            separator = f",\n{margin}" if not margin.strip() else ", "
            if before is not None:
                yield TextEdit.insert(span.line, span.column, f"{name}{separator}")
            else:
                yield TextEdit.insert(span.end_line, span.end_column, f"{separator}{name}")

    def _into_guard(self, guard: ast.If, wanted: Iterable[Import]) -> Iterator[TextEdit]:
        merged, statements = self._merge(wanted, guard.body)
        yield from merged
        if statements:
            column = self._syntax.span(guard.body[0]).column
            indent = self._syntax.lines[guard.body[0].lineno - 1][: column - 1]
            yield self._after(guard.body[-1], "".join(f"{indent}{line}\n" for line in statements))

    def _on_own_lines(self, guard: ast.If) -> bool:
        return guard.body[0].lineno > guard.lineno and not _shares_line(guard.body)

    # -- places -----------------------------------------------------------------------------------

    def _after(self, node: ast.stmt, text: str) -> TextEdit:
        """Insert whole lines below a statement (and whatever follows it on its last line)."""
        last = node.end_lineno or node.lineno
        grown = True
        while grown:
            grown = False
            for other in self._body:
                if other.lineno <= last < (other.end_lineno or other.lineno):
                    last, grown = other.end_lineno or other.lineno, True
        if last < len(self._syntax.lines):
            return TextEdit.insert(last + 1, 1, text)
        end = len(self._syntax.lines[-1]) + 1
        return TextEdit.insert(last, end, f"\n{text.removesuffix(chr(10))}")

    def _blank_after(self, node: ast.stmt) -> bool:
        line = node.end_lineno or node.lineno
        return line >= len(self._syntax.lines) or not self._syntax.lines[line].strip()

    def _at_top(self, lines: list[str]) -> TextEdit:
        """Insert lines where the imports begin: below docstring, comments and future imports."""
        text = "".join(f"{line}\n" for line in lines)
        if self._future:
            return self._after(self._future[-1], text if text.startswith("from __future__") else f"\n{text}")
        if self._docstring:
            docstring = self._body[0]
            below = "" if self._blank_after(docstring) else "\n"
            return self._after(docstring, f"\n{text}{below}")
        first = self._body[0]
        line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
        attached = line
        while attached > 1 and self._syntax.lines[attached - 2].startswith("#"):
            attached -= 1
        if attached > 1:  # a comment that begins the file is about the file, another about what follows it
            line = attached
        definition = isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        return TextEdit.insert(line, 1, f"{text}\n\n" if definition else f"{text}\n")


def _by_type(name: str) -> tuple[int, str]:
    """The order of isort: constants, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


_ORDERS = (_by_type, lambda name: (0, name.casefold()), lambda name: (0, name))


def _relative(module: str, package: str) -> str:
    """Return the module as an import in `package` names it: relative where both share their top package."""
    here, there = package.split("."), module.split(".")
    if not package or here[0] != there[0]:
        return module
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    return "." * (len(here) - shared + 1) + ".".join(there[shared:])


def _isort_key(statement: str) -> tuple[bool, bool, bool, str]:
    """Standard library first, then third parties, then relative; `import` before `from`."""
    module = statement.split()[1]
    return module.startswith("."), not is_standard(module), statement.startswith("from"), statement


def _module_is_standard(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return not node.level and is_standard(node.module or "")
    return all(is_standard(alias.name) for alias in node.names)


def _carries_imports(node: ast.stmt) -> bool:
    return any(isinstance(child, (ast.Import, ast.ImportFrom)) for child in ast.walk(node))


def _shares_line(body: Collection[ast.stmt]) -> bool:
    lines = [node.lineno for node in body]
    return len(set(lines)) != len(lines)
