"""Reading what the API gateway answers: wrappers, error bodies, and which failures had no effect.

Facts: XProtect's REST conventions wrap a list in ``array``, an object in ``data`` and what was created in ``result``
(older releases: ``data``); an error is ``{"error": {"httpCode", "details": [{"errorText"}]}}`` or the same without
the outer ``error``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from connectors.protocols.http import require_success
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RightMissing,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

_EXCERPT = 300

_REMEDIES: dict[type[VmsRefused], str] = {
    AuthenticationRefused: "Management Client → Security → Basic Users: see that this account exists and is not locked.",
    RightMissing: "Management Client → Security → Roles: give the role of this account the right, and save.",
    NotFoundInVms: "Run 'vigie check': it compares the site file with what XProtect knows.",
}


@contextmanager
def without_effect() -> Iterator[None]:
    """Around calls that change nothing in the VMS: a lost reply is then merely an unavailable VMS."""
    try:
        yield
    except ReplyLost as error:
        raise VmsUnavailable(str(error), remedy=error.remedy) from error


def succeeded(response: requests.Response, what: str, *, remedy: str = "") -> requests.Response:
    """The response itself when 2xx; else the ``VmsError`` of its status, with the gateway's own words."""
    try:
        return require_success(response, what)
    except VmsRefused as error:
        words = error_texts(response)
        message = f"{what}: HTTP {response.status_code} {words}" if words else str(error)
        raise type(error)(message, remedy=remedy or _REMEDIES.get(type(error), "")) from error


def error_texts(response: requests.Response) -> str:
    """The ``errorText`` entries of an error body, in either of its two nestings; empty where there is none."""
    body = _json_or_none(response)
    if not isinstance(body, dict):
        return ""
    error = body.get("error", body)
    details = error.get("details") if isinstance(error, dict) else None
    items = details if isinstance(details, list) else ()
    texts = [str(item.get("errorText", "")) for item in items if isinstance(item, dict)]
    return redact("; ".join(filter(None, texts)))[:_EXCERPT]


def json_object(response: requests.Response, what: str) -> dict[str, Any]:
    """The body as a JSON object. Raises ``ProtocolViolation`` for anything else, such as an HTML page."""
    body = _json_or_none(response)
    if not isinstance(body, dict):
        kind = response.headers.get("Content-Type", "no content type")
        raise ProtocolViolation(
            f"{what}: the answer is no JSON object but {kind}",
            remedy="Check that the address is the management server's and that its API Gateway runs.",
        )
    return body


def listed(response: requests.Response, what: str) -> list[dict[str, Any]]:
    """The objects of a list answer."""
    array = json_object(response, what).get("array")
    if not isinstance(array, list):
        raise ProtocolViolation(f"{what}: the answer has no 'array'")
    return [item for item in array if isinstance(item, dict)]


def single(response: requests.Response, what: str) -> dict[str, Any]:
    """The object of an answer about one object."""
    body = json_object(response, what)
    found = body.get("data", body.get("result"))
    if not isinstance(found, dict):
        raise ProtocolViolation(f"{what}: the answer has neither 'data' nor 'result'")
    return found


def created_id(response: requests.Response) -> str:
    """The id of what was made, in any known wrapper; empty where none is told (it was made all the same)."""
    body = _json_or_none(response)
    found = (body.get("result") or body.get("data")) if isinstance(body, dict) else None
    return str(found.get("id") or "") if isinstance(found, dict) else ""


def _json_or_none(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
