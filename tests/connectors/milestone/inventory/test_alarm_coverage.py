from __future__ import annotations

from typing import Any

import pytest

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.alarm_coverage import AlarmCoverage, alarm_coverage, group_members
from connectors.milestone.inventory.config_client import ConfigClient
from tests.connectors.milestone.gateway import add_list, gateway
from tests.connectors.milestone.support import services, settings

EVENT = "E1"


def definition(*sources: tuple[str, str], **changes: Any) -> dict[str, Any]:
    listed = [{"type": kind, "id": source_id} for kind, source_id in sources]
    return {"name": "Gate", "enabled": True, "eventType": "e1", "sourceList": listed, **changes}


def covered(*definitions: dict[str, Any]) -> AlarmCoverage:
    members = {"g1": ["c2"]}
    return alarm_coverage(definitions, EVENT, ["c1", "c2"], lambda group: members.get(group, []))


@pytest.mark.parametrize(
    ("definitions", "missing"),
    [
        ((), ("c1", "c2")),
        ((definition(("cameras", "C1")),), ("c2",)),
        ((definition(("cameras", "c1")), definition(("cameraGroups", "g1"))), ()),
        ((definition(("cameras", "c1"), enabled=False),), ("c1", "c2")),
        ((definition(("cameras", "c1"), enabled="True"),), ("c2",)),
        ((definition(("cameras", "c1"), eventType="other"),), ("c1", "c2")),
        ((definition(("recordingServers", "r1")),), ()),
        ((definition(sourceList=None),), ("c1", "c2")),
    ],
)
def test_a_camera_is_covered_by_what_names_it_or_a_group_of_it(
    definitions: tuple[dict[str, Any], ...], missing: tuple[str, ...]
) -> None:
    assert covered(*definitions).missing == missing


def test_only_enabled_definitions_on_the_event_are_named() -> None:
    assert covered(definition(), definition(name="Off", enabled=False)).names == ("Gate",)


def test_groups_within_groups_count() -> None:
    session = XProtectSession(settings(), services())
    with gateway() as mock:
        add_list(mock, "cameraGroups/g1/cameraGroups", [{"id": "g2"}])
        add_list(mock, "cameraGroups/g1/cameras", [{"id": "C1"}])
        add_list(mock, "cameraGroups/g2/cameraGroups", [])
        add_list(mock, "cameraGroups/g2/cameras", [{"id": "C2"}])
        assert list(group_members(ConfigClient(session))("g1")) == ["c1", "c2"]
    session.close()
