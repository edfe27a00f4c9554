"""SOAP 1.2 as ONVIF uses it: requests read strictly, answers and faults written (SPEC:Core "Protocol", SOAP 1.2 part 1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from lxml import etree

Element: TypeAlias = "etree._Element"  # noqa: SLF001 - lxml's only name for the type

NAMESPACES: Final = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsrf-rw": "http://docs.oasis-open.org/wsrf/rw-2",
    "wsrf-bf": "http://docs.oasis-open.org/wsrf/bf-2",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "xs": "http://www.w3.org/2001/XMLSchema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "tns1": "http://www.onvif.org/ver10/topics",
}

_UNDERSTOOD_HEADERS: Final = frozenset({NAMESPACES["wsa"], NAMESPACES["wsse"]})
_PARSER_OPTIONS: Final = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


class SoapFault(Exception):
    """What a service answers instead of a response. ``subcodes`` are qualified (``ter:InvalidArgVal``), outer first."""

    def __init__(self, code: str, subcodes: Iterable[str], reason: str, detail: Element | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.subcodes = tuple(subcodes)
        self.detail = detail

    @property
    def status(self) -> int:
        """SOAP 1.2's HTTP binding: 400 where the sender is to blame, otherwise 500."""
        return HTTPStatus.BAD_REQUEST if self.code == "Sender" else HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class SoapRequest:
    """A well-formed request: the only child of its body, and the header where there is one."""

    body: Element
    header: Element | None

    @property
    def name(self) -> tuple[str, str]:
        """Namespace and local name of the operation asked for."""
        name = etree.QName(self.body)
        return name.namespace or "", name.localname

    def text(self, path: str) -> str | None:
        """The trimmed text of a descendant, ``tr2:ProfileToken``; None when there is none."""
        found = self.body.findtext(path, namespaces=NAMESPACES)
        return found.strip() if found is not None else None

    def texts(self, path: str) -> tuple[str, ...]:
        """The trimmed texts of all of them."""
        found = self.body.findall(path, namespaces=NAMESPACES)
        return tuple((item.text or "").strip() for item in found)


def invalid_argument(subcode: str, reason: str) -> SoapFault:
    """``ter:InvalidArgVal`` with the inner code that the operation's specification names."""
    return SoapFault("Sender", ("ter:InvalidArgVal", f"ter:{subcode}"), reason)


def not_supported(operation: str) -> SoapFault:
    """An operation that this device, or this service of it, has not (SPEC:Core "Services overview")."""
    return SoapFault("Receiver", ("ter:ActionNotSupported",), f"{operation} is not supported")


def qualified(name: str) -> str:
    """``tt:Name`` as lxml writes it; a name without prefix stays."""
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


def element(name: str, *content: Element | str | None, **attributes: str) -> Element:
    """An element with children and text; None is left out. Attribute names are unqualified."""
    made = etree.Element(qualified(name), attributes)
    for item in content:
        if isinstance(item, str):
            made.text = item
        elif item is not None:
            made.append(item)
    return made


def read_request(data: bytes) -> SoapRequest:
    """Reads a SOAP 1.2 envelope; DTDs, other envelopes and bodies that hold not exactly one element are refused."""
    try:
        root = etree.fromstring(data, etree.XMLParser(**_PARSER_OPTIONS))  # type: ignore[arg-type]
    except etree.XMLSyntaxError as error:
        raise SoapFault("Sender", ("ter:WellFormed",), "the request is not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFault("Sender", ("ter:WellFormed",), "the request has a document type")
    if root.tag != qualified("env:Envelope"):
        raise SoapFault("VersionMismatch", (), "the request is not a SOAP 1.2 envelope")
    header = root.find("env:Header", NAMESPACES)
    _require_understood(header)
    bodies = root.findall("env:Body/*", NAMESPACES)
    if len(bodies) != 1:
        raise SoapFault("Sender", ("ter:OperationProhibited",), f"the body holds {len(bodies)} elements")
    return SoapRequest(body=bodies[0], header=header)


def _require_understood(header: Element | None) -> None:
    for item in header if header is not None else ():
        must = item.get(qualified("env:mustUnderstand"), "false").strip() in {"1", "true"}
        if must and etree.QName(item).namespace not in _UNDERSTOOD_HEADERS:
            raise SoapFault("MustUnderstand", (), f"the header {item.tag} is not understood")


def answer(body: Element, action: str = "", relates_to: str = "") -> bytes:
    """An envelope around a response; ``action`` and ``relates_to`` become WS-Addressing headers where given."""
    return _written(body, action, relates_to)


def fault_answer(fault: SoapFault) -> bytes:
    """An envelope around a fault."""
    code = element("env:Code", element("env:Value", f"env:{fault.code}"))
    inner = code
    for subcode in fault.subcodes:
        inner = etree.SubElement(inner, qualified("env:Subcode"))
        inner.append(element("env:Value", subcode))
    text = element("env:Text", str(fault))
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    detail = element("env:Detail", fault.detail) if fault.detail is not None else None
    return _written(element("env:Fault", code, element("env:Reason", text), detail))


def _written(body: Element, action: str = "", relates_to: str = "") -> bytes:
    envelope = etree.Element(qualified("env:Envelope"), nsmap=NAMESPACES)
    if action:
        header = etree.SubElement(envelope, qualified("env:Header"))
        header.append(element("wsa:Action", action))
        if relates_to:
            header.append(element("wsa:RelatesTo", relates_to))
    etree.SubElement(envelope, qualified("env:Body")).append(body)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
