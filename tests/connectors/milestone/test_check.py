from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import responses

from config.model import CameraSettings
from connectors.milestone.connector import MilestoneConnector
from connectors.protocols.certificates import SiteAuthority
from core.clock import ManualClock
from core.types import Finding, FindingLevel
from tests.connectors.milestone.gateway import (
    add_list,
    camera_object,
    gateway,
    hardware_object,
    login_answer,
    recorder_object,
    soap_answer,
    soap_fault,
)
from tests.connectors.milestone.support import (
    DEVICE,
    Link,
    Script,
    camera,
    connected,
    refused,
    scripted_server,
    services,
    settings,
)

LOCAL = "127.0.0.1"


def opens(link: Link) -> None:
    link.request()
    link.send(connected())


@dataclass
class Vms:
    """A management server that is two sockets and a mocked HTTP side."""

    url: str
    authority: SiteAuthority
    mock: responses.RequestsMock
    event_port: int
    clock: ManualClock = field(default_factory=lambda: ManualClock(time.time()))

    @property
    def rest(self) -> str:
        return f"{self.url}/API/rest/v1"

    @property
    def soap(self) -> str:
        return f"{self.url}/ManagementServer/ServerCommandServiceOAuth.svc"

    def check(self, cameras: Sequence[CameraSettings] = (camera(),), **changes: Any) -> list[Finding]:
        entry = {
            "url": self.url,
            "ca": self.authority.ca.name,
            "event_server": f"{LOCAL}:{self.event_port}",
            "timeout_s": 2.0,
            **changes,
        }
        given = services(clock=self.clock, site_dir=self.authority.ca.parent)
        used = MilestoneConnector(settings(**entry), given)
        try:
            return list(used.check(cameras))
        finally:
            used.close()


def codes(findings: Sequence[Finding], level: FindingLevel | None = None) -> list[str]:
    return [finding.code for finding in findings if level in {None, finding.level}]


def the(findings: Sequence[Finding], code: str) -> Finding:
    return next(finding for finding in findings if finding.code == code)


@pytest.fixture
def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.create(tmp_path)


@pytest.fixture
def recorder_script() -> Script:
    return opens


@pytest.fixture
def vms(authority: SiteAuthority, recorder_script: Script) -> Iterator[Vms]:
    tls = authority.server_context([LOCAL])
    with (
        scripted_server(lambda _: None, tls=tls) as management,
        scripted_server(recorder_script, tls=tls) as recorder,
        scripted_server(lambda _: None) as events,
    ):
        url = f"https://{LOCAL}:{management.port}"
        known = recorder_object(webServerUri=f"https://{LOCAL}:{recorder.port}/")
        with gateway(recorder=known, url=url, date=formatdate(usegmt=True)) as mock:
            found = Vms(url, authority, mock, events.port)
            add_list(mock, "cameras", [camera_object()], found.rest)
            add_list(mock, "hardware", [hardware_object()], found.rest)
            add_list(mock, "analyticsEvents", [{"id": "1", "name": "Vigie"}], found.rest)
            add_list(mock, "alarms", [], found.rest)
            mock.post(found.soap, body=soap_answer("BookmarkSearchTime"), content_type="text/xml")
            yield found


def test_a_sound_system_has_nothing_but_good_findings(vms: Vms) -> None:
    findings = vms.check()
    assert codes(findings) == [
        "network_ok",
        "certificate_ok",
        "gateway_ok",
        "clock_ok",
        "login_ok",
        "soap_ok",
        "cameras_ok",
        "camera_ok",
        "recorder_ok",
        "bookmarks_ok",
        "alarms_ok",
        "analytics_event_ok",
        "event_server_ok",
    ]
    assert codes(findings, FindingLevel.OK) == codes(findings)


def test_an_unknown_camera_is_named_with_those_of_a_near_name(vms: Vms) -> None:
    lost = camera(id="quai-2", device="99999999-9999-4999-8999-999999999999")
    finding = the(vms.check([lost]), "camera_unknown")
    assert (finding.level, finding.subject) == (FindingLevel.FAILURE, "quai-2")
    assert f"Quai 1 nord = {DEVICE}" in finding.remedy


