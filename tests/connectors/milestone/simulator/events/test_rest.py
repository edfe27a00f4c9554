from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.milestone.simulator.alarms.book import AlarmBook
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.site import Camera, NamedEvent, Site
from connectors.protocols.simulation import Ledger
from core.clock import ManualClock
from tests.connectors.milestone.simulator.running import INSTANCE, Running, run

MOTION_STARTED = "6eb95dd6-7ccc-4bce-99f8-af0d0b582d77"
CLIENT, SECRET = "app-7", "for-tests-only"


@pytest.fixture(scope="module")
def keeping(video: Path) -> Iterator[Running]:
    with run(video, "--event-retention-days", "1", "--client", f"{CLIENT}={SECRET}") as running:
        yield running


def _analytics_event(site: Running) -> str:
    return str(site.rest("GET", "/analyticsEvents").json()["array"][0]["id"])


def _service_headers(site: Running) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": "managementserver",
    }
    answer = site.send("POST", "/IDP/connect/token", data=form)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_data_travels_with_the_event_and_is_shown_when_asked_for(keeping: Running) -> None:
    body = {
        "type": _analytics_event(keeping),
        "source": f"cameras/{keeping.camera}",
        "datatype": "AnalyticsData",
        "data": {"Description": "Person in zone 7"},
    }
    event = keeping.rest("POST", "/events", json=body).json()["data"]
    assert body.items() <= event.items()
    assert keeping.ledger("event")[-1]["data"] == body["data"]
    path = f"/events/{event['id']}"
    assert keeping.rest("GET", f"{path}?include=data").json()["data"] == event
    assert "data" not in keeping.rest("GET", path).json()["data"]
    assert keeping.rest("GET", "/events?size=1&include=data").json()["array"] == [event]
    assert "data" not in keeping.rest("GET", "/events?size=1").json()["array"][0]


def test_many_events_are_answered_one_by_one(keeping: Running) -> None:
    good = {"type": _analytics_event(keeping)}
    answer = keeping.rest("POST", "/events/bulk", json=[good, {"type": INSTANCE}, good])
    assert answer.status_code == 207
    items = answer.json()["array"]
    assert [item["status"] for item in items] == [202, 400, 202]
    assert items[1]["error"]["details"][0]["property"] == "type"
    assert len({items[0]["data"]["id"], items[2]["data"]["id"]}) == 2


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[1]", b"[{]"])
def test_a_bulk_that_is_no_list_of_events_is_refused(keeping: Running, body: bytes) -> None:
    assert keeping.rest("POST", "/events/bulk", data=body).status_code == 400


def test_only_services_trigger_event_types_that_are_neither_external_nor_of_plug_ins(keeping: Running) -> None:
    body = {"type": MOTION_STARTED, "source": f"cameras/{keeping.camera}"}
    assert keeping.rest("POST", "/events", json=body).status_code == 403
    answer = keeping.send("POST", "/api/rest/v1/events", headers=_service_headers(keeping), json=body)
    assert (answer.status_code, answer.json()["data"]["type"]) == (202, MOTION_STARTED)


@pytest.mark.parametrize(("size", "status"), [("1", 200), ("2000", 200), ("0", 400), ("2001", 400)])
def test_a_page_of_events_has_1_to_2000(keeping: Running, size: str, status: int) -> None:
    assert keeping.rest("GET", f"/events?page=0&size={size}").status_code == status


def test_observers_see_every_event_as_rest_shows_it() -> None:
    camera = Camera(
        camera_id=INSTANCE, name="Gate", hardware_id="h", address="http://10.0.0.1/", stream_id="s", feed=None
    )
    clock = ManualClock()
    seen: list[dict[str, Any]] = []
    ledger = Ledger(clock)
    book = EventBook(
        site=Site(host="vms", created_at=0.0, cameras=(camera,)),
        clock=clock,
        ledger=ledger,
        alarms=AlarmBook(clock=clock, ledger=ledger),
        retention_days=0,
    )
    book.observers.append(seen.append)
    kind = NamedEvent(event_type_id=MOTION_STARTED, name="Motion", description="", modified_at=0.0)
    carried: dict[str, Any] = {"datatype": "x", "data": {"Count": 1}}
    event = book.accept(kind, camera, {"custom_tag": "key"}, "rest", carried=carried)
    assert seen == [event]
    assert event.keys() == {"specversion", "id", "type", "source", "time", "datatype", "data"}
