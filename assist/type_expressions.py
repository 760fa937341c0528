"""Annotations as texts: taken apart and compared."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal

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
    return canonical(one) == canonical(other) != frozenset()


Relation = Literal["same", "self", "parametric", "abstract", "wider", "narrower", "overlapping", "other"]
"""How one type stands to another; see `relation`."""

# What people write for a value of a class that is more than they need to say.
_ABSTRACTIONS = {
    "list": "Sequence MutableSequence Collection Iterable Container Sized",
    "tuple": "Sequence Collection Iterable",
    "range": "Sequence Iterable",
    "deque": "MutableSequence Sequence Collection Iterable",
    "dict": "Mapping MutableMapping Collection Iterable",
    "defaultdict": "dict Mapping MutableMapping",
    "OrderedDict": "dict Mapping MutableMapping",
    "Counter": "dict Mapping MutableMapping",
    "set": "AbstractSet Set MutableSet Collection Iterable Container",
    "frozenset": "AbstractSet Set Collection Iterable Container",
    "KeysView": "Iterable Collection Set",
    "ValuesView": "Iterable Collection",
    "ItemsView": "Iterable Collection",
    "Sequence": "Collection Iterable",
    "Mapping": "Collection Iterable",
    "Generator": "Iterator Iterable",
    "Iterator": "Iterable",
    "AsyncGenerator": "AsyncIterator AsyncIterable",
    "AsyncIterator": "AsyncIterable",
    "Coroutine": "Awaitable",
    "bool": "int",
    "int": "float complex",
    "float": "complex",
    "str": "PathLike object",
    "Path": "PurePath PathLike",
    "partial": "Callable",
    "StringIO": "TextIO IO",
    "BytesIO": "BinaryIO IO",
    "TextIOWrapper": "TextIO IO",
    "BufferedReader": "BinaryIO IO",
}


def relation(
    text: str,
    known: str,
    *,
    own_class: str = "",
    bases: Callable[[str], frozenset[str]] = lambda _: frozenset(),
) -> Relation:
    """Return how the type `text` stands to the type `known`, None and the modules of names aside.

    "self" where one says `Self` and the other the class around, "parametric" where only the arguments differ,
    "abstract" where `text` is a base of `known`, "wider" and "narrower" where alternatives were added or left
    out. `bases` names all classes above one.
    """
    one, other = canonical(text), canonical(known)
    if one == other != frozenset():
        return "same"
    if own_class and _renamed(one, own_class) == _renamed(other, own_class):
        return "self"
    heads, known_heads = heads_of(text), heads_of(known)
    if heads == known_heads:
        return "parametric"
    if known_heads and all(heads & _above(name, bases) for name in known_heads - heads):
        return "abstract"
    if known_heads < heads:
        return "wider"
    if heads < known_heads and heads:
        return "narrower"
    return "overlapping" if heads & known_heads else "other"


def _renamed(arms: frozenset[str], own_class: str) -> frozenset[str]:
    return frozenset(own_class if arm == "Self" else arm for arm in arms)


def _above(name: str, bases: Callable[[str], frozenset[str]]) -> frozenset[str]:
    return bases(name) | frozenset(_ABSTRACTIONS.get(name, "").split())


def is_none(arm: ast.expr) -> bool:
    """Whether an alternative is None."""
    return isinstance(arm, ast.Constant) and arm.value is None


@lru_cache(65_536)
def heads_of(text: str) -> frozenset[str]:
    """Return the outermost names of the alternatives of an annotation, None aside."""
    return frozenset(head(arm) for arm in union_arms(text) if not is_none(arm))


@lru_cache(65_536)
def canonical(text: str) -> frozenset[str]:
    """Return an annotation in a form in which two that say the same are equal, None and modules aside."""
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
