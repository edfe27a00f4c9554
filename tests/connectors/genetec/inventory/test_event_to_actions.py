from __future__ import annotations

import json
import re
from typing import Any

import pytest
import responses
from requests import PreparedRequest

from connectors.genetec.control.watched_events import SYSTEM_CONFIGURATION
from connectors.genetec.inventory.event_to_actions import LinksOfSite, links_of
from connectors.genetec.inventory.inventory import Inventory
from tests.connectors.genetec.samples import ALARM, GUID, URL, connector, fail, ok

NUMBER = 5000


def found(system: Any, camera: Any) -> LinksOfSite:
    rows = [
        {"Guid": SYSTEM_CONFIGURATION, "EventToActions": system},
        {"Guid": GUID, "EventToActions": camera},
    ]
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/entity", json=ok(rows))
        return links_of(Inventory(connector()._sdk), [GUID], NUMBER)


@pytest.mark.parametrize(
    ("shown", "is_ours", "others"),
    [
        (None, False, False),
        ([], False, False),
        ({}, False, False),
        ("", False, False),
        ([{"CustomEventId": 5000}], True, False),
        ([{"CustomEventId": "5000"}], True, False),
        ([{"CustomEventId": {"Value": 5000}}], True, False),
        ({"Rules": [{"Id": "CustomEventId(5000)"}]}, True, False),
        ([{"CustomEventId": 5000, "ActionType": "TriggerAlarm"}], True, False),
        ([{"CustomEventId": 5000, "Action": {"Type": 28673}}], True, False),
        ([{"CustomEventId": 5000, "ActionType": "SendEmail"}], False, True),
        ([{"CustomEventId": 5000, "Action": "AddBookmarkAction"}], False, True),
        ([{"CustomEventId": 50001}], False, True),
        ([{"CustomEventId": 1}, {"CustomEventId": 5000}], True, False),
        ("a text", False, True),
        ([{"Enabled": True}], False, True),
    ],
)
def test_our_custom_event_is_looked_for_anywhere_in_a_rule(shown: Any, is_ours: bool, others: bool) -> None:
    links = found([], shown)
    assert links.has(GUID) is is_ours
    assert links.cameras[GUID].others is others


def test_a_rule_of_the_system_holds_for_every_camera() -> None:
    assert found([{"CustomEventId": NUMBER}], []).has(GUID)


def test_only_alarms_of_our_rules_are_told() -> None:
    other = "3f0d7c1e-8a3e-4a55-9a3f-2d5b0c7a9912"
    rules = [{"CustomEventId": NUMBER, "Alarm": ALARM, "Schedule": GUID}, {"CustomEventId": 1, "Alarm": other}]
    links = found([], rules)
    with responses.RequestsMock() as mock:
        rows = [{"Guid": ALARM, "EntityType": "Alarm"}, {"Guid": GUID, "EntityType": "Schedule"}]
        mock.get(f"{URL}/entity", json=ok(rows))
        assert links.alarms(Inventory(connector()._sdk)) == [ALARM]


@responses.activate
def test_a_big_site_whose_rules_are_kept_from_us_is_not_asked_camera_by_camera() -> None:
    responses.get(f"{URL}/entity", json=fail("UnsufficientPrivilege"))
    guids = [f"00000001-0000-babe-0000-{number:012x}" for number in range(2600)]
    links = links_of(Inventory(connector()._sdk), guids, NUMBER)
    assert (links.system, links.cameras) == (None, {})
    assert len(responses.calls) < 25


@responses.activate
def test_every_camera_of_a_big_site_is_asked_for() -> None:
    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked = re.findall(r"entity=([0-9a-f-]{36})", str(request.url))
        assert len(str(request.url)) < 2000
        rows = [{"Guid": guid, "EventToActions": [{"CustomEventId": NUMBER}]} for guid in asked]
        return 200, {}, json.dumps(ok(rows[0] if len(rows) == 1 else rows))

    responses.add_callback(responses.GET, f"{URL}/entity", callback=answer)
    guids = [f"00000001-0000-babe-0000-{number:012x}" for number in range(2600)]
    links = links_of(Inventory(connector()._sdk), guids, NUMBER)
    assert len(links.cameras) == 2600
    assert links.system is not None
