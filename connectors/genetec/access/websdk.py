"""The Web-based SDK role over HTTP: one authenticated request, and what its envelope says.

Facts and their sources: WIKI:Web-SDK-Getting-Started, WIKI:web-sdk-endpoints and Genetec's WebSDKStudio sample. Unverified
on a real system: where ``SdkErrorCode`` and ``Message`` stand in a failure (both known places are read), and which codes
exist beyond those of the SDK's own ``SdkError``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import requests

from connectors.genetec.access.query import encoded
from connectors.protocols.http import HttpSession, require_success
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact

Credentials: TypeAlias = tuple[str, str, str]
"""User name, ApplicationId, password."""

Files: TypeAlias = Mapping[str, tuple[str | None, str, str]]
"""Multipart parts: name → (no file name, content, content type)."""

ENTITIES_PER_REQUEST = 10
"""As a shipping client does; the only documented limit is the URL's length."""

_EXCERPT = 200
_COMPLETE = "ok"
_INCOMPLETE = frozenset({"toomanyresults", "partial"})
_LATER = frozenset({408, 425, 429})
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, _LENGTH_REQUIRED = 401, 403, 404, 411

REMEDIES = {
    UNAUTHORIZED: "No account arrived: a proxy between Vigie and Security Center may remove the Authorization header.",
    FORBIDDEN: (
        "Check, in this order: user name and password; the ApplicationId; that the user is local to Security Center (not"
        " Active Directory) and may 'Log on using the SDK' (after a change, deactivate and activate the Web-based SDK role);"
        " that the licence holds the certificate's part and has a connection left"
    ),
    NOT_FOUND: (
        "Check the base URI in 'url' (Properties page of the Web-based SDK role, 'WebSdk' by default), and that the user"
        " has the privilege for this command"
    ),
    _LENGTH_REQUIRED: "A proxy between Vigie and Security Center removes the Content-Length header",
}
"""What to do, by HTTP status."""

_REFUSALS: Mapping[str, type[VmsRefused]] = {
    "unabletoretrieveentity": NotFoundInVms,
    "unsufficientprivilege": RightMissing,
    "missingclientcertificate": AuthenticationRefused,
    "invalidclientcertificate": AuthenticationRefused,
    "missingcertificate": AuthenticationRefused,
    "certificatecountexceeded": AuthenticationRefused,
    "invalidapplicationid": AuthenticationRefused,
    "invalidvalue": RequestInvalid,
}
"""``SdkError`` names (spelt as Genetec does) whose meaning is clear; any other refusal is plain ``VmsRefused``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful envelope. ``is_complete`` is False when a report was cut (``TooManyResults``, ``Partial``)."""

    result: Any
    is_complete: bool
    date: str
    """HTTP ``Date`` header, empty when absent."""

    def rows(self) -> list[Any]:
        """The result as a list: one row comes bare, none may come as nothing."""
        if self.result is None:
            return []
        return list(self.result) if isinstance(self.result, list) else [self.result]


