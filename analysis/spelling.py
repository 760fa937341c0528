"""Types as a module would write them: text, and the imports it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition
from typewright.analysis.types import (
    NONE,
    UNKNOWN,
    BoundMethod,
    Callable,
    ClassObject,
    Function,
    Instance,
    Literal,
    Module,
    Never,
    NoneType,
    Partial,
    Tuple,
    Type,
    TypeVariable,
    Union,
    Unknown,
    walk,
    widen_literals,
    without_none,
)

if TYPE_CHECKING:
    from typewright.analysis.evaluator import Evaluator

_ABSTRACT = frozenset(
    [
        "Awaitable",
        "Coroutine",
        "AsyncIterable",
        "AsyncIterator",
        "AsyncGenerator",
        "Iterable",
        "Iterator",
        "Generator",
        "Reversible",
        "Container",
        "Collection",
        "Callable",
        "Set",
        "MutableSet",
        "Mapping",
        "MutableMapping",
        "Sequence",
        "MutableSequence",
        "KeysView",
        "ItemsView",
        "ValuesView",
        "Hashable",
        "Sized",
        "ByteString",
        "Buffer",
    ]
)
_PUBLIC_HOMES = {
    "typing.AbstractSet": ("collections.abc", "Set"),
    "contextlib._GeneratorContextManager": ("contextlib", "AbstractContextManager"),
    "contextlib._AsyncGeneratorContextManager": ("contextlib", "AbstractAsyncContextManager"),
    "os._Environ": ("collections.abc", "MutableMapping"),
    "_thread.lock": ("threading", "Lock"),
    "_thread.LockType": ("threading", "Lock"),
    "_thread.RLock": ("threading", "RLock"),
}


class Unspeakable(Exception):  # noqa: N818 - never leaves this module
    """The type cannot be written."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation's text and its imports: (module, name), where name '' imports the module."""

    text: str
    imports: tuple[tuple[str, str], ...]


