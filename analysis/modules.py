"""Modules of the workspace, of stubs and of libraries: found, read, and asked for their names."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typewright.analysis.conditions import is_reachable
from typewright.analysis.definitions import ModuleDefinition, ModuleOrigin
from typewright.analysis.exports import exports
from typewright.analysis.scopes import Binding, Scopes
from typewright.analysis.types import NEVER, UNKNOWN, Module, Type, known
from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError
from typewright.indexer.modules import ModuleFile
from typewright.indexer.source import read_source
from typewright.indexer.syntax import Syntax, parse

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator


class Workspace(Protocol):
    """What the analysis asks of a snapshot (`typewright.indexer.index.Snapshot` has more)."""

    @property
    def root(self) -> Path:
        """The folder."""
        ...

    @property
    def environment(self) -> Environment:
        """Its Python environment."""
        ...

    def files(self) -> Sequence[Path]:
        """The Python files."""
        ...

    def syntax(self, path: Path) -> Syntax:
        """A file's syntax."""
        ...

    def module_name(self, path: Path) -> str:
        """The dotted name of a file."""
        ...

    def find_module(self, name: str) -> ModuleFile | None:
        """Where a module lies."""
        ...

    def submodules(self, name: str) -> Sequence[str]:
        """The modules directly in a package."""
        ...

    def files_using(self, name: str) -> Sequence[Path]:
        """The files in which an identifier stands."""
        ...


