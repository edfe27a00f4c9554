from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.connectors.milestone.simulator.running import Running, event_xml
from tests.connectors.milestone.simulator.soap.test_server_command import _create

pytestmark = pytest.mark.slow


def _event(simulator: Running) -> requests.Response:
    return simulator.post_event(event_xml(simulator.camera))


def _alarm(simulator: Running) -> requests.Response:
    return simulator.rest("POST", "/alarms", json={"name": "n", "message": "m", "source": simulator.camera})


def _bookmark(simulator: Running) -> requests.Response:
    times = {
        "timeBegin": "2025-11-20T10:00:00Z",
        "timeTriggered": "2025-11-20T10:00:01Z",
        "timeEnd": "2025-11-20T10:00:02Z",
    }
    path = {"devicePath": {"type": "cameras", "id": simulator.camera}}
    return simulator.rest("POST", "/bookmarks", json={"header": "h", **times, **path})


def _soap_bookmark(simulator: Running) -> requests.Response:
    return simulator.soap("BookmarkCreate", _create("", simulator.camera), service="OAuth")


def _rest_event(simulator: Running) -> requests.Response:
    event_type = simulator.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
    return simulator.rest("POST", "/events", json={"type": event_type})


PUBLISHING = pytest.mark.parametrize(
    ("publish", "kind"),
    [
        (_event, "event"),
        (_rest_event, "event"),
        (_alarm, "alarm"),
        (_bookmark, "bookmark"),
        (_soap_bookmark, "bookmark"),
    ],
)
Publish = Callable[[Running], requests.Response]


@PUBLISHING
def test_503_has_no_effect(simulator: Running, publish: Publish, kind: str) -> None:
    before = len(simulator.ledger(kind))
    simulator.order("publish", "503")
    assert publish(simulator).status_code == 503
    assert len(simulator.ledger(kind)) == before
    assert publish(simulator).ok
    assert len(simulator.ledger(kind)) == before + 1


@PUBLISHING
@pytest.mark.parametrize(("outcome", "records"), [("drop", 0), ("accept-then-drop", 1)])
def test_a_cut_connection_tells_the_sender_nothing_of_the_effect(
    simulator: Running, publish: Publish, kind: str, outcome: str, records: int
) -> None:
    before = len(simulator.ledger(kind))
    simulator.order("publish", outcome)
    with pytest.raises(requests.ConnectionError):
        publish(simulator)
    assert len(simulator.ledger(kind)) == before + records


@PUBLISHING
def test_slow_has_its_effect_before_the_late_reply(simulator: Running, publish: Publish, kind: str) -> None:
    before = len(simulator.ledger(kind))
    simulator.order("publish", "slow")
    answer = publish(simulator)
    assert answer.ok
    assert answer.elapsed.total_seconds() >= 0.2
    assert len(simulator.ledger(kind)) == before + 1


def test_one_plan_covers_all_ways_to_publish_and_nothing_else(simulator: Running) -> None:
    simulator.order("publish", "503", "ok", "503")
    assert simulator.rest("GET", "/alarms").ok
    answers = [_event(simulator), _alarm(simulator), _bookmark(simulator)]
    assert [answer.status_code for answer in answers] == [503, 202, 503]


def test_a_request_without_a_valid_token_takes_no_outcome(simulator: Running) -> None:
    simulator.order("publish", "503")
    assert simulator.send("POST", "/api/rest/v1/alarms", json={}).status_code == 401
    assert _alarm(simulator).status_code == 503
