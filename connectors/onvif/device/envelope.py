"""SOAP envelopes: what came, and the answer or the fault that goes back.

SOAP 1.2 (SPEC:Core "SOAP Fault Messages", "Generic faults"); 1.1 is understood and answered in kind. HTTP status:
400 where the sender is at fault, 500 otherwise (SOAP 1.2 part 2, table 20). WS-Addressing: who gives a message id
finds it in the answer, as the events' examples show; answers go nowhere but back on the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Fault
from connectors.onvif.device.xml import ENV, ENV11, PREFIXES, WSA, WSSE, XML, XmlRefused, child, parse, qualified
from connectors.protocols.onvif_metadata import printable

CONTENT_TYPES: Final = {ENV: "application/soap+xml", ENV11: "text/xml"}

_FAULT_ACTION: Final = f"{WSA}/soap/fault"
_UNDERSTOOD: Final = frozenset({WSA, WSSE})
_TRUE: Final = frozenset({"1", "true"})
_CODES_1_1: Final = {"Sender": "Client", "Receiver": "Server"}
_LONGEST_ECHO: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A request. ``version``: namespace of its envelope; ``body``: the one child of the SOAP body."""

    version: str
    header: etree._Element | None
    body: etree._Element

    @property
    def name(self) -> tuple[str, str]:
        """Namespace and local name of what is asked."""
        qname = etree.QName(self.body)
        return qname.namespace or "", qname.localname

    @property
    def username_token(self) -> etree._Element | None:
        """The ``wsse:UsernameToken`` of the header."""
        if self.header is None:
            return None
        return self.header.find(f"{qualified('wsse:Security')}/{qualified('wsse:UsernameToken')}")

    def require_understood(self) -> None:
        """Raises ``Fault`` (``env:MustUnderstand``) for a mandatory header block that we do not know."""
        for block in () if self.header is None else self.header.iterchildren(tag=etree.Element):
            is_mandatory = block.get(f"{{{self.version}}}mustUnderstand", "").strip() in _TRUE
            if is_mandatory and etree.QName(block).namespace not in _UNDERSTOOD:
                raise Fault("MustUnderstand", (), "SOAP header blocks not understood")

    def addressed(self, name: str) -> str:
        """The text of a WS-Addressing header block; empty where there is none, or one longer than any real one."""
        found = None if self.header is None else self.header.findtext(f"{{{WSA}}}{name}")
        return found.strip() if found and len(found) <= _LONGEST_ECHO else ""


def read_envelope(data: bytes) -> Envelope:
    """Raises ``Fault``: what is wrong with the document, in the words of SPEC:Core's generic faults."""
    try:
        root = parse(data)
    except XmlRefused as error:
        raise Fault("Sender", ("WellFormed",), f"Well-formed Error: {error}") from error
    version, name = etree.QName(root).namespace or "", etree.QName(root).localname
    if name != "Envelope" or version not in CONTENT_TYPES:
        raise Fault("VersionMismatch", (), "SOAP version mismatch")
    bodies = root.findall(f"{{{version}}}Body")
    if len(bodies) != 1:
        raise Fault("Sender", ("Tag",), "No Tag: the envelope has not one body")
    children = list(bodies[0].iterchildren(tag=etree.Element))
    if len(children) != 1:
        raise Fault("Sender", ("Tag",), "No Tag: the SOAP body has not one child")
    return Envelope(version=version, header=root.find(f"{{{version}}}Header"), body=children[0])


def answer(response: etree._Element, request: Envelope) -> bytes:
    """The response element in an envelope of the request's version."""
    root, body = _envelope(request.version, request, _response_action(request.addressed("Action")))
    body.append(response)
    return _bytes(root)


def fault_answer(fault: Fault, request: Envelope | None) -> bytes:
    """A fault; SOAP 1.2 where the request could not be read."""
    version = request.version if request else ENV
    root, body = _envelope(version, request, _FAULT_ACTION)
    made = etree.SubElement(body, f"{{{version}}}Fault")
    if version == ENV:
        _fill(made, fault)
    else:
        _fill_1_1(made, fault)
    return _bytes(root)


def status_of(fault: Fault) -> int:
    """The HTTP status that goes with a fault."""
    return 400 if fault.code == "Sender" else 500


def _envelope(version: str, request: Envelope | None, action: str) -> tuple[etree._Element, etree._Element]:
    root = etree.Element(f"{{{version}}}Envelope", nsmap={"env": version, "ter": PREFIXES["ter"]})
    if request and (message_id := request.addressed("MessageID")):
        header = etree.SubElement(root, f"{{{version}}}Header")
        child(header, "wsa:Action", action)
        child(header, "wsa:RelatesTo", message_id)
    return root, etree.SubElement(root, f"{{{version}}}Body")


def _response_action(action: str) -> str:
    """By the pattern of ONVIF's and OASIS's WSDLs: ``…/PullMessagesRequest`` is answered by ``…/PullMessagesResponse``."""
    return f"{action.removesuffix('Request')}Response"


def _fill(made: etree._Element, fault: Fault) -> None:
    code = child(made, "env:Code")
    child(code, "env:Value", f"env:{fault.code}")
    for subcode in fault.subcodes:
        code = child(code, "env:Subcode")
        child(code, "env:Value", _prefixed(subcode))
    reason = child(made, "env:Reason")
    child(reason, "env:Text", printable(str(fault))).set(f"{{{XML}}}lang", "en")
    if fault.detail is not None:
        child(made, "env:Detail").append(fault.detail)


def _fill_1_1(made: etree._Element, fault: Fault) -> None:
    """The parts of a SOAP 1.1 fault have no namespace; subcodes follow after a dot, the way that SOAP 1.1 has."""
    code = _CODES_1_1.get(fault.code, fault.code)
    etree.SubElement(made, "faultcode").text = f"env:{code}"
    etree.SubElement(made, "faultstring").text = printable(str(fault))
    detail = etree.SubElement(made, "detail")
    for subcode in fault.subcodes:
        etree.SubElement(detail, "subcode").text = _prefixed(subcode)
    if fault.detail is not None:
        detail.append(fault.detail)


def _prefixed(subcode: str) -> str:
    return subcode if ":" in subcode else f"ter:{subcode}"


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)
