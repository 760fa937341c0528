"""Modules of the workspace, of stubs and of libraries: found, read, and asked for their names."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from typewright.analysis.conditions import is_reachable
from typewright.analysis.definitions import ModuleDefinition, ModuleOrigin, read_stars
from typewright.analysis.exports import exports
from typewright.analysis.inputs import Inputs
from typewright.analysis.scopes import Binding, Scopes
from typewright.analysis.trees import TreeEditor, own_tree
from typewright.analysis.types import NEVER, UNKNOWN, Module, Type, known
from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError
from typewright.indexer.modules import ModuleFile, typeshed_folder
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

    def text(self, path: Path) -> str:
        """A file's text."""
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
    """The modules that an analysis has read, by name and by path, at the moment that `workspace` shows.

    `move` brings them to another moment: what an edit leaves alone stays, and keeps its identity.
    """

    def __init__(self, evaluator: Evaluator, workspace: Workspace) -> None:
        self.evaluator = evaluator
        self.workspace = workspace
        self._by_name: dict[str, ModuleDefinition | None] = {}
        self._by_path: dict[Path, ModuleDefinition] = {}
        self._hidden: dict[str, ModuleDefinition] = {}
        self._places: dict[str, Path | None] = {}
        self._syntaxes: dict[Path, Syntax] = {}
        self._editors: dict[Path, TreeEditor] = {}
        self._asking: set[tuple[ModuleDefinition, str]] = set()
        self._using: dict[str, Sequence[Path]] = {}
        self._reachable: dict[Binding, bool] = {}
        self._names: Inputs[object] = Inputs(evaluator.memo)
        self._uses: Inputs[object] = Inputs(evaluator.memo)

    # Edits.

    def move(self, workspace: Workspace) -> None:
        """Takes up another state of the workspace."""
        if workspace is self.workspace:
            return
        self.workspace = workspace
        self.evaluator.memo.edited()
        self._reachable.clear()
        for path in list(self._syntaxes):
            self._edit(path)
        for name, place in list(self._places.items()):
            file = workspace.find_module(name)
            if (file.path if file is not None else None) != place:
                found = self._by_name.pop(name)
                del self._places[name]
                self._names.change(name)
                if found is not None and found.origin != "workspace":  # nobody noted that it was read
                    self.evaluator.memo.clear()

    def _edit(self, path: Path) -> None:
        before, module = self._syntaxes[path], self._by_path[path]
        try:
            if self.workspace.text(path) == before.text:
                return
            after = self.workspace.syntax(path)
        except (TypewrightError, OSError, KeyError):
            after = parse("")
            if before.text == after.text:
                return
        editor = self._editors.setdefault(path, TreeEditor())
        changes = editor.edit(module.tree, before, after)
        self._syntaxes[path] = Syntax(after.text, module.tree, after.damage)
        revision = self.evaluator.memo.revision
        for node in changes.own:
            inputs = module.scopes.inner(node).inputs
            if inputs is not None:
                inputs.own.changed = revision
                if node in changes.heads:
                    inputs.head.changed = revision
        module.scopes.update(changes.own, changes.dropped)
        for name in module.mentions.update(changes.own):
            self._using.pop(name, None)
            self._uses.change(name)
        for node in changes.dropped:
            for inner in ast.walk(node):
                module.functions.pop(inner, None)
                module.classes.pop(inner, None)

    # Modules.

    def syntax(self, path: Path) -> Syntax:
        """The syntax of a workspace file; its tree is the one that the analysis knows."""
        self.at(path)
        found = self._syntaxes.get(path)
        return found if found is not None else self.workspace.syntax(path)

    def files_using(self, name: str) -> Sequence[Path]:
        """The files in which an identifier stands."""
        self._uses.read(name)
        found = self._using.get(name)
        if found is None:
            found = self._using[name] = self.workspace.files_using(name)
        return found

    def at(self, path: Path) -> ModuleDefinition:
        """The module that a workspace file holds."""
        found = self._by_path.get(path)
        if found is None:
            name = self.workspace.module_name(path)
            file = self.workspace.find_module(name)
            found = self._read_own(name, path, path.stem == "__init__")
            if file is not None and file.path == path and name not in self._by_name:
                self._by_name[name], self._places[name] = found, path
        return found

    def find(self, name: str) -> ModuleDefinition | None:
        """The module of a dotted name; None where there is none that can be read."""
        if name not in self._by_name:
            file = self.workspace.find_module(name)
            self._places[name] = file.path if file is not None else None
            self._by_name[name] = self._find(name, file)
        found = self._by_name[name]
        if found is None or found.origin == "workspace":
            self._names.read(name)
        return found

    def standard(self, name: str) -> ModuleDefinition:
        """A module of the standard library, even where the workspace has one of that name (`types.py`)."""
        found = self.find(name)
        if found is not None and found.origin != "workspace":
            return found
        if name not in self._hidden:
            path = typeshed_folder().joinpath(*name.split("."))
            is_package = path.is_dir()
            path = path / "__init__.pyi" if is_package else path.with_suffix(".pyi")
            tree = parse(read_source(path)).tree
            self._hidden[name] = self._read(name, path, "stub", is_package, tree)
        return self._hidden[name]

    def _find(self, name: str, file: ModuleFile | None) -> ModuleDefinition | None:
        if file is None or file.kind == "compiled":
            return None
        if file.path in self._by_path:
            return self._by_path[file.path]
        if file.kind == "namespace":
            return self._read(name, file.path, "library", True, ast.Module(body=[], type_ignores=[]))
        if file.origin == "workspace" and file.kind == "source":
            return self._read_own(name, file.path, file.is_package)
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
        self._by_path[path] = module
        return module

    def _read_own(self, name: str, path: Path, is_package: bool) -> ModuleDefinition:
        """A module of the workspace, whose text may change."""
        try:
            syntax = self.workspace.syntax(path)
        except (TypewrightError, OSError, KeyError):
            syntax = parse("")
        tree = own_tree(syntax)
        module = ModuleDefinition(
            name, path, "workspace", is_package, tree, Scopes(tree, self.evaluator.memo)
        )
        self._syntaxes[path] = Syntax(syntax.text, tree, syntax.damage)
        self._by_path[path] = module
        if self._using:  # which may have been asked for before the file was there
            for used in module.mentions.names():
                if path not in self._using.get(used, (path,)):
                    del self._using[used]
                    self._uses.change(used)
        return module

    # Names.

    def member(self, module: ModuleDefinition, name: str) -> Type | None:
        """What `module.name` is; None where the module has no such name."""
        guard = (module, name)
        if guard in self._asking:
            return None
        self._asking.add(guard)
        try:
            return self._member(module, name)
        finally:
            self._asking.discard(guard)

    def _member(self, module: ModuleDefinition, name: str) -> Type | None:
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
        read_stars(module.scopes.module)
        for statement in reversed(module.scopes.module.stars):
            source = self.imported_module(module, statement)
            if source is None or source is module:
                continue
            if name in self.exported(source):
                found = self.member(source, name)
                if found is not None:
                    return found
        return None

    def exported(self, module: ModuleDefinition) -> frozenset[str]:
        """The names that `from module import *` brings in."""
        return self.evaluator.memo.get(
            ("exported", module), lambda: self._exported(module), frozenset(), frozenset.union
        )

    def _exported(self, module: ModuleDefinition) -> frozenset[str]:
        module.read()
        declared = exports(module.tree)
        if declared is not None and declared.complete:
            names = set(declared.names)
            for expression in declared.inherited:
                source = self.find(ast.unparse(expression))
                if source is None and isinstance(expression, ast.Name):
                    value = self.member(module, expression.id)
                    source = value.definition if isinstance(value, Module) else None
                if source is not None:
                    names |= self.exported(source)
            return frozenset(names)
        names = {name for name in module.scopes.module.bindings if not name.startswith("_")}
        for statement in module.scopes.module.stars:
            source = self.imported_module(module, statement)
            if source is not None:
                names |= self.exported(source)
        return frozenset(names)

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
        found = self._reachable.get(binding)
        if found is None:
            version = self.workspace.environment.version
            found = is_reachable(binding.node, module.scopes.ancestors(binding.node), version)
            self._reachable[binding] = found
        return found


def absolute_name(module: ModuleDefinition, statement: ast.ImportFrom) -> str:
    """The absolute name behind `from ..x import`."""
    if not statement.level:
        return statement.module or ""
    package = module.package
    for _ in range(statement.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{statement.module}".strip(".") if statement.module else package
