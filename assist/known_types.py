"""Types by name: where the standard ones are imported from, what they have, how a file would write them."""

from __future__ import annotations

import ast
import collections.abc
import importlib
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from typewright.analysis.queries import Annotation
from typewright.assist.spelling import BUILTINS, ModuleNames
from typewright.assist.type_expressions import head, is_none, union_arms
from typewright.assist.visible import Nameable

# Classes of the standard library that people write most, by the module they are imported from.
_STANDARD = {
    "argparse": "ArgumentParser Namespace",
    "asyncio": "AbstractEventLoop StreamReader StreamWriter Task",
    "collections": "ChainMap Counter OrderedDict defaultdict deque",
    "configparser": "ConfigParser",
    "contextlib": "AbstractAsyncContextManager AbstractContextManager AsyncExitStack ExitStack",
    "datetime": "date datetime timedelta timezone tzinfo",
    "decimal": "Decimal",
    "email.message": "EmailMessage Message",
    "enum": "Enum IntEnum",
    "fractions": "Fraction",
    "functools": "partial",
    "io": "BytesIO StringIO TextIOWrapper",
    "logging": "Formatter Handler LogRecord Logger LoggerAdapter",
    "os": "PathLike",
    "pathlib": "Path PurePath PurePosixPath",
    "re": "Match Pattern",
    "socket": "socket",
    "ssl": "SSLContext",
    "subprocess": "CompletedProcess Popen",
    "threading": "Event Lock RLock Thread",
    "types": "CodeType FrameType FunctionType MappingProxyType MethodType ModuleType TracebackType",
    "urllib.parse": "ParseResult SplitResult",
    "uuid": "UUID",
    "xml.etree.ElementTree": "Element ElementTree",
    "zipfile": "ZipFile",
}
_HOMES = (
    dict.fromkeys(typing.__all__, "typing")
    | {name: module for module, names in _STANDARD.items() for name in names.split()}
    | dict.fromkeys(collections.abc.__all__, "collections.abc")
)


class Spelling:
    """Writes the types that the model names as one file would."""

    def __init__(
        self,
        names: ModuleNames,
        nameable: Mapping[str, Nameable],
        exists: Callable[[str], bool],
    ) -> None:
        """`nameable` is what the file can name; `exists` says whether there is a module of a name."""
        self._names = names
        self._nameable = nameable
        self._exists = exists

    def annotation(self, text: str) -> Annotation | None:
        """Return the type with the imports it needs; None where a name in it is not known here."""
        imports: dict[tuple[str, str], None] = {}
        try:
            spelled = _Speller(self, imports).visit(ast.parse(text, mode="eval").body)
        except (LookupError, SyntaxError):
            return None
        return Annotation(ast.unparse(spelled), tuple(imports))

    def home(self, name: str) -> tuple[str, tuple[str, str] | None]:
        """Return how the file writes a name, and the import it needs; raises LookupError."""
        module, _, simple = name.rpartition(".")
        nameable = self._nameable.get(simple)
        if bindings := self._names.bindings.get(simple):
            modules = {binding.module for binding in bindings if binding.is_module}
            if not modules:
                return simple, None
            if modules == {nameable.module if nameable else _HOMES.get(simple, module)}:
                return f"{simple}.{simple}", None  # `import datetime`: the class is called as its module
            raise LookupError(name)
        if nameable is not None and nameable.module:
            return simple, (nameable.module, simple)
        if simple in BUILTINS:
            return simple, None
        module = _HOMES.get(simple, module)
        if module and self._exists(module):
            return simple, (module, simple)
        raise LookupError(name)

    def may_have(self, text: str, members: Iterable[str]) -> bool:
        """Whether a value of the type may have all these members, each in some arm."""
        wanted = set(members)
        known: set[str] = set()
        for arm in union_arms(text):
            if not is_none(arm):
                found = self._members(head(arm))
                if found is None:
                    return True
                known |= found
        return wanted <= known

    def _members(self, name: str) -> frozenset[str] | None:
        nameable = self._nameable.get(name)
        return nameable.members if nameable is not None else standard_members(name)


@cache
def standard_members(name: str) -> frozenset[str] | None:
    """Return what instances of a builtin or standard container have; None for all other types.

    Only those are closed: other classes, and what derives from them, may set attributes of their own.
    """
    home = _HOMES.get(name, "builtins")
    if home not in ("builtins", "collections", "collections.abc") or name in ("object", "type"):
        return None
    found = getattr(importlib.import_module(home), name, None)
    return frozenset(dir(found)) if isinstance(found, type) else None


class _Speller(ast.NodeTransformer):
    """Replaces every name by how the file writes it, and notes the imports."""

    def __init__(self, spelling: Spelling, imports: dict[tuple[str, str], None]) -> None:
        self._spelling = spelling
        self._imports = imports

    def _spelled(self, name: str) -> ast.expr:
        text, needed = self._spelling.home(name)
        if needed is not None:
            self._imports[needed] = None
        return ast.parse(text, mode="eval").body

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._spelled(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._spelled(ast.unparse(node))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if head(node) == "Literal":
            node.value = self._spelled("Literal")
            return node
        return self.generic_visit(node)
