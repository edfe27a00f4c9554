from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.milestone.control.ess import subscriptions
from core.errors import (
    ProtocolViolation,
    VmsUnavailable,
)
from core.types import CameraReported, ControlMessage, EventSeen, Linked
from tests.connectors.listener import listening
from tests.connectors.milestone.control.control_support import eventually
from tests.connectors.milestone.control.ess_server import (
    EssServer,
    back,
    broken,
    ess_server,
    event,
    lost,
)
from tests.connectors.milestone.control.ess_site import ARM, AT_TEN, CAMERA, DISARM, OTHER, EssSite

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[EssSite]:
    with ess_server() as (server, port):
        yield EssSite(server, port)


def filters(server: EssServer) -> list[dict[str, Any]]:
    return [one for order in server.commands_of("addSubscription") for one in order["filters"]]


def test_every_subscription_has_filters_of_its_own_and_linked_comes_after_them(site: EssSite) -> None:
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        told = filters(site.server)
    assert [one["resourceTypes"] for one in told] == [["cameras"], ["*"]]
    assert told[0]["sourceIds"] == [CAMERA]
    assert len(told[0]["eventTypes"]) == 3
    assert told[1] == {
        "modifier": "include",
        "resourceTypes": ["*"],
        "sourceIds": ["*"],
        "eventTypes": [ARM, DISARM],
    }
    assert site.server.commands[0] == {"command": "startSession", "commandId": 1, "sessionId": "", "eventId": ""}
    assert site.server.upgrades == ["Bearer jwt-1"]


def test_many_cameras_are_subscribed_in_parts() -> None:
    cameras = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(1201)]
    parts = subscriptions(cameras, [])
    assert [len(one["sourceIds"]) for one in parts] == [500, 500, 201]
    assert [device for one in parts for device in one["sourceIds"]] == cameras


def test_without_cameras_all_are_told_and_without_control_no_event_is_asked_for(site: EssSite) -> None:
    with listening(site.source(cameras=(), control=[])) as listener:
        listener.next()
        assert [one["sourceIds"] for one in filters(site.server)] == [["*"]]
        site.server.happen(lost(OTHER, 1))
        assert listener.next() == CameraReported(
            device=OTHER, is_lost=True, at=AT_TEN + 1, cause="communication stopped"
        )
    assert site.inventory.asked == 0


def test_an_event_is_told_by_its_name_and_its_own_time(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.server.happen(event(7, DISARM, f"cameras/{OTHER}"))
        assert listener.next() == EventSeen(
            event="Jour", at=AT_TEN + 7, event_id="00000000-0000-4000-8000-000000000007"
        )


def test_the_state_of_each_camera_is_told_at_first_and_then_its_changes(site: EssSite) -> None:
    site.server.states = [broken(CAMERA, 1), lost(OTHER, 2)]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert listener.next() == CameraReported(
            device=CAMERA, is_lost=True, at=AT_TEN + 1, cause="communication error"
        )
        site.server.happen(back(CAMERA, 3))
        assert listener.next() == CameraReported(device=CAMERA, is_lost=False, at=AT_TEN + 3)
        assert listener.rest() == []


def test_a_push_that_overtakes_the_state_stands(site: EssSite) -> None:
    site.server.states = [lost(CAMERA, 1)]
    site.server.before_answer["getState"] = [back(CAMERA, 2)]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert listener.next() == CameraReported(device=CAMERA, is_lost=False, at=AT_TEN + 2)
        assert site.happened(listener, 9).event == "Nuit"


def test_events_between_a_command_and_its_answer_are_not_lost(site: EssSite) -> None:
    site.server.before_answer["addSubscription"] = [event(5, ARM, f"cameras/{CAMERA}")]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        told = listener.next()
        assert isinstance(told, EventSeen)
        assert told.at == AT_TEN + 5
        assert site.happened(listener, 6).at == AT_TEN + 6, "the same event is told once"


def test_a_state_of_four_megabytes_is_read(site: EssSite) -> None:
    devices = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(22_000)]
    site.server.states = [lost(device, number) for number, device in enumerate(devices, 1)]
    assert len(json.dumps(site.server.states)) > 4_000_000
    with listening(site.source(cameras=(), control=[])) as listener:
        assert listener.next() == Linked()
        told = listener.take(len(devices))
    assert {report.device for report in told if isinstance(report, CameraReported)} == set(devices)


