"""Which types a module can name: the classes, aliases and type variables it defines and those it imports.

They are the candidates that a model ranks where nothing proves a type, from syntax alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from .slice_features import callee_name
from .syntax import Syntax

TypeOrigin = Literal["class", "alias", "import"]

_MAXIMUM_MEMBERS = 64


@dataclass(frozen=True, slots=True)
class VisibleType:
    """A name that may stand in an annotation.

    `module` is where an imported name comes from, as written ('' for a name of this module; relative imports
    keep their dots) and `imported_name` what it is called there. `members`, `bases` and `documentation` are
    known for classes of this module only. `spoken` is False for an import that only annotations use.
    """

    name: str
    origin: TypeOrigin
    module: str = ""
    imported_name: str = ""
    members: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    documentation: str = ""
    spoken: bool = True


def visible_types(syntax: Syntax) -> tuple[VisibleType, ...]:
    """The types that a module defines or imports, in the order of the text; the first of a name stands."""
    spoken = {node.id for node in _outside_annotations(syntax.tree) if isinstance(node, ast.Name)}
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
                for inner in ast.walk(statement):
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


def _outside_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that is not part of an annotation."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        for name, value in ast.iter_fields(current):
            if name in {"annotation", "returns"}:
                continue
            if isinstance(value, ast.AST):
                pending.append(value)
            elif isinstance(value, list):
                pending += [item for item in value if isinstance(item, ast.AST)]
