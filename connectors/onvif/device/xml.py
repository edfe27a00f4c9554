"""XML as the device reads and writes it: what comes is bounded and knows no DTD, what goes has fixed prefixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from connectors.onvif.device.calls import TER

ENV: Final = "http://www.w3.org/2003/05/soap-envelope"
ENV11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
TT: Final = "http://www.onvif.org/ver10/schema"
TDS: Final = "http://www.onvif.org/ver10/device/wsdl"
TEV: Final = "http://www.onvif.org/ver10/events/wsdl"
TRT: Final = "http://www.onvif.org/ver10/media/wsdl"
TR2: Final = "http://www.onvif.org/ver20/media/wsdl"
TAN: Final = "http://www.onvif.org/ver20/analytics/wsdl"
TNS1: Final = "http://www.onvif.org/ver10/topics"
WSNT: Final = "http://docs.oasis-open.org/wsn/b-2"
WSTOP: Final = "http://docs.oasis-open.org/wsn/t-1"
XS: Final = "http://www.w3.org/2001/XMLSchema"
XML: Final = "http://www.w3.org/XML/1998/namespace"

PREFIXES: Final[Mapping[str, str]] = {
    "env": ENV,
    "wsa": WSA,
    "wsse": WSSE,
    "wsu": WSU,
    "ter": TER,
    "tt": TT,
    "tds": TDS,
    "tev": TEV,
    "trt": TRT,
    "tr2": TR2,
    "tan": TAN,
    "tns1": TNS1,
    "wsnt": WSNT,
    "wstop": WSTOP,
    "xs": XS,
}
"""The prefixes that ONVIF's documents use; drivers that look at prefixes find the usual ones."""

_MAX_DEPTH: Final = 32
_MAX_NODES: Final = 5_000
"""Elements and attributes of one document together: the largest real request has some hundred."""


class XmlRefused(Exception):
    """A document that is not well-formed, has a DTD, or is larger or deeper than any request."""


def parse(data: bytes) -> etree._Element:
    """The root element. No DTD, no entities, nothing fetched, depth and number of nodes bounded.

    Raises ``XmlRefused``.
    """
    tree = _BoundedTree()
    target: Any = tree
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        parser.feed(data)
        root = parser.close()
    except (XmlRefused, etree.XMLSyntaxError, etree.XMLSyntaxAssertionError, ValueError) as error:
        raise XmlRefused(tree.refusal or "it is not well-formed") from error
    if not isinstance(root, etree._Element):  # noqa: SLF001 - lxml's only name for the type
        raise XmlRefused("it has no element")
    return root


def element(name: str, /, **attributes: object) -> etree._Element:
    """A new element by its prefixed name (``tt:Frame``); attributes that are None are left out."""
    prefix, _, local = name.partition(":")
    made = etree.Element(f"{{{PREFIXES[prefix]}}}{local}", nsmap={prefix: PREFIXES[prefix]})
    _set(made, attributes)
    return made


def child(parent: etree._Element, name: str, text: object = None, /, **attributes: object) -> etree._Element:
    """Appends an element by its prefixed name. Text and attributes: booleans as ``true``/``false``, None left out."""
    prefix, _, local = name.partition(":")
    made = etree.SubElement(parent, f"{{{PREFIXES[prefix]}}}{local}", nsmap={prefix: PREFIXES[prefix]})
    made.text = None if text is None else _text(text)
    _set(made, attributes)
    return made


def qualified(name: str) -> str:
    """``{namespace}local`` of a prefixed name."""
    prefix, _, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


def text_of(parent: etree._Element, name: str) -> str:
    """The stripped text of the child of that prefixed name; empty where there is none."""
    return (parent.findtext(qualified(name)) or "").strip()


def _set(target: etree._Element, attributes: Mapping[str, object]) -> None:
    for name, value in attributes.items():
        if value is not None:
            target.set(name, _text(value))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _BoundedTree:
    """Builds the tree as the parser reads, and stops it at the first thing that no request has."""

    def __init__(self) -> None:
        self._builder: Any = etree.TreeBuilder()  # its published types know no nsmap
        self._depth = 0
        self._nodes = 0
        self.refusal = ""
        """Why; lxml forgets it where the builder has more to complain about when it is closed."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        self._refuse("it has a document type declaration")

    def start(self, tag: str, attributes: Mapping[str, str], nsmap: Mapping[str, str]) -> Any:
        self._depth += 1
        self._nodes += 1 + len(attributes) + len(nsmap)
        if self._depth > _MAX_DEPTH:
            self._refuse(f"its elements are nested deeper than {_MAX_DEPTH}")
        if self._nodes > _MAX_NODES:
            self._refuse(f"it has more than {_MAX_NODES} elements and attributes")
        return self._builder.start(tag, dict(attributes), {prefix or None: uri for prefix, uri in nsmap.items()})

    def end(self, tag: str) -> Any:
        self._depth -= 1
        return self._builder.end(tag)

    def data(self, data: str) -> None:
        self._builder.data(data)

    def comment(self, _text: str) -> None:
        """Means nothing here."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Means nothing here."""

    def close(self) -> Any:
        return self._builder.close()

    def _refuse(self, why: str) -> None:
        self.refusal = why
        raise XmlRefused(why)
