"""What comes back from XProtect, against the simulator, which others wrote from the same notes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.milestone.connector import MilestoneConnector
from connectors.milestone.control.channels import CHANNELS, EVENTS, VERDICTS
from core.errors import AuthenticationRefused, RequestInvalid, VmsRefused, VmsUnavailable
from core.types import Answer, CameraReported, EventSeen, Linked, VerdictGiven
from tests.connectors.listener import Listener, listening
from tests.connectors.milestone.simulator.running import Running
from tests.connectors.milestone.sites import connect, running_site, write_clip
from tests.connectors.milestone.support import alert, camera, delivery

pytestmark = pytest.mark.slow

WITHIN_S = 2.0
NIGHT, DAY = "Vigie nuit", "Vigie jour"
CONTROL = [{"event": NIGHT, "state": "armed"}, {"event": DAY, "state": "off"}]
OPTIONS = ("--event-retention-days", "1", "--user-defined-event", NIGHT, "--user-defined-event", DAY)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def site(clip: Path) -> Iterator[Running]:
    with running_site(clip, *OPTIONS) as running:
        yield running


class Client:
    """A connector, and alarms that it made."""

    def __init__(self, site: Running, **changes: Any) -> None:
        self.connector: MilestoneConnector = connect(site, **{"control": CONTROL, **changes})
        self.connector.start_front([camera(device=site.camera)])
        self.camera = camera(device=site.camera)
        self.alert = alert(captured_at=time.time() - 30, started_at=time.time() - 32)

    def listen(self, channel: str, since: float | None = None) -> Any:
        return listening(self.connector.open_control(channel, time.time() if since is None else since))

    def publish(self, action: str) -> str:
        """Makes it; returns the token."""
        made = delivery(action)
        self.connector.publish(made, self.alert, self.camera)
        return made.token


def linked(listener: Listener) -> list[CameraReported]:
    """Waits for the link and for the first state of the one camera."""
    assert listener.next() == Linked()
    first = listener.next()
    assert isinstance(first, CameraReported)
    return [first]


def test_a_triggered_event_is_told_within_two_seconds(site: Running) -> None:
    with Client(site).listen(EVENTS) as listener:
        assert [report.is_lost for report in linked(listener)] == [False]
        acted = time.monotonic()
        site.act("trigger-event", name=NIGHT)
        told = listener.next()
        assert time.monotonic() - acted <= WITHIN_S
        assert isinstance(told, EventSeen)
        assert told.event == NIGHT
        assert told.event_id
        site.act("trigger-event", name=DAY, camera=site.camera)
        assert isinstance(after := listener.next(), EventSeen)
        assert after.event == DAY


def test_a_camera_that_is_lost_and_found_is_told(site: Running) -> None:
    with Client(site).listen(EVENTS) as listener:
        linked(listener)
        site.act("lose-camera", camera=site.camera)
        gone = listener.next()
        assert isinstance(gone, CameraReported)
        assert (gone.device, gone.is_lost) == (site.camera, True)
        site.act("return-camera", camera=site.camera)
        found = listener.next()
        assert isinstance(found, CameraReported)
        assert not found.is_lost


def test_a_drop_loses_no_event(site: Running) -> None:
    client = Client(site)
    site.order("ess", "recycle")
    with client.listen(EVENTS) as listener:
        assert isinstance(listener.ended_with(), VmsUnavailable)
    with client.listen(EVENTS) as listener:
        linked(listener)
        site.act("trigger-event", name=NIGHT)
        first = listener.next()
    site.act("trigger-event", name=DAY)
    with client.listen(EVENTS) as listener:
        told = [message for message in listener.take(3) if isinstance(message, EventSeen)]
    assert isinstance(first, EventSeen)
    assert [seen.event for seen in told] == [DAY]


def first_event(client: Client, since: float) -> EventSeen:
    """Tries as the engine does, until an event is told."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        source = client.connector.open_control(EVENTS, since)
        try:
            return next(message for message in source.messages() if isinstance(message, EventSeen))
        except VmsUnavailable:
            time.sleep(0.05)
        finally:
            source.close()
    raise AssertionError("the gateway never came back")


