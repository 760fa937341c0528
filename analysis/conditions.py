"""Conditions whose outcome is fixed for an environment: Python's version, the platform, TYPE_CHECKING."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Iterable

_COMPARISONS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,  # type: ignore[dict-item]
    ast.LtE: operator.le,  # type: ignore[dict-item]
    ast.Gt: operator.gt,  # type: ignore[dict-item]
    ast.GtE: operator.ge,  # type: ignore[dict-item]
}


def static_condition(test: ast.expr, version: tuple[int, int]) -> bool | None:
    """The outcome of a test that the environment alone decides; None for any other test."""
    match test:
        case ast.Constant(value=bool() | int() as value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = static_condition(operand, version)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            parts = [static_condition(value, version) for value in values]
            decisive = isinstance(op, ast.Or)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            if _is_sys(left, "platform") and isinstance(right, ast.Constant):
                return _COMPARISONS[type(op)](sys.platform, right.value)
            return _version_test(left, op, right, version)
        case ast.Call(
            func=ast.Attribute(value=receiver, attr="startswith"), args=[ast.Constant(value=str() as prefix)]
        ) if _is_sys(receiver, "platform"):
            return sys.platform.startswith(prefix)
        case _:
            return None


def _version_test(left: ast.expr, op: ast.cmpop, right: ast.expr, version: tuple[int, int]) -> bool | None:
    try:
        bound = ast.literal_eval(right)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    match left:
        case ast.Subscript(value=value, slice=ast.Constant(value=0)) if _is_sys(value, "version_info"):
            return _COMPARISONS[type(op)](version[0], bound) if isinstance(bound, int) else None
        case ast.Subscript(value=value, slice=ast.Slice(lower=None)) if _is_sys(value, "version_info"):
            pass
        case _ if not _is_sys(left, "version_info"):
            return None
    if not isinstance(bound, tuple) or not all(isinstance(part, int) for part in bound):
        return None
    # The micro version is not known: a bound that names it is compared by its first two parts.
    return _COMPARISONS[type(op)](version, bound[:2]) if bound else None


def _is_sys(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="sys"), attr=attribute):
            return attribute == name
        case _:
            return False


def is_reachable(node: ast.AST, ancestors: Iterable[ast.AST], version: tuple[int, int]) -> bool:
    """Whether the environment lets control reach `node`, given the nodes around it, innermost first."""
    child = node
    for above in ancestors:
        if isinstance(above, ast.If):
            outcome = static_condition(above.test, version)
            if outcome is not None and child is not above.test:
                taken = above.body if outcome else above.orelse
                if not any(child is statement for statement in taken):
                    return False
        child = above
    return True
