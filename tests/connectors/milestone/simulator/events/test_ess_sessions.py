from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.milestone.simulator.events.ess_sessions import EssSessions, FilterRefused, Subscription
from connectors.milestone.simulator.events.ess_socket import Malformed, _read
from connectors.milestone.simulator.web.rest import JsonObject
from core.clock import ManualClock
from core.types import Json

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["modifier", "resourceTypes", "sourceIds", "eventTypes"]), inner, max_size=4)
    ),
    max_leaves=12,
)
EVENT: JsonObject = {"id": "e", "type": "t", "source": "cameras/c"}
ALL: Json = [{"modifier": "include", "resourceTypes": ["*"], "sourceIds": ["*"], "eventTypes": ["*"]}]


def _event(name: str) -> JsonObject:
    return {**EVENT, "id": name}


def _sessions(clock: ManualClock) -> EssSessions:
    return EssSessions(clock, 30.0, lambda: [EVENT])


@given(JSON)
@example([{"modifier": []}])
def test_any_json_is_a_subscription_or_is_refused(body: Json) -> None:
    try:
        wanted = Subscription.of(body)
    except FilterRefused:
        return
    assert wanted.wants(EVENT) in {True, False}


@given(st.text(max_size=40))
def test_any_text_is_a_command_or_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        _read(text)


def test_a_session_is_resumed_until_its_time_is_over() -> None:
    clock = ManualClock()
    sessions = _sessions(clock)
    session, is_old = sessions.begin("", "")
    assert not is_old
    assert session.queue is not None
    sessions.leave(session, session.queue)
    clock.advance(30.0)
    resumed, is_old = sessions.begin(session.session_id, "")
    assert (resumed, is_old) == (session, True)
    assert resumed.queue is not None
    sessions.leave(resumed, resumed.queue)
    clock.advance(30.1)
    assert sessions.begin(session.session_id, "")[1] is False


def test_a_session_whose_client_is_being_cut_off_can_be_resumed_however_old_it_is() -> None:
    clock = ManualClock()
    sessions = _sessions(clock)
    session, _ = sessions.begin("", "")
    clock.advance(1000.0)
    session.end_socket()
    sessions.begin("", "")
    assert sessions.begin(session.session_id, "") == (session, True)


def test_what_was_missed_comes_after_the_event_last_seen_and_once() -> None:
    sessions = _sessions(ManualClock())
    session, _ = sessions.begin("", "")
    session.subscriptions["s"] = Subscription.of(ALL)
    for name in ("a", "b"):
        sessions.publish(_event(name))
    assert session.queue is not None
    sessions.leave(session, session.queue)
    sessions.publish(_event("c"))
    resumed, _ = sessions.begin(session.session_id, "a")
    queue = resumed.queue
    assert queue is not None
    waiting = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [event["id"] for event in waiting if event] == ["b", "c"]


def test_without_an_event_id_it_goes_on_where_the_socket_ended() -> None:
    sessions = _sessions(ManualClock())
    session, _ = sessions.begin("", "")
    session.subscriptions["s"] = Subscription.of(ALL)
    sessions.publish(_event("a"))
    assert session.queue is not None
    sessions.leave(session, session.queue)
    sessions.publish(_event("b"))
    resumed, _ = sessions.begin(session.session_id, "")
    assert resumed.queue is not None
    assert resumed.queue.get_nowait() == _event("b")
    assert resumed.queue.empty()


def test_an_event_that_is_too_old_to_know_starts_a_new_session() -> None:
    sessions = _sessions(ManualClock())
    session, _ = sessions.begin("", "")
    assert sessions.begin(session.session_id, "long ago")[1] is False
