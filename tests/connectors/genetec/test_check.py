from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
import requests
import responses
from requests import PreparedRequest

from config.model import CameraSettings
from connectors.genetec.check.account import ADMINISTRATOR
from connectors.genetec.check.look import Look
from connectors.genetec.control.watched_events import SYSTEM_CONFIGURATION
from core.clock import ManualClock
from core.types import Finding, FindingLevel
from tests.connectors.genetec.samples import ALARM, CAMERA, GUID, NOW, URL, connector, fail, ok
from tests.connectors.protocols.scripted_rtsp import Script, serve

pytestmark = pytest.mark.slow

CAMERA_ROW = {"Guid": GUID, "Name": "North gate", "EntityType": "Camera", "IsOnline": True}
EVENTS = [{"Id": 5000, "Name": "Vigie", "EntityType": "Camera"}]
RULES = [
    {"EventType": "CustomEvent", "CustomEventId": {"Value": 5000}, "Action": {"Type": "TriggerAlarm", "Alarm": ALARM}}
]
ALARM_ROW = {
    "Guid": ALARM,
    "Name": "Intrusion",
    "EntityType": "Alarm",
    "Recipients": [{"Recipient": ADMINISTRATOR, "Delay": "00:00:01"}],
    "ReactivationThreshold": "00:00:00",
}


class Site:
    """A Security Center in good order, of which each test spoils something."""

    def __init__(self) -> None:
        self.date = formatdate(NOW, usegmt=True)
        self.entities: dict[str, dict[str, Any]] = {
            GUID: CAMERA_ROW | {"EventToActions": RULES},
            SYSTEM_CONFIGURATION: {"Guid": SYSTEM_CONFIGURATION, "CustomEvents": EVENTS},
            ALARM: ALARM_ROW,
        }
        self.failing: dict[str, dict[str, Any]] = {}

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = str(request.url).removeprefix(URL).split("?")[0]
        headers = {"Date": self.date} if self.date else {}
        for pattern, refusal in self.failing.items():
            if re.search(pattern, str(request.url)):
                return refusal.get("status", 200), headers, json.dumps(refusal.get("json", {}))
        return 200, headers, json.dumps(self._answer(path, str(request.url)))

    def _answer(self, path: str, url: str) -> dict[str, Any]:
        if path.startswith("/entity/exists/"):
            return ok({"Value": path.rpartition("/")[2] == ADMINISTRATOR})
        if path == "/entity":
            guids = re.findall(r"entity=([0-9a-f-]{36})", url)
            if not set(guids) <= set(self.entities):
                return fail("UnableToRetrieveEntity")
            rows = [self.entities[guid] for guid in guids]
            return ok(rows[0] if len(rows) == 1 else rows)
        return ok()


@pytest.fixture(autouse=True)
def _no_sockets_to_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """The role's ports are looked at in test_traps."""

    def content(look: Look) -> None:
        """Nothing to say."""

    for name in ("look_at_network", "look_at_streaming"):
        monkeypatch.setattr(f"connectors.genetec.check.check.{name}", content)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(re.escape(URL) + ".*"), callback=site)
        yield site


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with serve(Script(frames=5, first_utc=NOW)) as server:
        yield f"127.0.0.1:{server.port}"


def findings(gateway: str, cameras: tuple[CameraSettings, ...] = (CAMERA,), **given: Any) -> dict[str, Finding]:
    given = {"publish": ["event", "alarm", "bookmark"], "media_gateway": gateway} | given
    found = connector(ManualClock(NOW), **given).check(cameras)
    for finding in found:
        assert finding.message
        assert finding.remedy or finding.level is FindingLevel.OK
    return {finding.code: finding for finding in found}


GOOD = {
    "web_sdk_ok",
    "clock_ok",
    "account_ok",
    "camera_ok",
    "custom_event_ok",
    "event_to_action_ok",
    "alarm_ok",
    "alarm_recipients_ok",
    "verdicts_ok",
    "ask_event_ok",
    "ask_bookmark_ok",
    "media_gateway_ok",
    "video_ok",
}


def test_a_site_in_good_order_has_only_good_findings(site: Site, gateway: str) -> None:
    assert set(findings(gateway)) == GOOD


