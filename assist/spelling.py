"""Whether the names of an annotation mean the right thing at a place, and can be evaluated there."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from typewright.assist.placement import Site

BUILTINS = frozenset(dir(builtins))
# Imported at run time: they import nothing that could lead back to the file.
SAFE_MODULES = frozenset({"builtins", "collections.abc", "typing"})
# Subscripting these at run time works since Python 3.9; what else stubs call generic may not be.
_SUBSCRIPTABLE = frozenset(
    {
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "type",
        "defaultdict",
        "deque",
        "OrderedDict",
        "Counter",
        "ChainMap",
    }
)
# Libraries that read annotations at run time to convert, validate or inject: there they are no comments.
READS_ANNOTATIONS = frozenset(
    """
    airflow agents apischema beartype blacksheep cattrs cyclopts dagster defopt dependency_injector
    discord disnake dishka fastapi fastmcp flytekit hikari injector jsonargparse kink lagom
    langchain langchain_core litestar magicgui mcp msgspec multimethod nextcord ninja plum prefect
    pydantic pydantic_ai robyn runtype sanic_ext semantic_kernel simple_parsing smolagents sqlmodel
    strawberry tap torch triton typeguard typer tyro
    """.split()  # noqa: SIM905
)
INSPECTS = frozenset({"get_type_hints", "__annotations__", "get_annotations"})


@dataclass(frozen=True, slots=True)
class Binding:
    """How the module binds a name: by import (`name` '' = the module itself) or otherwise."""

    line: int
    module: str = ""
    name: str = ""
    imported: bool = False
    typing_only: bool = False

    @property
    def is_module(self) -> bool:
        """Whether it binds the module itself."""
        return self.imported and not self.name


class ModuleNames:
    """The names that a module binds at its top level, and how it treats annotations."""

    def __init__(
        self,
        tree: ast.Module,
        module: str,
        *,
        is_package: bool,
        is_stub: bool,
        readers: frozenset[str] = frozenset(),
    ) -> None:
        """`readers` are the modules of the workspace that look at annotations at run time."""
        self._package = module if is_package else module.rpartition(".")[0]
        self.is_stub = is_stub
        self.bindings: dict[str, list[Binding]] = {}
        for name, binding in self._bind(tree.body, typing_only=False):
            self.bindings.setdefault(name, []).append(binding)
        self.future = any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(alias.name == "annotations" for alias in node.names)
            for node in tree.body
        )
        libraries = self._reached(tree, lambda b: b.module.partition(".")[0] in READS_ANNOTATIONS)
        self._readers = libraries | self._reached(
            tree, lambda b: not readers.isdisjoint((b.module, f"{b.module}.{b.name}"))
        )
        inspects = any(
            (isinstance(node, ast.Attribute) and node.attr in INSPECTS)
            or (isinstance(node, ast.Name) and node.id in INSPECTS)
            for node in ast.walk(tree)
        )
        self.reads_annotations = bool(libraries) or inspects
        self._statements = [
            (
                min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]),
                node.end_lineno or 0,
            )
            for node in tree.body
        ]

    # -- what is bound ----------------------------------------------------------------------------

    def _bind(self, body: Iterable[ast.stmt], *, typing_only: bool) -> Iterator[tuple[str, Binding]]:
        for node in body:
            line = node.end_lineno or node.lineno
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    module = alias.name if alias.asname else bound
                    yield bound, Binding(line, module, "", True, typing_only)
            elif isinstance(node, ast.ImportFrom):
                source = self._absolute(node)
                for alias in node.names:
                    yield alias.asname or alias.name, Binding(line, source, alias.name, True, typing_only)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield node.name, Binding(line, typing_only=typing_only)
            else:
                guarded = typing_only or is_type_checking(node)
                for child in bound_names(node):
                    yield child, Binding(line, typing_only=typing_only)
                yield from self._bind(getattr(node, "body", ()), typing_only=guarded)
                for handler in getattr(node, "handlers", ()):
                    yield from self._bind(handler.body, typing_only=typing_only)
                for case in getattr(node, "cases", ()):
                    yield from self._bind(case.body, typing_only=typing_only)
                yield from self._bind(getattr(node, "orelse", ()), typing_only=typing_only)
                yield from self._bind(getattr(node, "finalbody", ()), typing_only=typing_only)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])

    def _reached(self, tree: ast.Module, wanted: Callable[[Binding], bool]) -> frozenset[str]:
        """The names that wanted imports bind, and those that calls of them made."""
        names = {
            name for name, found in self.bindings.items() if any(b.imported and wanted(b) for b in found)
        }
        for node in tree.body:
            value = getattr(node, "value", None)
            if isinstance(value, ast.Call) and root_name(value.func) in names:
                names.update(bound_names(node))
        return frozenset(names)

    # -- what an annotation may say ---------------------------------------------------------------

    def missing_imports(
        self, site: Site, expression: ast.expr, imports: Iterable[tuple[str, str]]
    ) -> frozenset[tuple[str, str]] | None:
        """Return the `imports` that the module lacks; None where a name would mean something else here."""
        wanted = {name or module.partition(".")[0]: (module, name) for module, name in imports}
        missing = set()
        hidden = _local_names(site)
        for root in root_names(expression):
            found = self.bindings.get(root, [])
            if root in hidden:
                return None
            if root in wanted:
                module, name = wanted[root]
                if not found:
                    missing.add((module, name))
                elif not any(_is_import_of(binding, module, name) for binding in found):
                    return None
            elif not found and root not in BUILTINS:
                return None
            elif found and root in BUILTINS and not any(binding.imported for binding in found):
                return None  # `list` is a function of this module
        return frozenset(missing)

    def evaluable(self, site: Site, expression: ast.expr, line: int, version: tuple[int, int]) -> bool:
        """Whether Python could evaluate the annotation where it stands, with the imports the module has."""
        if self.is_stub or (site.kind == "variable" and site.function is not None):
            return True  # never evaluated there
        start = next((first for first, last in self._statements if first <= line <= last), line)
        for root in root_names(expression):
            found = self.bindings.get(root)
            if found is None:
                continue  # a builtin, or an import that will stand at the top
            if not any(not binding.typing_only and binding.line < start for binding in found):
                return False
        for node in ast.walk(expression):
            if isinstance(node, ast.BinOp) and version < (3, 10):
                return False
            if isinstance(node, ast.Subscript) and not self._subscriptable(node.value, version):
                return False
        return True

    def _subscriptable(self, head: ast.expr, version: tuple[int, int]) -> bool:
        name = head.id if isinstance(head, ast.Name) else head.attr if isinstance(head, ast.Attribute) else ""
        found = self.bindings.get(root_name(head), [])
        if any(binding.module == "typing" for binding in found):
            return True
        if version < (3, 9):
            return False
        # What nothing binds yet is a builtin or will be imported, and only SAFE_MODULES are at run time.
        return (
            name in _SUBSCRIPTABLE or (not found and name not in BUILTINS) or _from(found, "collections.abc")
        )

    def leave_alone(self, site: Site) -> bool:
        """Whether a decorator of the function, or of a class around it, acts on annotations."""
        scopes = (*site.scopes, *([site.function] if site.function else []))
        return any(
            root_name(decorator) in self._readers
            for scope in scopes
            if not isinstance(scope, ast.Module)
            for decorator in scope.decorator_list
        )


def is_type_checking(node: ast.stmt) -> bool:
    """Whether the statement is `if TYPE_CHECKING:`."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def is_standard(module: str) -> bool:
    """Whether the module belongs to the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names


def root_name(node: ast.expr) -> str:
    """Return the name that a chain of attributes, calls and subscripts starts with, '' for none."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def root_names(expression: ast.expr) -> frozenset[str]:
    """Return the names that an annotation reads."""
    return frozenset(node.id for node in ast.walk(expression) if isinstance(node, ast.Name))


