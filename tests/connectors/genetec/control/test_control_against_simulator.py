"""What comes back from Security Center, against the simulator."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.genetec.connector import GenetecConnector
from connectors.genetec.control.channels import EVENTS, VERDICTS
from core.clock import SystemClock
from core.errors import AuthenticationRefused, RequestInvalid, VmsRefused, VmsUnavailable
from core.services import Services
from core.types import Answer, CameraReported, ControlMessage, Delivery, EventSeen, VerdictGiven
from tests.connectors.genetec import samples
from tests.connectors.genetec.simulator.running import PASSWORD, Client, simulated
from tests.connectors.listener import Listener, listening

pytestmark = pytest.mark.slow

WITHIN_S = 2.0
NIGHT, DAY = "Vigie nuit", "Vigie jour"
CONTROL = [{"event": NIGHT, "state": "armed"}, {"event": DAY, "state": "off"}]
OPTIONS = ("--cameras", "2", "--keep-alive", "0.2", "--slow", "0.3")
EVENTS_OF_CONTROL = ("--control-event", f"6001:{NIGHT}", "--control-event", f"6002:{DAY}")


class Center:
    """A simulator, and a connector to it as the engine has one."""

    def __init__(self, client: Client, **given: Any) -> None:
        self.client = client
        secrets = {"password": PASSWORD, "app": client.extra("application_id")}
        values = {
            "url": client.announced.url,
            "ca": client.announced.ca,
            "publish": ["event"],
            "control": CONTROL,
            **given,
        }
        services = Services(
            clock=SystemClock(),
            secrets=lambda reference: secrets[reference.secret],  # type: ignore[attr-defined]
            site_dir=Path(),
        )
        self.connector = GenetecConnector(samples.settings(**values), services)
        self.camera = samples.CAMERA.model_copy(update={"device": client.camera})
        self.connector.start_front([self.camera])

    def listen(self, channel: str, since: float | None = None) -> Any:
        return listening(self.connector.open_control(channel, time.time() if since is None else since))

    def act(self, name: str, /, **order: Any) -> Any:
        answer = self.client.act(name, **order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def publish(self) -> str:
        """Raises our event, hence an alarm; returns the token."""
        alert_id = uuid4()
        alert = replace(samples.alert(captured_at=time.time()), alert_id=alert_id)
        delivery = replace(samples.delivery("event"), key=Delivery.derive_key(alert_id, "sc", "event"))
        self.connector.publish(delivery, alert, self.camera)
        return delivery.token


@contextmanager
def running(*options: str, **given: Any) -> Iterator[Center]:
    with simulated(*OPTIONS, *EVENTS_OF_CONTROL, *options) as client:
        center = Center(client, **given)
        yield center
        center.connector.close()


@pytest.fixture
def center() -> Iterator[Center]:
    with running() as found:
        yield found


def of_kind(listener: Listener, kind: type[ControlMessage]) -> Any:
    """The next message of a kind, past others."""
    while not isinstance(message := listener.next(), kind):
        pass
    return message


def test_a_custom_event_is_told_within_two_seconds(center: Center) -> None:
    with center.listen(EVENTS) as listener:
        listener.linked()
        acted = time.monotonic()
        center.act("trigger-event", name=NIGHT)
        told = of_kind(listener, EventSeen)
        assert time.monotonic() - acted <= WITHIN_S
        assert (told.event, abs(told.at - time.time()) < WITHIN_S) == (NIGHT, True)
        center.act("trigger-event", name=DAY, camera=center.client.camera)
        assert of_kind(listener, EventSeen).event == DAY


def test_what_was_triggered_since_is_told_at_the_link_and_what_was_told_is_not(center: Center) -> None:
    since = time.time()
    center.act("trigger-event", name=NIGHT)
    with center.listen(EVENTS, since) as listener:
        listener.linked()
        assert of_kind(listener, EventSeen).event == NIGHT
    center.act("trigger-event", name=DAY)
    with center.listen(EVENTS, since) as listener:
        listener.linked()
        assert of_kind(listener, EventSeen).event == DAY


def test_our_own_events_are_not_told(center: Center) -> None:
    with center.listen(EVENTS) as listener:
        listener.linked()
        center.publish()
        center.act("trigger-event", name=NIGHT)
        assert of_kind(listener, EventSeen).event == NIGHT


def test_a_camera_that_is_lost_and_found_is_told(center: Center) -> None:
    with center.listen(EVENTS) as listener:
        listener.linked()
        first = of_kind(listener, CameraReported)
        assert (first.device, first.is_lost) == (center.client.camera, False)
        center.act("lose-camera", camera=center.client.camera)
        lost = of_kind(listener, CameraReported)
        assert (lost.device, lost.is_lost, lost.cause) == (center.client.camera, True, "transmission lost")
        center.act("return-camera", camera=center.client.camera)
        assert not of_kind(listener, CameraReported).is_lost


def test_a_camera_that_was_lost_before_the_link_is_told_at_once(center: Center) -> None:
    center.act("lose-camera", camera=center.client.camera)
    with center.listen(EVENTS) as listener:
        listener.linked()
        assert of_kind(listener, CameraReported).is_lost


@pytest.mark.parametrize("terse", [(), ("--terse",)], ids=["talkative", "terse"])
@pytest.mark.parametrize(
    ("how", "answer"), [("default", Answer.TRUE), ("alternate", Answer.FALSE), ("forced", Answer.UNKNOWN)]
)
def test_an_acknowledgement_is_a_verdict_within_two_seconds(terse: tuple[str, ...], how: str, answer: Answer) -> None:
    with running(*terse) as center, center.listen(VERDICTS) as listener:
        listener.linked()
        token = center.publish()
        acted = time.monotonic()
        center.act("acknowledge-alarm", token=token, type=how, by="Anne")
        verdict = of_kind(listener, VerdictGiven)
        assert time.monotonic() - acted <= WITHIN_S
        assert (verdict.token, verdict.answer, verdict.by) == (token, answer, "Anne")
        assert abs(verdict.at - time.time()) < WITHIN_S


def test_an_acknowledgement_through_the_web_sdk_is_a_verdict_too(center: Center) -> None:
    with center.listen(VERDICTS) as listener:
        listener.linked()
        token = center.publish()
        center.client.ask("GET", "/alarm", f"AcknowledgeAlarm(1,{center.client.alarm},Nack)")
        verdict = of_kind(listener, VerdictGiven)
        assert (verdict.token, verdict.answer) == (token, Answer.FALSE)


def test_a_verdict_given_while_nobody_listened_is_told_at_the_link(center: Center) -> None:
    since = time.time()
    token = center.publish()
    center.act("close-alarm", token=token, state="Closed", reason="False alarm", by="Anne")
    with center.listen(VERDICTS, since) as listener:
        listener.linked()
        verdict = of_kind(listener, VerdictGiven)
        assert (verdict.token, verdict.answer, verdict.by) == (token, Answer.FALSE, "Anne")


def test_one_given_unseen_on_a_site_that_hides_how_is_an_unknown_verdict() -> None:
    with running("--terse") as center:
        since = time.time() - 10
        token = center.publish()
        center.act("acknowledge-alarm", token=token, type="alternate")
        with center.listen(VERDICTS, since) as listener:
            listener.linked()
            verdict = of_kind(listener, VerdictGiven)
            assert (verdict.token, verdict.answer) == (token, Answer.UNKNOWN)


def test_each_of_several_alarms_gets_its_own_verdict_even_where_they_do_not_show_the_event() -> None:
    with running("--terse") as center, center.listen(VERDICTS) as listener:
        listener.linked()
        tokens = [center.publish() for _ in range(3) if not threading.Event().wait(0.12)]
        for token, how in zip(tokens, ("alternate", "default", "alternate"), strict=True):
            center.act("acknowledge-alarm", token=token, type=how)
            threading.Event().wait(0.02)
        verdicts = {verdict.token: verdict.answer for verdict in (of_kind(listener, VerdictGiven) for _ in tokens)}
    assert [verdicts[token] for token in tokens] == [Answer.FALSE, Answer.TRUE, Answer.FALSE]


def test_an_automatic_acknowledgement_says_nothing(center: Center) -> None:
    delay = f"entity={center.client.alarm},AutoAcknowledgmentDelay=00:00:01"
    center.client.ask("POST", "/entity", delay)
    with center.listen(VERDICTS) as listener:
        listener.linked()
        token = center.publish()
        threading.Event().wait(1.1)
        center.client.ask("GET", "/activealarms")
        verdict = of_kind(listener, VerdictGiven)
        assert (verdict.token, verdict.answer, verdict.by) == (token, Answer.UNKNOWN, "")


def test_alarms_of_others_are_no_verdicts(center: Center) -> None:
    with center.listen(VERDICTS) as listener:
        listener.linked()
        center.client.ask("GET", "/alarm", f"TriggerAlarm({center.client.alarm})")
        center.act("acknowledge-alarm", id=1)
        token = center.publish()
        center.act("acknowledge-alarm", token=token)
        assert of_kind(listener, VerdictGiven).token == token


@pytest.mark.parametrize("channel", [EVENTS, VERDICTS])
def test_a_dropped_stream_recovers_and_closes_at_once_from_another_thread(center: Center, channel: str) -> None:
    with center.listen(channel) as listener:
        listener.linked()
        assert center.act("drop-streams") == {"streams": 1}
        assert isinstance(listener.ended_with(), VmsUnavailable)
    with center.listen(channel) as listener:
        listener.linked()
        started = time.monotonic()
        listener.source.close()
        assert listener.ended_with() is None
        assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("outcome", ["503", "drop"])
def test_a_stream_that_fails_at_once_may_come_back(center: Center, outcome: str) -> None:
    center.client.order("stream", outcome)
    with center.listen(EVENTS) as listener:
        error = listener.ended_with()
    assert isinstance(error, VmsUnavailable)
    with center.listen(EVENTS) as listener:
        listener.linked()


def test_a_slow_stream_tells_all_the_same(center: Center) -> None:
    center.client.order("stream", "slow")
    with center.listen(EVENTS) as listener:
        listener.linked()
        center.act("trigger-event", name=NIGHT)
        assert of_kind(listener, EventSeen).event == NIGHT


def test_a_stream_that_is_silent_counts_as_dead_after_a_while(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(center.connector._control.streams, "_silence_s", 0.3)
    center.client.order("stream", "silent")
    with center.listen(EVENTS) as listener:
        listener.linked()
        assert isinstance(listener.ended_with(), VmsUnavailable)


def test_what_a_mute_stream_does_not_tell_the_reports_do(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.genetec.control.stream_source.SWEEP_S", 0.3)
    center.client.order("stream", "mute")
    with center.listen(EVENTS) as listener:
        listener.linked()
        center.act("trigger-event", name=NIGHT)
        assert of_kind(listener, EventSeen).event == NIGHT


def test_what_happens_while_the_role_is_away_is_told_once_it_is_back(center: Center) -> None:
    since = time.time()
    with center.listen(EVENTS, since) as listener:
        listener.linked()
        center.act("role-restart", seconds=0.5)
        assert isinstance(listener.ended_with(), VmsUnavailable)
    center.act("trigger-event", name=DAY)
    assert _first_event(center, since).event == DAY


def _first_event(center: Center, since: float) -> EventSeen:
    """Tries as the engine does, until an event is told."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        source = center.connector.open_control(EVENTS, since)
        try:
            return next(message for message in source.messages() if isinstance(message, EventSeen))
        except VmsUnavailable:
            threading.Event().wait(0.05)
        finally:
            source.close()
    raise AssertionError("the role never came back")


