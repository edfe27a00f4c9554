from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from lxml import etree

from config.model import CameraSettings
from connectors.milestone.check import control
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
from tests.connectors.milestone.publish.alarm_soap import ADDRESS as ALARM_SERVICE
from tests.connectors.milestone.publish.alarm_soap import answer as alarm_answer
from tests.connectors.milestone.support import (
    DEVICE,
    RECORDER,
    Link,
    Script,
    camera,
    connected,
    http_answer,
    image,
    refused,
    scripted_server,
    services,
    settings,
    video_packet,
)

pytestmark = pytest.mark.slow

LOCAL = "127.0.0.1"


RIGHTS = ("Live", "BookmarkAdd", "BookmarkView")
CONFIGURATION = (
    f"<Recorders><RecorderInfo><RecorderId>{RECORDER}</RecorderId><Cameras><CameraInfo><DeviceId>{DEVICE}</DeviceId>"
    f"<CameraSecurity>{''.join(f'<{name}>true</{name}>' for name in RIGHTS)}</CameraSecurity></CameraInfo></Cameras>"
    "</RecorderInfo></Recorders>"
)


def opens(link: Link) -> None:
    link.request()
    link.send(connected())
    link.request()
    now = round(time.time() * 1000)
    link.send(image(video_packet(b"\0\0\1", at_ms=now), at_ms=now))


@dataclass
class Soap:
    """Answers by operation; ``faults`` are operations that are refused."""

    faults: set[str] = field(default_factory=set)
    configuration: str = CONFIGURATION

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        sent = request.body or b""
        operation = etree.QName(etree.fromstring(sent if isinstance(sent, bytes) else sent.encode())[0][0]).localname
        if operation in self.faults:
            return 500, {"Content-Type": "text/xml"}, soap_fault("Access denied")
        product = "<MajorVersion>20</MajorVersion><MinorVersion>1</MinorVersion>"
        results = {
            "Login": login_answer(),
            "GetConfiguration": soap_answer(operation, self.configuration),
            "GetProductInfo": soap_answer(operation, product),
        }
        return 200, {"Content-Type": "text/xml"}, results.get(operation, soap_answer(operation))