def test_a_direct_alarm_is_looked_for(site: Site, gateway: str) -> None:
    direct: dict[str, Any] = {"alarm_route": "direct", "alarm": ALARM}
    assert set(findings(gateway, **direct)) == GOOD - {"event_to_action_ok"}
    del site.entities[ALARM]
    assert findings(gateway, **direct)["alarm_not_found"].level is FindingLevel.FAILURE


@pytest.mark.parametrize(
    ("spoil", "code", "level"),
    [
        ({"/$": {"status": 401}}, "account_not_sent", FindingLevel.FAILURE),
        ({"/$": {"status": 403}}, "account_refused", FindingLevel.FAILURE),
        ({"/$": {"status": 404}}, "base_uri_refused", FindingLevel.FAILURE),
        ({"/$": {"json": {}}}, "web_sdk_unexpected", FindingLevel.FAILURE),
        ({"/$": {"status": 503}}, "web_sdk_unavailable", FindingLevel.FAILURE),
        ({"exists": {"status": 403}}, "account_refused", FindingLevel.FAILURE),
        ({"exists": {"json": fail("UnsufficientPrivilege")}}, "account_not_allowed", FindingLevel.FAILURE),
        ({"exists": {"json": fail("InvalidApplicationId")}}, "application_id_refused", FindingLevel.FAILURE),
        ({"exists": {"json": fail("MissingClientCertificate")}}, "certificate_part_missing", FindingLevel.FAILURE),
        ({"exists": {"json": fail("CertificateCountExceeded")}}, "licence_used_up", FindingLevel.FAILURE),
        ({GUID: {"json": fail("UnableToRetrieveEntity")}}, "camera_not_found", FindingLevel.FAILURE),
        ({"CustomEvents": {"json": fail("UnsufficientPrivilege")}}, "custom_event_unverified", FindingLevel.WARNING),
        ({"EventToActions": {"json": fail("CannotGetProperty")}}, "event_to_action_unverified", FindingLevel.WARNING),
        ({"Recipients": {"json": fail("CannotGetProperty")}}, "alarm_recipients_unseen", FindingLevel.OK),
        ({"TriggeredTimeRange": {"json": fail("InvalidValue")}}, "verdicts_ok", FindingLevel.OK),
        ({"AlarmActivity": {"status": 404}}, "verdicts_not_allowed", FindingLevel.WARNING),
        ({"CameraEvent": {"status": 404}}, "ask_event_not_allowed", FindingLevel.WARNING),
        ({"CameraEvent": {"status": 500}}, "ask_event_unavailable", FindingLevel.FAILURE),
        ({"Bookmark": {"json": fail("InvalidOperation")}}, "ask_bookmark_not_allowed", FindingLevel.WARNING),
    ],
)
def test_what_the_web_sdk_refuses_is_found(
    site: Site, gateway: str, spoil: dict[str, Any], code: str, level: FindingLevel
) -> None:
    site.failing = spoil
    assert findings(gateway)[code].level is level


@pytest.mark.parametrize(
    ("entity", "changed", "code"),
    [
        (GUID, {"IsOnline": False}, "camera_offline"),
        (GUID, {"IsOnline": "false"}, "camera_offline"),
        (GUID, {"EntityType": "Door"}, "camera_wrong_type"),
        (GUID, {"EventToActions": []}, "event_to_action_missing"),
        (GUID, {"EventToActions": []}, "alarm_unseen"),
        (GUID, {"EventToActions": None}, "event_to_action_missing"),
        (GUID, {"EventToActions": [{"EventType": "CustomEvent", "CustomEventId": 5001}]}, "event_to_action_other"),
        (GUID, {"EventToActions": {"Id": "CustomEventId(5000)"}}, "event_to_action_ok"),
        (ALARM, {"Recipients": []}, "alarm_recipients_missing"),
        (ALARM, {"ReactivationThreshold": "00:00:30"}, "alarm_threshold"),
        (ALARM, {"EntityType": "Area"}, "alarm_unseen"),
        (SYSTEM_CONFIGURATION, {"CustomEvents": []}, "custom_event_not_found"),
        (SYSTEM_CONFIGURATION, {"CustomEvents": [{"Id": 5000, "Name": "Other"}]}, "custom_event_name"),
        (SYSTEM_CONFIGURATION, {"CustomEvents": {"Vigie": "5000"}}, "custom_event_name"),
        (SYSTEM_CONFIGURATION, {"CustomEvents": "5000"}, "custom_event_name"),
    ],
)
def test_what_is_missing_in_security_center_is_found(
    site: Site, gateway: str, entity: str, changed: dict[str, Any], code: str
) -> None:
    site.entities[entity] = site.entities[entity] | changed
    assert code in findings(gateway)


