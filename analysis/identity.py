"""Whether two results are the same to the last detail, so that nothing which stands on one must be looked at.

Types compare by what they say: the order of a union's arms, and the displays that an open container was born
from, do not count. Here they do.
"""

from __future__ import annotations

from typewright.analysis.definitions import Environment
from typewright.analysis.kinds import Parameter, Type
from typewright.analysis.outcomes import Outcome

_PARTS: dict[type, tuple[str, ...]] = {}


def identical(one: object, other: object) -> bool:
    """Whether two results are the same."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is tuple or kind is list:
        return len(one) == len(other) and all(map(identical, one, other))  # type: ignore[arg-type,call-overload]
    if kind is dict:
        return list(one) == list(other) and all(map(identical, one.values(), other.values()))  # type: ignore[call-overload,attr-defined]
    if isinstance(one, Type | Parameter | Outcome | Environment):
        parts = _PARTS.get(kind)
        if parts is None:
            parts = _PARTS[kind] = tuple(
                name for base in kind.__mro__ for name in getattr(base, "__slots__", ())
            )
        return all(identical(getattr(one, name), getattr(other, name)) for name in parts)
    return one == other