class Modules:
    """The modules that one analysis has read, by name and by path."""

    def __init__(self, evaluator: Evaluator, previous: Modules | None = None) -> None:
        self.evaluator = evaluator
        self.workspace = evaluator.workspace
        self._by_name: dict[str, ModuleDefinition | None] = {}
        self._by_path: dict[Path, ModuleDefinition] = {}
        self._asking: set[tuple[str, str]] = set()
        self.bits: dict[object, int] = {}
        self.changed = 0
        if previous is not None:
            self._inherit(previous)

    def _inherit(self, previous: Modules) -> None:
        """Keeps what is read and unchanged; `changed` collects the bits of the rest."""
        self.bits = previous.bits
        for path, module in previous._by_path.items():
            if module.origin == "workspace" and not self._same(module):
                self.changed |= module.bit
                before, after = names_in(module.tree), names_in(self._tree(path))
                for name in before | after:
                    self.changed |= self.bits.get(name, 0)
            else:
                self._by_path[path] = module
        for name, found in previous._by_name.items():
            if found is not None and found.path in self._by_path:
                file = self.workspace.find_module(name)
                if file is not None and (file.path == found.path or file.source_path == found.path):
                    self._by_name[name] = found
                else:
                    self.changed |= found.bit

    def _tree(self, path: Path) -> ast.Module:
        try:
            return self.workspace.syntax(path).tree
        except (TypewrightError, OSError, KeyError):
            return ast.Module(body=[], type_ignores=[])

    def _same(self, module: ModuleDefinition) -> bool:
        return self._tree(module.path) is module.tree

    def bit(self, key: object) -> int:
        """The bit that stands for a file or a name in sets of dependencies."""
        return self.bits.setdefault(key, 1 << len(self.bits))

    def at(self, path: Path) -> ModuleDefinition:
        """The module that a workspace file holds."""
        found = self._by_path.get(path)
        if found is None:
            name = self.workspace.module_name(path)
            tree = self._tree(path)
            found = self._read(name, path, "workspace", path.stem == "__init__", tree)
            file = self.workspace.find_module(name)
            if file is not None and file.path == path:
                self._by_name.setdefault(name, found)
        return found

    def find(self, name: str) -> ModuleDefinition | None:
        """The module of a dotted name; None where there is none that can be read."""
        if name not in self._by_name:
            self._by_name[name] = self._find(name)
        found = self._by_name[name]
        if found is not None:
            self.evaluator.memo.depend(found.bit)
        return found

    def _find(self, name: str) -> ModuleDefinition | None:
        file = self.workspace.find_module(name)
        if file is None or file.kind == "compiled":
            return None
        if file.path in self._by_path:
            return self._by_path[file.path]
        if file.kind == "namespace":
            return self._read(name, file.path, "library", True, ast.Module(body=[], type_ignores=[]))
        if file.origin == "workspace" and file.kind == "source":
            return self._read(name, file.path, "workspace", file.is_package, self._tree(file.path))
        try:
            tree = parse(read_source(file.path)).tree
        except TypewrightError:
            return None
        return self._read(
            name, file.path, "stub" if file.kind == "stub" else "library", file.is_package, tree
        )

    def _read(
        self, name: str, path: Path, origin: ModuleOrigin, is_package: bool, tree: ast.Module
    ) -> ModuleDefinition:
        module = ModuleDefinition(name, path, origin, is_package, tree, Scopes(tree))
        if origin == "workspace":
            module.bit = self.bit(path)
        self._by_path[path] = module
        return module

    # Names.

    def member(self, module: ModuleDefinition, name: str) -> Type | None:
        """What `module.name` is; None where the module has no such name."""
        guard = (str(module.path), name)
        if guard in self._asking:
            return None
        self._asking.add(guard)
        try:
            return self._member(module, name)
        finally:
            self._asking.discard(guard)

    def _member(self, module: ModuleDefinition, name: str) -> Type | None:
        self.evaluator.memo.depend(module.bit)
        found = self.evaluator.names.settled(module.frame, name)
        if found is not None and known(found) != NEVER:
            return found
        starred = self.starred(module, name)
        if starred is not None:
            return starred
        if module.is_package:
            submodule = self.find(f"{module.name}.{name}")
            if submodule is not None:
                return Module(submodule)
        if found is None and "__getattr__" in module.scopes.module.bindings:
            return UNKNOWN
        return found

    def starred(self, module: ModuleDefinition, name: str) -> Type | None:
        """What a star import brings in under a name."""
        for statement in reversed(module.scopes.module.stars):
            source = self.imported_module(module, statement)
            if source is None or source is module:
                continue
            if name in self.exported(source):
                found = self.member(source, name)
                if found is not None:
                    return found
        return None

    def exported(self, module: ModuleDefinition, seen: frozenset[str] = frozenset()) -> set[str]:
        """The names that `from module import *` brings in."""
        if module.name in seen:
            return set()
        seen |= {module.name}
        declared = exports(module.tree)
        if declared is not None and declared.complete:
            names = set(declared.names)
            for expression in declared.inherited:
                source = self.find(ast.unparse(expression))
                if source is None and isinstance(expression, ast.Name):
                    value = self.member(module, expression.id)
                    source = value.definition if isinstance(value, Module) else None
                if source is not None:
                    names |= self.exported(source, seen)
            return names
        names = {name for name in module.scopes.module.bindings if not name.startswith("_")}
        for statement in module.scopes.module.stars:
            source = self.imported_module(module, statement)
            if source is not None:
                names |= self.exported(source, seen)
        return names

    def imported_module(self, module: ModuleDefinition, statement: ast.ImportFrom) -> ModuleDefinition | None:
        """The module that `from X import …` names."""
        return self.find(absolute_name(module, statement))

    def imported(self, module: ModuleDefinition, binding: Binding) -> Type:
        """What an import statement binds."""
        alias, statement = binding.node, binding.statement
        assert isinstance(alias, ast.alias)
        if isinstance(statement, ast.Import):
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            found = self.find(name)
            return Module(found) if found is not None else UNKNOWN
        assert isinstance(statement, ast.ImportFrom)
        name = absolute_name(module, statement)
        source = self.find(name)
        if source is None:
            return UNKNOWN
        if source is not module or alias.name in module.scopes.module.bindings:
            value = self.member(source, alias.name) if source is not module or not alias.asname else None
            if value is not None and known(value) != NEVER:
                return value
        submodule = self.find(f"{name}.{alias.name}")
        return Module(submodule) if submodule is not None else UNKNOWN

    def reachable(self, module: ModuleDefinition, binding: Binding) -> bool:
        """Whether the environment's version and platform let a binding happen."""
        version = self.workspace.environment.version
        return is_reachable(binding.node, module.scopes.ancestors(binding.node), version)


def absolute_name(module: ModuleDefinition, statement: ast.ImportFrom) -> str:
    """The absolute name behind `from ..x import`."""
    if not statement.level:
        return statement.module or ""
    package = module.package
    for _ in range(statement.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{statement.module}".strip(".") if statement.module else package


def names_in(tree: ast.Module) -> set[str]:
    """Every identifier in a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.name.rpartition(".")[2])
    return found
