"""What zeep needs to speak to XProtect's SOAP services through our own HTTP session.

So that time-outs, the site's CA and the tree of errors are the same as everywhere. Faults come in three shapes: IIS's
HTML page, a SOAP 1.1 fault, and a SOAP 1.2-like fault whose ``detail`` holds attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import requests
import zeep.exceptions
from lxml import etree

from connectors.milestone.access.rest import succeeded
from connectors.milestone.access.tokens import authorised
from core.errors import AuthenticationRefused, ProtocolViolation, ReplyLost, RightMissing, VmsError, VmsRefused
from core.redaction import redact

_TOKEN_FAULT = "20001"  # noqa: S105 - ErrorNumber of a missing or invalid token
_RIGHTS_WORDS = re.compile(r"denied|permission|unauthori[sz]ed|not authori[sz]ed|access right", re.IGNORECASE)
_EXCERPT = 300


class Sender(Protocol):
    """What sends a request, as ``HttpSession`` does."""

    def request(self, method: str, url: str, *, what: str, **options: Any) -> requests.Response:
        """Sends and returns whatever status comes back."""


class Transport:
    """What zeep asks of a transport: reading the WSDL from disk, and posting an envelope.

    ``authorise`` gives the ``Authorization`` value (see ``tokens.authorised``); empty for none. ``rewrite`` may change
    envelope and headers for a dialect; ``read_fault`` turns a ``Fault`` element, and the words for the peer and the
    call, into the error it means; ``slow`` are the time-outs of operations that take longer than usual;
    ``account_remedy`` is told with a 401.
    """

    def __init__(
        self,
        http: Sender,
        authorise: Callable[[str], str],
        *,
        rewrite: Callable[[etree._Element, Mapping[str, str]], Mapping[str, str]] | None = None,
        read_fault: Callable[[etree._Element, str], VmsError] | None = None,
        slow: Mapping[str, float] | None = None,
        account_remedy: str = "",
    ) -> None:
        self._http = http
        self._authorise = authorise
        self._rewrite = rewrite
        self._read_fault = read_fault or fault_error
        self._slow = slow or {}
        self._page_remedies = {
            requests.codes.unauthorized: account_remedy,
            requests.codes.not_found: "Check that 'url' is the management server and that its service runs.",
        }

    def load(self, path: str) -> bytes:
        """The WSDL's bytes; only a local file is ever read."""
        return Path(path).read_bytes()

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> requests.Response:
        """Posts and returns a clean answer: a page or a fault is raised as the ``VmsError`` it means."""
        operation = etree.QName(envelope[-1][0]).localname
        what = f"SOAP {operation} at {address}"
        headers = self._rewrite(envelope, headers) if self._rewrite else headers
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        options = {"timeout": self._slow[operation]} if operation in self._slow else {}

        def send(authorization: str) -> requests.Response:
            sent = {**headers, "Authorization": authorization} if authorization else headers
            return self._http.request(
                "POST", address, what=what, data=body, headers=sent, allow_redirects=False, **options
            )

        return self._checked(authorised(send, self._authorise), operation, what)

    def _checked(self, response: requests.Response, operation: str, what: str) -> requests.Response:
        document = _xml_or_none(response.content)
        fault = next((e for e in document.iter("{*}Fault")), None) if document is not None else None
        if fault is not None:
            raise self._read_fault(fault, what)
        if document is None:
            _raise_for_page(response, what, self._page_remedies.get(response.status_code, ""))
        succeeded(response, what)
        if document is None or next(document.iter(f"{{*}}{operation}Response"), None) is None:
            raise ProtocolViolation(f"{what}: the answer holds no {operation}Response")
        return response


@contextmanager
def spoken(what: str) -> Iterator[str]:
    """Around an operation: what zeep, or we, cannot read becomes ``ProtocolViolation``."""
    try:
        yield what
    except (zeep.exceptions.Error, ValueError, KeyError, TypeError) as error:
        # KeyError, TypeError: of an answer of another shape zeep makes objects of another shape, without complaint.
        raise ProtocolViolation(f"{what}: the answer cannot be read ({redact(str(error))[:_EXCERPT]})") from error


def fault_error(fault: etree._Element, what: str) -> VmsError:
    """The error that a fault of the management server means."""
    code = " ".join((first_text(fault, "faultcode"), *(_attributes(fault, "ErrorNumber")))).strip()
    said = next(filter(None, (first_text(fault, "faultstring"), *_attributes(fault, "ExceptionMessage"))), "")
    said = said or first_text(fault, "Text")
    message = f"{what}: fault {code} {redact(said)[:_EXCERPT]}".rstrip()
    remedy = "Management Client → Security → Roles: give this account the right, and save."
    if _TOKEN_FAULT in code.split():
        return AuthenticationRefused(message, remedy=remedy)
    if _RIGHTS_WORDS.search(said):
        return RightMissing(message, remedy=remedy)
    if "InternalServiceFault" in code and not said.startswith("VMO"):
        return ReplyLost(message)
    return VmsRefused(message)


def first_text(element: etree._Element, name: str) -> str:
    """The text of the first element of that local name below ``element``; empty where there is none."""
    found = next(element.iter(f"{{*}}{name}"), None)
    return (found.text or "").strip() if found is not None else ""


def _raise_for_page(response: requests.Response, what: str, remedy: str) -> None:
    """An IIS error page, told by its own words rather than by its markup."""
    words = " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL).split())
    try:
        succeeded(response, what, remedy=remedy)
    except VmsError as error:
        message = f"{what}: HTTP {response.status_code} {redact(words)[:_EXCERPT]}".rstrip()
        raise type(error)(message, remedy=error.remedy) from error


def _attributes(fault: etree._Element, name: str) -> list[str]:
    return [str(e.get(name)) for e in fault.iter() if e.get(name)]


def _xml_or_none(content: bytes) -> etree._Element | None:
    """The document when it is an XML envelope; None for pages and other text."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root if etree.QName(root).localname == "Envelope" else None
