"""What ``tasks``, ``resources`` and ``definitions`` answer, and booleans as text (notes §2.1, §2.3, §2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from connectors.milestone.simulator.config.children import Wrapper
from connectors.milestone.simulator.config.edits import is_read_only
from connectors.milestone.simulator.web.rest import JsonObject
from core.types import Json

TASKS: Mapping[str, Mapping[str, str]] = {
    "recordingServers": {"AddHardware": "Add hardware"},
    "cameras": {"JpegGetLive": "Get live image"},
    "tasks": {"TaskStop": "Stop task", "TaskCleanup": "Clean up task"},
}
"""Collection → task id → what people read: the tasks that are simulated."""


def tasks_of(collection: str, wrapper: Wrapper) -> list[Json]:
    """The tasks of an object. The official description of 2022 R3 calls the id ``name``."""
    key = "name" if wrapper == "o22" else "id"
    return [{key: task, "displayName": title} for task, title in TASKS.get(collection, {}).items()]


def resources_of(below: Iterable[str]) -> list[Json]:
    """The collections below an object; their display names are *unverified*."""
    return [{"type": name, "displayName": name[:1].upper() + name[1:]} for name in below]


def definitions_of(collection: str, item: JsonObject) -> JsonObject:
    """Each property's kind and whether it can be set. That the properties are keys here is *unverified*."""
    return {
        name: {
            "displayName": name[:1].upper() + name[1:],
            "valueType": value_type(value),
            "canSet": not is_read_only(collection, name),
        }
        for name, value in item.items()
        if name != "relations"
    }


def value_type(value: Json) -> str:
    """One of the official value types."""
    if isinstance(value, bool):
        return "bool"
    names = {int: "int", float: "double", str: "string", list: "list", dict: "path"}
    return next(name for kind, name in names.items() if isinstance(value, kind))


def presented(body: JsonObject) -> JsonObject:
    """With every boolean as text, as before 2022 R2; in which case of letters is *unverified*."""
    return cast("JsonObject", _as_text(body))


def _as_text(value: Json) -> Json:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, dict):
        return {name: _as_text(inner) for name, inner in value.items()}
    return [_as_text(inner) for inner in value] if isinstance(value, list) else value
