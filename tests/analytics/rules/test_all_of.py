from __future__ import annotations

import pytest
from pydantic import ValidationError

from analytics.rules.all_of import AllOf, AllOfSettings
from config.model import RuleSettings
from tests.analytics.rules.occurrences import moments, saw, shown


def settings(*rules: str, within_s: float = 10.0) -> AllOfSettings:
    return AllOfSettings(id="c", type="all_of", rules=rules or ("a", "b"), within_s=within_s)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([(1.0, "a"), (5.0, "b")], [5.0]),
        ([(1.0, "b"), (5.0, "a")], [5.0]),
        ([(1.0, "a"), (1.0, "b")], [1.0]),
        ([(1.0, "a"), (11.0, "b")], [11.0]),
        ([(1.0, "a"), (11.1, "b")], []),
        ([(1.0, "a"), (9.0, "a"), (12.0, "b")], [12.0]),
        ([(1.0, "a"), (2.0, "a")], []),
        ([(1.0, "a"), (2.0, "b"), (3.0, "b")], [2.0]),
        ([(1.0, "a"), (2.0, "b"), (3.0, "b"), (4.0, "a")], [2.0, 4.0]),
    ],
    ids=["in order", "in reverse", "at once", "just in time", "too late", "again in time", "one alone",
         "each takes part once", "a second time"],
)  # fmt: skip
def test_all_members_within_the_time_are_one_alert(members: list[tuple[float, str]], expected: list[float]) -> None:
    assert moments(AllOf(settings()), *members) == expected


def test_three_members_need_all_three_within_the_time() -> None:
    assert moments(AllOf(settings("a", "b", "c")), (0.0, "a"), (6.0, "b"), (11.0, "c"), (12.0, "a")) == [12.0]


def test_the_alert_has_the_objects_of_all_members() -> None:
    (made,) = shown(AllOf(settings()), {1.0: {"a": [saw(1.0, 7)]}, 2.0: {"b": [saw(2.0, 9)]}})
    assert {track.track_id for track in made.tracks} == {7, 9}


def test_a_rule_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="names a rule twice"):
        settings("a", "a")


def test_settings_of_another_type_are_a_defect() -> None:
    with pytest.raises(TypeError, match="AllOfSettings"):
        AllOf(RuleSettings(id="x", type="other"))
