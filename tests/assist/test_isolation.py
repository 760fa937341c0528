"""Who of many brings an error."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from typewright.assist.isolation import Trials, culprits

GROUPS = st.lists(st.sets(st.integers(0, 199), min_size=1, max_size=2), min_size=1, max_size=3)


@given(GROUPS)
def test_without_the_culprits_there_is_no_error(groups: list[set[int]]) -> None:
    """An error comes where all of a group stand."""

    def brings(chosen: Sequence[int]) -> bool:
        return any(group <= set(chosen) for group in groups)

    trials = Trials(100)
    found = culprits(range(200), brings, trials)
    assert not brings([item for item in range(200) if item not in found])
    assert len(found) <= len(groups)
    assert 100 - trials.left <= 1 + 9 * len(groups) + 1


def test_where_none_of_them_is_to_blame_all_are() -> None:
    assert culprits([1, 2], lambda _: True, Trials(9)) == [1, 2]


def test_what_was_not_tried_is_innocent() -> None:
    trials = Trials(5)
    found = culprits(range(200), lambda chosen: bool({3, 150} & set(chosen)), trials)
    assert list(found) == [3]
    assert trials.left <= 0
