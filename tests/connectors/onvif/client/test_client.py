from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.onvif.client.faults import ActionNotSupported
from connectors.protocols.certificates import SiteAuthority
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import VmsCamera
from tests.connectors.onvif.client.answers import JPEG, TR2, TRT, envelope, fault
from tests.connectors.onvif.client.bridge import client_of, running_bridge, services_for
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.slow


def test_cameras_are_the_video_sources_with_the_names_of_their_configurations() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        cameras = client.cameras()
    assert cameras == [VmsCamera(device="gate", name="Gate"), VmsCamera(device="yard", name="Yard")]


def test_media2_is_asked_for_configurations_and_media_only_where_there_is_no_media2() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        client.cameras()
        (asked,) = bridge.asked("GetProfiles")
    assert etree.QName(asked).namespace == TR2
    assert [item.text for item in asked] == ["VideoSource", "VideoEncoder"]


@pytest.mark.parametrize(
    "changes", [{"media2": False}, {"script": {"tr2:GetProfiles": lambda _: fault("ter:ActionNotSupported")}}]
)
def test_media_is_taken_where_media2_is_not_there_or_does_nothing(changes: dict[str, Any]) -> None:
    with running_bridge(**changes) as bridge, client_of(bridge) as client:
        assert [camera.device for camera in client.cameras()] == ["gate", "yard"]
        assert etree.QName(bridge.asked("GetProfiles")[-1]).namespace == TRT


def test_a_bridge_older_than_get_services_tells_its_addresses_by_its_capabilities() -> None:
    with running_bridge(media2=False) as bridge, client_of(bridge) as client:
        bridge.script = {
            "GetServices": lambda _: fault("ter:ActionNotSupported"),
            "GetCapabilities": lambda _: (
                "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events>"
                f"<tt:XAddr>{bridge.url}/onvif/events</tt:XAddr></tt:Events>"
                f"<tt:Media><tt:XAddr>{bridge.url}/onvif/media</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
            ),
        }
        assert len(client.cameras()) == 2
        assert client.events.topics()


def test_a_profile_without_an_encoder_shows_nothing_and_is_left_out() -> None:
    bare = '<tr2:Profiles token="audio"><tr2:Name>a</tr2:Name></tr2:Profiles>'
    script = {"tr2:GetProfiles": lambda _: f"<tr2:GetProfilesResponse>{bare}</tr2:GetProfilesResponse>"}
    with running_bridge(script=script) as bridge, client_of(bridge) as client:
        assert client.cameras() == []


@pytest.mark.shared_data
@pytest.mark.parametrize("media2", [True, False])
def test_every_request_is_valid_by_the_schemas(media2: bool) -> None:
    with running_bridge(media2=media2, stream="rtsp://127.0.0.1/x") as bridge, client_of(bridge) as client:
        client.information()
        client.measured_offset_s()
        client.stream_uri("gate")
        client.snapshot("gate")
        topics = client.events.topics()
        subscription = client.events.subscribe(topics, 60)
        client.events.synchronise(subscription)
        client.events.pull(subscription, 0)
        client.events.renew(subscription, 60)
        client.events.unsubscribe(subscription)
        assert len(bridge.requests) > 10
        for _, _, body in bridge.requests:
            validate(body)


@pytest.mark.parametrize(("height", "profile"), [(None, "main-1"), (480, "sub-1"), (500, "sub-1"), (2160, "main-1")])
def test_the_profile_whose_height_is_nearest_is_streamed(height: int | None, profile: str) -> None:
    with running_bridge() as bridge, client_of(bridge, height=height) as client:
        assert client.stream_uri("gate").endswith(f"/{profile}")


def test_a_device_that_is_a_profile_names_just_that_profile() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        assert client.stream_uri("sub-1").endswith("/sub-1")


def test_an_unknown_device_is_not_found_after_the_profiles_were_asked_afresh() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        with pytest.raises(NotFoundInVms, match="'nobody'") as caught:
            client.stream_uri("nobody")
        assert len(bridge.asked("GetProfiles")) == 2
    assert "vigie check" in caught.value.remedy


def test_the_profiles_of_one_answer_serve_all_cameras_for_a_while() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        client.stream_uri("gate")
        client.stream_uri("yard")
        assert len(bridge.asked("GetProfiles")) == 1