@dataclass
class Vms:
    """A management server that is two sockets and a mocked HTTP side."""

    url: str
    authority: SiteAuthority
    mock: responses.RequestsMock
    event_port: int
    soap: Soap = field(default_factory=Soap)
    clock: ManualClock = field(default_factory=lambda: ManualClock(time.time()))

    @property
    def rest(self) -> str:
        return f"{self.url}/API/rest/v1"

    @property
    def service(self) -> str:
        return f"{self.url}/ManagementServer/ServerCommandServiceOAuth.svc"

    def show(self, collection: str, *items: dict[str, Any]) -> None:
        add_list(self.mock, collection, list(items), self.rest)

    def check(self, cameras: Sequence[CameraSettings] = (camera(),), **changes: Any) -> list[Finding]:
        entry = {
            "url": self.url,
            "ca": self.authority.ca.name,
            "event_server": f"{LOCAL}:{self.event_port}",
            "alarm_server": "vms.site.test",
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
    found = next((finding for finding in findings if finding.code == code), None)
    assert found is not None, findings
    return found


@pytest.fixture
def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.create(tmp_path)


@pytest.fixture
def recorder_script() -> Script:
    return opens


@pytest.fixture
def vms(authority: SiteAuthority, recorder_script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vms]:
    monkeypatch.setattr(control, "_begin_session", lambda look: None)  # a WebSocket cannot be mocked here
    tls = authority.server_context([LOCAL])
    with (
        scripted_server(lambda _: None, tls=tls) as management,
        scripted_server(recorder_script, tls=tls) as recorder,
        scripted_server(lambda _: None, http_answer("400 Bad Request", "no event")) as events,
    ):
        url = f"https://{LOCAL}:{management.port}"
        known = recorder_object(webServerUri=f"https://{LOCAL}:{recorder.port}/")
        with gateway(recorder=known, url=url, date=formatdate(usegmt=True)) as mock:
            found = Vms(url, authority, mock, events.port)
            found.show("cameras", camera_object())
            found.show("hardware", hardware_object())
            found.show("analyticsEvents", {"id": "1", "name": "Vigie"})
            found.show("alarmDefinitions")
            found.show("licenseInformations")
            found.show("alarms")
            found.show("closeReasons", {"id": "1", "name": "False alarm"}, {"id": "2", "name": "True alarm"})
            found.show(f"cameras/{DEVICE}/privacyProtections", {"id": DEVICE, "enabled": False})
            for empty in ("alarmCategories", "alarmStates", "userDefinedEvents", "events"):
                found.show(empty)
            mock.remove("POST", found.service)
            mock.add_callback("POST", found.service, callback=found.soap, content_type="text/xml")
            mock.post(ALARM_SERVICE, body=alarm_answer("GetAlarmLines", ""), content_type="text/xml")
            yield found


def test_a_sound_system_has_nothing_but_good_findings(vms: Vms) -> None:
    findings = vms.check()
    routes = [code for code in codes(findings) if code.startswith("route_")]
    assert len(routes) == 7
    assert [code for code in codes(findings) if code not in routes] == [
        "network_ok",
        "certificate_ok",
        "gateway_ok",
        "clock_ok",
        "login_ok",
        "soap_ok",
        "cameras_ok",
        "camera_ok",
        "privacy_masks_ok",
        "rights_ok",
        "recorder_ok",
        "recorder_clock_ok",
        "bookmarks_ok",
        "analytics_event_ok",
        "alarm_definition_unneeded",
        "event_retention_unknown",
        "alarms_ok",
        "alarm_service_ok",
        "verdict_words_ok",
        "commands_ok",
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


@pytest.mark.parametrize(
    ("collection", "item", "code"),
    [
        ("cameras", camera_object(enabled=False), "camera_disabled"),
        ("hardware", hardware_object(enabled=False), "camera_hardware_disabled"),
    ],
)
def test_a_disabled_camera_or_hardware_is_a_failure(vms: Vms, collection: str, item: dict[str, Any], code: str) -> None:
    vms.show(collection, item)
    assert the(vms.check(), code).level is FindingLevel.FAILURE


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
        scripted_server(lambda _: None, http_answer("400 Bad Request", "no event")) as events,
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


@pytest.mark.parametrize(
    ("told", "code", "level"),
    [
        ("25.2", "gateway_not_found", FindingLevel.FAILURE),
        ("23.3", "gateway_not_found", FindingLevel.FAILURE),
        ("22.2", "gateway_not_installed", FindingLevel.WARNING),
        ("21.2", "gateway_absent", FindingLevel.OK),
        ("", "gateway_absent", FindingLevel.OK),
    ],
)
def test_an_address_without_gateway_is_judged_by_the_release(
    vms: Vms, told: str, code: str, level: FindingLevel
) -> None:
    vms.mock.replace("GET", f"{vms.url}/api/.well-known/uris", status=404)
    vms.mock.replace("GET", f"{vms.url}/IDP/.well-known/openid-configuration", json={"server_version": told})
    vms.mock.post(f"{vms.url}/IDP/connect/token", json={"access_token": "jwt", "expires_in": 3600})
    assert the(vms.check(), code).level is level


def test_a_wrong_password_is_a_finding_that_names_the_menu(vms: Vms) -> None:
    error = {"error": "invalid_grant", "error_code": "InvalidCredentials"}
    vms.mock.replace("POST", f"{vms.url}/API/IDP/connect/token", json=error, status=400)
    findings = vms.check()
    assert "Basic Users" in the(findings, "login_refused").remedy
    assert "cameras_ok" not in codes(findings)


def test_without_the_soap_login_cameras_are_looked_at_but_no_recorder(vms: Vms) -> None:
    vms.mock.remove("POST", vms.service)
    vms.mock.post(vms.service, body="<html><h2>404</h2></html>", status=404)
    found = codes(vms.check())
    assert "soap_not_found" in found
    assert "camera_ok" in found
    assert "recorder_ok" not in found


def test_an_account_that_may_not_ask_for_alarms_or_bookmarks_is_told_before_an_answer_is_lost(vms: Vms) -> None:
    vms.mock.replace("GET", f"{vms.rest}/alarms", status=403)
    vms.soap.faults.add("BookmarkSearchTime")
    findings = vms.check()
    assert codes(findings, FindingLevel.FAILURE) == ["bookmarks_not_allowed", "alarms_not_allowed"]
    assert all("role" in finding.remedy.lower() for finding in findings if finding.level is FindingLevel.FAILURE)


def test_a_missing_right_is_told_by_the_words_of_the_management_client(vms: Vms) -> None:
    vms.soap.configuration = CONFIGURATION.replace("<BookmarkAdd>true", "<BookmarkAdd>false")
    finding = the(vms.check(), "rights_missing")
    assert (finding.level, finding.subject) == (FindingLevel.FAILURE, "quai-1")
    assert "Create bookmarks" in finding.remedy


def test_rights_that_are_not_told_are_to_be_looked_at_by_hand(vms: Vms) -> None:
    vms.soap.configuration = CONFIGURATION.replace("CameraSecurity>", "Other>")
    assert the(vms.check(), "rights_unseen").remedy.startswith("Look by hand")


def test_rights_that_cannot_be_asked_for_hold_up_nothing_else(vms: Vms) -> None:
    vms.soap.faults.add("GetConfiguration")
    findings = vms.check()
    assert the(findings, "rights_not_allowed").level is FindingLevel.WARNING
    assert "recorder_ok" in codes(findings)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"activated": "13", "notLicensed": "0", "inGrace": 0, "graceExpired": "0"}, "licence_ok"),
        ({"activated": "13", "notLicensed": "2", "inGrace": 0}, "licence_missing"),
        ({"activated": "13", "inGrace": 1}, "licence_missing"),
    ],
)
def test_devices_without_a_licence_are_told(vms: Vms, row: dict[str, Any], code: str) -> None:
    relations = {"self": {"type": "licenseInformations", "id": "7"}}
    vms.show("licenseInformations", {"displayName": "XProtect Expert 2025 R2", "relations": relations})
    vms.mock.get(f"{vms.rest}/licenseInformations/7/licenseDetails", status=400)  # the name since 2022 R3
    vms.show("licenseInformations/7/licenseDetail", {"licenseType": "Device License", **row})
    found = codes(vms.check())
    assert code in found
    assert "edition_ok" in found


