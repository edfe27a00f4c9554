"""Each known trap, provoked in the simulated site, and the finding that names it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.model import CameraSettings
from connectors.milestone.connector import MilestoneConnector
from connectors.protocols.certificates import SiteAuthority
from core.clock import SystemClock
from core.types import Finding, FindingLevel
from tests.connectors.milestone.simulator.running import PASSWORD, Running
from tests.connectors.milestone.sites import NOBODY, connect, running_site, settings_for, write_clip
from tests.connectors.milestone.support import camera, services

pytestmark = pytest.mark.slow

OK, WARNING, FAILURE = FindingLevel.OK, FindingLevel.WARNING, FindingLevel.FAILURE
WINDOWS = "SITE\\vigie"
ACCOUNTS = ("--windows-user", WINDOWS, "--client", "app=s3cret")
NIGHT = {"event": "Night", "state": "armed"}
OLD = ("--release", "2021R1")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


class WrongClock(SystemClock):
    """This machine's, when nobody set it right."""

    def __init__(self, ahead_s: float) -> None:
        super().__init__()
        self._ahead_s = ahead_s

    def utc(self) -> float:
        return super().utc() + self._ahead_s


@dataclass(frozen=True, kw_only=True)
class Trap:
    """How the site is started, what the site file says, what is ordered; then this finding."""

    code: str
    level: FindingLevel = FAILURE
    options: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    fault: tuple[str, str] | None = None
    password: str = PASSWORD


SERVER = (
    Trap(code="certificate_name", options=("--certificate-name", "vms.site.test")),
    Trap(code="network_not_encrypted", level=WARNING, options=("--http-only",), changes={"allow_http": True}),
    Trap(code="network_unavailable", changes={"url": f"https://{NOBODY}"}),
    Trap(code="gateway_absent", level=OK, options=("--release", "2020R1")),
    Trap(code="gateway_absent", level=OK, options=OLD),
    Trap(code="version_beta_apis", level=WARNING, options=("--release", "2023R2")),
    Trap(code="events_rest_absent", options=("--release", "2022R2"), changes={"event_route": "rest"}),
    Trap(code="version_too_old", options=("--release", "2022R2"), changes={"alarm_route": "rest"}),
)
ACCOUNT = (
    Trap(code="login_refused", password="wrong"),
    Trap(code="login_refused", options=("--release", "2020R1"), password="wrong"),
    Trap(code="login_refused", options=ACCOUNTS, changes={"login": "windows", "username": WINDOWS}, password="wrong"),
    Trap(code="login_refused", options=ACCOUNTS, changes={"login": "client", "username": "app"}, password="wrong"),
    Trap(code="login_ok", level=OK, options=ACCOUNTS, changes={"login": "windows", "username": WINDOWS}),
    Trap(
        code="login_ok", level=OK, options=ACCOUNTS, changes={"login": "client", "username": "app"}, password="s3cret"
    ),
    Trap(code="login_locked", fault=("idp", "LockedOut")),
    Trap(code="login_password_change", fault=("idp", "ChangePassword")),
    Trap(
        code="edition_without_evidence_locks", options=("--edition", "Expert"), changes={"publish": ["evidence_lock"]}
    ),
    Trap(code="rights_missing", options=(*OLD, "--edition", "Expert"), changes={"publish": ["evidence_lock"]}),
    Trap(code="edition_without_bookmarks", options=("--edition", "Essential+")),
    Trap(code="evidence_locks_ok", level=OK, changes={"publish": ["evidence_lock"]}),
)
EVENTS = (
    Trap(code="event_server_unavailable", options=("--no-analytics-events",)),
    Trap(code="event_server_not_allowed", options=("--allow-address", "192.0.2.1")),
    Trap(code="analytics_event_not_found", options=("--analytics-event", "Other")),
    Trap(code="analytics_event_not_found", options=(*OLD, "--analytics-event", "Other")),
    Trap(code="alarm_definition_missing", changes={"publish": ["event"]}),
    Trap(code="alarm_definition_unneeded", level=OK),
    Trap(code="alarm_definition_unseen", level=OK, options=OLD),
    Trap(code="event_retention_unknown", level=OK),
    Trap(code="event_retention_unknown", level=WARNING, changes={"event_route": "rest"}),
    Trap(code="alarm_service_unavailable", level=WARNING, changes={"alarm_server": NOBODY}),
    Trap(code="alarm_service_unavailable", options=OLD, changes={"alarm_server": NOBODY}),
    Trap(code="verdict_words_unmatched", level=WARNING, changes={"verdicts": {"true": ["oui"]}}),
    Trap(code="verdict_words_unseen", level=OK, options=OLD),
    Trap(code="trigger_event_not_found", changes={"publish": ["trigger"]}),
    Trap(code="trigger_event_not_found", options=OLD, changes={"publish": ["trigger"]}),
    Trap(code="control_event_not_found", changes={"control": [NIGHT]}),
    Trap(code="control_event_ok", level=OK, options=("--user-defined-event", "Night"), changes={"control": [NIGHT]}),
    Trap(code="commands_unavailable", changes={"control": [NIGHT]}, fault=("ess", "503")),
    Trap(code="commands_unavailable", level=WARNING, fault=("ess", "503")),
    Trap(code="commands_by_event_lines", level=OK, options=OLD, changes={"control": [NIGHT]}),
    Trap(code="privacy_mask", level=WARNING, options=("--masked-camera", "gate")),
    Trap(code="privacy_masks_ok", level=OK),
    Trap(code="privacy_masks_unseen", level=OK, options=("--release", "2021R1")),
    Trap(code="bridge_unavailable", changes={"video": "rtsp", "bridge": NOBODY}),
)