def test_an_id_that_is_no_guid_is_an_unknown_camera_too(vms: Vms) -> None:
    assert "camera_unknown" in codes(vms.check([camera(device="quai")]))


def test_an_account_that_sees_no_camera_is_told_which_right_is_missing(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.rest}/cameras", json={"array": []})
    assert "Roles" in the(vms.check(), "camera_unknown").remedy


def test_a_disabled_camera_is_a_failure(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.rest}/hardware", json={"array": [hardware_object(enabled=False)]})
    assert the(vms.check(), "camera_disabled").level is FindingLevel.FAILURE


@pytest.mark.parametrize("ahead_s", [10.0, -10.0])
def test_a_clock_that_drifts_is_a_warning(vms: Vms, ahead_s: float) -> None:
    vms.clock.advance(ahead_s)
    finding = the(vms.check(), "clock_drift")
    assert finding.level is FindingLevel.WARNING
    assert ("behind" in finding.message) is (ahead_s > 0)


def test_a_certificate_near_its_end_is_a_warning(vms: Vms) -> None:
    vms.clock.advance(380 * 86_400.0)
    assert the(vms.check(), "certificate_expires_soon").level is FindingLevel.WARNING


@pytest.mark.parametrize(
    ("names", "expired", "code"),
    [(["vms.site.test"], False, "certificate_name"), ([LOCAL], True, "certificate_expired")],
)
def test_a_wrong_certificate_is_told_apart_and_ends_the_look_at_the_server(
    authority: SiteAuthority, names: list[str], expired: bool, code: str
) -> None:
    tls = authority.server_context(names, expired=expired)
    with (
        scripted_server(lambda _: None, tls=tls) as server,
        scripted_server(lambda _: None) as events,
        gateway() as mock,
    ):
        findings = Vms(f"https://{LOCAL}:{server.port}", authority, mock, events.port).check()
    assert codes(findings) == [code, "event_server_ok"]


def test_a_certificate_of_another_ca_is_untrusted(vms: Vms, tmp_path: Path) -> None:
    stranger = SiteAuthority.create(tmp_path / "stranger")
    findings = vms.check(ca=str(stranger.ca))
    assert codes(findings, FindingLevel.FAILURE) == ["certificate_untrusted"]


def test_a_ca_file_that_is_not_there_is_a_finding(vms: Vms) -> None:
    assert codes(vms.check(ca="nowhere.pem"), FindingLevel.FAILURE) == ["certificate_untrusted"]


def test_a_host_name_that_nobody_knows_is_a_finding(vms: Vms) -> None:
    assert codes(vms.check(url="https://nobody.invalid"))[0] == "address_unknown"


def test_a_server_that_does_not_answer_is_a_finding(vms: Vms, authority: SiteAuthority) -> None:
    with scripted_server(lambda _: None) as closed:
        port = closed.port
    assert codes(vms.check(url=f"https://{LOCAL}:{port}"), FindingLevel.FAILURE) == ["network_unavailable"]


def test_an_address_without_gateway_is_a_finding(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.url}/api/.well-known/uris", status=404)
    assert "gateway_not_found" in codes(vms.check(), FindingLevel.FAILURE)


def test_a_wrong_password_is_a_finding_that_names_the_menu(vms: Vms) -> None:
    error = {"error": "invalid_grant", "error_code": "InvalidCredentials"}
    vms.mock.replace("POST", f"{vms.url}/API/IDP/connect/token", json=error, status=400)
    findings = vms.check()
    assert "Basic Users" in the(findings, "login_refused").remedy
    assert "cameras_ok" not in codes(findings)


def test_without_the_soap_login_cameras_are_looked_at_but_no_recorder(vms: Vms) -> None:
    vms.mock.remove("POST", vms.soap)
    vms.mock.post(vms.soap, body="<html><h2>404</h2></html>", status=404)
    found = codes(vms.check())
    assert "soap_not_found" in found
    assert "camera_ok" in found
    assert "recorder_ok" not in found