class Spelling:
    """Writes types for one module; those in `aliases` by these names, which the module must know."""

    def __init__(self, evaluator: Evaluator, path: Path, aliases: Mapping[Type, str] | None = None) -> None:
        self.evaluator = evaluator
        self._aliases = aliases or {}
        self.module = evaluator.modules.at(path)
        self.bindings = self.module.scopes.module.bindings
        self._imports: dict[tuple[str, str], None] = {}

    def annotation(self, type: Type) -> Annotation | None:
        """The annotation; None where a part is unknown at the top, private, local or has no name."""
        self._imports.clear()
        try:
            text = self._spelled(widen_literals(type))
        except Unspeakable:
            return None
        return Annotation(text, tuple(self._imports))

    def _spelled(self, type: Type) -> str:
        alias = self._aliases.get(type)
        if alias is not None:
            return alias
        match type:
            case NoneType():
                return "None"
            case Instance(definition=definition, arguments=arguments):
                return self._instance(definition, arguments)
            case Tuple(definition=definition, items=items):
                if definition.qualified_name != "builtins.tuple":
                    return self._named(definition)
                inside = ", ".join(self._argument(item) for item in items) or "()"
                return f"{self._builtin('tuple')}[{inside}]"
            case ClassObject(definition=definition):
                return f"{self._builtin('type')}[{self._named(definition)}]"
            case Union(items=items) if NONE in items and without_none(type) in self._aliases:
                return f"{self._aliases[without_none(type)]} | None"
            case Union(items=items):
                parts = [self._spelled(item) for item in items if item != NONE]
                return " | ".join(dict.fromkeys([*parts, *(["None"] if NONE in items else [])]))
            case Callable(parameters=parameters, returns=returns):
                name = self._imported("collections.abc", "Callable")
                if parameters is None or any(p.kind not in ("positional", "normal") for p in parameters):
                    return f"{name}[..., {self._argument(returns)}]"
                inside = ", ".join(self._argument(p.type) for p in parameters)
                return f"{name}[[{inside}], {self._argument(returns)}]"
            case Partial(function=function):
                result = self.evaluator.calls.declared_or_plain(function)
                if any(isinstance(part, Partial) for part in walk(result)):  # which may go on without an end
                    result = UNKNOWN
                return f"{self._imported('functools', 'partial')}[{self._argument(result)}]"
            case Function() | BoundMethod():
                return (
                    f"{self._imported('collections.abc', 'Callable')}[..., {self._imported('typing', 'Any')}]"
                )
            case Module():
                return self._imported("types", "ModuleType")
            case Never():
                return self._imported("typing", "NoReturn")
            case Unknown() | TypeVariable() | Literal():
                raise Unspeakable
            case _:
                raise Unspeakable

    def _instance(self, definition: ClassDefinition, arguments: tuple[Type, ...]) -> str:
        name = self._named(definition)
        if not arguments or all(isinstance(argument, Unknown | Never) for argument in arguments):
            return name
        if definition.qualified_name == "builtins.tuple":
            return f"{name}[{self._argument(arguments[0])}, ...]"
        if definition.qualified_name in (
            "contextlib._GeneratorContextManager",
            "contextlib._AsyncGeneratorContextManager",
        ):
            arguments = arguments[:1]
        if definition.qualified_name == "os._Environ":
            arguments = (*arguments, *arguments)[:2]
        return f"{name}[{', '.join(self._argument(argument) for argument in arguments)}]"

    def _argument(self, type: Type) -> str:
        """A part of a type: what is unknown inside is `Any`."""
        return self._imported("typing", "Any") if isinstance(type, Unknown | Never) else self._spelled(type)

    def _builtin(self, name: str) -> str:
        if name not in self.bindings:
            return name
        self._imports["builtins", ""] = None
        return f"builtins.{name}"

    def _imported(self, module: str, name: str) -> str:
        bound = self.bindings.get(name)
        if bound:
            value = self.evaluator.modules.member(self.module, name)
            wanted = self.evaluator.modules.find(module)
            same = wanted is not None and value == self.evaluator.modules.member(wanted, name)
            if not same:
                if not self._is_imported(module):
                    self._imports[module, ""] = None
                return f"{module}.{name}"
            return name
        self._imports[module, name] = None
        return name

    def _is_imported(self, module: str) -> bool:
        """Whether the dotted name of a module already means that module here."""
        if module not in self.bindings:
            return False
        value = self.evaluator.modules.member(self.module, module)
        return isinstance(value, Module) and value.definition.name == module

    def _named(self, definition: ClassDefinition) -> str:
        module = definition.module
        if definition.node is None and definition.scope is None:
            return self._made(definition)
        if module.name == "builtins":
            if definition.name.startswith("_") or definition.name in ("function", "ellipsis"):
                raise Unspeakable
            return self._builtin(definition.name)
        if definition.scope is not None and any(s.kind == "function" for s in definition.scope.ancestors()):
            raise Unspeakable
        path = definition.display_name
        top = path.partition(".")[0]
        if module is self.module:
            return path
        home = _PUBLIC_HOMES.get(definition.qualified_name)
        if home is not None:
            return self._imported(*home)
        if module.name == "typing" and definition.name in _ABSTRACT:
            return self._imported("collections.abc", definition.name)
        if (
            module.name.startswith(("_typeshed", "typing"))
            and module.origin == "stub"
            and definition.name.startswith(("_", "Supports"))
        ):
            raise Unspeakable
        if any(part.startswith("_") for part in path.split(".")) and module.origin != "workspace":
            raise Unspeakable
        source = self._public_module(definition, top)
        written = self._imported(source, top)
        return written + path[len(top) :]

    def _made(self, definition: ClassDefinition) -> str:
        """A class made by a call has the name that its module gives it."""
        home = definition.module
        if definition.name in home.scopes.module.bindings:
            value = self.evaluator.modules.member(home, definition.name)
            if isinstance(value, ClassObject) and value.definition is definition:
                return definition.name if home is self.module else self._imported(home.name, definition.name)
        raise Unspeakable

    def _public_module(self, definition: ClassDefinition, top: str) -> str:
        """Where people import a class from: the shortest package around it that re-exports it."""
        parts = definition.module.name.split(".")
        if definition.module.origin == "workspace":
            return definition.module.name
        for length in range(1, len(parts)):
            package = ".".join(parts[:length])
            found = self.evaluator.modules.find(package)
            if found is not None and (top in found.scopes.module.bindings or found.scopes.module.stars):
                value = self.evaluator.modules.member(found, top)
                if isinstance(value, ClassObject) and value.definition is definition:
                    return package
        if any(part.startswith("_") for part in parts):
            public = parts[0].lstrip("_")
            found = self.evaluator.modules.find(public)
            value = self.evaluator.modules.member(found, top) if found is not None else None
            if isinstance(value, ClassObject) and value.definition is definition:
                return public
            raise Unspeakable
        return definition.module.name
