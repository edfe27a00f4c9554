"""What the check says of XProtect's end of the VPS, where the answers are ones that the simulator does not give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.check.look import Look, milestone_code
from connectors.milestone.check.vps import look_at_vps
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_service import AlarmService
from connectors.milestone.video.recorder import RecorderDialer
from connectors.protocols.findings import Findings
from core.types import FindingLevel
from tests.connectors.milestone.gateway import add_list, gateway
from tests.connectors.milestone.support import DEVICE, RECORDER, REST, camera, services, settings

VPS_HARDWARE = "44444444-4444-4444-8444-444444444444"
METADATA = "55555555-5555-4555-8555-555555555555"
DRIVER = {"id": "d1", "number": 20002, "name": "VPS"}
URL = "http://127.0.0.1:5001/vps/quai-1"
RULE = {"id": "r1", "name": "Record", "enabled": True, "startActions": "StartRecording"}


def vps_hardware(**changes: Any) -> dict[str, Any]:
    path = {"type": "hardwareDrivers", "id": "D1"}
    return {"id": VPS_HARDWARE, "name": "Vigie quai-1", "enabled": True, "hardwareDriverPath": path, **changes}


def driver_settings(**values: str) -> dict[str, Any]:
    return {"displayName": "Settings", "hardwareDriverSettings": [{"displayName": "General", **values}]}


@pytest.fixture
def vms() -> Iterator[responses.RequestsMock]:
    """One camera whose VPS hardware is in good order."""
    with gateway() as mock:
        add_list(mock, f"recordingServers/{RECORDER}/hardwareDrivers", [{"id": "d0", "number": 20001}, DRIVER])
        add_list(mock, "hardware", [vps_hardware()])
        right = driver_settings(SourceCamera=DEVICE.upper(), DriverParameters=f"VPSNODES,http://old/,{URL};OTHER,1")
        show_settings(mock, right)
        add_list(mock, f"hardware/{VPS_HARDWARE}/metadata", [{"id": METADATA, "name": "Boxes", "enabled": True}])
        add_list(mock, f"cameras/{DEVICE}/clientSettings", [{"related": [{"type": "metadata", "id": METADATA}]}])
        add_list(mock, "rules", [{**RULE, "devices": [{"type": "metadata", "id": METADATA}]}])
        yield mock


def show_settings(mock: responses.RequestsMock, shown: dict[str, Any]) -> None:
    add_list(mock, f"hardware/{VPS_HARDWARE}/hardwareDriverSettings", [shown])


def found() -> dict[str, FindingLevel]:
    used = settings(
        video="vps", allow_http=True, publish=["alarm", "metadata"], vps={"listen": "127.0.0.1:5001"}, ca=None
    )
    session = XProtectSession(used, services())
    inventory = Inventory(session, services().clock)
    look = Look(
        settings=used,
        services=services(),
        session=session,
        inventory=inventory,
        dialer=RecorderDialer(used, inventory, None),
        alarm_service=AlarmService(session, used),
        cameras=[camera()],
        findings=Findings(milestone_code),
    )
    try:
        look_at_vps(look)
    finally:
        session.close()
    return {finding.code: finding.level for finding in look.findings.found}


GOOD = dict.fromkeys(
    (
        "vps_driver_ok",
        "vps_hardware_ok",
        "vps_settings_ok",
        "vps_metadata_ok",
        "vps_related_ok",
        "vps_rules_ok",
        "vps_views_unseen",
    ),
    FindingLevel.OK,
)


@pytest.mark.usefixtures("vms")
def test_a_camera_with_all_that_boxes_need_is_good() -> None:
    assert found() == GOOD


def test_a_recorder_without_the_driver_is_told_and_its_hardware_not_looked_for(vms: responses.RequestsMock) -> None:
    add_list(vms, f"recordingServers/{RECORDER}/hardwareDrivers", [{"id": "d0", "number": 20001}])
    assert found() == {"vps_driver_not_found": FindingLevel.FAILURE, "vps_views_unseen": FindingLevel.OK}


def test_a_camera_that_xprotect_does_not_have_is_left_to_the_look_at_cameras(vms: responses.RequestsMock) -> None:
    vms.replace("GET", f"{REST}/cameras/{DEVICE}", status=404)
    add_list(vms, "cameras", [])
    assert found() == {"vps_views_unseen": FindingLevel.OK}


@pytest.mark.parametrize(
    ("shown", "code", "level"),
    [
        ({"displayName": "Settings", "hardwarePtz": {}}, "vps_settings_unseen", FindingLevel.OK),
        (driver_settings(SourceCamera="", DriverParameters=""), "vps_settings_wrong", FindingLevel.FAILURE),
        (
            driver_settings(SourceCamera=VPS_HARDWARE, DriverParameters=f"VPSNODES,{URL}"),
            "vps_settings_wrong",
            FindingLevel.FAILURE,
        ),
        (
            driver_settings(SourceCamera=DEVICE, DriverParameters="VPSNODES,http://elsewhere:5001/vps/quai-1"),
            "vps_settings_wrong",
            FindingLevel.FAILURE,
        ),
    ],
)
def test_settings_are_compared_as_far_as_they_are_shown(
    vms: responses.RequestsMock, shown: dict[str, Any], code: str, level: FindingLevel
) -> None:
    show_settings(vms, shown)
    assert found()[code] is level


def test_hardware_of_any_name_is_known_by_the_address_that_it_dials(vms: responses.RequestsMock) -> None:
    add_list(vms, "hardware", [vps_hardware(name="Named by hand")])
    assert found() == GOOD


def test_hardware_that_dials_for_another_camera_is_not_taken_by_its_name(vms: responses.RequestsMock) -> None:
    show_settings(vms, driver_settings(SourceCamera=DEVICE, DriverParameters=f"VPSNODES,{URL}-b"))
    assert found()["vps_hardware_not_found"] is FindingLevel.FAILURE


def test_settings_that_may_not_be_read_count_as_not_shown(vms: responses.RequestsMock) -> None:
    vms.replace("GET", f"{REST}/hardware/{VPS_HARDWARE}/hardwareDriverSettings", status=404)
    assert found()["vps_settings_unseen"] is FindingLevel.OK


@pytest.mark.parametrize(
    ("rules", "code", "level"),
    [
        ([RULE], "vps_rules_unseen", FindingLevel.OK),
        ([], "vps_rules_unseen", FindingLevel.OK),
        ([{**RULE, "devices": [{"type": "metadataGroups", "id": "g"}]}], "vps_rules_ok", FindingLevel.OK),
        ([{**RULE, "devices": [{"type": "cameraGroups", "id": "g"}]}], "vps_rules_missing", FindingLevel.WARNING),
    ],
)
def test_rules_are_believed_as_far_as_they_tell_devices(
    vms: responses.RequestsMock, rules: list[dict[str, Any]], code: str, level: FindingLevel
) -> None:
    add_list(vms, "rules", rules)
    assert found()[code] is level


@pytest.mark.parametrize(
    ("path", "code"), [(f"cameras/{DEVICE}/clientSettings", "vps_related_unseen"), ("rules", "vps_rules_unseen")]
)
def test_what_the_account_may_not_read_is_to_be_looked_at_by_hand(
    vms: responses.RequestsMock, path: str, code: str
) -> None:
    vms.replace("GET", f"{REST}/{path}", status=403)
    assert found()[code] is FindingLevel.OK
