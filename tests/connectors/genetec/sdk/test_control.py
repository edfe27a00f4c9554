from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue

import pytest

from connectors.genetec.sdk.connector import GenetecSdkConnector
from connectors.genetec.sdk.control import EVENTS, VERDICTS, answer_of
from connectors.genetec.settings import AcknowledgementSettings
from core.clock import SystemClock
from core.contracts import ControlSource
from core.errors import VmsError, VmsUnavailable
from core.types import Answer, ControlMessage, EventSeen, Linked, VerdictGiven
from tests.connectors.genetec import samples
from tests.connectors.genetec.sdk.center import ALICE, CAMERA, Center, until
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S
from tests.connectors.genetec.sdk.test_bridge import KILL, answers, child_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 60)]

PROMPT_S = 2.0


class Heard:
    """What a source says, from a thread of its own."""

    def __init__(self, source: ControlSource) -> None:
        self._told: Queue[ControlMessage | VmsError | None] = Queue()
        self._source = source
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for message in self._source.messages():
                self._told.put(message)
            self._told.put(None)
        except VmsError as error:
            self._told.put(error)

    def next(self, within_s: float = 15.0) -> ControlMessage | VmsError | None:
        return self._told.get(timeout=within_s)


@contextmanager
def listening(connector: GenetecSdkConnector, channel: str, since: float) -> Iterator[Heard]:
    source = connector.open_control(channel, since)
    try:
        yield Heard(source)
    finally:
        source.close()


def triggered(connector: GenetecSdkConnector) -> str:
    now = SystemClock().utc()
    delivery = samples.delivery("alarm")
    connector.publish(delivery, samples.alert(captured_at=now), CAMERA)
    return delivery.token


@pytest.mark.parametrize(("kind", "answer"), [("Ack", Answer.TRUE), ("Nack", Answer.FALSE)])
def test_an_acknowledgement_becomes_a_verdict_at_once(center: Center, kind: str, answer: Answer) -> None:
    connector = center.connector()
    token = triggered(connector)
    with listening(connector, VERDICTS, SystemClock().utc() - 60) as heard:
        assert heard.next() == Linked()
        center.order("acknowledge", 1, kind, ALICE)
        verdict = heard.next(PROMPT_S)
    assert isinstance(verdict, VerdictGiven)
    assert (verdict.token, verdict.answer, verdict.by) == (token, answer, "Alice")


def test_a_custom_event_is_seen_at_once_and_those_of_other_names_are_not(center: Center) -> None:
    connector = center.connector()
    with listening(connector, EVENTS, SystemClock().utc()) as heard:
        assert heard.next() == Linked()
        center.order("event", "Other", CAMERA.device)
        center.order("event", "Vigie off", CAMERA.device)
        seen = heard.next(PROMPT_S)
    assert isinstance(seen, EventSeen)
    assert seen.event == "Vigie off"
    assert abs(seen.at - SystemClock().utc()) < 10


def test_what_was_acknowledged_while_nobody_listened_is_told_and_old_acknowledgements_are_not(center: Center) -> None:
    connector = center.connector()
    token = triggered(connector)
    center.do("acknowledge", 1, "Ack", ALICE)
    with listening(connector, VERDICTS, SystemClock().utc() - 30) as heard:
        assert heard.next() == Linked()
        verdict = heard.next()
        assert isinstance(verdict, VerdictGiven)
        assert verdict.token == token
    with listening(connector, VERDICTS, SystemClock().utc() + 60) as heard:
        assert heard.next() == Linked()
        with pytest.raises(Empty):
            heard.next(0.3)


def kill(center: Center, connector: GenetecSdkConnector) -> None:
    os.kill(child_of(connector).pid, KILL)


def disconnect(center: Center, connector: GenetecSdkConnector) -> None:
    center.order("disconnect", 300)


@pytest.mark.parametrize("trouble", [kill, disconnect])
@pytest.mark.parametrize("channel", [EVENTS, VERDICTS])
def test_a_channel_through_which_something_may_be_missed_ends_with_an_error_that_recovers(
    center: Center, channel: str, trouble: Callable[[Center, GenetecSdkConnector], None]
) -> None:
    connector = center.connector()
    with listening(connector, channel, SystemClock().utc()) as heard:
        assert heard.next() == Linked()
        trouble(center, connector)
        assert isinstance(heard.next(), VmsUnavailable)
    until(lambda: answers(connector), "the bridge is back")
    with listening(connector, channel, SystemClock().utc()) as heard:
        assert heard.next() == Linked()


@pytest.mark.parametrize(
    ("told", "answer"),
    [("Ack", Answer.TRUE), ("Nack", Answer.FALSE), ("ForceAck", Answer.UNKNOWN), ("", Answer.UNKNOWN)],
)
def test_each_way_of_acknowledging_says_what_the_settings_say(told: str, answer: Answer) -> None:
    assert answer_of(told, AcknowledgementSettings()) is answer