@pytest.mark.parametrize("trap", [*SERVER, *ACCOUNT, *EVENTS], ids=lambda trap: f"{trap.code}-{trap.level}")
def test_a_trap_is_named(clip: Path, shared_site: Running, trap: Trap) -> None:
    with running_site(clip, *trap.options) if trap.options or trap.fault else nullcontext(shared_site) as site:
        if trap.fault:
            site.order(*trap.fault, repeat=True)
        found = the(checked(site, password=trap.password, **trap.changes), trap.code)
    assert found.level is trap.level
    assert found.remedy or trap.level is OK


def test_nothing_is_changed_in_the_vms(site: Running) -> None:
    checked(site, publish=["event", "alarm", "bookmark", "trigger", "evidence_lock"], control=[NIGHT])
    made = {kind: site.ledger(kind) for kind in ("event", "alarm", "bookmark", "evidence_lock")}
    assert not any(made.values()), made


@pytest.mark.parametrize("ahead_s", [30.0, -30.0])
def test_clocks_that_differ_are_told_of_the_server_and_of_the_recorder(site: Running, ahead_s: float) -> None:
    used = MilestoneConnector(settings_for(site), services(clock=WrongClock(ahead_s), secrets=lambda _: PASSWORD))
    try:
        found = used.check([camera(device=site.camera)])
    finally:
        used.close()
    side = "behind" if ahead_s > 0 else "ahead of"
    for code in ("clock_drift", "recorder_clock_drift"):
        assert the(found, code).level is WARNING
        assert side in the(found, code).message


def test_cameras_that_are_unknown_or_disabled_are_told_apart(clip: Path) -> None:
    with running_site(clip, "--disabled-camera", "Spare") as site:
        listed = site.rest("GET", "/cameras?disabled").json()["array"]
        spare = next(item["id"] for item in listed if item["name"] == "Spare")
        ghost = camera(id="ghost", device="99999999-9999-4999-8999-999999999999")
        found = checked(site, cameras=[camera(id="spare", device=spare), ghost])
        assert the(found, "camera_hardware_disabled").subject == "spare"
        assert the(found, "camera_unknown").subject == "ghost"
        site.rest("PATCH", f"/cameras/{site.camera}", json={"enabled": False}).raise_for_status()
        assert the(checked(site), "camera_disabled").level is FAILURE


def test_a_camera_that_the_recorder_lost_is_told(clip: Path) -> None:
    with running_site(clip) as site:
        site.act("lose-camera", camera=site.camera)
        assert the(checked(site), "video_unavailable").level is FAILURE


