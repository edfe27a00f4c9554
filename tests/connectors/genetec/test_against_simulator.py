"""The connector against the simulated Security Center, which was written by others from the same public facts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import av
import pytest

from config.model import CameraSettings
from connectors.genetec.connector import GenetecConnector
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.certificates import SiteAuthority
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ReplyLost,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Alert, Delivery, FindingLevel, Packet, Receipt
from tests.connectors.genetec import samples
from tests.connectors.genetec.center import REPORT_LIMIT, Center, running_center

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    with running_center(tmp_path_factory.mktemp("center")) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_fault_stays(center: Center) -> Iterator[None]:
    yield
    for name in ("publish", "video"):
        center.process.set_fault(name, [])


def new_alert() -> Alert:
    return replace(samples.alert("Porte #3 (nord), {a}=b* \\ é", captured_at=time.time() - 2.0), alert_id=uuid4())


def of(alert: Alert, action: str) -> Delivery:
    key = Delivery.derive_key(alert.alert_id, "sc", action)
    return replace(samples.delivery(action), key=key, alert_id=alert.alert_id)


def test_its_cameras_are_listed(center: Center) -> None:
    listed = [(camera.device, camera.name) for camera in center.connector().list_cameras()]
    assert listed == [(camera["device"], camera["name"]) for camera in center.announced["cameras"]]


def test_its_video_is_decodable_and_bears_the_recorders_time(center: Center) -> None:
    source = center.connector().open_video(center.camera)
    packets: list[Packet] = list(itertools.islice(source.packets(), 20))
    assert source.time_source is TimeSource.RECORDER
    assert time.time() - packets[-1].captured_at == pytest.approx(0.5, abs=0.6)
    assert packets[0].is_key
    decoder = av.CodecContext.create(packets[0].codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = packets[0].extradata
    pictures = [picture for packet in packets for picture in decoder.decode(av.Packet(packet.data))]
    pictures += decoder.decode(None)
    assert len(pictures) == len(packets)


def test_an_alert_becomes_one_event_one_alarm_by_event_to_action_and_one_bookmark(center: Center) -> None:
    vms, alert = center.connector(), new_alert()
    for action in vms.actions():
        assert vms.find(of(alert, action), alert, center.camera) is None
        vms.publish(of(alert, action), alert, center.camera)
        assert vms.find(of(alert, action), alert, center.camera) == Receipt()
    token = of(alert, "event").token
    (event,) = center.recorded("event", token)
    (alarm,) = center.recorded("alarm", token)
    (bookmark,) = center.recorded("bookmark", of(alert, "bookmark").token)
    assert event["source"] == alarm["source"] == bookmark["camera"] == center.camera.device
    assert event["text"].startswith("Porte No 3 (nord), {a}=b* \\ é | person 91% | ")
    assert bookmark["text"].startswith("Porte No 3 (nord), {a}=b* \\ é | person 91% | ")
    assert str(of(alert, "event").key) in event["payload"]
    assert bookmark["at"] == pytest.approx(alert.captured_at, abs=0.001)


def test_a_direct_alarm_is_triggered_once(center: Center) -> None:
    vms = center.connector(publish=["alarm"], alarm_route="direct", alarm=center.announced["alarm"])
    before, alert = len(center.recorded("alarm")), new_alert()
    assert vms.actions() == ("alarm",)
    vms.publish(of(alert, "alarm"), alert, center.camera)
    assert len(center.recorded("alarm")) == before + 1


@pytest.mark.parametrize("action", ["event", "bookmark"])
@pytest.mark.parametrize(
    ("outcome", "expected", "arrived"),
    [
        ("accept-then-drop", ReplyLost, True),
        ("drop", ReplyLost, False),
        ("503", VmsUnavailable, False),
        ("fail", VmsRefused, False),
    ],
)
def test_after_a_fault_it_can_be_asked_what_arrived(
    center: Center, action: str, outcome: str, expected: type[VmsError], arrived: bool
) -> None:
    vms, alert = center.connector(), new_alert()
    center.process.set_fault("publish", [outcome], repeat=False)
    with pytest.raises(expected):
        vms.publish(of(alert, action), alert, center.camera)
    assert (vms.find(of(alert, action), alert, center.camera) is not None) == arrived
    assert len(center.recorded(action, of(alert, action).token)) == arrived


def test_a_delivery_is_found_among_more_events_than_a_report_shows(center: Center) -> None:
    vms = center.connector(publish=["event"])
    alerts = [new_alert() for _ in range(4 * REPORT_LIMIT)]
    for alert in alerts:
        vms.publish(of(alert, "event"), alert, center.camera)
    for alert in (alerts[0], alerts[11], alerts[-1]):
        assert vms.find(of(alert, "event"), alert, center.camera) == Receipt()
    assert vms.askable == {"event", "bookmark"}


@pytest.mark.parametrize("given", [{"password": "wrong"}, {"application_id": "wrong"}, {"username": "nobody"}])
def test_a_wrong_account_is_refused_with_what_to_look_at(center: Center, given: dict[str, str]) -> None:
    vms, alert = center.connector(**given), new_alert()
    with pytest.raises(AuthenticationRefused) as caught:
        vms.publish(of(alert, "event"), alert, center.camera)
    assert "ApplicationId" in caught.value.remedy
    assert not center.recorded("event", of(alert, "event").token)


def test_a_wrong_password_has_no_video(center: Center) -> None:
    with pytest.raises(AuthenticationRefused):
        next(center.connector(password="wrong").open_video(center.camera).packets())


def test_a_certificate_of_another_authority_is_refused(center: Center, tmp_path: Path) -> None:
    with pytest.raises(CertificateRejected):
        center.connector(ca=SiteAuthority.create(tmp_path).ca).list_cameras()


def test_a_wrong_base_uri_blocks_rather_than_loses(center: Center) -> None:
    vms, alert = center.connector(url=f"{center.announced['url']}Typo"), new_alert()
    with pytest.raises(AuthenticationRefused, match="404"):
        vms.publish(of(alert, "event"), alert, center.camera)


def test_an_unknown_camera_has_neither_events_nor_video(center: Center) -> None:
    vms, alert = center.connector(), new_alert()
    unknown: CameraSettings = center.camera.model_copy(update={"device": str(uuid4())})
    with pytest.raises(VmsRefused):
        vms.publish(of(alert, "event"), alert, unknown)
    with pytest.raises(NotFoundInVms):
        next(vms.open_video(unknown).packets())


def test_video_that_is_dropped_is_unavailable_and_comes_back(center: Center) -> None:
    vms = center.connector()
    packets = vms.open_video(center.camera).packets()
    next(packets)
    center.process.set_fault("video", ["drop"])
    with pytest.raises(VmsUnavailable):
        list(packets)
    center.process.set_fault("video", [])
    assert next(vms.open_video(center.camera).packets()).is_key


def test_a_check_has_nothing_to_fail(center: Center) -> None:
    found = center.connector().check([center.camera])
    assert "video_ok" in {finding.code for finding in found}
    assert not [finding for finding in found if finding.level is FindingLevel.FAILURE]


def test_the_settings_are_those_of_the_entry_point() -> None:
    assert GenetecConnector.settings_model is GenetecSettings