def test_a_role_that_streams_on_its_main_port_serves_too() -> None:
    with running("--no-stream-redirect") as center, center.listen(EVENTS) as listener:
        listener.linked()


@pytest.mark.parametrize(("plan", "outcome"), [("auth", "403"), ("licence", "missing")])
def test_a_refused_account_is_for_a_person(center: Center, plan: str, outcome: str) -> None:
    center.client.order(plan, outcome, repeat=True)
    with center.listen(VERDICTS) as listener:
        error = listener.ended_with()
    assert isinstance(error, AuthenticationRefused)
    assert "licence" in error.remedy


def test_a_second_user_without_a_licence_is_told_to_a_person() -> None:
    with running("--extra-user", "other=secret") as center:
        other = center.client.send("GET", "/", auth=(f"other;{center.client.extra('application_id')}", "secret"))
        assert other.status_code == 200
        with center.listen(EVENTS) as listener:
            assert isinstance(listener.ended_with(), AuthenticationRefused)


def test_an_event_that_security_center_does_not_have_is_no_reason_to_stay_deaf() -> None:
    control = [*CONTROL, {"event": "Unknown", "state": "off"}]
    with running(control=control) as center, center.listen(EVENTS) as listener:
        listener.linked()
        center.act("trigger-event", name=NIGHT)
        assert of_kind(listener, EventSeen).event == NIGHT


def test_channels_are_only_those_that_can_tell_something(center: Center) -> None:
    assert center.connector.control_channels() == (EVENTS, VERDICTS)
    direct = Center(center.client, publish=["alarm"], alarm_route="direct", alarm=center.client.alarm)
    assert direct.connector.control_channels() == (EVENTS,)
    with pytest.raises(RequestInvalid):
        center.connector.open_control("gossip", 0.0)


def test_a_redirect_to_another_host_is_not_followed(center: Center) -> None:
    url = center.client.announced.url.replace("127.0.0.1", "localhost")
    with Center(center.client, url=url).listen(EVENTS) as listener:
        error = listener.ended_with()
    assert isinstance(error, VmsRefused)
    assert "hosts" in error.remedy
    with Center(center.client, url=url, hosts=["127.0.0.1"]).listen(EVENTS) as listener:
        listener.linked()