@pytest.mark.parametrize(
    ("transport", "media2", "expected"),
    [
        ("tcp", True, "RTSP"),
        ("udp", True, "RtspUnicast"),
        ("udp_multicast", True, "RtspMulticast"),
        ("http", True, "RtspOverHttp"),
        ("https", True, "RtspOverHttp"),
        ("tcp", False, "RTP-UnicastRTSP"),
        ("udp", False, "RTP-UnicastUDP"),
        ("udp_multicast", False, "RTP-MulticastUDP"),
        ("https", False, "RTP-UnicastHTTP"),
    ],
)
def test_the_transport_is_asked_for_in_the_words_of_the_service(transport: str, media2: bool, expected: str) -> None:
    with running_bridge(media2=media2) as bridge, client_of(bridge, transport=transport) as client:
        client.stream_uri("gate")
        (asked,) = bridge.asked("GetStreamUri")
    assert "".join(str(text).strip() for text in asked[0].itertext()) == expected


@pytest.mark.parametrize(
    ("told", "transport", "expected"),
    [
        ("rtsp://127.0.0.1/a?b=1#c", "tcp", "rtsp://127.0.0.1/a?b=1"),
        ("rtsp://admin:guess@127.0.0.1:8554/a", "tcp", "rtsp://127.0.0.1:8554/a"),
        ("rtsps://127.0.0.1/a", "tcp", "rtsps://127.0.0.1/a"),
        ("http://127.0.0.1/a", "http", "rtsp://127.0.0.1:80/a"),
        ("https://127.0.0.1/a", "https", "rtsp://127.0.0.1:443/a"),
        ("https://127.0.0.1:8443/a", "https", "rtsp://127.0.0.1:8443/a"),
        ("rtsp://127.0.0.1:8443/a", "https", "rtsp://127.0.0.1:8443/a"),
    ],
)
def test_the_stream_address_is_made_one_that_the_player_takes(told: str, transport: str, expected: str) -> None:
    with running_bridge(stream=told) as bridge, client_of(bridge, transport=transport) as client:
        assert client.stream_uri("gate") == expected


def test_a_tunnel_without_a_port_is_on_the_web_services_port() -> None:
    with running_bridge(stream="rtsp://127.0.0.1/a") as bridge, client_of(bridge, transport="http") as client:
        assert client.stream_uri("gate") == f"rtsp://127.0.0.1:{bridge.port}/a"


