"""Annotations that say less: tried where a checker objects to one, before nothing is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from typewright.analysis.spelling import Annotation
from typewright.assist.blame import ARGUMENT_CODES, RETURN_CODES, quoted
from typewright.assist.checkers import CheckerError
from typewright.assist.spelling import root_names
from typewright.assist.type_expressions import head, is_none, union_arms

# What a function that only reads its parameter asks for.
_READ_ONLY = {"list": "Sequence", "dict": "Mapping"}
# With their arguments left out these still say something.
_CONTAINERS = frozenset(
    """
    list dict set frozenset tuple type deque defaultdict OrderedDict Counter Sequence Mapping Iterable
    Iterator Collection Set AbstractSet MutableMapping MutableSequence Generator Callable
    """.split()  # noqa: SIM905
)


def weaker(annotation: Annotation, kind: str, error: CheckerError) -> tuple[Annotation, ...]:
    """Return what may be written in place of an annotation that brings an error, the most telling first.

    Everything returned is true wherever the annotation is, and tried only where the error is of its kind: an
    abstract base for a parameter that is given something else, None as one more alternative where None is
    passed or returned, a container without its arguments where the error is about these.
    """
    arms = union_arms(annotation.text)
    if not arms:
        return ()
    found = dict.fromkeys(_texts(arms, kind, error))
    found.pop(" | ".join(map(ast.unparse, arms)), None)
    return tuple(_imported(text, annotation) for text in found if text != annotation.text)


def _texts(arms: list[ast.expr], kind: str, error: CheckerError) -> Iterator[str]:
    codes = ARGUMENT_CODES if kind == "param" else RETURN_CODES
    if error.code in codes and "None" in error.message and not any(is_none(arm) for arm in arms):
        yield " | ".join([*map(ast.unparse, arms), "None"])
    if kind == "param" and error.code in ARGUMENT_CODES:
        yield " | ".join(_abstract(arm) for arm in arms)
    said = {ast.unparse(arm) for text in quoted(error.message) for arm in union_arms(text)}
    others = {text.partition("[")[0] for text in said - {ast.unparse(arm) for arm in arms} if "[" in text}
    yield " | ".join(dict.fromkeys(_bare(arm) if head(arm) in others else ast.unparse(arm) for arm in arms))


def _abstract(arm: ast.expr) -> str:
    if isinstance(arm, ast.Subscript) and isinstance(arm.value, ast.Name) and arm.value.id in _READ_ONLY:
        return ast.unparse(ast.Subscript(ast.Name(_READ_ONLY[arm.value.id]), arm.slice))
    return ast.unparse(arm)


def _bare(arm: ast.expr) -> str:
    if isinstance(arm, ast.Subscript) and head(arm) in _CONTAINERS:
        return ast.unparse(arm.value)
    return ast.unparse(arm)


def _imported(text: str, annotation: Annotation) -> Annotation:
    """Return the text with the imports that it still needs."""
    used = root_names(ast.parse(text, mode="eval").body)
    kept = [item for item in annotation.imports if (item[1] or item[0].partition(".")[0]) in used]
    bound = {name for _, name in kept}
    kept += [("collections.abc", name) for name in _READ_ONLY.values() if name in used and name not in bound]
    return Annotation(text, tuple(kept))