@pytest.mark.slow
def test_an_event_while_the_gateway_recycles_is_told(site: Running) -> None:
    client = Client(site)
    since = time.time()
    with client.listen(EVENTS, since) as listener:
        linked(listener)
        site.order("gateway-recycle", "now")
        assert isinstance(listener.ended_with(), VmsUnavailable)
    site.act("trigger-event", name=DAY)
    assert first_event(client, since).event == DAY


def test_what_was_triggered_before_the_first_link_is_told_where_xprotect_stored_it(site: Running) -> None:
    since = time.time()
    site.act("trigger-event", name=NIGHT)
    with Client(site).listen(EVENTS, since) as listener:
        assert listener.next() == Linked()
        told = listener.next()
    assert isinstance(told, EventSeen)
    assert told.event == NIGHT


@pytest.mark.parametrize(("outcome", "kind"), [("503", VmsUnavailable), ("malformed", VmsUnavailable)])
def test_a_gateway_that_fails_is_told_as_one_that_may_come_back(
    site: Running, outcome: str, kind: type[Exception]
) -> None:
    site.order("ess", outcome)
    client = Client(site)
    with client.listen(EVENTS) as listener:
        error = listener.ended_with()
    assert error is not None
    assert error.recovers
    with client.listen(EVENTS) as listener:
        linked(listener)


def test_a_refused_token_is_renewed(site: Running) -> None:
    client = Client(site)
    client.connector.list_cameras()
    site.order("ess", "401")
    with client.listen(EVENTS) as listener:
        linked(listener)
    site.order("ess", "401", "401")
    with client.listen(EVENTS) as listener:
        assert isinstance(listener.ended_with(), AuthenticationRefused)


ROUTES = [
    pytest.param("alarm", {"alarm_route": "soap"}, id="alarm by SOAP"),
    pytest.param("alarm", {"alarm_route": "rest"}, id="alarm by REST"),
]


@pytest.mark.parametrize(("action", "changes"), ROUTES)
def test_a_verdict_is_told_within_two_seconds(site: Running, action: str, changes: dict[str, Any]) -> None:
    client = Client(site, **changes)
    with client.listen(VERDICTS) as listener:
        assert listener.next() == Linked()
        token = client.publish(action)
        acted = time.monotonic()
        site.act("close-alarm", token=token, reason="False alarm", comment="un chat", by="martin")
        told = listener.next()
        assert time.monotonic() - acted <= WITHIN_S
    assert isinstance(told, VerdictGiven)
    assert replace(told, at=0.0) == VerdictGiven(
        token=token, answer=Answer.FALSE, at=0.0, by="martin", comment="un chat"
    )
    assert abs(told.at - time.time()) < 10.0


def test_a_verdict_on_an_alarm_that_a_definition_made_of_an_event_is_told(site: Running) -> None:
    (event,) = site.rest("GET", "/analyticsEvents").json()["array"]
    definition = {
        "name": "Vigie",
        "eventTypeGroup": "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4",
        "eventType": event["id"],
        "sourceList": [{"type": "cameras", "id": site.camera}],
        "enableRule": "0",
        "priority": "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75",
    }
    assert site.rest("POST", "/alarmDefinitions", json=definition).status_code == 201
    client = Client(site)
    with client.listen(VERDICTS) as listener:
        assert listener.next() == Linked()
        token = client.publish("event")
        site.act("close-alarm", token=token, reason="True alarm")
        told = listener.next()
    assert isinstance(told, VerdictGiven)
    assert (told.token, told.answer) == (token, Answer.TRUE)


