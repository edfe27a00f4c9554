from __future__ import annotations

from analytics.view.hold import Hold


def turns(hold: Hold, *seen: bool) -> list[int]:
    """The seconds at which it turned."""
    return [second for second, is_seen in enumerate(seen) if hold.update(float(second), is_seen)]


def test_what_lasts_is_held_and_what_is_gone_for_long_is_over() -> None:
    hold = Hold(2.0, 3.0)
    assert turns(hold, *[False] * 2, *[True] * 5, *[False] * 6) == [4, 10]
    assert not hold.is_held


def test_flicker_turns_nothing() -> None:
    assert turns(Hold(2.0, 2.0), *[True, True, False] * 5) == []


def test_time_in_which_nothing_was_seen_does_not_count() -> None:
    hold = Hold(2.0, 0.0)
    hold.update(0.0, True)
    hold.interrupt()
    assert not hold.update(10.0, True)
    assert hold.update(12.0, True)
