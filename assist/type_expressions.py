"""Annotations as texts: taken apart and compared."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# Two spellings of one type.
_ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "DefaultDict": "defaultdict",
    "Deque": "deque",
}


def union_arms(text: str) -> list[ast.expr]:
    """Return the alternatives of an annotation, None among them; [] where it is no expression."""
    try:
        return list(_arms(ast.parse(text, mode="eval").body))
    except SyntaxError:
        return []


def head(arm: ast.expr) -> str:
    """Return the outermost name of an annotation without its module: `list` of `list[int]`, '' for none."""
    if isinstance(arm, ast.Subscript):
        arm = arm.value
    if isinstance(arm, ast.Attribute):
        return _ALIASES.get(arm.attr, arm.attr)
    return _ALIASES.get(arm.id, arm.id) if isinstance(arm, ast.Name) else ""


def same_type(one: str, other: str) -> bool:
    """Whether two annotations say the same, None as an alternative and the modules of names aside."""
    return _canonical(one) == _canonical(other) != frozenset()


def same_heads(one: str, other: str) -> bool:
    """Whether the alternatives of two annotations have the same outermost names, None aside."""
    return _heads(one) == _heads(other) != frozenset()


def is_none(arm: ast.expr) -> bool:
    """Whether an alternative is None."""
    return isinstance(arm, ast.Constant) and arm.value is None


def _heads(text: str) -> frozenset[str]:
    return frozenset(head(arm) for arm in union_arms(text) if not is_none(arm))


def _canonical(text: str) -> frozenset[str]:
    arms = union_arms(text)
    found = frozenset(_spelled(arm) for arm in arms if not is_none(arm))
    return found or frozenset("None" for _ in arms)


def _spelled(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if head(node) == "Literal":
            return ast.unparse(node)
        arguments = [" | ".join(sorted(map(_spelled, _arms(item)))) for item in items]
        # An argument that says nothing is as good as none.
        return head(node) if set(arguments) == {"Any"} else f"{head(node)}[{', '.join(arguments)}]"
    if isinstance(node, ast.List):
        return f"[{', '.join(map(_spelled, node.elts))}]"
    return head(node) or ast.unparse(node)


def _arms(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _arms(node.left)
        yield from _arms(node.right)
    elif isinstance(node, ast.Subscript) and head(node) in ("Optional", "Union"):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for item in items:
            yield from _arms(item)
        if head(node) == "Optional":
            yield ast.Constant(None)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from union_arms(node.value) or [node]
    else:
        yield node
