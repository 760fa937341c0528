"""Whether a module, class or callable has a member or takes a keyword argument: yes, no, or not decidable.

Every function answers `True`, `False` or `None`. `False` is a proof as far as the code can be read: whatever
may add members at run time, and whatever cannot be read, makes the answer `None`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import (
    ClassDefinition,
    FunctionDefinition,
    FunctionNode,
    ModuleDefinition,
)
from typewright.analysis.exports import exports
from typewright.analysis.scopes import MODULE_NAMES, Binding, Scopes
from typewright.analysis.types import BoundMethod, ClassObject, Function, Type
from typewright.indexer.errors import TypewrightError
from typewright.indexer.modules import ModuleFile
from typewright.indexer.source import read_source
from typewright.indexer.syntax import parse

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_DYNAMIC_MODULE = re.compile(
    r"\bglobals\(\)|\bsys\.modules(?:\[(?![\"'])|\.\w+\()|\bexec\(|\bvars\(\)|\blocals\(\)(?:\[|\.update)"
    r"|\b__dict__\b|(?i:lazy_?(?:import|load|module|object|attr))|\battach\("
)
_MADE_MODULE = re.compile(r"\bsys\.modules\[[\"']([\w.]+)[\"']\]\s*=")
_DYNAMIC_CLASS = re.compile(
    r"\b__dict__\b|\bsetattr\(|\b__setattr__\b|\bvars\(|\blocals\(\)|\bexec\(|\b_fields_\b|\b__annotations__\b|\b__getstate__\b|\b__setstate__\b"
)
_PACKAGE_PATH = re.compile(r"__path__|extend_path|declare_namespace|sys\.path|meta_path|import_hook")
_PLAIN_METACLASSES = frozenset({"type", "ABCMeta", "EnumMeta", "EnumType", "_ProtocolMeta", "NamedTupleMeta"})
_PLAIN_DECORATORS = frozenset(
    {
        "attrs", "attributes", "dataclass", "define", "deprecated", "disjoint_base", "final", "frozen",
        "implements_to_string", "mutable", "runtime_checkable", "s", "total_ordering", "type_check_only",
        "unique",
    }
)  # fmt: skip
_PLAIN_FUNCTION_DECORATORS = frozenset(
    {
        "abstractmethod", "asynccontextmanager", "cache", "classmethod", "contextmanager", "deprecated",
        "final", "lru_cache", "no_type_check", "overload", "override", "staticmethod", "type_check_only",
        "wraps",
    }
)  # fmt: skip
_PLAIN_CONSTRUCTED = frozenset(
    {"disjoint_base", "final", "runtime_checkable", "total_ordering", "type_check_only"}
)
_ANYTHING = frozenset({"builtins.object", "builtins.type", "builtins.function", "types.ModuleType"})
"""Classes that values of unknown classes are declared as."""
_SPECIAL = re.compile(r"__\w+__$")


@dataclass(frozen=True, slots=True)
class _Source:
    """What Python source binds at module level and in each class, attributes that it sets included."""

    bound: frozenset[str]
    classes: Mapping[str, frozenset[str]]
    strings: frozenset[str]

    @classmethod
    def read(cls, tree: ast.Module) -> _Source:
        scopes = Scopes(tree)
        classes: dict[str, frozenset[str]] = {}
        for scope in scopes.all():
            if scope.kind == "class":
                found = frozenset(scope.bindings) | _stored(scope.node)
                classes[scope.name] = classes.get(scope.name, frozenset()) | found
        constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        strings = frozenset(value for value in constants if isinstance(value, str) and value.isidentifier())
        return cls(frozenset(scopes.module.bindings), classes, strings)


def _stored(tree: ast.AST | None) -> frozenset[str]:
    """The attributes that code assigns or deletes, on whatever."""
    return frozenset(
        node.attr
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    )


class Existence:
    """Answers for one snapshot."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._stores: dict[ClassDefinition, frozenset[str]] = {}
        self._dynamic: dict[ClassDefinition, bool] = {}
        self._sources: dict[Path, _Source | None] = {}

    # Modules.

    def module(self, name: str) -> bool | None:
        """Whether a module of this dotted name can be imported."""
        find = self.evaluator.workspace.find_module
        if find(name) is not None:
            return True
        parent = name.rpartition(".")[0]
        if not parent:
            return None if self._stands_somewhere(name) else False
        file = find(parent)
        if file is None:
            return None  # the parent is what is missing
        if file.kind in ("namespace", "compiled") or file.path.suffix not in (".py", ".pyi"):
            return None
        for text in map(self.text, filter(None, (file.path, file.source_path))):
            if file.origin == "typeshed":
                break
            if _PACKAGE_PATH.search(text) or _DYNAMIC_MODULE.search(text):
                return None
            if name in _MADE_MODULE.findall(text):
                return True
        return None if self._is_bound_module(parent, name.rpartition(".")[2]) else False

    def _stands_somewhere(self, name: str) -> bool:
        """Whether a file or folder of that name lies in the workspace, perhaps on a path set at run time."""
        root = self.evaluator.workspace.root
        return any(
            path.stem == name or name in path.relative_to(root).parts[:-1]
            for path in self.evaluator.workspace.files()
            if path.is_relative_to(root)
        )

    def _is_bound_module(self, parent: str, name: str) -> bool:
        """Whether a package binds the name: `six.moves` and the like make modules of attributes."""
        module = self.evaluator.modules.find(parent)
        return module is None or self.module_member(module, name) is not False

    def module_member(
        self, module: ModuleDefinition, name: str, seen: frozenset[ModuleDefinition] = frozenset()
    ) -> bool | None:
        """Whether `module.name` exists after the module was imported."""
        if _SPECIAL.match(name) or name in MODULE_NAMES:
            return None
        file = self._file(module)
        if file is None or file.kind in ("namespace", "compiled") or module in seen:
            return None
        found = self._in_tree(module, name, seen | {module})
        if found is not False or (module.is_package and self._has_submodule(module.name, name)):
            return True if found is not None else None
        if file.kind == "stub":
            return self._in_source(file, name, seen | {module})
        dynamic = _DYNAMIC_MODULE.search(self.text(file.path)) or self._is_string_in(file.path, name)
        return None if dynamic else False

    def _in_tree(self, module: ModuleDefinition, name: str, seen: frozenset[ModuleDefinition]) -> bool | None:
        scope = module.scopes.module
        if name in scope.bindings:
            return True
        if "__getattr__" in scope.bindings:
            return None
        undecided = False
        for statement in scope.stars:
            source = self.evaluator.modules.imported_module(module, statement)
            if source is None:
                undecided = True
                continue
            if source is module:
                continue
            inside = self.module_member(source, name, seen)
            declared = exports(source.tree)
            if inside and (declared is None or not declared.complete or name in declared.names):
                return True
            undecided = undecided or inside is None or (declared is not None and not declared.complete)
        return None if undecided else False

    def _has_submodule(self, package: str, name: str) -> bool:
        return self.evaluator.workspace.find_module(f"{package}.{name}") is not None

    def _in_source(self, file: ModuleFile, name: str, seen: frozenset[ModuleDefinition]) -> bool | None:
        """Whether the module behind a stub has a name that the stub does not declare."""
        if file.source_path is None:
            return None if name.startswith("_") or file.origin != "typeshed" else False
        source_file = self._source(file.source_path)
        if source_file is None or name in source_file.bound or name in source_file.strings:
            return None
        text = self.text(file.source_path)
        if file.origin == "typeshed":
            return None if name.startswith("_") and _DYNAMIC_MODULE.search(text) else False
        if _DYNAMIC_MODULE.search(text):
            return None
        for line in re.findall(r"^\s*from\s+([.\w]+)\s+import\s+\*", text, re.MULTILINE):
            source = self.evaluator.modules.find(line)
            if source is None or source in seen or self.module_member(source, name, seen) is not False:
                return None
        return False

    def _file(self, module: ModuleDefinition) -> ModuleFile | None:
        file = self.evaluator.workspace.find_module(module.name)
        return file if file is not None and file.path == module.path else None

    def text(self, path: Path) -> str:
        """The text of a file, '' where it cannot be read."""
        workspace = self.evaluator.workspace
        try:
            if path.is_relative_to(workspace.root) and path in self._workspace_files:
                return workspace.syntax(path).text
            return _library_text(path, path.stat().st_mtime_ns)
        except (OSError, TypewrightError):
            return ""

    @cached_property
    def _workspace_files(self) -> frozenset[Path]:
        return frozenset(self.evaluator.workspace.files())

    # Classes.

    def class_member(self, definition: ClassDefinition, name: str) -> bool | None:
        """Whether instances of exactly this class have the member."""
        return None if definition.qualified_name in _ANYTHING else self._member(definition, name)

    def _member(self, definition: ClassDefinition, name: str) -> bool | None:
        if _SPECIAL.match(name):
            return None
        ancestors = [ancestor for ancestor, _ in self.evaluator.classes.mro(definition)]
        undecided = False
        for ancestor in ancestors:
            found = self.own_member(ancestor, name)
            if found:
                return True
            undecided = undecided or found is None
        if undecided or self.evaluator.classes.has_unknown_base(definition):
            return None
        if self.evaluator.classes.metaclass(definition).name not in _PLAIN_METACLASSES:
            return None
        return None if any(self._behind_stub(ancestor, name) for ancestor in ancestors) else False

    def class_object_member(self, definition: ClassDefinition, name: str) -> bool | None:
        """Whether the class itself has the member."""
        found = self.class_member(definition, name)
        if found is not False:
            return found
        # Stubs do not say that protocols and what derives from them have ABCMeta.
        own, general = self.evaluator.classes.metaclass(definition), self.evaluator.class_named("abc.ABCMeta")
        answers = [self._member(metaclass, name) for metaclass in (own, general)]
        return True if True in answers else None if None in answers else False

    def own_member(self, definition: ClassDefinition, name: str) -> bool | None:
        """Whether a class itself, bases aside, has the member."""
        if name in definition.members:
            return True
        node, scope = definition.node, definition.scope
        if node is None or scope is None:
            return None
        if name in scope.bindings or name in self._stored(definition):
            return True
        if definition.qualified_name == "builtins.object":
            return False
        for dynamic in ("__getattr__", "__getattribute__"):
            if dynamic in scope.bindings:
                return None
        if _may_be_slot(scope.bindings.get("__slots__", ()), name):
            return True
        if not all(_decorator_name(d) in _PLAIN_DECORATORS for d in node.decorator_list):
            return None
        bases = [base for base in node.bases if not isinstance(base, ast.Starred)]
        if len(bases) != len(node.bases) or any(keyword.arg is None for keyword in node.keywords):
            return None
        if definition.module.origin != "stub" and (
            self._is_dynamic(definition) or self._is_string_in(definition.module.path, name)
        ):
            return None
        return False

    def _stored(self, definition: ClassDefinition) -> frozenset[str]:
        """The attributes that code inside a class assigns, on whatever."""
        found = self._stores.get(definition)
        if found is None:
            found = self._stores[definition] = _stored(definition.node)
        return found

    def _is_dynamic(self, definition: ClassDefinition) -> bool:
        """Whether code inside a class adds members in ways that cannot be read."""
        found = self._dynamic.get(definition)
        if found is None:
            node = definition.node
            lines = self.text(definition.module.path).splitlines()
            text = "\n".join(lines[node.lineno - 1 : node.end_lineno]) if node is not None else ""
            found = self._dynamic[definition] = _DYNAMIC_CLASS.search(text) is not None
        return found

    def _behind_stub(self, definition: ClassDefinition, name: str) -> bool:
        """Whether the class that a stub describes speaks of the name, or cannot be read."""
        if definition.module.origin != "stub":
            return False
        file = self._file(definition.module)
        if file is None or file.source_path is None:
            return name.startswith("_") or file is None or file.origin != "typeshed"
        if definition.module.name in ("builtins", "typing", "abc", "enum", "types"):
            return False
        source = self._source(file.source_path)
        if source is None or name in source.strings:
            return True
        members = source.classes.get(definition.name)
        return name in (members if members is not None else source.bound)

    def _is_string_in(self, path: Path, name: str) -> bool:
        """Whether a file has the name as a string, by which an attribute may be set."""
        source = self._source(path)
        return source is None or name in source.strings

    def _source(self, path: Path) -> _Source | None:
        """What the source behind a stub binds; None where it cannot be read."""
        if path not in self._sources:
            text = self.text(path)
            self._sources[path] = _Source.read(parse(text).tree) if text else None
        return self._sources[path]

    # Keyword arguments.

    def keyword(self, value: Type, name: str) -> bool | None:
        """Whether a call of the value takes the keyword argument."""
        match value:
            case Function(definition=definition, overloads=overloads):
                return self._functions(overloads or (definition,), name)
            case BoundMethod(function=Function() as function):
                return self.keyword(function, name)
            case ClassObject(definition=definition):
                return self._constructor(definition, name)
            case _:
                return None

    def _functions(self, functions: Sequence[FunctionDefinition], name: str) -> bool | None:
        answers = [self._function(function, name) for function in functions]
        if True in answers:
            return True
        return None if None in answers else False

    def _function(self, function: FunctionDefinition, name: str) -> bool | None:
        answers = [_takes(node, name) for node in self._versions(function)]
        return True if True in answers else None if None in answers else False

    @staticmethod
    def _versions(function: FunctionDefinition) -> Iterator[FunctionNode]:
        """The function, and others of its name in the same scope: for other versions, other branches."""
        node = function.node
        if isinstance(node, ast.Lambda):
            yield node
            return
        scope = function.module.scopes.scope_of(node)
        for binding in scope.bindings.get(node.name, ()):
            if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield binding.node

    def _constructor(self, definition: ClassDefinition, name: str) -> bool | None:
        classes = self.evaluator.classes
        if classes.has_unknown_base(definition) or classes.is_typed_dict(definition):
            return None
        if classes.metaclass(definition).name not in ("type", "ABCMeta"):
            return None
        answers: list[bool | None] = []
        for ancestor, _ in classes.mro(definition):
            if ancestor.node is None or ancestor.scope is None:
                return None
            if ancestor.qualified_name == "builtins.object":
                break
            decorators = {_decorator_name(d) for d in ancestor.node.decorator_list}
            if decorators - _PLAIN_CONSTRUCTED:
                return None
            if "NamedTuple" in {base.name for base, _ in classes.mro(ancestor)}:
                return None
            for method in ("__init__", "__new__"):
                bindings = ancestor.scope.bindings.get(method, ())
                if bindings:
                    answers.append(self._methods(bindings, name))
            if answers and "__init__" in ancestor.scope.bindings:
                break
        if not answers or True in answers or None in answers:
            return True if True in answers else None
        return False

    @staticmethod
    def _methods(bindings: Sequence[Binding], name: str) -> bool | None:
        nodes = [binding.node for binding in bindings]
        answers = [_takes(node, name) if isinstance(node, ast.FunctionDef) else None for node in nodes]
        return True if True in answers else None if None in answers else False


def _takes(node: FunctionNode, name: str) -> bool | None:
    """Whether a function as it is written takes a keyword argument; None where a decorator decides."""
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    if not all(_decorator_name(decorator) in _PLAIN_FUNCTION_DECORATORS for decorator in decorators):
        return None
    positional = {argument.arg for argument in node.args.posonlyargs}
    names = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    return node.args.kwarg is not None or name in names - positional


def _may_be_slot(bindings: Sequence[Binding], name: str) -> bool:
    """Whether `__slots__` lists the name, or is not written out."""
    for binding in bindings:
        value = getattr(binding.statement, "value", None)
        if value is None:
            continue
        if not isinstance(value, ast.Tuple | ast.List | ast.Set | ast.Constant | ast.Dict):
            return True
        if name in {node.value for node in ast.walk(value) if isinstance(node, ast.Constant)}:
            return True
    return False


def _decorator_name(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        if decorator.attr in ("setter", "getter", "deleter"):
            return "final"  # as harmless
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else ""


@lru_cache(maxsize=256)
def _library_text(path: Path, changed: int) -> str:  # noqa: ARG001 - a file that changes is read again
    try:
        return read_source(path)
    except TypewrightError:
        return ""
