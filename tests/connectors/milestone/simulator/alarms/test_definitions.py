from __future__ import annotations

from typing import Any

import pytest

from connectors.milestone.simulator.alarms.definitions import read_alarm_definition
from connectors.milestone.simulator.site import Camera, Site
from connectors.milestone.simulator.web.rest import RestRefused

CAMERA = "11111111-1111-4111-8111-111111111111"
HIGH = "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75"
ANALYTICS = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
EXTERNAL, EXTERNAL_TYPE = "5946b6fa-44d9-4f4c-82bb-46a17b924265", "0fcb1955-0e80-4fd4-a78a-db47ee89700c"


@pytest.fixture
def site() -> Site:
    camera = Camera(
        camera_id=CAMERA, name="Gate", hardware_id="h", address="http://10.0.0.1/", stream_id="s", feed=None
    )
    site = Site(host="vms", created_at=0.0, cameras=(camera,))
    site.add_events(site.analytics_events, "analytics event", ["Vigie"], 0.0)
    site.add_events(site.user_defined_events, "user-defined event", ["Record"], 0.0)
    return site


def _body(site: Site, **changes: Any) -> dict[str, Any]:
    body = {
        "name": "Intrusion",
        "eventTypeGroup": ANALYTICS,
        "eventType": next(iter(site.analytics_events)).upper(),
        "sourceList": [{"type": "cameras", "id": CAMERA.upper()}],
        "enableRule": "0",
        "priority": HIGH,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def test_a_definition_for_an_analytics_event_names_event_and_cameras(site: Site) -> None:
    definition = read_alarm_definition(_body(site), site, 1.0)
    assert definition.event_type_id == next(iter(site.analytics_events))
    assert definition.sources == {CAMERA}
    assert definition.is_enabled
    assert definition.properties["managementTimeoutTime"] == "00:01:00"


def test_a_definition_for_a_user_defined_event_names_that_event_as_source(site: Site) -> None:
    event_id = next(iter(site.user_defined_events))
    source = [{"type": "userDefinedEvents", "id": event_id}]
    body = _body(site, eventTypeGroup=EXTERNAL, eventType=EXTERNAL_TYPE, sourceList=source, enabled=False)
    definition = read_alarm_definition(body, site, 1.0)
    assert (definition.event_type_id, definition.is_enabled) == (event_id, False)


@pytest.mark.parametrize("missing", ["name", "eventTypeGroup", "eventType", "sourceList", "enableRule", "priority"])
def test_what_is_missing_comes_back_as_params(site: Site, missing: str) -> None:
    with pytest.raises(RestRefused) as caught:
        read_alarm_definition(_body(site, **{missing: None}), site, 1.0)
    params = caught.value.beside["params"]
    assert isinstance(params, dict)
    assert list(params) == [missing]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"enableRule": "1"}, "enableRule"),
        ({"priority": "1"}, "priority"),
        ({"priority": [HIGH]}, "priority"),
        ({"enabled": "yes"}, "enabled"),
        ({"eventType": CAMERA}, "eventType"),
        ({"eventTypeGroup": EXTERNAL}, "eventTypeGroup"),
        ({"sourceList": "all"}, "sourceList"),
        ({"sourceList": ["all"]}, "sourceList"),
        ({"sourceList": [{"type": "cameras", "id": HIGH}]}, "sourceList"),
        ({"sourceList": [{"type": "hardware", "id": CAMERA}]}, "sourceList"),
        ({"eventTypeGroup": EXTERNAL, "eventType": EXTERNAL_TYPE}, "sourceList"),
    ],
)
def test_what_is_wrong_is_named(site: Site, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(RestRefused) as caught:
        read_alarm_definition(_body(site, **changes), site, 1.0)
    assert (caught.value.status, caught.value.property_name) == (400, named)