def test_an_account_that_may_not_ask_for_alarms_or_bookmarks_is_told_before_an_answer_is_lost(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.rest}/alarms", status=403)
    vms.mock.remove("POST", vms.soap)
    vms.mock.post(vms.soap, body=login_answer(), content_type="text/xml")
    denied = soap_fault("Access denied")
    vms.mock.post(vms.soap, body=denied, status=500, content_type="text/xml")
    vms.mock.post(vms.soap, body=login_answer(), content_type="text/xml")
    vms.mock.post(vms.soap, body=denied, status=500, content_type="text/xml")
    findings = vms.check()
    assert codes(findings, FindingLevel.FAILURE) == ["bookmarks_refused", "alarms_refused"]
    assert all("role" in the(findings, code).remedy.lower() for code in ("bookmarks_refused", "alarms_refused"))


def test_what_is_not_published_is_not_asked_for(vms: Vms) -> None:
    found = codes(vms.check(publish=["event"]))
    assert not [code for code in found if code.startswith(("alarms", "bookmarks"))]


def refuses(link: Link) -> None:
    link.request()
    link.send(refused("Token invalid"))


@pytest.mark.parametrize("recorder_script", [refuses])
def test_a_recorder_that_does_not_take_the_token_is_a_finding(vms: Vms) -> None:
    assert the(vms.check(), "recorder_refused").subject == "quai-1"


def test_one_camera_stands_for_all_of_its_recorder(vms: Vms) -> None:
    found = codes(vms.check([camera(), camera(id="quai-1-bis")]))
    assert found.count("camera_ok") == 2
    assert found.count("recorder_ok") == 1


def test_a_closed_event_port_is_a_finding_that_names_the_menu(vms: Vms) -> None:
    with scripted_server(lambda _: None) as closed:
        port = closed.port
    finding = the(vms.check(event_server=f"{LOCAL}:{port}"), "event_server_unavailable")
    assert "Tools → Options → Analytics Events" in finding.remedy


def test_a_missing_analytics_event_is_a_finding_that_names_it(vms: Vms) -> None:
    finding = the(vms.check(event_name="Intrusion"), "analytics_event_not_found")
    assert "'Intrusion'" in finding.remedy


def test_an_account_that_may_not_list_analytics_events_is_only_warned(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.rest}/analyticsEvents", status=403)
    assert the(vms.check(), "analytics_event_unverified").level is FindingLevel.WARNING


def test_without_events_the_event_server_is_left_alone(vms: Vms) -> None:
    found = codes(vms.check(publish=["alarm"]))
    assert not [code for code in found if code.startswith(("event_server", "analytics_event"))]


@pytest.mark.parametrize(
    ("version", "code", "level"),
    [
        ("23.1.0", "version_too_old", FindingLevel.FAILURE),
        ("23.3.0", "version_beta_apis", FindingLevel.WARNING),
    ],
)
def test_an_old_release_is_told(vms: Vms, version: str, code: str, level: FindingLevel) -> None:
    vms.mock.replace("GET", f"{vms.url}/api/.well-known/uris", json={"ProductVersion": version})
    assert the(vms.check(), code).level is level


def test_an_address_without_tls_is_a_warning(vms: Vms) -> None:
    with scripted_server(lambda _: None) as plain:
        findings = vms.check(url=f"http://{LOCAL}:{plain.port}", allow_http=True)
    assert the(findings, "network_not_encrypted").level is FindingLevel.WARNING


def test_a_vms_that_fails_at_every_step_raises_nothing(vms: Vms) -> None:
    for method, path in (("GET", "/API/rest/v1/cameras"), ("GET", "/API/rest/v1/analyticsEvents")):
        vms.mock.replace(method, f"{vms.url}{path}", body="<html>", status=502)
    assert {"cameras_unavailable", "analytics_event_unavailable"} <= set(codes(vms.check()))
