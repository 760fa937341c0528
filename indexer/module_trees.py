"""Modules of a library as griffe's trees, loaded statically: stubs first, their sources for the texts."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .cancellation import NEVER, CancelToken
from .modules import ModuleFile, ModuleFinder
from .source import read_source

if TYPE_CHECKING:
    import griffe

NOT_LIBRARY = frozenset(
    {"tests", "_tests", "conftest", "_vendor", "_vendored", "__main__", "setup", "migrations", "locale"}
)
MODULE_CAP = 20_000  # modules of one library

_Holder: TypeAlias = "griffe.Module | griffe.ModulesCollection"

_ATTACHING = re.compile(r"\b(?:add_newdoc|add_docstr)\(")
_CALL = re.compile(r"(?<![\w.])([^\W\d]\w*(?:\.[^\W\d]\w*)*)\(|(?<=[\])\"'])\.([^\W\d]\w*)\(")
_DEFINED = re.compile(r"\b(?:def|class)[ \t]+(\w+)")
_CONDITION = re.compile(r"\bsys\.(?:version_info|platform)\b")


@dataclass(slots=True)
class Trees:
    """The modules of one or several libraries.

    `modules` holds what is authoritative for names and signatures (stubs where there are any), `sources` the
    Python sources beside stubs. `reexports` are a stub's explicit ones (`import x as x`), `shadowed` imports
    whose name is also that of a submodule, `attached` docstrings given by calls (`add_newdoc`). `uses` counts
    the calls in all sources where it is given.
    """

    finder: ModuleFinder
    cancel: CancelToken = NEVER
    skipped: list[tuple[str, str]] = field(default_factory=list)
    uses: Counter[str] | None = None
    modules: "griffe.ModulesCollection" = field(init=False)
    sources: "griffe.ModulesCollection" = field(init=False)
    reexports: dict[str, frozenset[str]] = field(default_factory=dict)
    shadowed: dict[str, list["griffe.Alias"]] = field(default_factory=dict)
    attached: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        import griffe

        self.modules = griffe.ModulesCollection()
        self.sources = griffe.ModulesCollection()

    def load(self, name: str) -> None:
        """Load a top-level module or package and all that is in it; what cannot be read goes to `skipped`."""
        found = self.finder.find(name)
        if found is None:
            self.skipped.append((name, "not found"))
            return
        parts = name.split(".")
        self._ensure_parents(parts)
        self._load(found, self._at(self.modules, parts[:-1]), self._at(self.sources, parts[:-1]))

    def expand(self) -> None:
        """Resolve `__all__` and wildcard imports between all loaded modules."""
        import griffe

        with griffe.logger.disable():
            for collection in (self.modules, self.sources):
                loader = griffe.GriffeLoader(
                    search_paths=[], modules_collection=collection, allow_inspection=False
                )
                for module in list(collection.members.values()):
                    loader.expand_exports(module)
                    loader.expand_wildcards(module, external=False)

    def source_of(self, path: str) -> "griffe.Object | None":
        """Return the object at `path` as the sources have it, where a stub stands before them."""
        return lookup(self.sources, path)

    def _ensure_parents(self, parts: list[str]) -> None:
        """Make the namespace packages above a module that is loaded by its dotted name."""
        for depth in range(1, len(parts)):
            name = ".".join(parts[:depth])
            found = self.finder.find(name)
            for collection in (self.modules, self.sources):
                above = self._at(collection, parts[: depth - 1])
                if parts[depth - 1] not in above.members:
                    above.set_member(
                        parts[depth - 1], self._namespace(parts[depth - 1], found, above, collection)
                    )

    def _at(self, collection: "griffe.ModulesCollection", parts: list[str]) -> _Holder:
        holder: _Holder = collection
        for part in parts:
            holder = holder.members[part]  # type: ignore[assignment]
        return holder

    def _load(self, found: ModuleFile, parent: _Holder, source_parent: _Holder) -> None:
        self.cancel.check()
        self._count += 1
        if self._count > MODULE_CAP:
            self.skipped.append((found.name, f"more than {MODULE_CAP:,} modules"))
            return
        last = found.name.rpartition(".")[2]
        module, source = None, None
        if found.kind == "compiled":
            if not last.startswith("_"):
                self.skipped.append((found.name, "compiled, without a stub"))
        elif found.kind == "namespace":
            module = self._namespace(last, found, parent, self.modules)
        else:
            module = self._visit(last, found.path, found.name, parent, self.modules)
            if found.source_path and found.source_path != found.path:
                source = self._visit(last, found.source_path, found.name, source_parent, self.sources)
        module = module or (self._namespace(last, found, parent, self.modules) if found.is_package else None)
        if module is None:
            return
        source = source or self._namespace(last, found, source_parent, self.sources)
        self._attach(parent, last, module)
        self._attach(source_parent, last, source)
        if found.is_package:
            for child in self.finder.submodules(found.name):
                inner = self.finder.find(f"{found.name}.{child}") if child not in NOT_LIBRARY else None
                if inner is not None:
                    self._load(inner, module, source)

    def _attach(self, parent: _Holder, name: str, module: "griffe.Module") -> None:
        import griffe

        existing = parent.members.get(name)
        if isinstance(existing, griffe.Alias) and isinstance(parent, griffe.Module):
            self.shadowed.setdefault(parent.path, []).append(existing)
        parent.set_member(name, module)

    def _namespace(
        self, name: str, found: ModuleFile | None, parent: _Holder, collection: "griffe.ModulesCollection"
    ) -> "griffe.Module":
        import griffe

        folders = list(found.folders) if found else []
        above = parent if isinstance(parent, griffe.Module) else None
        return griffe.Module(name, filepath=folders, parent=above, modules_collection=collection)

    def _visit(
        self, last: str, path: Path, name: str, parent: _Holder, collection: "griffe.ModulesCollection"
    ) -> "griffe.Module | None":
        import griffe

        above = parent if isinstance(parent, griffe.Module) else None
        try:
            text = read_source(path)
            if path.suffix == ".pyi":
                tree = ast.parse(text)
                self.reexports[name] = frozenset(_reexports(tree))
                text = self._living(text, tree)
            elif _ATTACHING.search(text):
                self.attached.update(_attached(ast.parse(text)))
            with griffe.logger.disable():
                module = griffe.visit(last, path, text, parent=above, modules_collection=collection)
            _add_overloaded(module)
            if self.uses is not None and path.suffix == ".py":
                self.uses.update(_calls(text, module.imports))
        except Exception as error:  # noqa: BLE001 - one file that breaks a parser must not cost the library
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.skipped.append((name, f"could not be read ({reason})"))
            return None
        return module

    def _living(self, text: str, tree: ast.Module) -> str:
        """Blank the branches of a stub that are not for this Python and platform, keeping line numbers."""
        if not _CONDITION.search(text):
            return text
        lines = text.splitlines()
        self._blank_dead(tree.body, lines)
        return "\n".join(lines)

    def _blank_dead(self, body: list[ast.stmt], lines: list[str]) -> None:
        for node in body:
            if isinstance(node, ast.If) and node.body[0].lineno > node.lineno:
                holds = condition(node.test, self.finder.environment.version, sys.platform)
                if holds and node.orelse:
                    _blank(lines, _end(node.body) + 1, _end(node.orelse))
                elif holds is False:
                    _blank(lines, node.lineno + 1, _end(node.body))
                    lines[_end(node.body) - 1] = " " * node.body[0].col_offset + "pass"
                self._blank_dead([] if holds is False else node.body, lines)
                self._blank_dead([] if holds else node.orelse, lines)
            elif isinstance(node, ast.ClassDef):
                self._blank_dead(node.body, lines)


def lookup(collection: "griffe.ModulesCollection", path: str) -> "griffe.Object | None":
    """Return the object at a dotted path, aliases followed; None where the path or an alias leads nowhere."""
    import griffe

    try:
        found: griffe.Object | griffe.Alias = collection.get_member(path)
        return found.final_target if isinstance(found, griffe.Alias) else found
    except (
        griffe.AliasResolutionError,
        griffe.CyclicAliasError,
        KeyError,
        AttributeError,
        ValueError,
        RecursionError,
    ):
        return None


def _calls(text: str, imports: Mapping[str, str]) -> Iterator[str]:
    """What a source calls: a qualified name where it starts at an import, `.name` where it is a method's."""
    defined = set(_DEFINED.findall(text))
    for name, method in _CALL.findall(text):
        first, dot, rest = name.partition(".")
        if first in imports:
            yield imports[first] + dot + rest
        elif method or dot:
            yield "." + (method or rest.rpartition(".")[2])
        elif first not in defined:
            yield first


