"""Libraries read statically into `Api` records: every public name, where it is imported from, what it says.

Signatures come from stubs where there are any (typeshed for the standard library), texts from the sources
beside them. The docstrings of what CPython implements in C come from `builtin_texts`.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .builtin_texts import builtin_texts
from .cancellation import NEVER, CancelToken
from .docstrings import TEXT_CAP, Docstring, parse_docstring, without_signature
from .module_trees import Trees, lookup
from .modules import ModuleFinder, typeshed_versions
from .records import STANDARD_LIBRARY, Api, Parameter
from .signatures import read_callable, written

if TYPE_CHECKING:
    import griffe

# Modules without an underscore in their name whose content people import from elsewhere.
_IMPLEMENTATION = frozenset({"posixpath", "ntpath", "genericpath", "posix", "nt", "macpath"})
_NOT_STANDARD = frozenset({"_typeshed", "typing_extensions", "antigravity", "this", "lib2to3", "msilib"})
# Bases whose members say nothing of the class that inherits them.
_UNTOLD_BASES = frozenset(
    {"builtins.object", "builtins.BaseException", "builtins.Exception", "typing.Generic"}
)


def standard_library_modules(finder: ModuleFinder) -> tuple[str, ...]:
    """Return the top-level modules of the standard library that the finder's Python has."""
    names = [name for name in typeshed_versions() if "." not in name and name not in _NOT_STANDARD]
    found = [finder.find(name) for name in names]
    return tuple(module.name for module in found if module is not None and module.origin == "typeshed")


