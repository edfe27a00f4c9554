"""The client against the simulator, which another person wrote from the same notes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from config.model import CameraSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap import Bookmark
from connectors.protocols.certificates import SiteAuthority
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ReplyLost,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Alert, Delivery, FindingLevel, Packet
from tests.connectors.milestone.simulator.running import PASSWORD, Running
from tests.connectors.milestone.sites import connect, running_site, services_for, settings_for, write_clip
from tests.connectors.milestone.support import alert, camera, delivery

pytestmark = pytest.mark.slow

NEAR_S = 15.0
ACTIONS = ("event", "alarm", "bookmark")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def shared_site(clip: Path) -> Iterator[Running]:
    """For tests that leave nothing behind that others could trip over."""
    with running_site(clip, "--disabled-camera", "Spare") as running:
        yield running


@pytest.fixture
def site(clip: Path) -> Iterator[Running]:
    """A site of the test's own: empty ledger, no faults."""
    with running_site(clip) as running:
        yield running


class Client:
    """A connector on a running site, with an alert of now."""

    def __init__(self, site: Running, *, password: str = PASSWORD, **changes: Any) -> None:
        self.connector = connect(site, password=password, **changes)
        self.camera: CameraSettings = camera(device=site.camera)
        self.alert: Alert = alert(captured_at=time.time(), started_at=time.time() - 2)

    def publish(self, action: str) -> str:
        return self.connector.publish(self.delivery(action), self.alert, self.camera).remote_id

    def find(self, action: str) -> str | None:
        found = self.connector.find(self.delivery(action), self.alert, self.camera)
        return found.remote_id if found else None

    def delivery(self, action: str) -> Delivery:
        return delivery(action)

    def packets(self, count: int) -> list[Packet]:
        source = self.connector.open_video(self.camera)
        taken: list[Packet] = []
        for packet in source.packets():
            taken.append(packet)
            if len(taken) == count:
                source.close()
        return taken


def decoded(packets: list[Packet]) -> int:
    codec = av.CodecContext.create(packets[0].codec, "r")
    assert isinstance(codec, VideoCodecContext)
    pictures = [picture for packet in packets for picture in codec.decode(av.Packet(packet.data))]
    return len(pictures) + len(codec.decode(None))


def test_cameras_are_listed_enabled_and_disabled(shared_site: Running) -> None:
    listed = {item.name: item for item in Client(shared_site).connector.list_cameras()}
    assert listed["gate"].device == shared_site.camera
    assert listed["gate"].is_enabled
    assert not listed["Spare"].is_enabled


def test_live_packets_decode_and_are_of_now(shared_site: Running) -> None:
    packets = Client(shared_site).packets(30)
    assert packets[0].is_key
    assert decoded(packets) >= 25
    assert all(abs(packet.captured_at - time.time()) < NEAR_S for packet in packets)
    times = [packet.captured_at for packet in packets]
    assert times == sorted(times)


def test_an_alert_arrives_once_as_event_alarm_and_bookmark(site: Running) -> None:
    client = Client(site)
    for action in ACTIONS:
        client.publish(action)
    for action in ACTIONS:
        assert len(site.ledger(action)) == 1, action


@pytest.mark.parametrize("action", ["alarm", "bookmark"])
def test_what_was_published_is_found_under_the_same_id(site: Running, action: str) -> None:
    client = Client(site)
    remote_id = client.publish(action)
    assert remote_id
    assert client.find(action) == remote_id


@pytest.mark.parametrize("action", ["alarm", "bookmark"])
def test_what_was_never_published_is_not_found(site: Running, action: str) -> None:
    assert Client(site).find(action) is None


@pytest.mark.parametrize("action", ["alarm", "bookmark"])
def test_after_a_lost_reply_the_vms_is_asked_and_nothing_is_doubled(site: Running, action: str) -> None:
    client = Client(site)
    site.order("publish", "accept-then-drop")
    with pytest.raises(ReplyLost):
        client.publish(action)
    assert client.find(action)
    assert len(site.ledger(action)) == 1


@pytest.mark.parametrize("action", ["alarm", "bookmark"])
def test_after_a_request_that_was_cut_off_the_vms_says_that_it_has_nothing(site: Running, action: str) -> None:
    client = Client(site)
    site.order("publish", "drop")
    with pytest.raises(ReplyLost):
        client.publish(action)
    assert client.find(action) is None
    client.publish(action)
    assert len(site.ledger(action)) == 1


@pytest.mark.parametrize("action", ACTIONS)
def test_a_vms_that_turns_away_is_unavailable_without_effect(site: Running, action: str) -> None:
    client = Client(site)
    site.order("publish", "503")
    with pytest.raises(VmsUnavailable) as caught:
        client.publish(action)
    assert not isinstance(caught.value, ReplyLost)
    client.publish(action)
    assert len(site.ledger(action)) == 1


