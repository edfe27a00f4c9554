"""SOAP 1.2 with a bridge: logging in as the settings say, faults as ``core.errors``; what zeep needs of a transport."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Final, Literal, TypeAlias
from uuid import uuid4

from lxml import etree

from connectors.onvif.client.exchange import Exchange, Reply, require_ok
from connectors.onvif.client.faults import RIGHT_REMEDY, fault_error
from connectors.onvif.client.login import username_token
from connectors.onvif.settings import OnvifSettings
from core.contracts import Clock
from core.errors import AuthenticationRefused, ProtocolViolation, RightMissing

ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
WSDL_FOLDER: Final = Path(__file__).parent / "wsdl"

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Profiles of a bridge with a few thousand cameras are about 8 MB."""

_ANONYMOUS: Final = frozenset({"GetSystemDateAndTime"})
"""Needs no login, and could not have one: UsernameTokens hold the bridge's time (ONVIF Core, PRE_AUTH)."""

_Way: TypeAlias = Literal["digest", "username_token", "none"]
_WAYS: Final[Mapping[str, tuple[_Way, ...]]] = {
    "auto": ("digest", "username_token"),
    "digest": ("digest",),
    "username_token": ("username_token",),
}


class OwnFiles:
    """Where zeep gets what it reads: our own WSDLs. Nothing else is ever loaded, least of all from the network."""

    def load(self, path: str) -> bytes:
        """Raises ``ProtocolViolation`` for whatever is not beside our WSDLs."""
        name = Path(path).name
        if path not in {name, str(WSDL_FOLDER / name)} or not (WSDL_FOLDER / name).is_file():
            raise ProtocolViolation(f"{path[:200]!r} is not part of this program, and nothing is fetched")
        return (WSDL_FOLDER / name).read_bytes()


class SoapPeer:
    """Calls one bridge. ``bridge_offset_s`` asks how far its clock is ahead of ours; True asks it afresh.

    Thread-safe as far as ``requests`` is.
    """

    def __init__(
        self,
        settings: OnvifSettings,
        exchange: Exchange,
        password: Callable[[], str],
        clock: Clock,
        bridge_offset_s: Callable[[bool], float],
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._password = password
        self._clock = clock
        self._bridge_offset_s = bridge_offset_s
        self._lock = threading.Lock()
        self._ways = _WAYS[settings.login]

    def call(
        self,
        address: str,
        action: str,
        body: etree._Element,
        *,
        headers: Sequence[etree._Element] = (),
        timeout_s: float | None = None,
    ) -> etree._Element:
        """The answer's body element. ``action`` is WS-Addressing's; ``headers`` are a subscription's own."""
        envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE, "a": ADDRESSING})
        head = etree.SubElement(envelope, f"{{{ENVELOPE}}}Header")
        for name, text in (("Action", action), ("MessageID", f"urn:uuid:{uuid4()}"), ("To", address)):
            etree.SubElement(head, f"{{{ADDRESSING}}}{name}").text = text
        head.extend(deepcopy(list(headers)))
        etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(body)
        sent = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}
        _, answer = self._spoken(address, envelope, sent, timeout_s)
        return answer

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Reply:
        """For zeep: posts, and returns a clean answer; a fault or a page is raised as what it means."""
        reply, _ = self._spoken(address, envelope, headers, None)
        return reply

    def _spoken(
        self, address: str, envelope: etree._Element, headers: Mapping[str, str], timeout_s: float | None
    ) -> tuple[Reply, etree._Element]:
        operation = etree.QName(envelope[-1][0]).localname
        if operation in _ANONYMOUS:
            return self._anonymous(address, envelope, headers)
        refusal: AuthenticationRefused | None = None
        for way in self._ways:
            try:
                answer = self._by(way, address, envelope, headers, timeout_s)
            except RightMissing:
                raise
            except AuthenticationRefused as error:
                refusal = refusal or error
            else:
                self._prefer(way)
                return answer
        assert refusal is not None  # there is always a way to try
        raise refusal

    def _anonymous(
        self, address: str, envelope: etree._Element, headers: Mapping[str, str]
    ) -> tuple[Reply, etree._Element]:
        try:
            return self._posted("none", address, envelope, headers, None)
        except AuthenticationRefused:  # against the standard, but seen in the field
            return self._posted("digest", address, envelope, headers, None)

    def _prefer(self, way: _Way) -> None:
        """What worked is tried first from now on; with ``auto`` the other is not forgotten."""
        with self._lock:
            self._ways = (way, *(other for other in self._ways if other != way))

    def _by(
        self, way: _Way, address: str, envelope: etree._Element, headers: Mapping[str, str], timeout_s: float | None
    ) -> tuple[Reply, etree._Element]:
        if way != "username_token":
            return self._posted(way, address, envelope, headers, timeout_s)
        offset_s = self._bridge_offset_s(False)
        try:
            return self._posted(way, address, self._signed(envelope, offset_s), headers, timeout_s)
        except RightMissing:
            raise
        except AuthenticationRefused:
            moved_s = self._bridge_offset_s(True)
            if abs(moved_s - offset_s) <= 2.0:  # noqa: PLR2004 - a clock that tells whole seconds differs by less
                raise
        return self._posted(way, address, self._signed(envelope, moved_s), headers, timeout_s)

    def _signed(self, envelope: etree._Element, offset_s: float) -> etree._Element:
        signed = deepcopy(envelope)
        head = signed.find(f"{{{ENVELOPE}}}Header")
        if head is None:
            head = etree.Element(f"{{{ENVELOPE}}}Header")
            signed.insert(0, head)
        head.append(username_token(self._settings.username, self._password(), self._clock.utc() + offset_s))
        return signed

    def _posted(
        self, way: _Way, address: str, envelope: etree._Element, headers: Mapping[str, str], timeout_s: float | None
    ) -> tuple[Reply, etree._Element]:
        operation = etree.QName(envelope[-1][0]).localname
        what = f"{operation} at {address}"
        reply = self._exchange.send(
            "POST",
            address,
            what=what,
            max_bytes=MAX_ANSWER_BYTES,
            data=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            headers=headers,
            digest=way == "digest",
            timeout_s=timeout_s,
        )
        return reply, _answer(reply, operation, what)


def _answer(reply: Reply, operation: str, what: str) -> etree._Element:
    """The body element of a clean answer.

    Where HTTP took the login, ``ter:NotAuthorized`` tells that this account lacks a right; a bridge that knows only
    UsernameTokens says the same of a request without one.
    """
    body = _body(reply.content)
    if body is not None and etree.QName(body).localname == "Fault":
        error = fault_error(body, what)
        if type(error) is AuthenticationRefused and reply.has_login:
            raise RightMissing(str(error), remedy=RIGHT_REMEDY)
        raise error
    require_ok(reply, what)
    if body is None or etree.QName(body).localname != f"{operation}Response":
        raise ProtocolViolation(
            f"{what}: the answer holds no {operation}Response", remedy="Check that 'url' is the ONVIF bridge's address."
        )
    return body


def _body(content: bytes) -> etree._Element | None:
    """The element in the envelope's body; None for pages, other text, and documents with a DTD."""
    if b"<!DOCTYPE" in content:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if etree.QName(root).localname != "Envelope":
        return None
    body = next(root.iterchildren("{*}Body"), None)
    return next(body.iterchildren("{*}*"), None) if body is not None else None
