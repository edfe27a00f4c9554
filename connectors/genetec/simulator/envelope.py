"""How answers are written: ``Status`` and ``Result`` in the shape that ``Accept`` asks for.

``text/json``, ``text/xml`` and the legacy ``application/xml`` are served; what asks for none of them gets the legacy
XML, as the role does. Element names of lists in XML are unverified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from core.types import Json


class Form(StrEnum):
    """Serializations, by their media type."""

    JSON = "text/json"
    XML = "text/xml"
    LEGACY_XML = "application/xml"


class Status(StrEnum):
    """Outcome inside the envelope."""

    OK = "Ok"
    FAIL = "Fail"
    TOO_MANY_RESULTS = "TooManyResults"


UNABLE_TO_RETRIEVE_ENTITY = "UnableToRetrieveEntity"
"""A real ``SdkError`` name; when the role gives it is unverified."""
UNSUFFICIENT_PRIVILEGE = "UnsufficientPrivilege"
"""The same, spelt as Genetec does."""
SIMULATOR_REFUSAL = "SimulatorRefusal"
"""Made up: which codes the role gives for a malformed request is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command answers. ``result`` is left out of the envelope when None."""

    status: Status = Status.OK
    result: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a command refuses with."""

    code: str
    message: str

    def as_json(self) -> dict[str, Json]:
        """The two fields of every failure."""
        return {"SdkErrorCode": self.code, "Message": self.message}


def form_of(accept: str) -> Form:
    """The first served media type that ``Accept`` names."""
    for part in accept.split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in set(Form):
            return Form(media_type)
    return Form.LEGACY_XML


def render(reply: Reply | Failure, form: Form, *, flat_errors: bool) -> bytes:
    """The whole body. ``flat_errors`` puts a failure's fields beside ``Status`` (sources differ)."""
    if form is Form.LEGACY_XML:
        return _legacy_xml(reply)
    envelope: dict[str, Json] = {"Rsp": _fields(reply, flat_errors)}
    if form is Form.JSON:
        return json.dumps(envelope).encode()
    return etree.tostring(_element("WebSdk", envelope))


def render_event(event: dict[str, Json], form: Form) -> bytes:
    """One event of the stream, on one line; legacy XML has no envelope around it."""
    if form is Form.LEGACY_XML:
        return etree.tostring(_element("event", event))
    return render(Reply(result=event), form, flat_errors=False)


def _fields(reply: Reply | Failure, flat_errors: bool) -> dict[str, Json]:
    if isinstance(reply, Reply):
        status: dict[str, Json] = {"Status": reply.status.value}
        return status if reply.result is None else {**status, "Result": reply.result}
    failed: dict[str, Json] = {"Status": Status.FAIL.value}
    return {**failed, **reply.as_json()} if flat_errors else {**failed, "Result": reply.as_json()}


def _legacy_xml(reply: Reply | Failure) -> bytes:
    if isinstance(reply, Failure):
        root = etree.Element("rsp", status="fail")
        error = etree.SubElement(root, "error")
        etree.SubElement(error, "code").text = reply.code
        etree.SubElement(error, "message").text = reply.message
        return etree.tostring(root)
    root = etree.Element("rsp", status=reply.status.value.lower())
    if isinstance(reply.result, list):
        root.append(_legacy_rows(reply.result))
    elif isinstance(reply.result, dict):
        root.extend(_element(name, value) for name, value in reply.result.items())
    return etree.tostring(root)


def _legacy_rows(rows: list[Json]) -> etree._Element:
    table = etree.Element("QueryResult")
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    etree.SubElement(table, "HeaderRow").extend([_element("Cell", name) for name in first])
    for row in rows:
        cells = row.values() if isinstance(row, dict) else [row]
        etree.SubElement(table, "Row").extend([_element("Cell", cell) for cell in cells])
    return table


def _element(name: str, value: Json) -> etree._Element:
    element = etree.Element(name)
    if isinstance(value, Mapping):
        element.extend([_element(key, inner) for key, inner in value.items()])
    elif isinstance(value, list):
        element.extend([_element("Item", inner) for inner in value])
    elif value is not None:
        element.text = "".join(filter(str.isprintable, value if isinstance(value, str) else json.dumps(value)))
    return element
