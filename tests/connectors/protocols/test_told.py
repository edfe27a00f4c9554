from __future__ import annotations

from connectors.protocols.told import Told


def test_what_was_said_last_is_known_until_something_else_is_said() -> None:
    told = Told()
    assert told.last_said("alarm 1") is None
    told.said("alarm 1")
    assert told.last_said("alarm 1") == ""
    told.said("alarm 1", "alternate")
    assert told.last_said("alarm 1") == "alternate"


def test_what_has_no_name_is_always_news() -> None:
    told = Told()
    told.said("")
    assert told.last_said("") is None


def test_what_was_told_is_remembered_within_bounds_and_the_oldest_let_go() -> None:
    told = Told()
    told.said("first")
    told.said("second")
    told.said("first")
    for number in range(4_095):
        told.said(str(number))
    assert len(told._told) == 4_096
    assert told.last_said("second") is None
    assert told.last_said("first") == "", "what was said again is no longer the oldest"


def test_a_complaint_is_made_once_until_it_is_settled() -> None:
    told = Told()
    assert told.complains_first_time("Nuit")
    assert not told.complains_first_time("Nuit")
    told.settled("Nuit")
    assert told.complains_first_time("Nuit")
