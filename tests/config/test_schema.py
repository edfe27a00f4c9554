from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from config.model import Kinds, VmsSettings
from config.schema import DIALECT, json_schema
from tests.config.json_schema import accepts, definition
from tests.config.kinds import KINDS

pytestmark = pytest.mark.slow

SITE: dict[str, Any] = {
    "version": 1,
    "site": {"name": "Gare"},
    "schedules": {"nuit": [{"days": ["mon"], "from": "22:00", "to": "24:00"}]},
    "vms": [
        {"id": "rec", "type": "recorder", "url": "https://a", "username": "u", "password": {"secret": "s"}},
    ],
    "cameras": [
        {
            "id": "c",
            "vms": "rec",
            "device": "d",
            "rules": [
                {"id": "a", "type": "presence", "zone": [[0, 0], [1, 0], [1, 1]], "state": "off"},
                {"id": "b", "type": "crossing", "line": [[0, 0], [1, 1]]},
            ],
        }
    ],
}


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def changed(path: list[str | int], value: object) -> dict[str, Any]:
    site: Any = deepcopy(SITE)
    place = site
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert isinstance(site, dict)
    return site


def test_it_is_a_json_document_of_the_2020_dialect() -> None:
    schema = json_schema(KINDS)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == DIALECT


def test_every_reference_leads_somewhere() -> None:
    schema = json_schema(KINDS)
    assert {"#/$defs/rule.presence", "#/$defs/vms.recorder"} <= set(references(schema))
    assert all(definition(schema, reference) for reference in references(schema))


def test_rules_and_vms_are_one_of_the_installed_kinds_told_apart_by_type() -> None:
    definitions = json_schema(KINDS)["$defs"]
    assert definitions["RuleSettings"]["discriminator"] == {
        "propertyName": "type",
        "mapping": {"crossing": "#/$defs/rule.crossing", "presence": "#/$defs/rule.presence"},
    }
    assert [option["$ref"] for option in definitions["VmsSettings"]["oneOf"]] == ["#/$defs/vms.recorder"]
    assert definitions["rule.presence"]["properties"]["type"]["const"] == "presence"
    assert "type" in definitions["rule.presence"]["required"]


def test_it_accepts_a_good_site() -> None:
    assert accepts(json_schema(KINDS), SITE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], 2),
        (["site"], {}),
        (["vms"], []),
        (["vms", 0, "type"], "other"),
        (["vms", 0, "password"], "in clear"),
        (["vms", 0, "id"], "a b"),
        (["camera"], []),
        (["cameras", 0, "rules", 0, "dwel_s"], 3),
        (["cameras", 0, "rules", 0, "zone"], [[0, 0], [1, 1]]),
        (["cameras", 0, "rules", 1, "direction"], "up"),
        (["schedules", "nuit", 0, "from"], "25:00"),
        (["schedules", "nuit"], []),
    ],
)
def test_it_refuses_what_the_loader_refuses(path: list[str | int], value: object) -> None:
    assert not accepts(json_schema(KINDS), changed(path, value))


def test_two_kinds_may_share_one_model() -> None:
    shared = Kinds(vms={"one": VmsSettings, "two": VmsSettings})
    schema = json_schema(shared)
    site = changed(["cameras"], [])
    assert not accepts(schema, site)
    for kind in ("one", "two"):
        site["vms"][0]["type"] = kind
        assert accepts(schema, site)


def test_without_any_kind_the_common_fields_remain() -> None:
    schema = json_schema(Kinds())
    assert "properties" in schema["$defs"]["RuleSettings"]
    assert all(definition(schema, reference) for reference in references(schema))


def test_every_key_is_described() -> None:
    definitions = json_schema(KINDS)["$defs"]
    ours = ("AnalysisSettings", "CameraSettings", "SecretRef", "Site", "StorageSettings", "Window")
    silent = [
        f"{name}.{key}"
        for name in ours
        for key, schema in definitions[name]["properties"].items()
        if "description" not in schema
    ]
    assert silent == []
