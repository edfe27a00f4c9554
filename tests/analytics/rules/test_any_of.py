from __future__ import annotations

import pytest
from pydantic import ValidationError

from analytics.rules.any_of import AnyOf, AnyOfSettings
from config.model import RuleSettings
from tests.analytics.rules.occurrences import moments, saw, shown


def settings(*rules: str, within_s: float = 10.0) -> AnyOfSettings:
    return AnyOfSettings(id="c", type="any_of", rules=rules or ("a", "b"), within_s=within_s)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([(1.0, "a")], [1.0]),
        ([(1.0, "b")], [1.0]),
        ([(1.0, "a"), (1.0, "b")], [1.0]),
        ([(1.0, "a"), (11.0, "b")], [1.0]),
        ([(1.0, "a"), (11.1, "b")], [1.0, 11.1]),
        ([(1.0, "a"), (2.0, "a")], [1.0, 2.0]),
        ([(1.0, "a"), (2.0, "a"), (3.0, "b"), (4.0, "b")], [1.0, 2.0]),
        ([(1.0, "a"), (2.0, "b"), (3.0, "b")], [1.0, 3.0]),
    ],
    ids=["the first", "the second", "both at once", "the same event", "another event", "the same rule again",
         "two events seen by both", "the third is new"],
)  # fmt: skip
def test_one_alert_for_one_event_whoever_sees_it(members: list[tuple[float, str]], expected: list[float]) -> None:
    assert moments(AnyOf(settings()), *members) == expected


def test_two_occurrences_of_one_member_in_one_picture_are_two_events() -> None:
    assert len(shown(AnyOf(settings()), {1.0: {"a": [saw(1.0, 1), saw(1.0, 2)], "b": [saw(1.0, 3)]}})) == 2


def test_the_alert_says_which_member_saw_it() -> None:
    (made,) = shown(AnyOf(settings()), {1.0: {"b": [saw(1.0, 3, began=0.5)]}})
    assert made.details["members"] == [{"rule": "b", "captured_at": 1.0, "started_at": 0.5}]
    assert [track.track_id for track in made.tracks] == [3]


def test_a_rule_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="names a rule twice"):
        settings("a", "a")


def test_settings_of_another_type_are_a_defect() -> None:
    with pytest.raises(TypeError, match="AnyOfSettings"):
        AnyOf(RuleSettings(id="x", type="other"))