def test_while_the_state_is_awaited_events_are_told(site: EssSite) -> None:
    site.server.unanswered = {"getState"}
    with listening(site.source()) as listener:
        listener.next()
        site.server.wait_for("getState")
        site.clock.advance(170.0)
        assert site.happened(listener, 1).at == AT_TEN + 1


def test_a_state_that_never_comes_ends_the_link(site: EssSite) -> None:
    site.server.unanswered = {"getState"}
    with listening(site.source()) as listener:
        listener.next()
        site.server.wait_for("getState")
        site.clock.advance(181.0)
        assert isinstance(listener.ended_with(), VmsUnavailable)
    assert "no answer to getState" in str(listener.error)


def test_a_drop_loses_nothing_when_the_session_is_resumed(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.happened(listener, 1)
        site.server.drop()
        assert isinstance(listener.ended_with(), VmsUnavailable)
    site.server.wait_until_left()
    for number in (2, 3):
        site.server.happen(event(number, ARM, f"userDefinedEvents/{ARM}"))
    site.clock.advance(20.0)
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        seen = listener.take(2)
    assert [told.at for told in seen if isinstance(told, EventSeen)] == [AT_TEN + 2, AT_TEN + 3]
    resumed = site.server.commands_of("startSession")[-1]
    assert (resumed["sessionId"], resumed["eventId"]) == ("session-1", "00000000-0000-4000-8000-000000000001")
    assert len(site.server.commands_of("addSubscription")) == 2, "subscriptions are kept"


def test_after_the_inactive_time_a_new_session_begins_and_missed_events_are_asked_for(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.happened(listener, 1)
    site.clock.advance(31.0)
    missed = [event(number, ARM, f"userDefinedEvents/{ARM}") for number in (3, 2, 1)]
    site.session.answers["/events"] = {"array": [*missed, event(1, OTHER, "cameras/x")]}
    with listening(site.source(since=AT_TEN + 1)) as listener:
        assert listener.next() == Linked()
        seen = listener.take(2)
    assert [told.at for told in seen if isinstance(told, EventSeen)] == [AT_TEN + 2, AT_TEN + 3]
    assert site.server.commands_of("startSession")[-1]["sessionId"] == ""


def test_a_session_that_the_server_forgot_begins_anew(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.happened(listener, 1)
    site.server.sessions.clear()
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        site.happened(listener, 2)
    assert len(site.server.commands_of("addSubscription")) == 4


def test_other_events_to_watch_begin_a_new_session(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.happened(listener, 1)
    del site.inventory.events[ARM]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
    assert site.server.commands_of("startSession")[-1]["sessionId"] == ""
    assert filters(site.server)[-1]["eventTypes"] == [DISARM]


def test_a_release_that_does_not_tell_the_inactive_time_is_resumed_within_thirty_seconds(site: EssSite) -> None:
    site.server.inactive_s = None
    with listening(site.source()) as listener:
        listener.next()
    site.clock.advance(29.0)
    with listening(site.source()) as listener:
        listener.next()
    assert site.server.commands_of("startSession")[-1]["sessionId"] == "session-1"


def test_missed_events_that_cannot_be_listed_are_logged_and_listening_goes_on(site: EssSite) -> None:
    site.session.answers["/events"] = 403
    with capture_logs() as logs, listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert site.happened(listener, 1).event == "Nuit"
    assert [entry["event"] for entry in logs] == ["missed_events_not_listed"]


def test_a_name_that_the_vms_does_not_know_is_logged_once_and_looked_for_by_each_link(site: EssSite) -> None:
    del site.inventory.events[ARM]
    with capture_logs() as logs:
        for _ in range(2):
            with listening(site.source()) as listener:
                listener.next()
        site.inventory.events[ARM] = "Nuit"
        with listening(site.source()) as listener:
            listener.next()
            assert site.happened(listener, 1).event == "Nuit"
    assert [(entry["event"], entry["event_name"]) for entry in logs] == [("control_event_unknown", "Nuit")]
    assert "vigie milestone setup" in logs[0]["remedy"]


def test_an_event_that_is_made_while_we_listen_is_subscribed_to_without_a_new_link(site: EssSite) -> None:
    del site.inventory.events[ARM]
    with listening(site.source()) as listener:
        listener.next()
        site.server.wait_for("getState")
        before = len(site.server.commands_of("addSubscription"))
        site.inventory.events[ARM] = "Nuit"
        site.clock.advance(31.0)
        site.server.wait_for("addSubscription", before + 1)
        assert site.happened(listener, 1).event == "Nuit"
        assert len(site.server.commands_of("startSession")) == 1


def test_a_subscription_that_fell_silent_is_found_by_asking_for_the_state(site: EssSite) -> None:
    site.server.states = [back(CAMERA, 1)]
    with listening(site.source()) as listener:
        listener.take(2)
        site.server.is_silent = True
        site.server.states = [lost(CAMERA, 2)]
        site.let_it_ask(2)
        eventually(lambda: listener.error is not None, lambda: site.clock.advance(1.0))
        assert isinstance(listener.ended_with(), ProtocolViolation)
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert listener.next() == CameraReported(
            device=CAMERA, is_lost=True, at=AT_TEN + 2, cause="communication stopped"
        )
    assert site.server.commands_of("startSession")[-1]["sessionId"] == "", "a silent session is not resumed"


def test_a_push_that_is_merely_late_is_no_silence(site: EssSite) -> None:
    site.server.states = [back(CAMERA, 1)]
    with listening(site.source()) as listener:
        listener.take(2)
        site.server.states = [lost(CAMERA, 2)]
        site.let_it_ask(2)
        site.server.happen(lost(CAMERA, 2))
        assert listener.next() == CameraReported(
            device=CAMERA, is_lost=True, at=AT_TEN + 2, cause="communication stopped"
        )
        site.let_it_ask(3)
        assert site.happened(listener, 3).at == AT_TEN + 3


def test_a_state_without_states_is_a_violation(site: EssSite) -> None:
    site.server.answers["getState"] = {"status": 200}
    with listening(site.source()) as listener:
        assert isinstance(listener.ended_with(), ProtocolViolation)


@pytest.fixture
def missed() -> dict[str, Any]:
    return {"array": [event(number, ARM, f"userDefinedEvents/{ARM}") for number in (3, 2)]}


def times(told: Sequence[ControlMessage]) -> list[float]:
    return [message.at for message in told if isinstance(message, EventSeen)]


def test_missed_events_that_nobody_lists_at_first_are_asked_for_again(site: EssSite, missed: dict[str, Any]) -> None:
    site.session.answers["/events"] = 503
    with capture_logs() as logs, listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert site.happened(listener, 900).at == AT_TEN + 900
        site.session.answers["/events"] = missed
        eventually(lambda: site.memory.unlisted_since is None, lambda: site.clock.advance(5.0))
        assert times(listener.take(2)) == [AT_TEN + 2, AT_TEN + 3]
    assert [entry["event"] for entry in logs] == ["missed_events_not_listed"]


def test_missed_events_are_asked_for_by_the_next_link_though_it_resumes_and_later_ones_were_told(
    site: EssSite, missed: dict[str, Any]
) -> None:
    site.session.answers["/events"] = 503
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert site.happened(listener, 900).at == AT_TEN + 900
        site.server.drop()
        listener.ended_with()
    site.server.wait_until_left()
    site.session.answers["/events"] = missed
    with listening(site.source(since=AT_TEN + 900)) as listener:
        assert listener.next() == Linked()
        assert times(listener.take(2)) == [AT_TEN + 2, AT_TEN + 3]
    assert site.server.commands_of("startSession")[-1]["sessionId"] == "session-1"


def test_a_camera_whose_id_is_mistyped_costs_only_its_own_states(site: EssSite) -> None:
    with listening(site.source(cameras=("quai 1", CAMERA))) as listener:
        assert listener.next() == Linked()
        assert site.happened(listener, 1).event == "Nuit"
    assert filters(site.server)[0]["sourceIds"] == [CAMERA]
