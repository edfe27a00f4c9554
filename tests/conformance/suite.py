"""What every connector must do, whatever its VMS: the same tests on each of them.

A connector's test module subclasses ``ConnectorConformance`` and gives a ``subject`` fixture.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import av
import pytest

from config.model import CameraSettings
from core.clock import SystemClock
from core.contracts import Capability, ControlSource, VideoSource, VmsConnector
from core.errors import NotYetTaken, VmsError
from core.types import (
    Alert,
    AlertObject,
    Box,
    Delivery,
    DeliveryState,
    EventSeen,
    FindingLevel,
    Linked,
    Packet,
    Priority,
    RuleState,
    VerdictGiven,
)

PATIENCE_S = 20.0
CLOSING_S = 0.1
FETCH_LOOK_S = 0.02
CAPTURE_TOLERANCE_S = 10.0
"""A live stream starts with its buffered group of pictures, which is older than now."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A connector against a running VMS, and how to look into that VMS."""

    connector: VmsConnector
    unreachable: VmsConnector
    """The same connector for a VMS that nobody answers for."""
    camera: CameraSettings
    records: Callable[[str], Sequence[str]]
    """Texts of the records of one kind that the VMS accepted."""


def an_alert(camera: CameraSettings) -> Alert:
    now = SystemClock().utc()
    box = Box(left=0.4, top=0.3, right=0.5, bottom=0.8)
    return Alert(
        alert_id=uuid4(),
        camera_id=camera.id,
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone réservée <A> & “B”",
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=now,
        started_at=now - 2.0,
        objects=(AlertObject(track_id=7, label="person", score=0.91, box=box),),
        zone=((0.3, 0.2), (0.8, 0.2), (0.8, 1.0)),
    )


def a_delivery(alert: Alert, action: str) -> Delivery:
    return Delivery(
        key=Delivery.derive_key(alert.alert_id, "vms", action),
        alert_id=alert.alert_id,
        camera_id=alert.camera_id,
        vms_id="vms",
        action=action,
        state=DeliveryState.SENDING,
        attempts=1,
    )


