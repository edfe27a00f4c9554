from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from connectors.milestone.inventory import Inventory, Recorder
from connectors.milestone.session import XProtectSession
from core.clock import ManualClock
from core.errors import NotFoundInVms, ProtocolViolation, ReplyLost, VmsUnavailable
from core.types import VmsCamera
from tests.connectors.milestone.gateway import add_list, camera_object, gateway, hardware_object, recorder_object
from tests.connectors.milestone.support import DEVICE, HARDWARE, RECORDER, REST, services, settings

OTHER = "11111111-1111-4111-8111-222222222222"


def inventory(clock: ManualClock | None = None) -> Inventory:
    given = services(clock=clock or ManualClock())
    return Inventory(XProtectSession(settings(), given), given.clock)


def test_every_camera_is_listed_with_whether_it_and_its_hardware_are_enabled() -> None:
    off = "44444444-4444-4444-8444-444444444444"
    dead = {"relations": {"parent": {"type": "hardware", "id": off}}}
    with gateway() as mock:
        add_list(mock, "hardware", [hardware_object(), hardware_object(id=off, enabled=False)])
        cameras = [
            camera_object(DEVICE.upper(), "A"),
            camera_object(OTHER, "B", enabled=False),
            camera_object("c", "C", **dead),
            camera_object("d", "D", enabled="True"),
            camera_object("e", "E", relations={}),
        ]
        add_list(mock, "cameras", cameras)
        assert inventory().cameras() == [
            VmsCamera(device=DEVICE, name="A", is_enabled=True),
            VmsCamera(device=OTHER, name="B", is_enabled=False),
            VmsCamera(device="c", name="C", is_enabled=False),
            VmsCamera(device="d", name="D", is_enabled=True),
            VmsCamera(device="e", name="E", is_enabled=True),
        ]


def _paged(items: list[dict[str, Any]], served: int) -> Any:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = dict(pair.partition("=")[::2] for pair in str(request.url).partition("?")[2].split("&"))
        assert "disabled" in query
        first = int(query["page"]) * served
        body = json.dumps({"array": items[first : first + served]})
        return 200, {"Content-Type": "application/json"}, body

    return answer


def test_pages_are_read_to_the_end_even_when_the_server_gives_smaller_ones() -> None:
    items = [camera_object(f"device-{number}", f"Camera {number}") for number in range(7)]
    with gateway() as mock:
        mock.add_callback("GET", f"{REST}/cameras", callback=_paged(items, served=3))
        add_list(mock, "hardware", [hardware_object()])
        assert [camera.name for camera in inventory().cameras()] == [f"Camera {number}" for number in range(7)]


def test_a_server_that_ignores_paging_is_read_once() -> None:
    with gateway() as mock:
        mock.get(f"{REST}/cameras", json={"array": [camera_object()]})
        mock.get(f"{REST}/hardware", json={"array": [hardware_object()]})
        assert [camera.device for camera in inventory().cameras()] == [DEVICE]


def test_a_camera_is_found_with_its_recorder_and_remembered_for_minutes() -> None:
    clock = ManualClock()
    with gateway() as mock:
        asked = inventory(clock)
        known = asked.camera(DEVICE.upper())
        assert known.recorder == Recorder(
            recorder_id=RECORDER,
            name="REC01",
            url="https://vms.site.test:7563/",
            host="vms.site.test",
            port=7563,
            has_tls=True,
        )
        before = len(mock.calls)
        assert asked.camera(DEVICE) == known
        assert len(mock.calls) == before
        clock.advance(301.0)
        asked.camera(DEVICE)
        assert len(mock.calls) == before + 3
        asked.forget(DEVICE)
        asked.camera(DEVICE)
        assert len(mock.calls) == before + 6


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"activeWebServerUri": "https://failover.test:7564/"}, ("failover.test", 7564, True)),
        ({"activeWebServerUri": ""}, ("vms.site.test", 7563, True)),
        ({"webServerUri": "http://rec.test/"}, ("rec.test", 7563, False)),
    ],
)
def test_the_recorders_address_is_the_active_one(changes: dict[str, Any], address: tuple[str, int, bool]) -> None:
    with gateway(recorder=recorder_object(**changes)):
        recorder = inventory().camera(DEVICE).recorder
        assert (recorder.host, recorder.port, recorder.has_tls) == address


def test_a_recorder_without_address_is_a_protocol_violation() -> None:
    with gateway(recorder=recorder_object(webServerUri=None)), pytest.raises(ProtocolViolation, match="REC01"):
        inventory().camera(DEVICE)


@pytest.mark.parametrize("device", ["", "quai-1", "{not-a-guid}"])
def test_an_id_that_is_no_guid_is_not_found_without_asking(device: str) -> None:
    with gateway() as mock, pytest.raises(NotFoundInVms, match="no XProtect device id"):
        inventory().camera(device)
    assert not mock.calls


def test_an_unknown_camera_is_not_found() -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={"error": {"details": []}})
        with pytest.raises(NotFoundInVms):
            inventory().camera(DEVICE)


def test_an_orphan_camera_is_a_protocol_violation() -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", json={"data": camera_object(relations={})})
        with pytest.raises(ProtocolViolation, match="no parent"):
            inventory().camera(DEVICE)


def test_asking_has_no_effect_so_a_lost_answer_is_only_unavailable() -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/hardware/{HARDWARE}", status=502, body="<html>")
        with pytest.raises(VmsUnavailable) as caught:
            inventory().camera(DEVICE)
    assert not isinstance(caught.value, ReplyLost)


def test_analytics_events_are_listed_by_name() -> None:
    with gateway() as mock:
        add_list(mock, "analyticsEvents", [{"id": "1", "name": "Vigie"}, {"id": "2", "name": "Other"}])
        assert inventory().analytics_events() == ["Vigie", "Other"]
