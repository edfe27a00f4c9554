from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.holdings import Holdings
from connectors.milestone.inventory.inventory import Inventory, MetadataDevice, Recorder
from core.clock import ManualClock
from core.errors import NotFoundInVms, ProtocolViolation, ReplyLost, VmsUnavailable
from core.types import VmsCamera
from tests.connectors.milestone.gateway import (
    add_list,
    camera_object,
    gateway,
    hardware_object,
    recorder_object,
    soap_answer,
)
from tests.connectors.milestone.support import DEVICE, HARDWARE, RECORDER, REST, URL, WAIT_S, services, settings

pytestmark = pytest.mark.slow

OTHER = "11111111-1111-4111-8111-222222222222"
OAUTH = f"{URL}/ManagementServer/ServerCommandServiceOAuth.svc"


def inventory(clock: ManualClock | None = None) -> Inventory:
    given = services(clock=clock or ManualClock())
    return Inventory(XProtectSession(settings(), given), given.clock)


def asked(mock: responses.RequestsMock, part: str) -> list[str]:
    """Queries of the requests whose path ends with ``part``."""
    urls = [unquote(str(call.request.url)) for call in mock.calls]
    return [url.partition("?")[2] for url in urls if url.partition("?")[0].endswith(part)]


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
            camera_object("f", "F", enabled="False"),
        ]
        add_list(mock, "cameras", cameras)
        assert inventory().cameras() == [
            VmsCamera(device=DEVICE, name="A", is_enabled=True),
            VmsCamera(device=OTHER, name="B", is_enabled=False),
            VmsCamera(device="c", name="C", is_enabled=False),
            VmsCamera(device="d", name="D", is_enabled=True),
            VmsCamera(device="e", name="E", is_enabled=True),
            VmsCamera(device="f", name="F", is_enabled=False),
        ]


Callback = Callable[[requests.PreparedRequest], tuple[int, dict[str, str], str]]


def _paged(items: list[dict[str, Any]], served: int) -> Callback:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = dict(pair.partition("=")[::2] for pair in str(request.url).partition("?")[2].split("&"))
        assert "disabled" in query
        first = int(query["page"]) * served
        body = json.dumps({"array": items[first : first + served]})
        return 200, {"Content-Type": "application/json"}, body

    return answer


def replace_by(mock: responses.RequestsMock, collection: str, callback: Callback) -> None:
    mock.remove("GET", f"{REST}/{collection}")
    mock.add_callback("GET", f"{REST}/{collection}", callback=callback)


def test_pages_are_read_to_the_end_even_when_the_server_gives_smaller_ones() -> None:
    items = [camera_object(f"device-{number}", f"Camera {number}") for number in range(7)]
    with gateway() as mock:
        replace_by(mock, "cameras", _paged(items, served=3))
        assert [camera.name for camera in inventory().cameras()] == [f"Camera {number}" for number in range(7)]


def test_a_site_of_2600_cameras_is_listed_in_one_pass_once_many_cameras_are_used() -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(2600)]
    with gateway() as mock:
        for device in ids[:50]:
            mock.get(f"{REST}/cameras/{device}", json={"data": camera_object(device)})
        replace_by(mock, "cameras", _paged([camera_object(device) for device in ids], served=500))
        used = inventory()
        for device in ids[:100]:
            assert used.camera(device).recorder.recorder_id == RECORDER
        assert len(asked(mock, "/cameras")) == 7
        assert len(asked(mock, "/hardware")) == len(asked(mock, "/recordingServers")) == 2
        assert asked(mock, f"/cameras/{ids[49]}")
        assert not asked(mock, f"/cameras/{ids[50]}")


def test_the_first_cameras_do_not_wait_for_the_lists_of_the_whole_site() -> None:
    clock = ManualClock()
    with gateway() as mock:
        used = inventory(clock)
        known = used.camera(DEVICE)
        assert used.remembered(DEVICE) == used.camera(DEVICE) == known
        assert len(asked(mock, f"/cameras/{DEVICE}")) == 1
        assert not asked(mock, "/cameras")
        clock.advance(300.0)
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=503)
        assert used.camera(DEVICE) == known
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", json={"data": camera_object(name="Renamed")})
        used.forget(DEVICE)
        assert used.camera(DEVICE).name == "Renamed"


def test_a_server_that_ignores_paging_is_read_once() -> None:
    with gateway():
        assert [camera.device for camera in inventory().cameras()] == [DEVICE]


def test_a_camera_is_found_with_its_recorder_and_remembered_for_minutes() -> None:
    clock = ManualClock()
    with gateway() as mock:
        used = inventory(clock)
        used.refresh()
        known = used.camera(DEVICE.upper())
        assert known.recorder == Recorder(
            recorder_id=RECORDER,
            name="REC01",
            url="https://vms.site.test:7563/",
            host="vms.site.test",
            port=7563,
            has_tls=True,
        )
        before = len(mock.calls)
        assert used.camera(DEVICE) == used.remembered(DEVICE) == known
        clock.advance(299.0)
        used.camera(DEVICE)
        assert len(mock.calls) == before
        assert used.age_s() == 299.0
        clock.advance(1.0)
        used.camera(DEVICE)
        assert len(mock.calls) > before


