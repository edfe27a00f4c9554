from __future__ import annotations

from analytics.rules.composing import Part, composed
from tests.analytics.rules.occurrences import saw


def test_the_last_decides_the_first_began_and_all_took_part() -> None:
    made = composed([Part("b", saw(8.0, 2, 3, began=4.0)), Part("a", saw(5.0, 1, began=3.0))])
    assert (made.captured_at, made.started_at) == (8.0, 3.0)
    assert [track.track_id for track in made.tracks] == [2, 3, 1]
    assert made.details == {
        "members": [
            {"rule": "a", "captured_at": 5.0, "started_at": 3.0},
            {"rule": "b", "captured_at": 8.0, "started_at": 4.0},
        ]
    }


def test_an_object_of_several_members_is_told_once() -> None:
    made = composed([Part("a", saw(1.0, 1, 2)), Part("b", saw(2.0, 2))])
    assert [track.track_id for track in made.tracks] == [2, 1]