def read_library(
    finder: ModuleFinder,
    modules: Sequence[str],
    *,
    distribution: str,
    version: str,
    skipped: list[tuple[str, str]],
    uses: Counter[str] | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[Api]:
    """Read the modules of one distribution, whole packages, and yield its public APIs.

    Nothing is imported. What cannot be read is added to `skipped` as (module, reason), the calls in the
    sources to `uses`, by qualified name, or `.name` for methods of objects. Memory holds one distribution at
    a time. Raises `Cancelled`.
    """
    trees = Trees(finder, cancel, skipped, uses)
    for name in modules:
        trees.load(name)
    trees.expand()
    yield from _Reader(trees, distribution, version).apis(modules)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something public: griffe's object, whether it is bound to a hidden instance, and its public names."""

    found: "griffe.Object"
    bound: bool
    names: list[tuple[bool, str]] = field(default_factory=list)

    def ordered_names(self) -> list[str]:
        """Public names, the one that people write first: fewest dots, exported, shortest."""
        ranked = sorted((name.count("."), not exported, len(name), name) for exported, name in self.names)
        return list(dict.fromkeys(name for *_, name in ranked))


class _Reader:
    def __init__(self, trees: Trees, distribution: str, version: str) -> None:
        self._trees = trees
        self._distribution = distribution
        self._version = version
        self._texts = builtin_texts() if distribution == STANDARD_LIBRARY else {}
        self._parsed: dict[str, Docstring] = {}
        self._linear: dict[str, list[griffe.Class]] = {}
        self._inherited: dict[str, Api] = {}
        self._public: dict[str, str] = {}  # the path of a definition: its public name

    def apis(self, tops: Iterable[str]) -> Iterator[Api]:
        entries: dict[str, _Entry] = {}
        for top in tops:
            module = lookup(self._trees.modules, top)
            hidden = top in _IMPLEMENTATION or (top.startswith("_") and top != "__future__")
            if module is not None and module.is_module and not hidden:
                self._collect(module, entries)
        for path, entry in entries.items():
            self._public.setdefault(path, entry.ordered_names()[0])
        for path, entry in entries.items():
            self._trees.cancel.check()
            name, *aliases = entry.ordered_names()
            canonical = _without_builtins(path)
            # A definition inside private modules is no name to write, but one that tracebacks show.
            if canonical not in {name, *aliases} and not entry.bound:
                aliases.append(canonical)
            yield self._api(entry.found, name, tuple(aliases), bound=entry.bound)
            if entry.found.is_class:
                yield from self._members(entry.found, name)

    def _collect(self, module: "griffe.Object", entries: dict[str, _Entry]) -> None:
        """Add what a public module offers, and the modules in it."""
        import griffe

        path = _without_builtins(module.path)
        entry = entries.setdefault(module.path, _Entry(module, bound=False))
        entry.names.append((True, path))
        for name, found, exported, bound in self._offered(module):
            entry = entries.setdefault(found.path + ("()" if bound else ""), _Entry(found, bound))
            entry.names.append((exported, _without_builtins(f"{module.path}.{name}")))
        for name, member in list(module.members.items()):
            if isinstance(member, griffe.Module) and not name.startswith("_"):
                self._collect(member, entries)

    def _offered(self, module: "griffe.Object") -> Iterator[tuple[str, "griffe.Object", bool, bool]]:
        """What can be imported from a module: name, object, whether it is exported, whether it is bound."""
        import griffe

        exports = getattr(module, "exports", None)
        exported = {str(name) for name in exports} if exports else None  # one that is computed reads as empty
        stub = _is_stub(module)
        shadowed = [(alias.name, alias) for alias in self._trees.shadowed.get(module.path, ())]
        for name, member in [*module.members.items(), *shadowed]:
            listed = exported is not None and name in exported
            if name.startswith("_") and not listed:
                continue
            if isinstance(member, griffe.Alias):
                if not (listed or self._is_reexport(module, name, member, exported is not None)):
                    continue
                found = self._target(member)
                if found is None or found.is_module:
                    continue
            else:
                if member.is_module or not (listed or exported is None or stub):
                    continue
                found = member
            meaning, bound = self._meaning(found)
            yield name, meaning, listed, bound

    def _is_reexport(
        self, module: "griffe.Object", name: str, alias: "griffe.Alias", has_exports: bool
    ) -> bool:
        """Whether an import that `__all__` does not list is there to be imported again."""
        top = module.path.partition(".")[0]
        own = alias.target_path.partition(".")[0].lstrip("_") == top.lstrip("_")
        if _is_stub(module):
            starred = name not in module.imports  # griffe has expanded a wildcard import
            return starred or name in self._trees.reexports.get(module.path, ())
        return own and not has_exports and bool(getattr(module, "is_init_module", False))

    def _target(self, alias: "griffe.Alias") -> "griffe.Object | None":
        """What an alias leads to, in this library; None for what is another library's."""
        import griffe

        try:
            return alias.final_target
        except griffe.AliasResolutionError:
            return lookup(self._trees.modules, alias.target_path)
        except (griffe.CyclicAliasError, RecursionError):
            return None

    def _meaning(self, found: "griffe.Object") -> tuple["griffe.Object", bool]:
        """Follow `name = other` to what it names, and `name = _instance.method` to the (bound) method."""
        import griffe

        if not isinstance(found, griffe.Attribute) or not isinstance(found.value, griffe.Expr):
            return found, False
        if not isinstance(found.value, (griffe.ExprName, griffe.ExprAttribute)):
            return found, False
        source = self._trees.source_of(found.path)
        if source is not None and source.is_function and source.name == found.name:
            return source, False  # a stub's shorthand for two functions of one signature
        path = found.value.canonical_path
        target = lookup(self._trees.modules, path)
        if target is not None and target.is_function | target.is_class:
            return target, False
        holder, _, name = path.rpartition(".")
        instance = lookup(self._trees.modules, holder) if holder else None
        annotation = getattr(instance, "annotation", None)
        if isinstance(annotation, griffe.Expr):
            owner = lookup(self._trees.modules, annotation.canonical_path)
            if owner is not None and owner.is_class:
                method = lookup(self._trees.modules, f"{owner.path}.{name}")
                if method is not None and method.is_function:
                    return method, True
        return found, False

    def _members(self, owner: "griffe.Object", owner_name: str) -> Iterator[Api]:
        """The public members of a class, its own and those of bases that this library defines."""
        import griffe

        seen: set[str] = set()
        for index, base in enumerate(self._linearization(owner)):
            if index and base.path in _UNTOLD_BASES:
                continue
            inherited = self._public.get(base.path, "") if index else ""
            for name, member in base.members.items():
                if name in seen or name.startswith("_"):
                    continue
                seen.add(name)
                if isinstance(member, griffe.Alias):
                    continue
                found, _ = self._meaning(member)
                # A public class deep inside (pandas.core.generic.NDFrame) is not the one that people know.
                hidden = inherited.count(".") > owner_name.count(".")
                source = f"{inherited}.{name}" if inherited and not hidden else ""
                full_name = f"{owner_name}.{name}"
                # C code has methods of its own where typeshed shows those of a base (dict.update, set.pop).
                if not index or f"{owner.path}.{name}" in self._texts:
                    yield self._api(found, full_name, (), owner=owner)
                    continue
                if found.path not in self._inherited:
                    self._inherited[found.path] = self._api(found, full_name, (), owner=base)
                yield replace(self._inherited[found.path], name=full_name, inherited=source)

    def _api(
        self,
        found: "griffe.Object",
        name: str,
        aliases: tuple[str, ...],
        *,
        bound: bool = False,
        owner: "griffe.Object | None" = None,
    ) -> Api:
        import griffe

        text = self._text(found, owner)
        parsed = self._docstring(found.path, text)
        source = self._trees.source_of(found.path)
        place = source or found
        signature, returns = "", ""
        parameters: tuple[Parameter, ...] = ()
        deprecated = parsed.deprecated or _deprecated_by_decorator(found)
        if isinstance(found, griffe.Function):
            drop_first = bound or owner is not None
            signature, parameters, returns = read_callable(found, source, parsed, drop_first=drop_first)
        elif isinstance(found, griffe.Class):
            makers = (
                self._member_of(base, maker) for base in self._linearization(found) for maker in _MAKERS
            )
            constructor = next((maker for maker in makers if maker is not None), None)
            if constructor is not None:
                more = self._docstring(constructor.path, self._text(constructor, None))
                joined = Docstring(parameters={**more.parameters, **parsed.parameters})
                origin = self._trees.source_of(constructor.path)
                signature, parameters, _ = read_callable(
                    constructor, origin, joined, drop_first=True, returns=False
                )
                signature = signature.replace(constructor.name + "(", found.name + "(")
            if not text and constructor is not None:
                text = self._text(constructor, None)
                parsed = self._docstring(constructor.path, text)
        elif isinstance(found, griffe.Attribute):
            returns = written(found.annotation)
            signature = f"{found.name}: {returns}" if returns else found.name
        filepath = place.filepath if isinstance(place.filepath, Path) else None
        return Api(
            name,
            "function" if bound else _kind(found),
            signature,
            parameters,
            returns,
            parsed.summary,
            text[:TEXT_CAP],
            aliases,
            self._distribution,
            self._version,
            filepath,
            place.lineno or 1,
            deprecated,
        )

    def _linearization(self, owner: "griffe.Object | None") -> "list[griffe.Class]":
        """The class and its known bases, depth first, a base that several share at its last place."""
        import griffe

        if not isinstance(owner, griffe.Class):
            return []
        if owner.path not in self._linear:
            self._linear[owner.path] = [owner]  # where a class is its own base, by mistake
            bases = [self._base(owner, written(base)) for base in owner.bases]
            above = [found for base in bases for found in self._linearization(base)]
            above = list({found.path: found for found in reversed(above)}.values())[::-1]
            self._linear[owner.path] = [owner, *(found for found in above if found is not owner)]
        return self._linear[owner.path]

    def _base(self, owner: "griffe.Class", text: str) -> "griffe.Object | None":
        """Resolve a base class as the scope around the class does; members of the class do not count."""
        import griffe

        first, _, rest = text.partition("[")[0].partition(".")
        try:
            path = owner.parent.resolve(first) if owner.parent else first
        except griffe.NameResolutionError:
            path = f"builtins.{first}"
        return lookup(self._trees.modules, f"{path}.{rest}" if rest else path)

    def _member_of(self, owner: "griffe.Object", name: str) -> "griffe.Function | None":
        import griffe

        member = owner.members.get(name)
        return member if isinstance(member, griffe.Function) and owner.path not in _UNTOLD_BASES else None

    def _docstring(self, path: str, text: str) -> Docstring:
        if not text:
            return Docstring()
        key = f"{path}\n{len(text)}"
        if key not in self._parsed:
            self._parsed[key] = parse_docstring(text)
        return self._parsed[key]

    def _text(self, found: "griffe.Object", owner: "griffe.Object | None") -> str:
        """The docstring: its own, its source's, one attached or borrowed, that of the method it overrides."""
        import griffe

        compiled = self._texts.get(f"{owner.path}.{found.name}") if owner is not None else None
        if compiled is not None:
            return without_signature(compiled)
        if found.docstring and found.docstring.value.strip():
            return without_signature(found.docstring.value)
        source = self._trees.source_of(found.path)
        if source is not None and source.docstring and source.docstring.value.strip():
            return without_signature(source.docstring.value)
        # C modules have an underscore before the name of the module that they serve, or the system's name.
        for path in (found.path, f"_{found.path}", found.path.replace("os.", f"{os.name}.", 1)):
            if path in self._texts:
                return without_signature(self._texts[path])
        within = found.path[len(found.module.path) + 1 :]
        if within in self._trees.attached:
            return without_signature(self._trees.attached[within])
        borrowed = self._borrowed(source or found)
        if borrowed:
            return borrowed
        for base in self._linearization(owner or found.parent)[1:] if _is_member(found) else ():
            overridden = base.members.get(found.name)
            if isinstance(overridden, griffe.Object) and overridden is not found:
                text = self._text(overridden, None)
                if text:
                    return text
        return ""

    def _borrowed(self, found: "griffe.Object") -> str:
        """The text of the function that a decorator is given to copy from, as `matplotlib.pyplot` does."""
        import griffe

        for decorator in getattr(found, "decorators", ()):
            if not isinstance(decorator.value, griffe.ExprCall):
                continue
            for argument in decorator.value.arguments:
                if isinstance(argument, griffe.ExprAttribute):
                    target = lookup(self._trees.modules, argument.canonical_path)
                    if target is not None and target.is_function:
                        return self._text(target, None)
        return ""


_MAKERS = ("__init__", "__new__")


def _kind(found: "griffe.Object") -> str:
    if found.is_attribute:
        return "property" if "property" in found.labels else "attribute" if _is_member(found) else "variable"
    if found.is_function:
        return "method" if _is_member(found) else "function"
    return "class" if found.is_class else "module" if found.is_module else "variable"


def _is_member(found: "griffe.Object") -> bool:
    return found.parent is not None and found.parent.is_class


def _is_stub(module: "griffe.Object") -> bool:
    return isinstance(module.filepath, Path) and module.filepath.suffix == ".pyi"


def _deprecated_by_decorator(found: "griffe.Object") -> str:
    import griffe

    for decorator in getattr(found, "decorators", ()):
        value = decorator.value
        if isinstance(value, griffe.ExprCall) and str(value.function).rpartition(".")[2] == "deprecated":
            return next((str(argument).strip("'\"") for argument in value.arguments), "") or "Deprecated."
    return ""


def _without_builtins(path: str) -> str:
    return path.removeprefix("builtins.")