def condition(test: ast.expr, version: tuple[int, int], platform: str) -> bool | None:
    """Decide a stub's condition on sys.version_info or sys.platform; None where it asks something else."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            parts = [condition(value, version, platform) for value in values]
            return False if False in parts else None if None in parts else True
        case ast.BoolOp(op=ast.Or(), values=values):
            parts = [condition(value, version, platform) for value in values]
            return True if True in parts else None if None in parts else False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = condition(operand, version, platform)
            return None if inner is None else not inner
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            subject = ast.unparse(left)
            try:
                value = ast.literal_eval(right)
            except ValueError:
                return None
            if subject == "sys.platform" and isinstance(value, str):
                return {ast.Eq: platform == value, ast.NotEq: platform != value}.get(type(operator))
            if subject == "sys.version_info" and isinstance(value, tuple):
                ours = version[: len(value)]
                orders = {
                    ast.GtE: ours >= value,
                    ast.Lt: ours < value,
                    ast.Gt: ours > value,
                    ast.LtE: ours <= value,
                }
                return orders.get(type(operator))
        case ast.Call(func=ast.Attribute(attr="startswith") as called, args=[ast.Constant(value=str(value))]):
            return platform.startswith(value) if ast.unparse(called.value) == "sys.platform" else None
    return None


def _add_overloaded(holder: "griffe.Module | griffe.Class") -> None:
    """Make members of functions that have overloads only, as in stubs; griffe keeps these apart."""
    for name, overloads in list(holder.overloads.items()):
        if overloads and name not in holder.members:
            overloads[0].overloads = overloads
            holder.set_member(name, overloads[0])
    for member in list(holder.members.values()):
        if not member.is_alias and member.is_class:
            _add_overloaded(member)  # type: ignore[arg-type]


def _end(body: list[ast.stmt]) -> int:
    return body[-1].end_lineno or body[-1].lineno


def _blank(lines: list[str], first: int, last: int) -> None:
    lines[first - 1 : last] = [""] * (last - first + 1)


def _reexports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (name.asname for name in node.names if name.asname and name.asname == name.name)


def _attached(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What NumPy's `add_newdoc(module, name, text)` and PyTorch's `add_docstr(object, text)` document."""
    helpers = {}  # functions that attach a text to the members, named by their callers, of some classes
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            helpers[node.name] = [name for _, name, member, _ in _attaching_calls(node) if member is None]
    for _, name, member, text in _attaching_calls(tree):
        if member is not None:
            yield f"{name}.{member}" if member else name, text
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called), args=[ast.Constant(value=str(member)), *_]):
                for name in helpers.get(called, ()):
                    yield f"{name}.{member}", _longest_string(node)


def _attaching_calls(tree: ast.AST) -> Iterator[tuple[str, str, str | None, str]]:
    """(function, documented object, its member, text); a member that is no literal is None."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match ast.unparse(node.func).rpartition(".")[2], node.args:
            case "add_docstr" as called, [target, text]:
                yield called, ast.unparse(target).partition(".")[2], "", _longest_string(text)
            case "add_newdoc" as called, [_, ast.Constant(value=str(name)), documented]:
                for pair in documented.elts if isinstance(documented, ast.List) else [documented]:
                    match pair:
                        case ast.Tuple(elts=[ast.Constant(value=str(member)), text]):
                            yield called, name, member, _longest_string(text)
                        case ast.Tuple():
                            yield called, name, None, ""
                        case _:
                            yield called, name, "", _longest_string(pair)


def _longest_string(node: ast.AST) -> str:
    strings = (child.value for child in ast.walk(node) if isinstance(child, ast.Constant))
    return max((text for text in strings if isinstance(text, str)), key=len, default="")
