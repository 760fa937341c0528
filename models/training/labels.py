"""Annotations as labels: one spelling for each type, so that equal types are equal texts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Text": "str",
    "NoneType": "None",
    "DefaultDict": "defaultdict",
    "Deque": "deque",
    "ContextManager": "AbstractContextManager",
    "AsyncContextManager": "AbstractAsyncContextManager",
    "AbstractSet": "Set",
    "Ellipsis": "...",
}
_TRANSPARENT = frozenset({"Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "InitVar"})


@dataclass(frozen=True, slots=True)
class Label:
    """A type without a top-level None, and whether there was one; `names` are its names as written."""

    type: str
    optional: bool
    names: tuple[str, ...]


def label(annotation: str) -> Label | None:
    """Read an annotation. None where it says nothing (Any, a bare Final) or is no annotation at all."""
    try:
        expression = ast.parse(annotation.strip(), mode="eval").body
        arms = list(dict.fromkeys(_arms(expression)))
        names = tuple(dict.fromkeys(_names(expression)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    rest = sorted(arm for arm in arms if arm != "None")
    if not arms or "Any" in rest or any(arm.startswith("?") for arm in rest):
        return None
    return Label(" | ".join(rest), "None" in arms, names) if rest else Label("None", False, names)


def _arms(node: ast.expr) -> Iterator[str]:
    """The members of a union, each spelled out."""
    match node:
        case ast.Constant(value=None):
            yield "None"
        case ast.Constant(value=str() as text):
            yield from _arms(ast.parse(text.strip(), mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _arms(left)
            yield from _arms(right)
        case ast.Subscript(value=value, slice=index):
            head = _head(value)
            items = index.elts if isinstance(index, ast.Tuple) else [index]
            if head == "Union":
                for item in items:
                    yield from _arms(item)
            elif head == "Optional":
                yield from _arms(items[0])
                yield "None"
            elif head in _TRANSPARENT:
                yield from _arms(items[0])
            elif head == "Literal":
                yield f"Literal[{', '.join(sorted(ast.unparse(item) for item in items))}]"
            else:
                arguments = [_spell(item) for item in items]
                plain = head != "Callable" and all(argument == "Any" for argument in arguments)
                yield head if plain else f"{head}[{', '.join(arguments)}]"
        case _:
            yield _head(node)


def _head(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr="args" | "kwargs"):  # of a ParamSpec
            return "?" + ast.unparse(node)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _ALIASES.get(name, name)
        case ast.Constant(value=value) if value is Ellipsis:
            return "..."
    return "?" + ast.unparse(node)


def _spell(node: ast.expr) -> str:
    if isinstance(node, ast.List):
        return f"[{', '.join(_spell(item) for item in node.elts)}]"
    return " | ".join(sorted(dict.fromkeys(_arms(node))))


def _names(node: ast.expr) -> Iterator[str]:
    """The dotted names in an annotation, those in strings included."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Attribute():
            yield ast.unparse(node)
        case ast.Constant(value=str() as text):
            yield from _names(ast.parse(text.strip(), mode="eval").body)
        case ast.Subscript(value=value) if _head(value) == "Literal":
            yield "Literal"
        case ast.Subscript(value=value, slice=index) if _head(value) == "Annotated":
            yield from _names(index.elts[0] if isinstance(index, ast.Tuple) else index)
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from _names(child)
