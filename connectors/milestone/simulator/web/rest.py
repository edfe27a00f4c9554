"""What all REST handlers share: answers in XProtect's wrappers, refusals, JSON bodies, lists with pages and filters.

Conventions: notes §2.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from core.clock import parse_iso
from core.types import Json

JsonObject: TypeAlias = "dict[str, Json]"

_Item = TypeVar("_Item")

_FILTER = re.compile(r"(?:(?P<operator>notEquals|lt|gt|startsWith|contains):)?'(?P<value>.*)'", re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*")
_OPERATORS: Mapping[str | None, Callable[[Any, Any], bool]] = {
    None: lambda actual, wanted: actual == wanted,
    "notEquals": lambda actual, wanted: actual != wanted,
    "lt": lambda actual, wanted: actual < wanted,
    "gt": lambda actual, wanted: actual > wanted,
}
_TEXT_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "startsWith": lambda actual, wanted: actual.startswith(wanted),
    "contains": lambda actual, wanted: wanted in actual,
}
_OPTIONS = frozenset({"disabled", "page", "size", "language", "includechildren", "include"})
"""Query options that are not filters, lower case."""
_NOT_SIMULATED = frozenset({"resources", "tasks", "nodata", "definitions", "task"})
_DEFAULT_SIZE = 100


class RestRefused(Exception):
    """A request that is refused.

    ``wrapped`` puts the body under ``error`` (configuration, events, alarms); the bookmark pages show it bare, with a
    textual ``httpCode``.
    """

    def __init__(self, status: int, text: str, *, property_name: str = "", wrapped: bool = True) -> None:
        super().__init__(text)
        self.status = status
        self.property_name = property_name
        self.wrapped = wrapped
        self.beside: Mapping[str, Json] = {}
        """Siblings of ``error``, such as the ``params`` that a creation still lacks."""

    def body(self) -> JsonObject:
        """Status and text."""
        detail: JsonObject = {"errorText": str(self), "property": self.property_name, "errorTextId": ""}
        return {"httpCode": self.status, "details": [detail]}

    def response(self, *, nested: bool = True) -> web.Response:
        """As answered. The official description of 2022 R3 has no ``error`` around a refusal: ``nested=False``."""
        if not self.wrapped:
            return web.json_response({**self.body(), "httpCode": str(self.status)}, status=self.status)
        error = self.body()
        body: JsonObject = {"error": error, **self.beside} if nested else {**error, **self.beside}
        return web.json_response(body, status=self.status, headers=_CHALLENGE if self.status == 401 else None)  # noqa: PLR2004 - HTTP


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def query(request: web.BaseRequest) -> list[tuple[str, str]]:
    """The query as pairs; a flag without ``=`` has an empty value."""
    return parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)


def option(request: web.BaseRequest, name: str) -> str | None:
    """The value of a query option, names in any case; None when it is absent."""
    return next((value for key, value in query(request) if key.lower() == name.lower()), None)


async def json_body(request: web.BaseRequest, *, wrapped: bool = True) -> JsonObject:
    """The JSON object of a request, whatever its ``Content-Type`` says (Milestone's own samples send none)."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise RestRefused(400, "Incorrect formatted JSON", wrapped=wrapped) from error
    if not isinstance(body, dict):
        raise RestRefused(400, "The body must be a JSON object", wrapped=wrapped)
    return body


def require_known(body: Mapping[str, Json], known: Sequence[str] | frozenset[str], *, wrapped: bool = True) -> None:
    """Refuses properties that the object does not have."""
    for name in body:
        if name not in known:
            raise RestRefused(400, f"Unknown property '{name}'", property_name=name, wrapped=wrapped)


def required_text(body: Mapping[str, Json], name: str, *, wrapped: bool = True) -> str:
    """A property that must be a text that is not empty."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RestRefused(400, f"'{name}' is required and must be text", property_name=name, wrapped=wrapped)
    return value


def paths_of(value: Json, property_name: str) -> list[tuple[str, str]]:
    """A list of ``{type, id}`` as pairs, ids in lower case. Raises ``RestRefused``."""
    items = value if isinstance(value, list) else [None]
    paths = [(str(item.get("type")), str(item.get("id")).lower()) for item in items if isinstance(item, dict)]
    if len(paths) != len(items):
        raise RestRefused(400, f"'{property_name}' must hold {{type, id}} objects", property_name=property_name)
    return paths


def data(value: JsonObject, status: int = 200) -> web.Response:
    """One object."""
    return web.json_response({"data": value}, status=status)


def array(values: Sequence[JsonObject]) -> web.Response:
    """A list of objects."""
    return web.json_response({"array": list(values)})


def created(collection: str, object_id: str, name: str, modified: str) -> web.Response:
    """What a creation answers: 201 with ``result``."""
    result: JsonObject = {
        "id": object_id,
        "name": name,
        "lastModified": modified,
        "state": "Success",
        "path": {"type": collection, "id": object_id},
    }
    return web.json_response({"result": result}, status=201)


def selected(request: web.BaseRequest, objects: Sequence[JsonObject]) -> list[JsonObject]:
    """The objects of a list request: enabled ones unless ``disabled`` is given, filtered, one page.

    Filters on properties that the objects do not have are refused, as is what this simulator leaves out.
    """
    kept = list(objects)
    if option(request, "disabled") is None:
        kept = [item for item in kept if item.get("enabled", True)]
    for name, text in query(request):
        if name.lower() in _NOT_SIMULATED:
            raise RestRefused(400, f"'{name}' is not simulated", property_name=name)
        if name.lower() not in _OPTIONS:
            kept = _filtered(kept, objects, name, text)
    return paged(request, kept)


def paged(request: web.BaseRequest, objects: Sequence[_Item], largest: int | None = None) -> list[_Item]:
    """One page: ``page`` counts from 0, ``size`` at most ``largest``; everything when neither is given."""
    page, size = _number(request, "page", 0), _number(request, "size", 1)
    if largest is not None and (size or 0) > largest:
        raise RestRefused(400, f"'size' must be at most {largest}", property_name="size")
    if page is None and size is None:
        return list(objects)
    length = size or _DEFAULT_SIZE
    return list(objects[(page or 0) * length :][:length])


def _filtered(kept: list[JsonObject], objects: Sequence[JsonObject], name: str, text: str) -> list[JsonObject]:
    match = _FILTER.fullmatch(text)
    if not match:
        raise RestRefused(400, f"The filter '{name}' must be a quoted value", property_name=name)
    if objects and name not in objects[0]:
        raise RestRefused(400, f"Unknown filter property '{name}'", property_name=name)
    return [item for item in kept if _matches(item.get(name), match["operator"], match["value"], name)]


def _matches(actual: Json, operator: str | None, wanted: str, name: str) -> bool:
    if operator is not None and operator in _TEXT_OPERATORS:
        return _TEXT_OPERATORS[operator](_filter_text(actual), wanted)
    try:
        return _OPERATORS[operator](*_comparable(actual, wanted))
    except ValueError as error:
        raise RestRefused(400, f"'{wanted}' cannot be compared with '{name}'", property_name=name) from error


def _comparable(actual: Json, wanted: str) -> tuple[str, str] | tuple[float, float]:
    """Numbers and times are compared as such, everything else as text. Raises ``ValueError``."""
    if isinstance(actual, bool):
        return _filter_text(actual), wanted.lower()
    if isinstance(actual, int | float):
        return float(actual), float(wanted)
    text = _filter_text(actual)
    return (parse_iso(text), parse_iso(wanted)) if _TIME.fullmatch(text) else (text, wanted)


def _filter_text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(request: web.BaseRequest, name: str, least: int) -> int | None:
    text = option(request, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise RestRefused(400, f"'{name}' must be a number of at least {least}", property_name=name)
    return int(text)
