"""What a module says it exports: `__all__`, read as far as it is written out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exports:
    """What `__all__` says: its names, expressions whose `__all__` it takes over, and whether that is all."""

    names: tuple[str, ...]
    inherited: tuple[ast.expr, ...]
    complete: bool


def exports(tree: ast.Module) -> Exports | None:
    """The module's `__all__` as far as it is written out; None where there is none."""
    names: list[str] = []
    inherited: list[ast.expr] = []
    found, complete = False, True

    def add(value: ast.expr) -> None:
        nonlocal complete
        if isinstance(value, ast.List | ast.Tuple | ast.Set):
            for element in value.elts:
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    names.append(element.value)
                elif isinstance(element, ast.Starred):
                    add(element.value)
                else:
                    complete = False
        elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            add(value.left)
            add(value.right)
        elif isinstance(value, ast.Attribute) and value.attr == "__all__":
            inherited.append(value.value)
        elif not _is_all(value):
            complete = False

    for statement in _module_statements(tree):
        match statement:
            case ast.Assign(targets=targets, value=value) if any(map(_is_all, targets)):
                found = True
                add(value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_all(target):
                found = True
                add(value)
            case ast.AugAssign(target=target, value=value) if _is_all(target):
                found = True
                add(value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr=method), args=[value])) if (
                _is_all(target)
            ):
                found = True
                if method == "append":
                    add(ast.List(elts=[value]))
                elif method == "extend":
                    add(value)
                else:
                    complete = False
            case _:
                pass
    return Exports(tuple(dict.fromkeys(names)), tuple(inherited), complete) if found else None


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _module_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run at module level, those inside branches and blocks included."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