def test_a_camera_that_no_alarm_definition_covers_is_named(clip: Path) -> None:
    with running_site(clip, "--cameras", "2") as site:
        first, second = (item.device for item in site.announced.cameras)
        define_alarm(site, [first])
        both = [camera(device=first), camera(id="quai-2", device=second)]
        assert the(checked(site, publish=["event"]), "alarm_definition_ok").level is OK
        found = the(checked(site, cameras=both, publish=["event"]), "alarm_definition_incomplete")
        assert found.level is FAILURE
        assert "quai-2" in found.message
        assert the(checked(site), "alarm_doubled").level is WARNING


def test_a_stored_event_proves_the_retention(clip: Path) -> None:
    with running_site(clip, "--event-retention-days", "7") as site:
        event = site.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
        site.rest("POST", "/events", json={"type": event, "source": f"cameras/{site.camera}"}).raise_for_status()
        assert "event_retention_ok" in codes(checked(site, event_route="rest"))


def test_the_bridge_gives_video(site: Running) -> None:
    found = codes(checked(site, video="rtsp", bridge=str(site.announced.extra["bridge"])))
    assert {"bridge_ok", "bridge_video_ok"} <= set(found)
    assert "recorder_ok" not in found, "that port may be closed then"


@pytest.fixture(scope="module")
def shared_site(clip: Path) -> Iterator[Running]:
    with running_site(clip) as running:
        yield running


@pytest.fixture
def site(shared_site: Running) -> Running:
    """For tests that leave nothing behind."""
    return shared_site


def vps(listen: str, **changes: Any) -> dict[str, Any]:
    """Settings for video by the VPS driver."""
    entry = {"video": "vps", "allow_http": True, "publish": ["alarm", "metadata"], "vps": {"listen": listen}}
    return {**entry, **changes}


@contextmanager
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def free_port() -> str:
    with taken_port() as listen:
        return listen


def test_the_port_for_the_vps_driver_is_tried(site: Running) -> None:
    with taken_port() as listen:
        assert the(checked(site, **vps(listen)), "vps_port_taken").level is WARNING
    found = checked(site, **vps(free_port()))
    assert "vps_port_ok" in codes(found)
    assert the(found, "vps_not_encrypted").level is WARNING
    assert the(checked(site, **vps("192.0.2.1:5001")), "vps_port_unusable").level is FAILURE


@pytest.mark.parametrize(
    ("name", "is_expired", "expected"),
    [
        ("127.0.0.1", False, {"vps_certificate_ok", "vps_certificate_name_ok"}),
        ("vigie.site.test", False, {"vps_certificate_ok", "vps_certificate_name"}),
        ("127.0.0.1", True, {"vps_certificate_expired", "vps_certificate_name_ok"}),
    ],
)
def test_the_certificate_for_the_vps_driver_is_looked_at(
    site: Running, tmp_path: Path, name: str, is_expired: bool, expected: set[str]
) -> None:
    chain, key = SiteAuthority.create(tmp_path).issue([name], expired=is_expired)
    found = checked(site, **vps(f"{free_port()}", vps={"listen": free_port(), "certificate": chain, "key": key}))
    assert {code for code in codes(found) if code.startswith("vps_certificate")} == expected


def test_a_certificate_that_cannot_be_used_is_told(site: Running, tmp_path: Path) -> None:
    broken = tmp_path / "vigie.pem"
    broken.write_text("no certificate")
    files = {"listen": free_port(), "certificate": broken, "key": broken}
    assert the(checked(site, **vps(free_port(), vps=files)), "vps_certificate_not_allowed").level is FAILURE


def define_alarm(site: Running, cameras: Sequence[str]) -> None:
    event = site.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
    definition = {
        "name": "Gate",
        "eventTypeGroup": "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4",
        "eventType": event,
        "sourceList": [{"type": "cameras", "id": device} for device in cameras],
        "enableRule": "0",
        "priority": "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75",
    }
    site.rest("POST", "/alarmDefinitions", json=definition).raise_for_status()


def checked(
    site: Running, *, cameras: Sequence[CameraSettings] = (), password: str = PASSWORD, **changes: Any
) -> list[Finding]:
    watched = cameras or [camera(device=site.camera)]
    return list(connect(site, password=password, timeout_s=2.0, **changes).check(watched))


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def the(findings: Sequence[Finding], code: str) -> Finding:
    found = next((finding for finding in findings if finding.code == code), None)
    assert found is not None, codes(findings)
    return found
