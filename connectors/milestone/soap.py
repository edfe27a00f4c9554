"""XProtect's ServerCommandService over SOAP 1.1: the login that recorders ask for, and bookmarks.

The WSDL is our own (``wsdl/``) with the documented parameter orders; zeep writes and reads the messages. HTTP goes
through our session, so that time-outs, the site's CA and the tree of errors are the same as everywhere. Faults come in
three shapes: IIS's HTML page, a SOAP 1.1 fault, and a SOAP 1.2-like fault whose ``detail`` holds attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import requests
import zeep
import zeep.exceptions
from lxml import etree

from connectors.milestone.rest import succeeded, without_effect
from connectors.milestone.tokens import Grant, authorised
from connectors.protocols.http import HttpSession
from core.clock import iso_utc
from core.errors import AuthenticationRefused, ProtocolViolation, ReplyLost, RightMissing, VmsError, VmsRefused
from core.redaction import redact
from core.types import UtcSeconds

NAMESPACE = "http://videoos.net/2/XProtectCSServerCommand"
BASIC_PATH = "/ManagementServer/ServerCommandService.svc"
OAUTH_PATH = "/ManagementServer/ServerCommandServiceOAuth.svc"

_WSDL = Path(__file__).parent / "wsdl" / "ServerCommandService.wsdl"
_TOKEN_FAULT = "20001"  # noqa: S105 - ErrorNumber of a missing or invalid token
_RIGHTS_WORDS = re.compile(r"denied|permission|unauthori[sz]ed|not authori[sz]ed|access right", re.IGNORECASE)
_EXCERPT = 300
_MAX_FOUND = 100
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A bookmark as it is asked for or found. ``bookmark_id`` is the VMS's own."""

    device: str
    begin: UtcSeconds
    triggered: UtcSeconds
    end: UtcSeconds
    header: str
    description: str
    bookmark_id: str = ""


class ServerCommands:
    """The operations of one management server. Thread-safe as far as ``requests`` is."""

    def __init__(self, http: HttpSession, address: str, authorise: Callable[[str], str]) -> None:
        transport = _Transport(http, authorise)
        client = zeep.Client(str(_WSDL), transport=transport, settings=zeep.Settings(strict=False))  # type: ignore[no-untyped-call]
        self._service = client.create_service(f"{{{NAMESPACE}}}ServerCommandServiceBinding", address)  # type: ignore[no-untyped-call]
        self._address = address

    def login(self, instance_id: UUID, current_token: str) -> Grant:
        """The corporate token, which recorders and the other operations take; goes on from ``current_token``."""
        with _spoken(f"SOAP login at {self._address}") as what:
            result = self._service.Login(instanceId=str(instance_id), currentToken=current_token)
            life = result["TimeToLive"] if result else None
            if not life or not result["Token"] or not life["MicroSeconds"]:
                raise ProtocolViolation(f"{what}: the answer has no token or no time to live")
            return Grant(result["Token"], life["MicroSeconds"] / _MICROSECONDS)

    def create_bookmark(self, token: str, bookmark: Bookmark) -> str:
        """Makes it, under a new reference number; returns its id."""
        with without_effect(), _spoken(f"new bookmark reference at {self._address}"):
            reserved = self._service.BookmarkGetNewReference(token=token, deviceId=bookmark.device, live=False)
        with _spoken(f"bookmark at {self._address}"):
            made = self._service.BookmarkCreate(
                token=token,
                deviceId=bookmark.device,
                timeBegin=iso_utc(bookmark.begin),
                timeTrigged=iso_utc(bookmark.triggered),
                timeEnd=iso_utc(bookmark.end),
                reference=(reserved["Reference"] if reserved else None) or "",
                header=bookmark.header,
                description=bookmark.description,
            )
            return str((made["Id"] if made else None) or "")

    def search_bookmarks(
        self, token: str, device: str, begin: UtcSeconds, end: UtcSeconds, text: str
    ) -> dict[str, str]:
        """Bookmarks of a camera from ``begin`` to ``end`` that contain ``text``: id → header and description.

        ``timeLimit`` counts forward from ``time``; which fields ``optSearchStr`` looks into is unverified.
        """
        with _spoken(f"bookmark search at {self._address}"):
            found = self._service.BookmarkSearchTime(
                token=token,
                time=iso_utc(begin),
                timeLimit={"MicroSeconds": round((end - begin) * _MICROSECONDS)},
                countLimit=_MAX_FOUND,
                deviceTypes={"MediaDeviceType": ["Camera"]},
                optDeviceIds={"guid": [device]},
                optUsers={},
                optSearchStr=text,
            )
            return {
                str(item["Id"] or ""): f"{item['Header'] or ''}\n{item['Description'] or ''}" for item in found or ()
            }


