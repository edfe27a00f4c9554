from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.model import CameraSettings
from connectors.onvif.check import cameras as cameras_module
from connectors.onvif.check.check import Check
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.device.front import DeviceFront
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.certificates import SiteAuthority
from core.clock import ManualClock, SystemClock
from core.errors import VmsError, VmsUnavailable
from core.types import Finding, FindingLevel, Packet
from tests.connectors.onvif.client.answers import fault
from tests.connectors.onvif.client.bridge import Bridge, running_bridge, services_for, settings_for

pytestmark = pytest.mark.slow

INPUT = "tns1:Device/Trigger/DigitalInput?LogicalState=true"
PACKET = Packet(codec="h264", data=b"x", captured_at=1.0, is_key=True, received_at=1.0)

DEVICE = {"listen": "127.0.0.1:0", "password": {"secret": "device"}}


class Video:
    """Stands for RTSP, which has its own tests."""

    def __init__(self, time_source: TimeSource = TimeSource.RECORDER, failure: VmsError | None = None) -> None:
        self.time_source = time_source
        self._failure = failure

    def packets(self) -> Iterator[Packet]:
        if self._failure is not None:
            raise self._failure
        yield PACKET

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def _video(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, Video())


def play(monkeypatch: pytest.MonkeyPatch, video: Video) -> None:
    monkeypatch.setattr(cameras_module, "open_live", lambda *_: video)


def camera(device: str = "gate") -> CameraSettings:
    return CameraSettings.model_validate({"id": "quai-1", "name": "Gate", "vms": "bridge", "device": device})


def found(
    bridge: Bridge, *cameras: CameraSettings, secrets: Any = None, clock: Any = None, **changes: Any
) -> list[Finding]:
    services = services_for(clock, **({"secrets": secrets} if secrets else {}))
    settings = settings_for(bridge, **changes)
    client = OnvifClient(settings, services)
    try:
        return Check(settings, services, client).run(cameras or [camera()])
    finally:
        client.close()


def codes(findings: list[Finding], *levels: FindingLevel) -> list[str]:
    return [finding.code for finding in findings if not levels or finding.level in levels]


def trouble(findings: list[Finding]) -> list[str]:
    assert all(finding.remedy for finding in findings if finding.level is not FindingLevel.OK)
    return codes(findings, FindingLevel.WARNING, FindingLevel.FAILURE)


def test_a_bridge_in_order_is_green_throughout(tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    chain, key = authority.issue(["127.0.0.1"])
    device = {**DEVICE, "certificate": chain, "key": key, "host": "127.0.0.1"}
    with running_bridge(authority.server_context(["127.0.0.1"]), stream="rtsps://127.0.0.1/{profile}") as bridge:
        findings = found(
            bridge, ca=authority.ca, control=[{"event": INPUT, "state": "armed"}], publish=["event"], device=device
        )
        assert not bridge.pull_points
    assert trouble(findings) == []
    assert codes(findings) == [
        "network_ok",
        "certificate_ok",
        "onvif_ok",
        "clock_ok",
        "login_ok",
        "services_ok",
        "cameras_ok",
        "camera_ok",
        "stream_ok",
        "video_ok",
        "events_ok",
        "camera_loss_ok",
        "control_event_ok",
        "pull_point_ok",
        "device_port_ok",
        "device_certificate_ok",
        "device_certificate_name_ok",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ahead_s": 600.0}, ["clock_drift"]),
        ({"stream": "rtsp://10.0.0.7/x"}, ["stream_not_allowed"]),
        ({"script": {"GetDeviceInformation": lambda _: fault("ter:NotAuthorized")}}, ["login_not_allowed"]),
        ({"script": {"GetSystemDateAndTime": lambda _: (404, b"")}}, ["onvif_not_found"]),
        ({"script": {"GetSystemDateAndTime": lambda _: b"<html/>"}}, ["onvif_unexpected"]),
        ({"script": {"GetServices": lambda _: (503, b"")}}, ["services_unavailable"]),
        ({"script": {"tr2:GetProfiles": lambda _: "<tr2:GetProfilesResponse/>"}}, ["cameras_none", "camera_unknown"]),
        ({"script": {"tr2:GetStreamUri": lambda _: fault("ter:InvalidStreamSetup")}}, ["stream_invalid"]),
        ({"script": {"GetEventProperties": lambda _: fault("ter:ActionNotSupported")}}, ["events_unsupported"]),
        ({"script": {"CreatePullPointSubscription": lambda _: (503, b"")}}, ["pull_point_unavailable"]),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], expected: list[str]) -> None:
    with running_bridge(**changes) as bridge:
        assert trouble(found(bridge)) == ["network_not_encrypted", *expected]


