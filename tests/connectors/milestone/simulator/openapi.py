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


@cache
def _schemas() -> dict[str, Any]:
    text = shared(_DOCUMENT).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)["components"]["schemas"]
    return found


def problems(value: Any, component: str) -> list[str]:
    """What in ``value`` the component schema does not allow, and documented properties that it lacks."""
    return list(_problems(value, _schemas()[component], component))


def _problems(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _problems(value, _schemas()[schema["$ref"].rsplit("/", 1)[1]], path)
        return
    kind = schema["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path}: {value!r} is no {kind}"
        return
    if schema.get("format") == "date-time-fraction" and not _FRACTION.fullmatch(value):
        yield f"{path}: {value!r} has not the form of a time"
    if "enum" in schema and value not in schema["enum"] and path.rsplit(".", 1)[-1] not in SYSTEM_DEPENDENT:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    if kind == "array":
        for item in value:
            yield from _problems(item, schema["items"], f"{path}[]")
    for name, inner in schema.get("properties", {}).items() if kind == "object" else ():
        if name in value:
            yield from _problems(value[name], inner, f"{path}.{name}")
        else:
            yield f"{path}: {name} is missing"