def test_lists_that_the_account_may_not_read_are_to_be_looked_at_by_hand(vms: Vms) -> None:
    for collection in ("alarmDefinitions", "closeReasons", "licenseInformations", "events"):
        vms.mock.replace("GET", f"{vms.rest}/{collection}", status=403)
    findings = vms.check()
    unseen = ["licence_unseen", "alarm_definition_unseen", "event_retention_unknown", "verdict_words_unseen"]
    assert [code for code in codes(findings) if code in unseen] == unseen
    assert all("Look by hand" in the(findings, code).remedy for code in unseen)
    assert codes(findings, FindingLevel.OK) == codes(findings)


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
    ("version", "changes", "code", "level"),
    [
        ("23.1.0", {"alarm_route": "rest"}, "version_too_old", FindingLevel.FAILURE),
        ("23.1.0", {"event_route": "rest"}, "events_rest_absent", FindingLevel.FAILURE),
        ("23.3.0", {}, "version_beta_apis", FindingLevel.WARNING),
    ],
)
def test_an_old_release_is_told(
    vms: Vms, version: str, changes: dict[str, Any], code: str, level: FindingLevel
) -> None:
    vms.mock.replace("GET", f"{vms.url}/api/.well-known/uris", json={"ProductVersion": version})
    assert the(vms.check(**changes), code).level is level


def test_an_address_without_tls_is_a_warning(vms: Vms) -> None:
    with scripted_server(lambda _: None) as plain:
        findings = vms.check(url=f"http://{LOCAL}:{plain.port}", allow_http=True)
    assert the(findings, "network_not_encrypted").level is FindingLevel.WARNING


def test_a_vms_that_fails_at_every_step_raises_nothing(vms: Vms) -> None:
    for method, path in (("GET", "/API/rest/v1/cameras"), ("GET", "/API/rest/v1/analyticsEvents")):
        vms.mock.replace(method, f"{vms.url}{path}", body="<html>", status=502)
    assert {"cameras_unavailable", "analytics_event_unavailable"} <= set(codes(vms.check()))