def test_a_verdict_given_while_nobody_listened_is_told(site: Running) -> None:
    client = Client(site)
    since = time.time()
    token = client.publish("alarm")
    site.act("close-alarm", token=token, category="True alarm")
    with client.listen(VERDICTS, since) as listener:
        assert listener.next() == Linked()
        told = listener.next()
    assert isinstance(told, VerdictGiven)
    assert told.answer is Answer.TRUE


def test_a_verdict_is_told_after_the_event_server_forgot_the_session(site: Running) -> None:
    client = Client(site)
    since = time.time()
    with client.listen(VERDICTS, since) as listener:
        listener.next()
        token = client.publish("alarm")
        site.order("alarm-session", "lost")
        assert isinstance(listener.ended_with(), VmsUnavailable)
    site.act("close-alarm", token=token)
    with client.listen(VERDICTS, since) as listener:
        assert isinstance(listener.take(2)[1], VerdictGiven)


def test_an_acknowledged_alarm_has_no_verdict_until_it_is_closed(site: Running) -> None:
    client = Client(site)
    with client.listen(VERDICTS) as listener:
        listener.next()
        token = client.publish("alarm")
        site.act("acknowledge-alarm", token=token)
        site.act("close-alarm", token=token)
        told = listener.next()
    assert isinstance(told, VerdictGiven)
    assert told.answer is Answer.UNKNOWN


def test_without_the_alarm_service_verdicts_come_by_rest(site: Running) -> None:
    client = Client(site, alarm_server="127.0.0.1:9", alarm_route="rest")
    with client.listen(VERDICTS) as listener:
        assert listener.next() == Linked()
        token = client.publish("alarm")
        acted = time.monotonic()
        site.act("close-alarm", token=token, reason="Fausse alarme")
        told = listener.next()
        assert time.monotonic() - acted <= WITHIN_S
    assert isinstance(told, VerdictGiven)
    assert told.answer is Answer.FALSE


@pytest.mark.parametrize("release", ["2022R1", "2021R1"])
def test_a_release_without_the_websocket_tells_events_by_the_alarm_service(clip: Path, release: str) -> None:
    with running_site(clip, *OPTIONS, "--release", release) as site, Client(site).listen(EVENTS) as listener:
        assert listener.next() == Linked()
        acted = time.monotonic()
        site.act("trigger-event", name=NIGHT)
        told = listener.next()
        assert time.monotonic() - acted <= WITHIN_S
        assert isinstance(told, EventSeen)
        assert told.event == NIGHT


@pytest.mark.parametrize("release", ["2021R1", "2023R3"])
def test_verdicts_come_in_every_age(clip: Path, release: str) -> None:
    with running_site(clip, *OPTIONS, "--release", release) as site:
        client = Client(site)
        with client.listen(VERDICTS) as listener:
            assert listener.next() == Linked()
            token = client.publish("alarm")
            site.act("close-alarm", token=token, reason="True alarm")
            told = listener.next()
    assert isinstance(told, VerdictGiven)
    assert told.answer is Answer.TRUE


def test_a_release_without_resume_time_is_resumed_too(clip: Path) -> None:
    with running_site(clip, *OPTIONS, "--release", "2023R3") as site:
        client = Client(site)
        with client.listen(EVENTS) as listener:
            linked(listener)
        site.act("trigger-event", name=NIGHT)
        with client.listen(EVENTS) as listener:
            assert any(isinstance(message, EventSeen) for message in listener.take(3))


def test_a_channel_that_is_not_there_is_refused(site: Running) -> None:
    client = Client(site)
    assert client.connector.control_channels() == CHANNELS
    with pytest.raises(RequestInvalid, match="no control channel"):
        client.connector.open_control("chat", 0.0)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_wrong_password_is_told(site: Running, channel: str) -> None:
    wrong = connect(site, password="wrong", control=CONTROL)
    with listening(wrong.open_control(channel, 0.0)) as listener:
        assert isinstance(listener.ended_with(), VmsRefused)
