"""What code outside a class or module may add to it: monkey patches, and subclasses that supply members."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition
from typewright.analysis.types import ClassObject, Unknown
from typewright.indexer.errors import TypewrightError
from typewright.indexer.source import read_source

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_OWN_RECEIVERS = frozenset({"self", "cls"})


class Elsewhere:
    """Answers for one snapshot."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._assigned: dict[str, bool] = {}
        self._packages: dict[Path, tuple[str, ...]] = {}
        self._subclasses: dict[ClassDefinition, tuple[ClassDefinition, ...]] = {}

    def assigns(self, name: str, definition: ClassDefinition | None) -> bool:
        """Whether something, somewhere, gets an attribute of this name from outside.

        The workspace is searched, and for a class of a library the package that holds it.
        """
        if name not in self._assigned:
            self._assigned[name] = any(
                self._file_assigns(path, name) for path in self.evaluator.workspace.files_using(name)
            )
        if self._assigned[name]:
            return True
        if definition is None or definition.module.origin != "library":
            return False
        pattern = re.compile(
            rf"(?<!self)(?<!cls)\.{re.escape(name)}\s*(?::[^=\n]+)?=(?!=)|[\"']{re.escape(name)}[\"']"
        )
        return any(pattern.search(text) for text in self._package(definition.module.path))

    def _file_assigns(self, path: Path, name: str) -> bool:
        try:
            tree = self.evaluator.workspace.syntax(path).tree
        except TypewrightError:
            return False
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store):
                if not (isinstance(node.value, ast.Name) and node.value.id in _OWN_RECEIVERS):
                    return True
            elif isinstance(node, ast.Call) and _sets(node, name):
                return True
        return False

    def _package(self, path: Path) -> tuple[str, ...]:
        """The texts of the package that a file belongs to."""
        folder = path.parent
        while (folder.parent / "__init__.py").is_file():
            folder = folder.parent
        if folder not in self._packages:
            single = not (folder / "__init__.py").is_file()
            paths = [path] if single else sorted(folder.rglob("*.py"))
            self._packages[folder] = tuple(map(_text, paths))
        return self._packages[folder]

    def subclasses(self, definition: ClassDefinition) -> tuple[ClassDefinition, ...]:
        """The classes of the workspace that derive from a class, directly or not."""
        if definition not in self._subclasses:
            self._subclasses[definition] = ()
            direct = tuple(self._direct(definition))
            below = (each for subclass in direct for each in self.subclasses(subclass))
            self._subclasses[definition] = tuple(dict.fromkeys((*direct, *below)))
        return self._subclasses[definition]

    def is_made(self, definition: ClassDefinition) -> bool:
        """Whether the workspace calls the class or a subclass by name, so that it is whole by itself."""
        names = {definition.name, *(subclass.name for subclass in self.subclasses(definition))}
        return any(
            isinstance(node, ast.Call) and names.intersection(_last_names(node.func))
            for name in sorted(names)
            for path in self.evaluator.workspace.files_using(name)
            for node in ast.walk(self.evaluator.modules.at(path).tree)
        )

    def some_class_has(self, name: str) -> bool:
        """Whether any class of the workspace binds the name, or assigns it to an attribute."""
        for path in self.evaluator.workspace.files_using(name):
            module = self.evaluator.modules.at(path)
            if any(scope.kind == "class" and name in scope.bindings for scope in module.scopes.all()):
                return True
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store):
                    return True
        return False

    def _direct(self, definition: ClassDefinition) -> Iterator[ClassDefinition]:
        for path in self.evaluator.workspace.files_using(definition.name):
            module = self.evaluator.modules.at(path)
            for scope in module.scopes.all():
                node = scope.node
                if scope.kind != "class" or not isinstance(node, ast.ClassDef):
                    continue
                if any(self._is(path, base, definition) for base in node.bases):
                    made = self.evaluator.infer(path, node).type
                    if isinstance(made, ClassObject) and made.definition is not definition:
                        yield made.definition

    def _is(self, path: Path, base: ast.expr, definition: ClassDefinition) -> bool:
        if isinstance(base, ast.Subscript):
            base = base.value
        if definition.name not in ast.unparse(base):
            return False
        value = self.evaluator.infer(path, base).type
        return isinstance(value, Unknown) or (
            isinstance(value, ClassObject) and value.definition is definition
        )


def _last_names(callee: ast.expr) -> tuple[str, ...]:
    if isinstance(callee, ast.Attribute):
        return (callee.attr,)
    return (callee.id,) if isinstance(callee, ast.Name) else ()


def _sets(call: ast.Call, name: str) -> bool:
    """Whether this is `setattr(…, "name", …)` under any of its names."""
    if not {"setattr", "__setattr__"}.intersection(_last_names(call.func)):
        return False
    return any(isinstance(argument, ast.Constant) and argument.value == name for argument in call.args)


def _text(path: Path) -> str:
    try:
        return read_source(path)
    except TypewrightError:
        return ""