@contextmanager
def closing_after(source: VideoSource | ControlSource, seconds: float) -> Iterator[None]:
    """No test waits for a stream longer than this."""
    timer = threading.Timer(seconds, source.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        source.close()


def take(source: VideoSource, count: int) -> list[Packet]:
    packets: list[Packet] = []
    with closing_after(source, PATIENCE_S):
        for packet in source.packets():
            packets.append(packet)
            if len(packets) >= count:
                break
    return packets


def decoded(packets: Sequence[Packet]) -> int:
    codec = av.CodecContext.create(packets[0].codec, "r")
    assert isinstance(codec, av.VideoCodecContext)
    codec.extradata = packets[0].extradata or None
    return sum(len(codec.decode(av.Packet(packet.data))) for packet in packets) + len(codec.decode(None))


def published(subject: Subject, delivery: Delivery, alert: Alert) -> None:
    """Until the VMS has it: one that fetches by itself takes its time."""
    try:
        subject.connector.publish(delivery, alert, subject.camera)
    except NotYetTaken:
        until = time.monotonic() + PATIENCE_S
        while not _is_found(subject, delivery, alert):
            assert time.monotonic() < until, "the VMS did not fetch it"
            time.sleep(FETCH_LOOK_S)


def _is_found(subject: Subject, delivery: Delivery, alert: Alert) -> bool:
    try:
        return subject.connector.find(delivery, alert, subject.camera) is not None
    except NotYetTaken:
        return False


class ConnectorConformance:
    """The duties written in ``core.contracts.VmsConnector``."""

    def test_it_lists_the_camera_that_the_settings_name(self, subject: Subject) -> None:
        assert subject.camera.device.lower() in {found.device.lower() for found in subject.connector.list_cameras()}

    def test_its_video_starts_with_a_key_frame_decodes_and_carries_the_recorders_time(self, subject: Subject) -> None:
        packets = take(subject.connector.open_video(subject.camera), 30)
        assert packets[0].is_key
        assert decoded(packets) >= 28
        times = [packet.captured_at for packet in packets]
        assert times == sorted(times)
        assert abs(SystemClock().utc() - times[-1]) < CAPTURE_TOLERANCE_S

    def test_closing_from_another_thread_ends_the_packets(self, subject: Subject) -> None:
        source = subject.connector.open_video(subject.camera)
        started = threading.Event()

        def read() -> None:
            for _ in source.packets():
                started.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        assert started.wait(PATIENCE_S)
        source.close()
        reader.join(PATIENCE_S)
        assert not reader.is_alive()

    def test_each_action_arrives_once_with_its_key(self, subject: Subject) -> None:
        alert = an_alert(subject.camera)
        for action in subject.connector.actions():
            delivery = a_delivery(alert, action)
            published(subject, delivery, alert)
            arrived = [text for text in subject.records(action) if delivery.token in text or str(delivery.key) in text]
            assert len(arrived) == 1, action

    def test_it_finds_what_it_published_and_nothing_else(self, subject: Subject) -> None:
        for action in sorted(subject.connector.askable):
            alert = an_alert(subject.camera)
            delivery = a_delivery(alert, action)
            assert subject.connector.find(delivery, alert, subject.camera) is None
            published(subject, delivery, alert)
            assert subject.connector.find(delivery, alert, subject.camera) is not None

    def test_what_it_says_can_be_asked_it_also_publishes(self, subject: Subject) -> None:
        assert subject.connector.askable <= set(subject.connector.actions())
        assert {Capability.VIDEO, Capability.PUBLISH} <= subject.connector.capabilities

    def test_its_check_is_content_with_a_good_site(self, subject: Subject) -> None:
        findings = subject.connector.check([subject.camera])
        assert [finding for finding in findings if finding.level is FindingLevel.FAILURE] == []

    def test_its_check_names_a_camera_that_the_vms_does_not_have(self, subject: Subject) -> None:
        unknown = subject.camera.model_copy(update={"id": "ghost", "device": "99999999-0000-4000-8000-000000000099"})
        failures = [finding for finding in subject.connector.check([unknown]) if finding.level is FindingLevel.FAILURE]
        assert any("ghost" in f"{finding.subject} {finding.message}" for finding in failures)

    def test_a_vms_that_nobody_answers_for_is_an_error_that_recovers(self, subject: Subject) -> None:
        alert = an_alert(subject.camera)
        with pytest.raises(VmsError) as raised:
            subject.unreachable.publish(a_delivery(alert, subject.unreachable.actions()[0]), alert, subject.camera)
        assert raised.value.recovers

    def test_its_check_never_raises_and_says_why_nobody_answers(self, subject: Subject) -> None:
        findings = subject.unreachable.check([subject.camera])
        failures = [finding for finding in findings if finding.level is FindingLevel.FAILURE]
        assert failures
        assert all(finding.message for finding in failures)

    def test_each_control_channel_links_and_ends_when_closed_from_another_thread(self, subject: Subject) -> None:
        for channel in subject.connector.control_channels():
            source = subject.connector.open_control(channel, SystemClock().utc())
            with closing_after(source, PATIENCE_S):
                messages = source.messages()
                assert next(messages) == Linked()
                threading.Timer(CLOSING_S, source.close).start()
                told = list(messages)
                assert not any(isinstance(message, VerdictGiven | EventSeen) for message in told)

    def test_a_control_channel_of_a_vms_that_nobody_answers_for_is_an_error_that_recovers(
        self, subject: Subject
    ) -> None:
        for channel in subject.unreachable.control_channels():
            with pytest.raises(VmsError) as raised:
                list(subject.unreachable.open_control(channel, SystemClock().utc()).messages())
            assert raised.value.recovers

    def test_closing_twice_is_harmless(self, subject: Subject) -> None:
        subject.unreachable.close()
        subject.unreachable.close()
