"""SOAP 1.2 as the drivers speak it, with HTTP Digest or a WS-Security UsernameToken."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import requests
from lxml import etree

from connectors.onvif.simulator.client.digest import DigestLogin, challenges, usable
from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.roles import Login
from connectors.onvif.simulator.client.xml import (
    SOAP,
    WSA,
    WSSE,
    WSU,
    child,
    element,
    every,
    first,
    local,
    parse,
    text_at,
)
from connectors.protocols.http import HttpSession, require_success
from core.clock import iso_utc
from core.contracts import Clock
from core.errors import AuthenticationRefused, ProtocolViolation, VmsRefused
from core.redaction import redact

_TIMEOUT_S = 10.0
_OK = 200
_UNAUTHORIZED = 401
_MEDIA_TYPE = "application/soap+xml"
_DIGEST_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_MUST_UNDERSTAND: Final = f"{{{SOAP}}}mustUnderstand"
_EXCERPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who logs in."""

    user: str
    password: str = field(repr=False)


class SoapFault(VmsRefused):
    """The device answered with a fault. ``codes``: local names of code and subcodes, outer first."""

    def __init__(self, message: str, codes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.codes = codes

    @property
    def is_not_supported(self) -> bool:
        """Whether the device does not know the operation (SPEC:Core)."""
        return self.codes[:1] == ("Receiver",) and "ActionNotSupported" in self.codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """WS-Addressing of one request: its action, and what a subscription's reference asks to repeat."""

    action: str
    parameters: Sequence[etree._Element] = ()


class SoapClient:
    """Asks one device. Thread-safe as far as ``requests`` is."""

    def __init__(
        self,
        account: Account,
        login: Login,
        judge: Judge,
        clock: Clock,
        *,
        ca: Path | None = None,
        has_bare_nonce: bool = False,
    ) -> None:
        self._account = account
        self._login = login
        self._judge = judge
        self._clock = clock
        self._has_bare_nonce = has_bare_nonce
        self._http = HttpSession(ca=ca, timeout_s=_TIMEOUT_S)
        self._digest = DigestLogin(account.user, account.password)
        self.offset_s = 0.0
        """The device's clock minus ours: ``Created`` is told in the device's time."""

    def call(
        self,
        address: str,
        body: etree._Element,
        *,
        addressing: Addressing | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> etree._Element:
        """Sends with credentials and returns the response element.

        Raises ``SoapFault``, ``AuthenticationRefused``, ``ProtocolViolation`` for what is no SOAP, and what
        ``connectors.protocols.http`` raises where there is no answer.
        """
        what = f"{local(body)} at {redact(address)}"
        headers = [*self._security(), *_addressed(address, addressing)]
        response = self._sent(address, _envelope(headers, body), what, timeout_s)
        if response.status_code == _UNAUTHORIZED:
            raise AuthenticationRefused(
                f"{what}: the account is refused", remedy="Check user, password and the device's ways to log in."
            )
        return self._body_of(response, what, local(body))

    def call_anonymously(self, address: str, body: etree._Element) -> requests.Response:
        """Sends without credentials and returns whatever comes."""
        what = f"{local(body)} at {redact(address)}, without credentials"
        return self._post(address, _envelope([], body), what, {}, _TIMEOUT_S)

    def read_anonymous(self, response: requests.Response, operation: str) -> etree._Element:
        """The response element of an anonymous call."""
        return self._body_of(response, f"{operation}, without credentials", operation)

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def _sent(self, address: str, data: bytes, what: str, timeout_s: float) -> requests.Response:
        if self._login is Login.USERNAME_TOKEN:
            return self._post(address, data, what, {}, timeout_s)
        response = self._post(address, data, what, self._digest.header("POST", address), timeout_s)
        if response.status_code != _UNAUTHORIZED:
            return response
        offered = usable(challenges(response))
        if offered is None:
            self._judge.broken("challenge", f"{what}: 401 without an MD5 digest challenge")
            return response
        self._digest.take(offered)
        return self._post(address, data, what, self._digest.header("POST", address), timeout_s)

    def _post(
        self, address: str, data: bytes, what: str, headers: dict[str, str], timeout_s: float
    ) -> requests.Response:
        return self._http.request(
            "POST",
            address,
            what=what,
            data=data,
            headers={**headers, "Content-Type": f"{_MEDIA_TYPE}; charset=utf-8"},
            timeout=timeout_s,
            allow_redirects=False,
        )

    def _body_of(self, response: requests.Response, what: str, operation: str) -> etree._Element:
        body = _soap_body(response.content)
        if body is None:
            require_success(response, what)
            self._judge.broken("answer", f"{what}: no SOAP 1.2 envelope with one body element")
            raise ProtocolViolation(f"{what}: the answer is no SOAP 1.2 envelope")
        if body.tag == f"{{{SOAP}}}Fault":
            raise _fault(body, what)
        self._judge.require(
            "answer", response.status_code == _OK, f"{what}: HTTP {response.status_code} with an answer"
        )
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self._judge.require("answer", kind == _MEDIA_TYPE, f"{what}: the content type is {kind!r}")
        if not self._judge.require("answer", local(body) == f"{operation}Response", f"{what}: {local(body)}"):
            raise ProtocolViolation(f"{what}: the answer is {local(body)}")
        return body

    def _security(self) -> list[etree._Element]:
        if self._login is not Login.USERNAME_TOKEN:
            return []
        nonce = secrets.token_bytes(16)
        created = iso_utc(self._clock.utc() + self.offset_s)
        if self._has_bare_nonce:
            created = f"{created.partition('.')[0]}Z"
        security = element(WSSE, "Security")
        security.set(_MUST_UNDERSTAND, "1")
        token = child(security, WSSE, "UsernameToken")
        child(token, WSSE, "Username", self._account.user)
        # SHA-1 is what the profile asks for (SPEC:Core "Username token profile").
        digest = hashlib.sha1(nonce + created.encode() + self._account.password.encode(), usedforsecurity=False)
        child(token, WSSE, "Password", base64.b64encode(digest.digest()).decode()).set("Type", _DIGEST_TYPE)
        told = child(token, WSSE, "Nonce", base64.b64encode(nonce).decode())
        if not self._has_bare_nonce:
            told.set("EncodingType", _BASE64_TYPE)
        child(token, WSU, "Created", created)
        return [security]


def _addressed(address: str, addressing: Addressing | None) -> list[etree._Element]:
    """As .NET's clients write it; that the real drivers mark it as to be understood is unverified."""
    if addressing is None:
        return []
    action, to = element(WSA, "Action", addressing.action), element(WSA, "To", address)
    for header in (action, to):
        header.set(_MUST_UNDERSTAND, "1")
    parameters = [parse(etree.tostring(parameter)) for parameter in addressing.parameters]
    for parameter in parameters:
        parameter.set(f"{{{WSA}}}IsReferenceParameter", "true")
    return [action, element(WSA, "MessageID", f"urn:uuid:{uuid4()}"), to, *parameters]


def _envelope(headers: Sequence[etree._Element], body: etree._Element) -> bytes:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    if headers:
        child(envelope, SOAP, "Header").extend(headers)
    child(envelope, SOAP, "Body").append(body)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def _soap_body(data: bytes) -> etree._Element | None:
    try:
        root = parse(data)
    except etree.XMLSyntaxError:
        return None
    body = first(root, "s:Body") if root.tag == f"{{{SOAP}}}Envelope" else None
    return body[0] if body is not None and len(body) == 1 else None


def _fault(fault: etree._Element, what: str) -> VmsRefused:
    codes = tuple((value.text or "").strip().rpartition(":")[2] for value in every(fault, ".//s:Value") if value.text)
    reason = text_at(fault, "s:Reason/s:Text")
    message = f"{what}: {'/'.join(codes) or 'a fault without code'} {redact(reason)[:_EXCERPT]}".rstrip()
    if "NotAuthorized" in codes or "FailedAuthentication" in codes:
        return AuthenticationRefused(message, remedy="Check user, password and the device's ways to log in.")
    return SoapFault(message, codes)