class _Transport:
    """What zeep asks of a transport: reading the WSDL from disk, and posting an envelope."""

    def __init__(self, http: HttpSession, authorise: Callable[[str], str]) -> None:
        self._http = http
        self._authorise = authorise

    def load(self, path: str) -> bytes:
        """The WSDL's bytes; only a local file is ever read."""
        return Path(path).read_bytes()

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> requests.Response:
        """Posts and returns a clean answer: a page or a fault is raised as the ``VmsError`` it means."""
        operation = etree.QName(envelope[-1][0]).localname
        what = f"SOAP {operation} at {address}"
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

        def send(authorization: str) -> requests.Response:
            return self._http.request(
                "POST",
                address,
                what=what,
                data=body,
                headers={**headers, "Authorization": authorization},
                allow_redirects=False,
            )

        return _checked(authorised(send, self._authorise), operation, what)


@contextmanager
def _spoken(what: str) -> Iterator[str]:
    """Around an operation: what zeep cannot read becomes ``ProtocolViolation``."""
    try:
        yield what
    except (zeep.exceptions.Error, ValueError) as error:
        raise ProtocolViolation(f"{what}: the answer cannot be read ({redact(str(error))[:_EXCERPT]})") from error


def _checked(response: requests.Response, operation: str, what: str) -> requests.Response:
    document = _xml_or_none(response.content)
    fault = next((e for e in document.iter("{*}Fault")), None) if document is not None else None
    if fault is not None:
        raise _fault_error(fault, what)
    if document is None:
        _raise_for_page(response, what)
    succeeded(response, what)
    if document is None or next(document.iter(f"{{*}}{operation}Response"), None) is None:
        raise ProtocolViolation(f"{what}: the answer holds no {operation}Response")
    return response


def _raise_for_page(response: requests.Response, what: str) -> None:
    """An IIS error page, told by its own words rather than by its markup."""
    words = " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL).split())
    try:
        succeeded(response, what, remedy=_PAGE_REMEDIES.get(response.status_code, ""))
    except VmsError as error:
        message = f"{what}: HTTP {response.status_code} {redact(words)[:_EXCERPT]}".rstrip()
        raise type(error)(message, remedy=error.remedy) from error


_PAGE_REMEDIES = {
    401: "Check username and password: Management Client → Security → Basic Users.",
    404: "Check that 'url' is the management server and that its service runs.",
}


def _fault_error(fault: etree._Element, what: str) -> VmsError:
    code = " ".join((_first_text(fault, "faultcode"), *(_attributes(fault, "ErrorNumber")))).strip()
    said = next(filter(None, (_first_text(fault, "faultstring"), *_attributes(fault, "ExceptionMessage"))), "")
    said = said or _first_text(fault, "Text")
    message = f"{what}: fault {code} {redact(said)[:_EXCERPT]}".rstrip()
    remedy = "Management Client → Security → Roles: give this account the right, and save."
    if _TOKEN_FAULT in code.split():
        return AuthenticationRefused(message, remedy=remedy)
    if _RIGHTS_WORDS.search(said):
        return RightMissing(message, remedy=remedy)
    if "InternalServiceFault" in code and not said.startswith("VMO"):
        return ReplyLost(message)
    return VmsRefused(message)


def _first_text(element: etree._Element, name: str) -> str:
    found = next(element.iter(f"{{*}}{name}"), None)
    return (found.text or "").strip() if found is not None else ""


def _attributes(fault: etree._Element, name: str) -> list[str]:
    return [str(e.get(name)) for e in fault.iter() if e.get(name)]


def _xml_or_none(content: bytes) -> etree._Element | None:
    """The document when it is an XML envelope; None for pages and other text."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root if etree.QName(root).localname == "Envelope" else None