def test_an_event_whose_reply_is_lost_carries_the_same_id_when_sent_again(site: Running) -> None:
    client = Client(site)
    site.order("publish", "accept-then-drop")
    with pytest.raises(ReplyLost):
        client.publish("event")
    assert UUID(client.publish("event")) == client.delivery("event").key


def test_tokens_that_end_at_once_are_renewed_without_notice(site: Running) -> None:
    client = Client(site)
    client.publish("alarm")
    assert client.find("bookmark") is None, "the SOAP token is at hand too"
    site.order("token-expired", "now")
    client.publish("bookmark")
    assert client.find("bookmark")
    assert client.packets(3)


@pytest.mark.slow
def test_video_goes_on_over_the_end_of_several_tokens(clip: Path) -> None:
    with running_site(clip, "--soap-seconds", "1.8", "--jwt-seconds", "2") as site:
        packets = Client(site).packets(200)
    assert packets[-1].captured_at - packets[0].captured_at > 3.6


def test_a_wrong_password_is_refused(shared_site: Running) -> None:
    client = Client(shared_site, password="wrong")
    with pytest.raises(AuthenticationRefused) as caught:
        client.connector.list_cameras()
    assert "Basic Users" in caught.value.remedy
    with pytest.raises(AuthenticationRefused):
        client.packets(1)


def test_a_site_of_another_ca_is_rejected(shared_site: Running, tmp_path: Path) -> None:
    client = Client(shared_site, ca=str(SiteAuthority.create(tmp_path).ca))
    with pytest.raises(CertificateRejected):
        client.connector.list_cameras()
    with pytest.raises(CertificateRejected):
        client.publish("alarm")


def test_an_unknown_camera_has_no_video_and_no_bookmark(shared_site: Running) -> None:
    client = Client(shared_site)
    client.camera = camera(device="99999999-9999-4999-8999-999999999999")
    with pytest.raises(NotFoundInVms):
        client.packets(1)
    with pytest.raises(VmsRefused):
        client.publish("bookmark")
    with pytest.raises(NotFoundInVms):
        client.publish("event")


def test_an_event_of_an_unknown_name_is_refused_with_where_to_add_it(shared_site: Running) -> None:
    with pytest.raises(NotFoundInVms) as caught:
        Client(shared_site, event_name="Nobody").publish("event")
    assert "'Nobody'" in caught.value.remedy


def test_an_address_that_is_not_allowed_is_refused(clip: Path) -> None:
    with running_site(clip, "--allow-address", "10.9.9.9") as site, pytest.raises(AuthenticationRefused) as caught:
        Client(site).publish("event")
    assert "allow this machine's address" in caught.value.remedy


def test_a_recorder_that_loses_the_camera_ends_the_stream_by_name(site: Running) -> None:
    client = Client(site)
    stream = client.connector.open_video(client.camera).packets()
    next(stream)
    site.order("video", "lost-camera", repeat=True)
    with pytest.raises(VmsUnavailable, match="Quai 1: the recording server has lost the camera"):
        list(stream)


def test_a_recorder_that_drops_the_link_is_unavailable_and_a_new_source_streams_again(site: Running) -> None:
    client = Client(site)
    stream = client.connector.open_video(client.camera).packets()
    next(stream)
    site.order("video", "drop")
    with pytest.raises(VmsUnavailable):
        list(stream)
    assert len(client.packets(3)) == 3


@pytest.mark.parametrize("status", ["500", "502", "503"])
def test_html_error_pages_are_an_unavailable_vms(site: Running, status: str) -> None:
    client = Client(site)
    site.order("html-error", status, repeat=True)
    with pytest.raises(VmsUnavailable):
        client.connector.list_cameras()


def test_a_site_without_certificates_works_when_that_is_allowed(clip: Path) -> None:
    with running_site(clip, "--http-only") as site:
        client = Client(site, allow_http=True)
        for action in ACTIONS:
            client.publish(action)
        assert len(client.packets(3)) == 3
        assert client.find("alarm")


def test_the_check_of_a_sound_site_finds_nothing_wrong(shared_site: Running) -> None:
    client = Client(shared_site)
    findings = client.connector.check([client.camera])
    wrong = {finding.code for finding in findings if finding.level is not FindingLevel.OK}
    assert wrong == set()


def test_bookmarks_through_soap_are_made_and_found(shared_site: Running) -> None:
    session = XProtectSession(settings_for(shared_site), services_for())
    now = time.time()
    bookmark = Bookmark(
        device=shared_site.camera, begin=now - 5, triggered=now, end=now + 5, header="SOAP", description="a vigie:soap1"
    )
    made = session.commands().create_bookmark(session.corporate.get(), bookmark)
    found = session.commands().search_bookmarks(
        session.corporate.get(), shared_site.camera, now - 60, now + 60, "vigie:soap1"
    )
    assert list(found) == [made]
    session.close()
