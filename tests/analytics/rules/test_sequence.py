from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.sequence import InSequence, SequenceSettings
from config.model import RuleSettings
from tests.analytics.rules.occurrences import moments, saw, shown


def settings(*rules: str, within_s: float = 10.0) -> SequenceSettings:
    return SequenceSettings(id="c", type="sequence", rules=rules or ("a", "b"), within_s=within_s)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([(1.0, "a"), (5.0, "b")], [5.0]),
        ([(1.0, "b"), (5.0, "a")], []),
        ([(1.0, "a"), (1.0, "b")], []),
        ([(1.0, "a"), (11.0, "b")], [11.0]),
        ([(1.0, "a"), (11.1, "b")], []),
        ([(1.0, "a"), (9.0, "a"), (12.0, "b")], [12.0]),
        ([(1.0, "a"), (2.0, "b"), (3.0, "b")], [2.0]),
        ([(1.0, "a"), (2.0, "b"), (3.0, "a"), (4.0, "b")], [2.0, 4.0]),
    ],
    ids=["in order", "in reverse", "at once", "just in time", "too late", "begun again", "each takes part once", "twice"],
)  # fmt: skip
def test_members_in_their_order_within_the_time(members: list[tuple[float, str]], expected: list[float]) -> None:
    assert moments(InSequence(settings()), *members) == expected


def test_the_time_runs_from_the_first_to_the_last_step() -> None:
    rule = InSequence(settings("a", "b", "c"))
    assert moments(rule, (0.0, "a"), (6.0, "b"), (11.0, "c"), (12.0, "a"), (13.0, "b"), (14.0, "c")) == [14.0]


def test_of_two_beginnings_the_later_one_is_taken() -> None:
    rule = InSequence(settings("a", "b", "c"))
    assert moments(rule, (0.0, "a"), (3.0, "a"), (6.0, "b"), (12.0, "c")) == [12.0]


def test_the_same_rule_may_be_a_step_again() -> None:
    assert moments(InSequence(settings("a", "a")), (1.0, "a"), (2.0, "a"), (3.0, "a")) == [2.0]
    assert moments(InSequence(settings("a", "b", "a")), (1.0, "a"), (2.0, "b"), (3.0, "a")) == [3.0]


@pytest.mark.parametrize(("first", "second", "fires"), [(0.8, 0.9, 1), (0.9, 0.8, 0), (0.9, 0.9, 0)])
def test_two_in_one_picture_are_in_the_order_in_which_they_began(first: float, second: float, fires: int) -> None:
    seen = {"a": [saw(1.0, 1, began=first)], "b": [saw(1.0, 1, began=second)]}
    assert len(shown(InSequence(settings()), {1.0: seen})) == fires


def test_the_alert_has_the_objects_of_all_steps() -> None:
    (made,) = shown(InSequence(settings()), {1.0: {"a": [saw(1.0, 7)]}, 2.0: {"b": [saw(2.0, 9)]}})
    assert [track.track_id for track in made.tracks] == [9, 7]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(min_value=1, max_value=12))
def test_it_first_fires_when_any_choice_of_occurrences_is_a_sequence(names: list[str], within_s: int) -> None:
    """Against trying all of them."""
    whole = [
        chosen[-1]
        for chosen in combinations(range(len(names)), 3)
        if [names[place] for place in chosen] == ["a", "b", "c"] and chosen[-1] - chosen[0] <= within_s
    ]
    found = moments(
        InSequence(settings("a", "b", "c", within_s=within_s)), *((float(at), name) for at, name in enumerate(names))
    )
    assert found[:1] == [float(min(whole))] if whole else found == []


def test_settings_of_another_type_are_a_defect() -> None:
    with pytest.raises(TypeError, match="SequenceSettings"):
        InSequence(RuleSettings(id="x", type="other"))