class WebSdk:
    """Speaks to one Web-based SDK role. ``credentials`` is asked at each request, so a renewed secret needs no restart."""

    def __init__(
        self,
        base_url: str,
        session: HttpSession,
        credentials: Callable[[], Credentials],
        *,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._base_url = base_url
        self._check = check
        self._session = session
        self._credentials = credentials
        self._place = f"Security Center {urlsplit(base_url).netloc}"

    def checked_by(self, check: Callable[[], None]) -> WebSdk:
        """The same, but ``check`` goes before each request: it raises to keep it back."""
        return WebSdk(self._base_url, self._session, self._credentials, check=check)

    def ping(self) -> Answer:
        """The role answers and lets this account in."""
        return self.ask("/", what="ping")

    def ask(self, path: str, query: str = "", *, what: str) -> Answer:
        """A GET without effect. ``query`` is in the mini-language, not encoded."""
        return self._read(self._exchange("GET", path, query, what), what, has_effect=False)

    def do(
        self, method: str, path: str, query: str = "", *, what: str, params: str = "", files: Files | None = None
    ) -> Answer:
        """A request with effect; a lost or unreadable answer is ``ReplyLost``. ``params``: encoded, instead of a query."""
        return self._read(self._exchange(method, path, query, what, params, files), what, has_effect=True)

    def entities(self, guids: Sequence[str], properties: Sequence[str]) -> list[Mapping[str, Any]]:
        """Properties of at most ``ENTITIES_PER_REQUEST`` entities; an unknown one may fail all: ``VmsRefused``."""
        query = ",".join(",".join([f"entity={guid}", *properties]) for guid in guids)
        return [row for row in self.ask("/entity", query, what="read entities").rows() if isinstance(row, Mapping)]

    def _exchange(
        self, method: str, path: str, query: str, what: str, params: str = "", files: Files | None = None
    ) -> requests.Response:
        self._check()
        user, application_id, password = self._credentials()
        text = f"q={encoded(query)}" if query else params
        return self._session.request(
            method,
            f"{self._base_url}{path}{'?' if text else ''}{text}",
            what=f"{self._place}: {what}",
            auth=(f"{user};{application_id}".encode(), password.encode()),
            headers={"Accept": "text/json"},
            files=files,
            allow_redirects=False,
        )

    def _read(self, response: requests.Response, what: str, *, has_effect: bool) -> Answer:
        place = f"{self._place}: {what}"
        _require_accepted(response, place)
        try:
            envelope = json.loads(response.content.decode("utf-8-sig"))["Rsp"]
            status, result = str(envelope["Status"]).lower(), envelope.get("Result")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            said = redact(response.text[:_EXCERPT])
            raise _unreadable(f"{place}: not a Web SDK answer: {said!r}", has_effect=has_effect) from error
        if status == "fail":
            raise _refusal(envelope, place)
        if status != _COMPLETE and status not in _INCOMPLETE:
            raise _unreadable(f"{place}: unknown status {status!r}", has_effect=has_effect)
        return Answer(result=result, is_complete=status == _COMPLETE, date=response.headers.get("Date", ""))


def _require_accepted(response: requests.Response, place: str) -> None:
    try:
        require_success(response, place)
    except VmsRefused as error:
        remedy = REMEDIES.get(response.status_code, "Write the address that this one redirects to.")
        if response.is_redirect or response.status_code in REMEDIES:
            # Address, account or right, never what was asked for: nothing gets in until a person acts.
            raise AuthenticationRefused(str(error), remedy=remedy) from error
        raise


def stream_refusal(status: int, place: str) -> VmsError:
    """What it means that a stream is answered with this status and not opened."""
    if status in REMEDIES:
        return AuthenticationRefused(f"{place}: HTTP {status}", remedy=REMEDIES[status])
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - HTTP's own bound
        return VmsUnavailable(f"{place}: HTTP {status}")
    return VmsRefused(f"{place}: HTTP {status}", remedy="See the Web-based SDK role's log in Security Center.")


def _unreadable(text: str, *, has_effect: bool) -> VmsError:
    remedy = "Check that 'url' is the Web-based SDK role's address and base URI."
    return ReplyLost(text, remedy=remedy) if has_effect else ProtocolViolation(text, remedy=remedy)


def _refusal(envelope: Mapping[str, Any], place: str) -> VmsRefused:
    inside = envelope.get("Result")
    failure = {**envelope, **(inside if isinstance(inside, Mapping) else {})}
    code, message = str(failure.get("SdkErrorCode") or "no code"), str(failure.get("Message") or "no message")
    kind = _REFUSALS.get(code.lower(), VmsRefused)
    return kind(f"{place}: {code}: {redact(message[:_EXCERPT])}", remedy=_ADVICE.get(kind, ""))


_ADVICE: Mapping[type[VmsRefused], str] = {
    NotFoundInVms: "Check that the GUID exists and that the user may see this entity (its partition).",
    AuthenticationRefused: "Look at the SDK certificates in the licence, and at the application id.",
    RightMissing: "Config Tool → User management: give the user the privilege for this.",
    VmsRefused: "See the Web-based SDK role's log in Security Center.",
}
