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

    def stays(without: Sequence[int]) -> bool:
        return any(group.isdisjoint(without) for group in groups)

    trials = Trials(100)
    found = culprits([range(200)], stays, trials)
    assert not stays(found)
    assert len(found) <= len(groups)
    assert 100 - trials.left <= 1 + 9 * len(groups)


def test_the_next_circle_is_looked_at_where_the_error_stays_without_those_before() -> None:
    asked: list[Sequence[int]] = []

    def stays(without: Sequence[int]) -> bool:
        asked.append(without)
        return 150 not in without

    assert culprits([range(10), range(100, 160), range(200, 900)], stays, Trials(100)) == [150]
    assert not any(item >= 200 for without in asked for item in without)


def test_where_the_error_stays_without_any_of_them_none_is_to_blame() -> None:
    assert culprits([[1], [2]], lambda _: True, Trials(9)) == []


def test_where_nobody_was_found_in_time_those_asked_about_are_guilty() -> None:
    assert culprits([[1], [2], [3]], lambda _: True, Trials(2)) == [1, 2]


def test_two_of_a_group_stand_for_the_whole_of_it() -> None:
    trials = Trials(100)
    guilty = range(40, 60)
    found = culprits(
        [range(200)], lambda without: not set(guilty) <= set(without), trials, group=lambda item: item // 20
    )
    assert sorted(found) == list(guilty)
    assert 100 - trials.left < 20


def test_what_was_not_tried_is_innocent() -> None:
    trials = Trials(5)
    found = culprits([range(200)], lambda without: not {3, 150} <= set(without), trials)
    assert list(found) == [3]
    assert trials.left <= 0
