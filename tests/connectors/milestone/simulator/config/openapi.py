"""A structural check of JSON against the component schemas of the official Config REST description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from tests.shared import shared

_DOCUMENT = "contracts/xprotect-config-rest-2022r3.openapi.yaml"
_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}(Z|[+-]\d\d:\d\d)")
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
SYSTEM_DEPENDENT = frozenset({"eventType", "streamReferenceId"})
"""Properties whose ``enum`` lists only what the described system happened to have."""

DRIVER_DEPENDENT = frozenset({"generalSettings_childItem", "stream_childItem"})
"""Components that list the settings of the described system's drivers."""

CONDITIONAL = frozenset(
    {
        "alarmDefinitions.timeProfile",
        "timeProfiles.timeProfileAppointmentRecur",
        "timeProfiles.timeProfileAppointmentRoot",
        "settings.ptz",
    }
)
"""Properties that objects have in some cases only: a time profile is chosen, it is a calendar, the camera turns."""


@cache
def document() -> dict[str, Any]:
    """The official description of 2022 R3."""
    text = shared(_DOCUMENT).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return found


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"]
    return found


def answer_problems(method: str, template: str, status: int, body: Any) -> list[str]:
    """What in the answer to a request the description does not allow; ``template`` is the path as it writes it."""
    answers = document()["paths"][template][method.lower()]["responses"]
    if str(status) not in answers:
        return [f"{method} {template}: the status {status} is not described"]
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        return list(_problems(body, schema, "", ""))  # a refusal, which may have params beside
    described = schema["properties"]
    found = [f"{name} is not described" for name in body if name not in described]
    found += ["neither data, array nor result"] if not body.keys() & {"data", "array", "result", "tasks"} else []
    for name in described.keys() & body.keys():
        found += _problems(body[name], described[name], name, "")
    return found


def problems(value: Any, component: str) -> list[str]:
    """What in ``value`` the component schema does not allow, and documented properties that it lacks."""
    return list(_problems(value, _schemas()[component], component, component))


def _problems(value: Any, schema: dict[str, Any], path: str, component: str) -> Iterator[str]:
    if "$ref" in schema:
        named = schema["$ref"].rsplit("/", 1)[1]
        if named not in DRIVER_DEPENDENT:
            yield from _problems(value, _schemas()[named], path, named)
        return
    if "oneOf" in schema:
        yield from min((list(_problems(value, choice, path, component)) for choice in schema["oneOf"]), key=len)
        return
    if wrong := _value_problem(value, schema, path):
        yield wrong
        return
    if schema["type"] == "array":
        for item in value:
            yield from _problems(item, schema["items"], f"{path}[]", component)
    for name, inner in schema.get("properties", {}).items() if schema["type"] == "object" else ():
        if name in value:
            yield from _problems(value[name], inner, f"{path}.{name}", component)
        elif f"{component}.{name}" not in CONDITIONAL:
            yield f"{path}: {name} is missing"


def _value_problem(value: Any, schema: dict[str, Any], path: str) -> str:
    """What is wrong with the value itself; empty when nothing is."""
    kind = schema["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"{path}: {value!r} is no {kind}"
    if schema.get("format") == "date-time-fraction" and not _FRACTION.fullmatch(value):
        return f"{path}: {value!r} has not the form of a time"
    if "enum" in schema and value not in schema["enum"] and path.rsplit(".", 1)[-1] not in SYSTEM_DEPENDENT:
        return f"{path}: {value!r} is not one of {schema['enum']}"
    return ""
