"""Which types a module can name: the classes, aliases and type variables it defines and those it imports.

They are the candidates that a model ranks where nothing proves a type, from syntax alone.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .slice_features import callee_name
from .syntax import Syntax

TypeOrigin = Literal["class", "alias", "import"]

_MAXIMUM_MEMBERS = 64
# The fields of every kind of node in which there may be code that is no annotation.
_FIELDS = {
    kind: tuple(name for name in kind._fields if name not in {"annotation", "returns", "ctx", "op", "ops"})
    for kind in vars(ast).values()
    if isinstance(kind, type)
    and issubclass(kind, ast.AST)
    and kind not in (ast.Name, ast.Constant, ast.alias)
}


@dataclass(frozen=True, slots=True)
class VisibleType:
    """A name that may stand in an annotation.

    `module` is where an imported name comes from, as written ('' for a name of this module; relative imports
    keep their dots) and `imported_name` what it is called there. `members`, `bases` and `documentation` are
    known for classes of this module only. `spoken` is False for an import that only annotations use.
    `importers` and `subclasses` count what the workspace does with it, where that was asked (`Survey`).
    """

    name: str
    origin: TypeOrigin
    module: str = ""
    imported_name: str = ""
    members: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    documentation: str = ""
    spoken: bool = True
    importers: int = 0
    subclasses: int = 0


class Survey:
    """What the modules of a workspace say together about the types that each of them can see.

    `definitions` are the workspace's own types by name, the first of a name, with the members that they
    inherit from each other. With `spoken_only`, imports that only annotations use do not count.
    """

    def __init__(self, modules: Iterable[Sequence[VisibleType]], *, spoken_only: bool = False) -> None:
        defined: dict[str, VisibleType] = {}
        self._importers: Counter[str] = Counter()
        self._subclasses: Counter[str] = Counter()
        for module in modules:
            for visible in module:
                if visible.origin != "import":
                    defined.setdefault(visible.name, visible)
                    self._subclasses.update(visible.bases if visible.origin == "class" else ())
                elif visible.spoken or not spoken_only:
                    self._importers[visible.imported_name] += 1
        self.definitions = {
            name: replace(
                self._counted(visible, name), members=tuple(_inherited(name, defined))[:_MAXIMUM_MEMBERS]
            )
            for name, visible in defined.items()
        }

    def definition(self, visible: VisibleType) -> VisibleType | None:
        """The workspace's definition of what a module sees; None where it comes from outside."""
        return self.definitions.get(visible.imported_name or visible.name)

    def complete(self, visible: VisibleType) -> VisibleType:
        """What is known of a type that a module sees: its definition, or the import and how common it is."""
        return self.definition(visible) or self._counted(visible, visible.imported_name)

    def _counted(self, visible: VisibleType, name: str) -> VisibleType:
        importers, subclasses = _rounded(self._importers[name]), _rounded(self._subclasses[name])
        return replace(visible, importers=importers, subclasses=subclasses)


def _rounded(count: int) -> int:
    """A count, down to a power of two: one import more elsewhere changes few answers here."""
    return 1 << (count.bit_length() - 1) if count else 0


def _inherited(name: str, defined: Mapping[str, VisibleType]) -> dict[str, None]:
    """The members of a class, its own first, then those of the bases that are defined here."""
    members: dict[str, None] = {}
    pending, done = [name], {name}
    for current in pending:
        members.update(dict.fromkeys(defined[current].members))
        bases = defined[current].bases if defined[current].origin == "class" else ()
        fresh = [base for base in dict.fromkeys(bases) if base in defined and base not in done]
        done.update(fresh)
        pending += fresh
    return members


def visible_types(syntax: Syntax) -> tuple[VisibleType, ...]:
    """The types that a module defines or imports, in the order of the text; the first of a name stands."""
    spoken = {node.id for node in outside_annotations(syntax.tree) if isinstance(node, ast.Name)}
    found: dict[str, VisibleType] = {}
    for visible in _definitions(syntax.tree.body, spoken):
        found.setdefault(visible.name, visible)
    return tuple(found.values())


def _definitions(body: list[ast.stmt], spoken: set[str]) -> Iterator[VisibleType]:
    for node in body:
        match node:
            case ast.ClassDef():
                documentation = (ast.get_docstring(node) or "").split("\n\n", 1)[0]
                members, bases = _members(node), _last_names(node.bases)
                yield VisibleType(node.name, "class", "", "", members, bases, documentation)
                yield from _definitions([s for s in node.body if isinstance(s, ast.ClassDef)], spoken)
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    name = alias.asname or alias.name
                    if _may_be_type(alias.name) and module not in {"typing", "typing_extensions"}:
                        yield VisibleType(name, "import", module, alias.name, spoken=name in spoken)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.lstrip("_")[:1].isupper():
                constant = isinstance(value, ast.Constant) or (name.isupper() and len(name) > 1)
                if not constant:
                    made_by = _last_names([value]) if isinstance(value, ast.Call) else ()
                    yield VisibleType(name, "alias", bases=made_by)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                if callee_name(annotation).endswith("TypeAlias"):
                    yield VisibleType(name, "alias")
            case ast.If() | ast.Try():
                for field in ("body", "orelse", "handlers", "finalbody"):
                    for child in getattr(node, field, []):
                        inner = child.body if isinstance(child, ast.ExceptHandler) else [child]
                        yield from _definitions(inner, spoken)


def _may_be_type(name: str) -> bool:
    """Whether a name is written like a type's; `A_CONSTANT` is not."""
    bare = name.strip("_")
    return bare[:1].isupper() and not (bare.isupper() and "_" in bare)


def _last_names(nodes: Iterable[ast.expr]) -> tuple[str, ...]:
    return tuple(filter(None, (callee_name(node).rpartition(".")[2] for node in nodes)))


def _members(node: ast.ClassDef) -> tuple[str, ...]:
    """Methods, class variables and the attributes that methods assign to self."""
    names: dict[str, None] = {}
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names[name] = None
                for inner in outside_annotations(statement):
                    if (
                        isinstance(inner, ast.Attribute)
                        and isinstance(inner.ctx, ast.Store)
                        and isinstance(inner.value, ast.Name)
                        and inner.value.id == "self"
                    ):
                        names[inner.attr] = None
            case ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = None
            case ast.Assign(targets=targets):
                names.update((target.id, None) for target in targets if isinstance(target, ast.Name))
    return tuple(names)[:_MAXIMUM_MEMBERS]


def outside_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that is not part of an annotation; operators and contexts aside."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        for name in _FIELDS.get(type(current), ()):
            value = getattr(current, name, None)
            if isinstance(value, list):
                pending += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                pending.append(value)