def test_later_looks_ask_only_for_what_changed() -> None:
    clock = ManualClock()
    with gateway() as mock:
        old = {"lastModified": "2025-01-31T09:11:02.9100000Z"}
        add_list(mock, "cameras", [camera_object(**old), camera_object(OTHER, **old)])
        used = inventory(clock)
        used.refresh()
        newer = camera_object(name="Renamed", lastModified="2025-01-31T10:12:02.9100000+01:00")
        add_list(mock, "cameras", [newer])
        clock.advance(300.0)
        assert used.camera(DEVICE).name == "Renamed"
        assert used.camera(OTHER).name == "Quai 1 nord"
        for part in ("/cameras", "/hardware", "/recordingServers"):
            assert "lastModified=gt:'2025-01-31T09:11:01.910Z'" in asked(mock, part)[-1]


def test_deleted_cameras_are_found_by_a_full_list_now_and_then() -> None:
    clock = ManualClock()
    with gateway() as mock:
        stamp = {"lastModified": "2025-01-31T09:11:02Z"}
        add_list(mock, "cameras", [camera_object(**stamp), camera_object(OTHER, **stamp)])
        used = inventory(clock)
        used.refresh()
        add_list(mock, "cameras", [camera_object(**stamp)])
        clock.advance(300.0)
        assert used.camera(OTHER).device == OTHER
        clock.advance(3600.0)
        mock.get(f"{REST}/cameras/{OTHER}", status=404, json={})
        with pytest.raises(NotFoundInVms):
            used.camera(OTHER)


def test_a_release_that_knows_no_such_filter_is_listed_in_full() -> None:
    clock = ManualClock()
    with gateway() as mock:
        add_list(mock, "cameras", [camera_object(lastModified="2025-01-31T09:11:02Z")])
        used = inventory(clock)
        used.refresh()

        def no_filter(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            if "lastModified" in str(request.url):
                return 400, {}, json.dumps({"error": {"details": [{"errorText": "unknown filter"}]}})
            return 200, {}, json.dumps({"array": [camera_object(name="Renamed")]})

        replace_by(mock, "cameras", no_filter)
        clock.advance(300.0)
        assert used.camera(DEVICE).name == "Renamed"


def test_while_asking_fails_the_last_known_inventory_is_used_and_grows_old() -> None:
    clock = ManualClock()
    with gateway() as mock:
        used = inventory(clock)
        used.refresh()
        for collection in ("cameras", "hardware", "recordingServers"):
            mock.replace("GET", f"{REST}/{collection}", status=503)
        clock.advance(400.0)
        assert used.camera(DEVICE).recorder.recorder_id == RECORDER
        assert [camera.device for camera in used.cameras()] == [DEVICE]
        assert used.age_s() == 400.0
        with pytest.raises(VmsUnavailable):
            used.refresh()
        add_list(mock, "cameras", [])
        add_list(mock, "hardware", [])
        add_list(mock, "recordingServers", [])
        used.refresh()
        assert used.age_s() == 0.0
        assert used.cameras() == []


def test_a_connection_that_breaks_does_not_cost_the_whole_list() -> None:
    with gateway() as mock:
        broken = iter([True, False])

        def answer(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            if next(broken, False):
                raise requests.ConnectionError("reset")
            return 200, {}, json.dumps({"array": [camera_object()]})

        replace_by(mock, "cameras", answer)
        assert [camera.device for camera in inventory().cameras()] == [DEVICE]


def test_threads_that_need_the_lists_at_start_share_one_pass() -> None:
    with gateway() as mock:
        used = inventory()
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(used.recorders()[0].name)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        assert len(found) == 8
        assert len(asked(mock, "/recordingServers")) == 2


def test_after_a_failover_only_the_camera_in_doubt_is_asked_for() -> None:
    with gateway() as mock:
        used = inventory()
        used.refresh()
        used.forget(DEVICE)
        moved = recorder_object(activeWebServerUri="https://failover.test:7564/")
        mock.replace("GET", f"{REST}/recordingServers/{RECORDER}", json={"data": moved})
        before = len(mock.calls)
        assert used.camera(DEVICE).recorder.host == "failover.test"
        assert used.camera(DEVICE).recorder.host == "failover.test"
        assert len(mock.calls) == before + 3
        assert [recorder.host for recorder in used.recorders()] == ["failover.test"]


def test_a_camera_in_doubt_is_where_it_was_while_nobody_answers() -> None:
    with gateway() as mock:
        used = inventory()
        known = used.camera(DEVICE)
        used.forget(DEVICE)
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=503)
        assert used.camera(DEVICE) == known
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", json={"data": camera_object(name="Renamed")})
        assert used.camera(DEVICE).name == "Renamed"


def test_a_deleted_camera_in_doubt_is_not_found() -> None:
    with gateway() as mock:
        used = inventory()
        used.camera(DEVICE)
        used.forget(DEVICE)
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={})
        with pytest.raises(NotFoundInVms):
            used.camera(DEVICE)
        assert used.remembered(DEVICE) is None


