from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import responses
from requests import PreparedRequest

from connectors.genetec.inventory.inventory import PAGE_SIZE, Inventory, camera_guid
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid
from tests.connectors.genetec.samples import CAMERA, GUID, URL, connector, fail, ok, queries

Answer = tuple[int, dict[str, str], str]


def guid(number: int) -> str:
    return f"00000001-0000-babe-0000-{number:012x}"


def described(request: PreparedRequest) -> list[dict[str, Any]]:
    found = re.findall(r"entity=([0-9a-f-]{36})", str(request.url))
    return [{"Guid": name, "Name": f"Camera {int(name[-12:], 16)}"} for name in found]


def pages(numbers: list[int], *, extra_row: bool) -> Callable[[PreparedRequest], Answer]:
    """Answers the report page by page, with or without the extra row that announces another page."""

    def answer(request: PreparedRequest) -> Answer:
        page = int(re.search(r"Page=(\d+)", str(request.url)).group(1))  # type: ignore[union-attr]
        end = page * PAGE_SIZE + extra_row
        rows = [{"Guid": guid(number)} for number in numbers[(page - 1) * PAGE_SIZE : end]]
        return 200, {}, json.dumps(ok(rows[0] if len(rows) == 1 else rows or None))

    return answer


def entities(request: PreparedRequest) -> Answer:
    rows = described(request)
    assert len(rows) <= 10
    assert len(str(request.url)) < 2000
    return 200, {}, json.dumps(ok(rows[0] if len(rows) == 1 else rows))


@responses.activate
@pytest.mark.parametrize("extra_row", [True, False])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 205])
def test_every_camera_is_listed_once_whatever_the_pages(count: int, extra_row: bool) -> None:
    numbers = list(range(1, count + 1))
    report = pages(numbers, extra_row=extra_row)
    responses.add_callback(responses.GET, f"{URL}/report/EntityConfiguration", callback=report)
    responses.add_callback(responses.GET, f"{URL}/entity", callback=entities)
    cameras = connector().list_cameras()
    assert sorted(camera.device for camera in cameras) == [guid(number) for number in numbers]
    assert {camera.name for camera in cameras} == {f"Camera {number}" for number in numbers}


@responses.activate
@pytest.mark.parametrize("extra_row", [True, False])
def test_a_big_site_is_read_in_pages_of_a_hundred_and_batches_of_ten(extra_row: bool) -> None:
    numbers = list(range(1, 2601))
    report = pages(numbers, extra_row=extra_row)
    responses.add_callback(responses.GET, f"{URL}/report/EntityConfiguration", callback=report)
    responses.add_callback(responses.GET, f"{URL}/entity", callback=entities)
    assert len(connector().list_cameras()) == 2600
    asked = [str(call.request.url).split("?")[0].rpartition("/")[2] for call in responses.calls]
    assert asked.count("EntityConfiguration") <= 27
    assert asked.count("entity") == 260


@responses.activate
def test_entities_are_found_by_their_whole_name_only() -> None:
    named = {guid(1): "Vigie, nord", guid(2): "Vigie, nord 2", guid(3): "VIGIE, NORD"}
    responses.get(f"{URL}/report/EntityConfiguration", json=ok([{"Guid": name} for name in named]))
    responses.get(f"{URL}/entity", json=ok([{"Guid": one, "Name": name} for one, name in named.items()]))
    assert Inventory(connector()._sdk).named("Alarm", "Vigie, nord") == [guid(1), guid(3)]
    query = "EntityTypes@Alarm,Name=Vigie\\, nord,NameSearchMode=Contains,Page=1,PageSize=100"
    assert queries(responses.calls)[0] == query


def test_a_name_that_no_query_can_hold_is_not_looked_for() -> None:
    with pytest.raises(RequestInvalid, match="#"):
        Inventory(connector()._sdk).named("Alarm", "Quai #1")


@responses.activate
def test_a_server_that_ignores_pages_does_not_hold_us_for_ever() -> None:
    rows = [{"Guid": guid(number)} for number in range(PAGE_SIZE + 1)]
    responses.get(f"{URL}/report/EntityConfiguration", json=ok(rows))
    responses.add_callback(responses.GET, f"{URL}/entity", callback=entities)
    assert len(connector().list_cameras()) == PAGE_SIZE + 1


@responses.activate
@pytest.mark.parametrize("code", ["UnableToRetrieveEntity", "UnsufficientPrivilege"])
def test_a_camera_that_vanished_or_is_not_for_us_does_not_hide_the_others(code: str) -> None:
    gone = guid(7)

    def refuses_the_unknown(request: PreparedRequest) -> Answer:
        return (200, {}, json.dumps(fail(code))) if gone in str(request.url) else entities(request)

    report = pages(list(range(1, 13)), extra_row=True)
    responses.add_callback(responses.GET, f"{URL}/report/EntityConfiguration", callback=report)
    responses.add_callback(responses.GET, f"{URL}/entity", callback=refuses_the_unknown)
    devices = {camera.device for camera in connector().list_cameras()}
    assert devices == {guid(number) for number in range(1, 13)} - {gone}


@responses.activate
def test_a_refused_account_is_not_tried_again_and_again() -> None:
    responses.get(f"{URL}/report/EntityConfiguration", json=ok([{"Guid": guid(1)}, {"Guid": guid(2)}]))
    responses.get(f"{URL}/entity", status=403)
    with pytest.raises(AuthenticationRefused):
        connector().list_cameras()
    assert len(responses.calls) == 2


@responses.activate
def test_the_report_asks_for_cameras_only() -> None:
    responses.get(f"{URL}/report/EntityConfiguration", json=ok())
    connector().list_cameras()
    assert queries(responses.calls) == ["EntityTypes@Camera,Page=1,PageSize=100"]


def test_a_guid_is_written_as_security_center_does() -> None:
    assert camera_guid(CAMERA) == GUID


def test_a_device_that_is_no_guid_is_refused() -> None:
    with pytest.raises(NotFoundInVms, match="not a GUID"):
        camera_guid(CAMERA.model_copy(update={"device": "LogicalId(Camera,12)"}))