def test_a_stream_in_clear_is_refused_unless_the_site_accepts_that(tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    with (
        running_bridge(authority.server_context(["127.0.0.1"])) as bridge,
        client_of(bridge, ca=authority.ca) as client,
        pytest.raises(VmsRefused, match="not encrypted") as caught,
    ):
        client.stream_uri("gate")
    assert "transport: https" in caught.value.remedy


@pytest.mark.parametrize("told", ["rtsp://10.1.2.3/live", "rtsp://user:pw@camera.local/live"])
def test_a_stream_on_a_host_that_is_not_declared_is_refused(told: str) -> None:
    with running_bridge(stream=told) as bridge, client_of(bridge) as client:
        with pytest.raises(VmsRefused, match="does not declare") as caught:
            client.stream_uri("gate")
        assert "pw" not in str(caught.value)


def test_a_declared_further_host_is_taken() -> None:
    with running_bridge(stream="rtsp://10.1.2.3/live") as bridge, client_of(bridge, hosts=["10.1.2.3"]) as client:
        assert client.stream_uri("gate") == "rtsp://10.1.2.3/live"


@pytest.mark.parametrize("told", ["file:///etc/passwd", "ftp://127.0.0.1/x", "rtsp://127.0.0.1:99999/x", "rtsp://[/x"])
def test_what_is_no_stream_address_is_a_violation(told: str) -> None:
    with (
        running_bridge(stream=told) as bridge,
        client_of(bridge) as client,
        pytest.raises((ProtocolViolation, VmsRefused)),
    ):
        client.stream_uri("gate")


def test_services_on_a_host_that_is_not_declared_are_never_contacted() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        address = "http://10.255.255.1/onvif/media"
        service = f"<tds:Service><tds:Namespace>{TR2}</tds:Namespace><tds:XAddr>{address}</tds:XAddr></tds:Service>"
        bridge.script["GetServices"] = lambda _: f"<tds:GetServicesResponse>{service}</tds:GetServicesResponse>"
        with pytest.raises(VmsRefused, match="does not declare"):
            client.cameras()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_is_not_followed(status: int) -> None:
    target = b"http://127.0.0.1:1/elsewhere"
    with running_bridge(script={"GetServices": lambda _: (status, target)}) as bridge, client_of(bridge) as client:
        with pytest.raises(VmsRefused, match=r"redirection to http://127\.0\.0\.1:1/elsewhere") as caught:
            client.cameras()
        assert caught.value.remedy


def test_a_snapshot_is_the_picture_of_the_address_that_the_bridge_tells() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        assert client.snapshot("gate") == JPEG


@pytest.mark.parametrize(
    ("snapshot", "kind"),
    [
        ((200, b"<html>no</html>"), ProtocolViolation),
        ((404, b""), NotFoundInVms),
        ((503, b""), VmsUnavailable),
        ((302, b"http://10.0.0.9/"), VmsRefused),
    ],
)
def test_what_is_no_snapshot_is_said_so(snapshot: tuple[int, bytes], kind: type[VmsError]) -> None:
    with running_bridge(snapshot=snapshot) as bridge, client_of(bridge) as client, pytest.raises(kind):
        client.snapshot("gate")


def test_a_snapshot_on_a_camera_itself_is_refused() -> None:
    uri = "<tr2:GetSnapshotUriResponse><tr2:Uri>http://10.1.1.1/jpg</tr2:Uri></tr2:GetSnapshotUriResponse>"
    with (
        running_bridge(script={"tr2:GetSnapshotUri": lambda _: uri}) as bridge,
        client_of(bridge) as client,
        pytest.raises(VmsRefused, match="does not declare"),
    ):
        client.snapshot("gate")


@pytest.mark.parametrize("ahead_s", [0.0, 3600.0, -90.0])
def test_how_far_the_bridges_clock_is_ahead_is_measured_to_the_second(ahead_s: float) -> None:
    with running_bridge(ahead_s=ahead_s) as bridge, client_of(bridge) as client:
        assert client.measured_offset_s() == pytest.approx(ahead_s, abs=1.0)


def test_the_certificate_is_verified_against_the_sites_authority(tmp_path: Path) -> None:
    authority, other = SiteAuthority.create(tmp_path / "site"), SiteAuthority.create(tmp_path / "other")
    with running_bridge(authority.server_context(["127.0.0.1"])) as bridge:
        with client_of(bridge, ca=authority.ca) as client:
            assert client.cameras()
        with client_of(bridge, ca=other.ca) as client, pytest.raises(CertificateRejected):
            client.cameras()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fault("ter:NoProfile"), NotFoundInVms),
        (fault("ter:InvalidArgVal"), RequestInvalid),
        (fault("ter:OperationProhibited"), RightMissing),
        (fault("ter:NotAuthorized"), RightMissing),
        (fault("ter:ActionNotSupported", status=500, side="Receiver"), ActionNotSupported),
        (fault("ter:Mystery", status=500, side="Receiver"), VmsUnavailable),
        (fault("ter:Mystery"), RequestInvalid),
        ((503, b"busy"), VmsUnavailable),
        ((500, b"<html>"), VmsUnavailable),
        ((404, b""), NotFoundInVms),
        (b"<html>a router</html>", ProtocolViolation),
        (b"", ProtocolViolation),
        (envelope("<tds:SomethingElse/>"), ProtocolViolation),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope("<tds:GetDeviceInformationResponse/>"), ProtocolViolation),
    ],
)
def test_what_the_bridge_answers_has_a_meaning(answer: Any, kind: type[VmsError]) -> None:
    with (
        running_bridge(script={"GetDeviceInformation": lambda _: answer}) as bridge,
        client_of(bridge) as client,
        pytest.raises(kind) as caught,
    ):
        client.information()
    assert "GetDeviceInformation" in str(caught.value)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.onvif.client.soap.MAX_ANSWER_BYTES", 1000)
    with (
        running_bridge(script={"GetServices": lambda _: b"x" * 200_000}) as bridge,
        client_of(bridge) as client,
        pytest.raises(ProtocolViolation, match="larger than 1000"),
    ):
        client.cameras()


def test_nobody_there_is_unavailable() -> None:
    with running_bridge() as bridge:
        pass
    with client_of(bridge) as client, pytest.raises(VmsUnavailable):
        client.cameras()


def test_the_password_is_in_no_error() -> None:
    with (
        running_bridge() as bridge,
        client_of(bridge, services_for(secrets=lambda _: "wrong-word")) as client,
        pytest.raises(AuthenticationRefused) as caught,
    ):
        client.cameras()
    assert "wrong-word" not in f"{caught.value.line()} {caught.value.__cause__}"