def bound_names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement itself binds, those of the statements inside it left out."""
    pending: list[ast.AST] = [
        child
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case))
    ]
    while pending:
        child = pending.pop()
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        if not isinstance(child, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            pending.extend(ast.iter_child_nodes(child))


def _local_names(site: Site) -> frozenset[str]:
    """The names that class and function scopes around the site bind: they hide the module's."""
    names: set[str] = set()
    for depth, scope in enumerate(site.scopes):
        if isinstance(scope, ast.Module):
            continue
        if isinstance(scope, ast.ClassDef) and depth != len(site.scopes) - 1:
            continue  # the names of a class are not seen from the functions in it
        if not isinstance(scope, ast.ClassDef):
            arguments = scope.args
            names.update(a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))
            names.update(a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None)
        names.update(_scope_names(scope.body))
    return frozenset(names)


def _scope_names(body: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that the statements of one scope bind."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.stmt):
            yield from bound_names(node)
            for field in ("body", "handlers", "orelse", "finalbody", "cases"):
                yield from _scope_names(getattr(node, field, ()))
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            yield from _scope_names(node.body)


def _from(found: Iterable[Binding], module: str) -> bool:
    return any(binding.module == module for binding in found)


def _is_import_of(binding: Binding, module: str, name: str) -> bool:
    return binding.imported and (binding.module, binding.name) == (module, name)
