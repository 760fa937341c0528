"""Finding out which of many things bring an error, by trying some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Trials:
    """How often one may still try."""

    def __init__(self, left: int) -> None:
        self.left = left


def culprits(
    items: Sequence[Item], brings: Callable[[Sequence[Item]], bool], trials: Trials, cost: int = 1
) -> Sequence[Item]:
    """Return the items without which there is no error; all of them where that cannot be said.

    `brings` says whether there is an error when only these items (in their order) stand. Culprits are found
    one after the other by bisection: the first that brings the error when those before it stand. With `n`
    items and `k` culprits that takes about `k * log2(n)` trials, of `cost` each. When they are used up, what
    was not tried counts as innocent.
    """

    def tried(chosen: Sequence[Item]) -> bool:
        trials.left -= cost
        return brings(chosen)

    if tried(()):
        return items
    found: list[Item] = []
    left = list(items)
    while trials.left > 0 and tried(left):
        low, high = 0, len(left)  # the first `low` do not bring it, the first `high` do
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if tried(left[:middle]) else (middle, high)
        found.append(left.pop(high - 1))
    return found or items
