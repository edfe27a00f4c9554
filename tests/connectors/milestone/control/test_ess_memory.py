from __future__ import annotations

from connectors.milestone.control.ess_memory import EssMemory, Resumable

FILTERS = [{"sourceIds": ["*"]}]


def memory() -> EssMemory:
    made = EssMemory()
    made.started("s1", 30.0, now=100.0)
    made.subscribed(FILTERS)
    made.heard("e7")
    return made


def test_a_young_session_is_resumed_after_its_last_event() -> None:
    assert memory().resumable(130.0, FILTERS) == Resumable("s1", "e7")


def test_an_old_session_is_not_resumed_unless_it_was_alive_since() -> None:
    made = memory()
    assert made.resumable(131.0, FILTERS) == Resumable()
    made.alive(120.0)
    assert made.resumable(149.0, FILTERS) == Resumable("s1", "e7")


def test_a_session_with_other_or_unfinished_subscriptions_is_not_resumed() -> None:
    assert memory().resumable(101.0, []) == Resumable()
    made = EssMemory()
    made.started("s1", None, now=100.0)
    assert made.resumable(101.0, FILTERS) == Resumable()


def test_a_forgotten_session_is_not_resumed() -> None:
    made = memory()
    made.forget()
    assert made.resumable(101.0, FILTERS) == Resumable()


def test_an_event_without_id_does_not_move_the_place_to_resume_from() -> None:
    made = memory()
    made.heard("")
    assert made.resumable(101.0, FILTERS).event_id == "e7"


def test_what_is_to_be_listed_begins_with_the_earliest_moment_until_it_was_listed() -> None:
    made = EssMemory()
    made.missed(20.0)
    made.missed(30.0)
    made.forget()
    assert made.unlisted_since == 20.0
    made.listed()
    assert made.unlisted_since is None
