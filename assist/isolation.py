"""Finding out which of many things bring an error, by trying some of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Trials:
    """How often one may still try."""

    def __init__(self, left: int) -> None:
        self.left = left


def culprits(
    circles: Iterable[Sequence[Item]],
    stays: Callable[[Sequence[Item]], bool],
    trials: Trials,
    *,
    cost: int = 1,
    group: Callable[[Item], Hashable] = lambda item: item,
) -> Sequence[Item]:
    """Return the suspects without which there is no error; none where it stays without any of them.

    `circles` are groups of suspects, the likeliest first: the next one is looked at where the error stays
    without all those before. `stays` says whether it does without some of them. Culprits are found one after
    the other by bisection: the first that brings the error when those before it stand. Where two are of the
    same `group`, all of that group are. With `n` suspects and `k` culprits that takes about `k * log2(n)`
    trials, of `cost` each. When they are used up, what was not tried counts as innocent, unless nobody was
    found: then everybody asked about is guilty.
    """

    def tried(without: Sequence[Item]) -> bool:
        trials.left -= cost
        return stays(without)

    suspects: list[Item] = []
    for circle in circles:
        suspects += circle
        if not tried(suspects):
            break
        if trials.left <= 0:
            return suspects
    else:
        return []
    found: list[Item] = []
    left = list(suspects)
    while left and (not found or (trials.left > 0 and tried(found))):
        low, high = 0, len(left)  # with the first `low` alone it does not come, with the first `high` it does
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if tried([*found, *left[middle:]]) else (middle, high)
        culprit = left[high - 1]
        repeated = group(culprit) in map(group, found)
        fallen = [item for item in left if item == culprit or (repeated and group(item) == group(culprit))]
        found += fallen
        left = [item for item in left if item not in fallen]
    return found
