"""What an account of the simulated site may be denied, and a site as it is installed."""

from __future__ import annotations

import pytest

from connectors.genetec.simulator.site import SYSTEM_CONFIGURATION
from tests.connectors.genetec.simulator.running import USER, Client, simulated


def code_of(client: Client, verb: str, query: str) -> str:
    reply = client.ask(verb, "/entity", query)
    return str(reply["Result"].get("SdkErrorCode", "")) if reply["Status"] == "Fail" else ""


@pytest.mark.parametrize(
    "query",
    [
        f"entity={SYSTEM_CONFIGURATION},CustomEvents.Add(5001,Night,Camera)",
        "entity=NewEntity(Alarm),Name=x,Guid",
        "entity={camera},Name=x",
    ],
)
def test_who_may_not_configure_changes_nothing(query: str) -> None:
    with simulated("--deny", "configure") as client:
        assert code_of(client, "POST", query.replace("{camera}", client.camera)) == "UnsufficientPrivilege"
        rows = client.ask("GET", "/report/EntityConfiguration", "EntityTypes@Alarm")["Result"]
        assert len(rows) == 1
        assert client.send("DELETE", f"/entity/{client.alarm}").json()["Rsp"]["Status"] == "Fail"


@pytest.mark.parametrize("name", ["EventToActions", "CustomEvents", "Recipients"])
def test_a_property_may_be_kept_from_an_account(name: str) -> None:
    with simulated("--deny", name) as client:
        entity = {"CustomEvents": SYSTEM_CONFIGURATION, "Recipients": client.alarm}.get(name, client.camera)
        assert code_of(client, "GET", f"entity={entity},{name}") == "UnsufficientPrivilege"


def test_a_report_without_its_privilege_is_an_unknown_command() -> None:
    with simulated("--deny", "CameraEvent") as client:
        assert client.send("GET", f"/report/CameraEvent?q=Cameras@{client.camera}").status_code == 404
        assert client.send("GET", f"/report/Bookmark?q=Cameras@{client.camera}").status_code == 200


def test_who_may_not_see_users_is_shown_none() -> None:
    users = "EntityTypes@User"
    with simulated("--deny", "users") as client:
        assert client.ask("GET", "/report/EntityConfiguration", users)["Result"] == []
    with simulated() as client:
        found = client.ask("GET", "/report/EntityConfiguration", f"{users},Name={USER}")["Result"]
        assert len(found) == 1


def test_a_fresh_site_has_neither_custom_events_nor_alarms() -> None:
    with simulated("--fresh") as client:
        assert (client.alarm, client.extra("custom_events")) == ("", {})
        assert client.raised("x")["Status"] == "Fail"


def test_an_event_to_action_of_one_camera_triggers_on_that_one_only() -> None:
    with simulated("--cameras", "2", "--no-event-to-action") as client:
        first, second = (camera.device for camera in client.announced.cameras)
        assert client.act("add-event-to-action", event="Vigie", alarm="Vigie alarm", camera=first).status_code == 200
        for camera in (first, second):
            client.raised("x", camera=camera)
        assert [alarm["source"] for alarm in client.ledger("alarm")] == [first]
        shown = [
            client.ask("GET", "/entity", f"entity={camera},EventToActions")["Result"]["EventToActions"]
            for camera in (first, second)
        ]
        assert [len(rules) for rules in shown] == [1, 0]


def test_an_event_to_action_of_any_entity_triggers_on_each_camera() -> None:
    with simulated("--cameras", "2", "--no-event-to-action") as client:
        assert client.act("add-event-to-action", event="Vigie", alarm="Vigie alarm").status_code == 200
        for camera in client.announced.cameras:
            client.raised("x", camera=camera.device)
        assert len(client.ledger("alarm")) == 2


@pytest.mark.parametrize(
    "order",
    [{"event": "Other", "alarm": "Vigie alarm"}, {"event": "Vigie", "alarm": "Other"}, {"event": "Vigie", "x": "y"}],
)
def test_an_event_to_action_of_unknown_things_is_refused(order: dict[str, str]) -> None:
    with simulated() as client:
        assert client.act("add-event-to-action", **order).status_code == 400