def test_a_camera_that_was_added_since_is_found_at_once() -> None:
    with gateway() as mock:
        used = inventory()
        used.camera(DEVICE)
        mock.get(f"{REST}/cameras/{OTHER}", json={"data": camera_object(OTHER, "New")})
        assert used.camera(OTHER).name == "New"


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


@pytest.mark.parametrize("address", [None, "https://[vms.site.test/", "https://vms.site.test:99999/", "vms"])
def test_a_recorder_without_usable_address_is_a_protocol_violation(address: str | None) -> None:
    with gateway(recorder=recorder_object(webServerUri=address)), pytest.raises(ProtocolViolation, match="REC01"):
        inventory().camera(DEVICE)


@pytest.mark.parametrize("device", ["", "quai-1", "{not-a-guid}"])
def test_an_id_that_is_no_guid_is_not_found_without_asking(device: str) -> None:
    with gateway() as mock, pytest.raises(NotFoundInVms, match="no XProtect device id"):
        inventory().camera(device)
    assert not mock.calls


def test_an_unknown_camera_is_not_found() -> None:
    with gateway() as mock:
        mock.get(f"{REST}/cameras/{OTHER}", status=404, json={"error": {"details": []}})
        with pytest.raises(NotFoundInVms):
            inventory().camera(OTHER)


@pytest.mark.parametrize("hidden", [f"hardware/{HARDWARE}", f"recordingServers/{RECORDER}"])
def test_a_camera_whose_hardware_or_recorder_is_hidden_from_us_is_not_called_unknown(hidden: str) -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/{hidden}", status=404, json={"error": {"details": []}})
        with pytest.raises(ProtocolViolation) as caught:
            inventory().camera(DEVICE)
    assert "read hardware and recording servers" in caught.value.remedy


def test_an_orphan_camera_is_a_protocol_violation_and_remembered_as_nothing() -> None:
    with gateway() as mock:
        add_list(mock, "cameras", [camera_object(relations={})])
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", json={"data": camera_object(relations={})})
        used = inventory()
        with pytest.raises(ProtocolViolation, match="no parent"):
            used.camera(DEVICE)
        assert used.remembered(DEVICE) is None


def test_asking_has_no_effect_so_a_lost_answer_is_only_unavailable() -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/hardware", status=502, body="<html>")
        with pytest.raises(VmsUnavailable) as caught:
            inventory().recorders()
    assert not isinstance(caught.value, ReplyLost)


def test_analytics_events_are_listed_by_name_and_id() -> None:
    with gateway() as mock:
        add_list(mock, "analyticsEvents", [{"id": "A1", "name": "Vigie"}, {"id": "2", "name": "Other"}])
        used = inventory()
        for _ in range(2):
            assert used.analytics_event_ids() == {"a1": "Vigie", "2": "Other"}
        assert len(asked(mock, "/analyticsEvents")) == 2


def test_user_defined_events_are_listed_without_the_built_in_ones() -> None:
    with gateway() as mock:
        built_in = [
            "85867627-B287-4439-9e55-a63701e1715b",
            "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a",
            "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c",
        ]
        items = [{"id": event_id, "name": "built in"} for event_id in built_in]
        add_list(mock, "userDefinedEvents", [*items, {"id": "1", "name": "Vigie alert"}])
        assert inventory().user_defined_events() == {"1": "Vigie alert"}


def test_metadata_devices_and_alarm_definitions_are_listed() -> None:
    with gateway() as mock:
        parent = {"parent": {"type": "hardware", "id": HARDWARE.upper()}}
        add_list(mock, "metadata", [{"id": "M1", "name": "Boxes", "enabled": "False", "relations": parent}])
        add_list(mock, "alarmDefinitions", [{"id": "d", "name": "Vigie", "enabled": True}])
        used = inventory()
        assert used.metadata_devices() == [
            MetadataDevice(device="m1", name="Boxes", is_enabled=False, hardware_id=HARDWARE)
        ]
        assert [item["name"] for item in used.alarm_definitions()] == ["Vigie"]


def test_edition_and_options_are_told_by_soap() -> None:
    with gateway() as mock:
        product = "<MajorVersion>25</MajorVersion><MinorVersion>2</MinorVersion><ProductCode>430</ProductCode>"
        mock.post(OAUTH, body=soap_answer("GetProductInfo", product), content_type="text/xml")
        options = "<ServerOption><Key>Bookmark</Key><Value>False</Value></ServerOption>"
        told = f"<Recorders/><ServerOptions>{options}</ServerOptions>"
        mock.post(OAUTH, body=soap_answer("GetConfiguration", told), content_type="text/xml")
        used = inventory()
        assert used.product().product_code == "430"
        assert used.product().version == (25, 2)
        assert used.server_options() == {"Bookmark": "False"}


def test_nothing_is_known_before_the_first_look() -> None:
    used = inventory()
    assert used.remembered(DEVICE) is None
    assert used.age_s() is None
    assert Holdings().cameras == {}
