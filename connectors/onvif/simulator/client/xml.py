"""Names of ONVIF's XML, and the few ways in which a driver reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSNT: Final = "http://docs.oasis-open.org/wsn/b-2"
WSTOP: Final = "http://docs.oasis-open.org/wsn/t-1"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
TT: Final = "http://www.onvif.org/ver10/schema"
TDS: Final = "http://www.onvif.org/ver10/device/wsdl"
TRT: Final = "http://www.onvif.org/ver10/media/wsdl"
TR2: Final = "http://www.onvif.org/ver20/media/wsdl"
TEV: Final = "http://www.onvif.org/ver10/events/wsdl"
TAN: Final = "http://www.onvif.org/ver20/analytics/wsdl"
TER: Final = "http://www.onvif.org/ver10/error"

PREFIXES: Final = {
    "s": SOAP, "wsa": WSA, "wsnt": WSNT, "wstop": WSTOP, "tt": TT, "tds": TDS, "trt": TRT, "tr2": TR2, "tev": TEV,
    "tan": TAN, "ter": TER,
}  # fmt: skip
"""Prefixes of the paths that drivers search for."""

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)


def parse(data: bytes) -> etree._Element:
    """The root element; raises ``etree.XMLSyntaxError``."""
    return etree.fromstring(data, _PARSER)


def element(namespace: str, name: str, text: str | None = None) -> etree._Element:
    """A new element without a parent."""
    made = etree.Element(f"{{{namespace}}}{name}")
    made.text = text
    return made


def child(parent: etree._Element, namespace: str, name: str, text: str | None = None) -> etree._Element:
    """A new last child."""
    made = element(namespace, name, text)
    parent.append(made)
    return made


def request(namespace: str, name: str, **fields: str) -> etree._Element:
    """A request whose parameters are texts, in the order given (that of the WSDL's sequence)."""
    made = element(namespace, name)
    for field, text in fields.items():
        child(made, namespace, field, text)
    return made


def every(parent: etree._Element, path: str) -> Iterator[etree._Element]:
    """What is under a path with the prefixes above."""
    return parent.iterfind(path, PREFIXES)


def first(parent: etree._Element, path: str) -> etree._Element | None:
    """The first of them."""
    return next(every(parent, path), None)


def text_at(parent: etree._Element, path: str) -> str:
    """The text of the first of them, stripped; empty without."""
    found = first(parent, path)
    return (found.text or "").strip() if found is not None else ""


def local(node: etree._Element) -> str:
    """The name without its namespace."""
    return etree.QName(node).localname


def namespace(node: etree._Element) -> str:
    """The namespace; empty without."""
    return etree.QName(node).namespace or ""


def resolved(name: str, where: etree._Element) -> tuple[str, str]:
    """Namespace and local name of a prefixed name in a text; the namespace is empty where the prefix is unknown."""
    prefix, colon, rest = name.strip().rpartition(":")
    return (where.nsmap.get(prefix if colon else None) or "", rest)