@pytest.mark.parametrize(("drift_s", "code"), [(0, "clock_ok"), (30, "clock_drift"), (-30, "clock_drift")])
def test_clocks_that_disagree_are_found(site: Site, gateway: str, drift_s: int, code: str) -> None:
    site.date = formatdate(NOW + drift_s, usegmt=True)
    assert code in findings(gateway)


@pytest.mark.parametrize("date", ["", "not a date"])
def test_a_server_without_a_usable_date_is_no_finding(site: Site, gateway: str, date: str) -> None:
    site.date = date
    assert set(findings(gateway)) == GOOD - {"clock_ok"}


def test_an_unreachable_security_center_still_has_its_media_gateway_looked_at(gateway: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/", body=requests.exceptions.ConnectTimeout())
        assert set(findings(gateway)) == {"web_sdk_unavailable", "media_gateway_ok", "video_ok"}


def test_a_media_gateway_that_does_not_listen_is_found(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = findings(f"127.0.0.1:{port}")
    assert "enable RTSP" in found["media_gateway_unavailable"].remedy
    assert "video_ok" not in found


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Script(credentials="vigie:other"), "video_refused"),
        (Script(status="404 Not Found"), "video_not_found"),
        (Script(frames=600, report_at=None), "video_time_unknown"),
    ],
    ids=["account", "stream", "time"],
)
def test_video_that_does_not_come_as_it_should_is_found(site: Site, script: Script, code: str) -> None:
    with serve(script) as server:
        assert code in findings(f"127.0.0.1:{server.port}")


def test_a_device_that_is_no_guid_is_found_and_the_rest_looked_at(site: Site, gateway: str) -> None:
    other = CAMERA.model_copy(update={"id": "quai-2", "device": "12"})
    found = findings(gateway, (CAMERA, other))
    assert found["camera_not_found"].subject == "quai-2"
    assert set(found) >= GOOD


def test_a_site_without_cameras_is_checked_too(site: Site, gateway: str) -> None:
    of_cameras = {"camera_ok", "event_to_action_ok", "alarm_ok", "alarm_recipients_ok", "video_ok"}
    of_cameras |= {"ask_event_ok", "ask_bookmark_ok"}
    assert set(findings(gateway, ())) == GOOD - of_cameras | {"alarm_unseen"}


def test_an_event_to_action_from_any_entity_counts_for_every_camera(site: Site, gateway: str) -> None:
    site.entities[GUID] = site.entities[GUID] | {"EventToActions": []}
    site.entities[SYSTEM_CONFIGURATION]["EventToActions"] = RULES
    assert set(findings(gateway)) == GOOD


def test_an_alarm_that_the_settings_name_is_looked_at_whatever_triggers_it(site: Site, gateway: str) -> None:
    site.entities[GUID] = site.entities[GUID] | {"EventToActions": []}
    assert {"event_to_action_missing", "alarm_ok"} <= set(findings(gateway, alarm=ALARM))


def test_a_user_of_active_directory_is_told_before_the_role_says_no_more_than_403(site: Site, gateway: str) -> None:
    site.failing = {"/$": {"status": 403}}
    found = findings(gateway, username="SITE\\vigie")
    assert {"account_not_local", "account_refused"} <= set(found)


def test_each_event_that_control_names_is_looked_for(site: Site, gateway: str) -> None:
    control = [{"event": "Vigie", "state": "off"}, {"event": "Nuit", "state": "armed"}]
    found = findings(gateway, control=control)
    assert found["control_event_ok"].subject == "Vigie"
    assert found["control_event_not_found"].subject == "Nuit"