def test_a_wrong_password_ends_the_look() -> None:
    with running_bridge() as bridge:
        findings = found(bridge, secrets=lambda _: "wrong")
    assert findings[-1].code == "login_refused"
    assert "wrong" not in " ".join(finding.message for finding in findings)


def test_nobody_there_is_said_so() -> None:
    with running_bridge() as bridge:
        pass
    (finding,) = found(bridge)
    assert finding.code == "network_unavailable"
    assert "580" in finding.remedy


@pytest.mark.parametrize(
    ("names", "expired", "code"),
    [(["vms.local"], False, "certificate_name"), (["127.0.0.1"], True, "certificate_expired")],
)
def test_a_certificate_that_does_not_verify_is_told_by_its_fault(
    tmp_path: Path, names: list[str], expired: bool, code: str
) -> None:
    authority = SiteAuthority.create(tmp_path)
    with running_bridge(authority.server_context(names, expired=expired)) as bridge:
        assert trouble(found(bridge, ca=authority.ca)) == [code]
        other = SiteAuthority.create(tmp_path / "other")
        assert trouble(found(bridge, ca=other.ca)) == ["certificate_untrusted"]
        assert trouble(found(bridge, ca=tmp_path / "none.pem")) == ["certificate_untrusted"]


def test_certificates_that_end_soon_are_warned_of(tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    chain, key = authority.issue(["127.0.0.1"])
    device = {**DEVICE, "certificate": chain, "key": key}
    with running_bridge(authority.server_context(["127.0.0.1"])) as bridge:
        later = ManualClock(services_for().clock.utc() + 380 * 86_400)
        told = trouble(found(bridge, ca=authority.ca, clock=later, publish=["event"], device=device))
    assert "certificate_expires_soon" in told
    assert "device_certificate_expires_soon" in told


@pytest.mark.parametrize("broken", ["missing", "no pem", "another key"])
def test_a_certificate_that_our_device_cannot_use_fails(tmp_path: Path, broken: str) -> None:
    authority = SiteAuthority.create(tmp_path)
    (chain, key), (_, other) = authority.issue(["a"]), authority.issue(["b"])
    if broken == "missing":
        chain = tmp_path / "none.pem"
    elif broken == "no pem":
        chain.write_text("no certificate")
    device = {**DEVICE, "certificate": chain, "key": other if broken == "another key" else key}
    with running_bridge() as bridge:
        assert "device_failed" in trouble(found(bridge, publish=["event"], device=device))


def test_a_device_without_tls_is_warned_of() -> None:
    with running_bridge() as bridge:
        told = trouble(found(bridge, publish=["event"], device=DEVICE))
    assert told == ["network_not_encrypted", "device_not_encrypted"]


@pytest.mark.parametrize(
    ("host", "names", "code"),
    [
        ("vigie.site.local", ["vigie.site.local"], "device_certificate_name_ok"),
        ("VIGIE.site.local", ["10.0.0.7", "*.site.local"], "device_certificate_name_ok"),
        ("", ["vigie.site.local"], "device_certificate_name_ok"),
        ("[fd00::5]", ["fd00::5"], "device_certificate_name_ok"),
        ("vigie.site.local", ["vigie"], "device_certificate_name"),
        ("10.0.0.7", ["vigie.site.local"], "device_certificate_name"),
    ],
)
def test_whom_our_devices_certificate_is_for_is_told(tmp_path: Path, host: str, names: list[str], code: str) -> None:
    chain, key = SiteAuthority.create(tmp_path).issue(names)
    device = {**DEVICE, "certificate": chain, "key": key, "host": host}
    with running_bridge() as bridge:
        findings = found(bridge, publish=["event"], device=device)
    (finding,) = [item for item in findings if item.code.startswith("device_certificate_name")]
    assert finding.code == code
    assert all(name in finding.message for name in names)


@pytest.mark.parametrize(("days", "code"), [(-10, "device_certificate_early"), (2000, "device_certificate_expired")])
def test_a_certificate_of_another_time_fails(tmp_path: Path, days: int, code: str) -> None:
    chain, key = SiteAuthority.create(tmp_path).issue(["127.0.0.1"])
    with running_bridge() as bridge:
        then = ManualClock(services_for().clock.utc() + days * 86_400)
        findings = found(bridge, clock=then, publish=["event"], device={**DEVICE, "certificate": chain, "key": key})
    assert code in codes(findings, FindingLevel.FAILURE)


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_our_own_running_device_is_told_from_another_program_on_its_ports(tmp_path: Path, is_encrypted: bool) -> None:
    chain, key = SiteAuthority.create(tmp_path).issue(["127.0.0.1"])
    tls = {"certificate": chain, "key": key} if is_encrypted else {}
    with running_bridge() as bridge, closing(socket.create_server(("127.0.0.1", 0))) as other:
        (web, rtsp, free), taken = free_ports(3), other.getsockname()[1]
        device = {**DEVICE, **tls, "listen": f"127.0.0.1:{web}", "rtsp": f"127.0.0.1:{rtsp}"}
        settings = settings_for(bridge, publish=["event"], device=device)
        with closing(DeviceFront(settings, services_for(SystemClock()))) as front:
            front.start([camera()])
            assert ports(found(bridge, publish=["event"], device=device)) == [
                (f"127.0.0.1:{web}", "device_port_ok"),
                (f"127.0.0.1:{rtsp}", "device_port_ok"),
            ]
        strange = {**device, "listen": f"127.0.0.1:{free}", "rtsp": f"127.0.0.1:{taken}"}
        assert ports(found(bridge, publish=["event"], device=strange)) == [
            (f"127.0.0.1:{free}", "device_port_ok"),
            (f"127.0.0.1:{taken}", "device_port_taken"),
        ]
        web_taken = {**DEVICE, **tls, "listen": urlsplit(bridge.url).netloc}
        assert ports(found(bridge, publish=["event"], device=web_taken))[0][1] == "device_port_taken"


def free_ports(number: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    found_free = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return found_free


def ports(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(item.subject, item.code) for item in findings if item.code.startswith("device_port")]


def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with running_bridge() as bridge:
        told = found(bridge, publish=["event"], device={**DEVICE, "listen": "192.0.2.1:0"})
    assert "device_port_unusable" in codes(told, FindingLevel.FAILURE)


def test_too_few_multicast_groups_are_told() -> None:
    groups = {"rtsp": "127.0.0.1:0", "multicast": {"address": "239.255.255.255"}}
    with running_bridge() as bridge:
        told = found(bridge, publish=["event"], device={**DEVICE, **groups})
    assert "device_not_allowed" in codes(told, FindingLevel.FAILURE)


def test_a_camera_that_is_unknown_is_answered_with_those_of_a_near_name() -> None:
    with running_bridge() as bridge:
        (finding,) = [item for item in found(bridge, camera("11111")) if item.code == "camera_unknown"]
    assert finding.remedy == "Video sources of a near name: Gate = gate."


def test_a_camera_named_by_a_profile_is_in_order() -> None:
    with running_bridge() as bridge:
        assert "camera_by_profile" in codes(found(bridge, camera("sub-1")), FindingLevel.OK)


@pytest.mark.parametrize(
    ("event", "code"),
    [("tns1:Device/Trigger/Digital", "control_event_not_found"), ("Arm!?", "control_event_invalid")],
)
def test_a_control_entry_that_nothing_can_trigger_fails(event: str, code: str) -> None:
    with running_bridge() as bridge:
        findings = found(bridge, control=[{"event": event, "state": "armed"}])
    (finding,) = [item for item in findings if item.code == code]
    assert finding.level is FindingLevel.FAILURE
    assert "Device/Trigger/DigitalInput" in finding.remedy


def test_services_on_another_host_are_named_once_each() -> None:
    namespace = "http://www.onvif.org/ver20/media/wsdl"
    service = f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>http://vms-internal/m</tds:XAddr></tds:Service>"
    script = {"GetServices": lambda _: f"<tds:GetServicesResponse>{service}</tds:GetServicesResponse>"}
    with running_bridge(script=script) as bridge:
        findings = found(bridge)
    (finding,) = [item for item in findings if item.code == "service_undeclared"]
    assert "vms-internal" in finding.message
    assert "hosts" in finding.remedy


def test_video_that_does_not_come_or_tells_no_time_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_bridge() as bridge:
        play(monkeypatch, Video(failure=VmsUnavailable("no RTSP answer", remedy="Look.")))
        assert "video_unavailable" in trouble(found(bridge))
        play(monkeypatch, Video(TimeSource.ARRIVAL))
        assert "video_time_unknown" in trouble(found(bridge))
