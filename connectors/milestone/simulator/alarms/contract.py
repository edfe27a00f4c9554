"""The SOAP alarm service's messages: parameters, documents and faults (notes §4.6).

What the notes leave open (types of the smaller contracts, ``KeyValuePairOfstringstring``, ``i:type`` of condition
values) follows Milestone's published client proxy and the rules by which WCF writes data contracts.
WCF passes over elements that come out of order, and so loses them silently; this refuses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.events.analytics_event import NAMESPACE, EventRefused, check, require_normalised
from connectors.milestone.simulator.events.analytics_event import Sequence as Contract
from connectors.milestone.simulator.site import is_guid
from connectors.milestone.simulator.soap.messages import ARRAYS, SoapFault, envelope
from core.clock import parse_iso
from core.types import UtcSeconds

SERVICE = "http://videoos.net/2/CentralServerAlarmCommand"
PROXY = "http://schemas.datacontract.org/2004/07/VideoOS.Platform.Proxy.Alarm"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_PAIRS = "http://schemas.datacontract.org/2004/07/System.Collections.Generic"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_NIL = f"{{{XSI}}}nil"

Value: TypeAlias = "str | Sequence[tuple[str, Value]] | None"
"""Content of an element: text, nil, or children with their names, in order."""


class AlarmFault(Exception):
    """``AlarmServiceFault``: one of the service's own reasons, such as ``UnknownSession``."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason

    def response(self) -> web.Response:
        """As WCF writes a declared fault."""
        fault = etree.Element(f"{{{_ENVELOPE}}}Fault", nsmap={"s": _ENVELOPE})
        etree.SubElement(fault, "faultcode").text = "s:Client"
        etree.SubElement(fault, "faultstring").text = "The creator of this fault did not specify a Reason."
        detail = etree.SubElement(fault, "detail")
        content = etree.SubElement(detail, f"{{{PROXY}}}AlarmServiceFault")
        etree.SubElement(content, f"{{{PROXY}}}ErrorDescription").text = str(self)
        etree.SubElement(content, f"{{{PROXY}}}ErrorReason").text = self.reason
        return envelope(fault, status=500)


@dataclass(frozen=True, slots=True)
class Document:
    """An ``Alarm`` or ``AnalyticsEvent`` as given, checked."""

    element: etree._Element

    def text(self, path: str) -> str:
        """Of the element at ``path``; empty where there is none."""
        found = self.element.find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
        return "" if found is None else found.text or ""


class Call:
    """One call's parameters, which must come in the order declared. All readers raise ``SoapFault``."""

    def __init__(self, operation: etree._Element, order: Sequence[str]) -> None:
        self._elements: dict[str, etree._Element] = {}
        expected = [f"{{{SERVICE}}}{name}" for name in order]
        for child in operation:
            if child.tag not in expected:
                raise malformed(f"{child.tag!s} is not expected here; the order is {', '.join(order)}")
            del expected[: expected.index(str(child.tag)) + 1]
            if child.get(_NIL) not in {"true", "1"}:
                self._elements[etree.QName(child).localname] = child

    def element(self, name: str) -> etree._Element | None:
        """None when absent or nil."""
        return self._elements.get(name)

    def text(self, name: str) -> str:
        """Empty when absent or nil."""
        element = self.element(name)
        return "" if element is None else element.text or ""

    def guid(self, name: str) -> str:
        """In lower case."""
        text = self.text(name).strip()
        if not is_guid(text):
            raise malformed(f"{text!r} in {name} is no guid")
        return text.lower()

    def integer(self, name: str) -> int:
        """An ``xs:int``."""
        return integer(self.text(name), name)

    def moment(self, name: str) -> UtcSeconds:
        """An ``xs:dateTime``."""
        return moment(self.text(name), name)

    def document(self, name: str, contract: Contract, type_name: str = "") -> Document:
        """A data contract of ``urn:milestone-systems``; ``type_name`` is what its ``i:type`` must say."""
        element = self.element(name)
        if element is None:
            raise malformed(f"{name} is missing")
        if type_name:
            require_type(element, NAMESPACE, type_name)
        for nil in element.findall(f".//*[@{_NIL}]"):
            _forget(nil)
        try:
            check(element, contract, name)
            require_normalised(element)
        except EventRefused as error:
            raise malformed(str(error)) from error
        return Document(element)

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """An array of ``KeyValuePair<string, string>``."""
        element = self.element(name)
        found = [] if element is None else element.findall(f"{{{_PAIRS}}}KeyValuePairOfstringstring")
        if element is not None and len(found) != len(element):
            raise malformed(f"{name} must hold KeyValuePairOfstringstring of {_PAIRS}")
        return [(pair.findtext(f"{{{_PAIRS}}}key") or "", pair.findtext(f"{{{_PAIRS}}}value") or "") for pair in found]


def malformed(text: str) -> SoapFault:
    """What WCF answers to a message that it cannot read."""
    return SoapFault(
        f"The formatter threw an exception while trying to deserialize the message: {text}", "a:DeserializationFailed"
    )


def integer(text: str, name: str) -> int:
    """An ``xs:int``. Raises ``SoapFault``."""
    digits = text.strip()
    if not (digits.isascii() and digits.removeprefix("-").isdigit()):
        raise malformed(f"{text!r} in {name} is no int")
    return int(digits)


def moment(text: str, name: str) -> UtcSeconds:
    """An ``xs:dateTime``; without offset it counts as UTC. Raises ``SoapFault``."""
    try:
        if "T" not in text:
            raise ValueError("an xs:dateTime has a T")  # noqa: TRY301 - one answer for both ways to be wrong
        return parse_iso(text)
    except ValueError as error:
        raise malformed(f"{text!r} in {name} is no dateTime") from error


def type_of(element: etree._Element) -> tuple[str, str]:
    """Namespace and name that ``i:type`` says; both empty without one. Raises ``SoapFault``."""
    prefix, colon, name = element.get(f"{{{XSI}}}type", "").strip().rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None, "")
    if colon and not namespace:
        raise malformed(f"the prefix {prefix} of an i:type is not declared")
    return namespace if name else "", name


def require_type(element: etree._Element, namespace: str, name: str) -> None:
    """Takes the ``i:type`` away, which must be this one. Raises ``SoapFault``."""
    if type_of(element) != (namespace, name):
        raise malformed(f"i:type must be {name} of {namespace}")
    del element.attrib[f"{{{XSI}}}type"]


def answer(operation: str, result: etree._Element | None = None) -> web.Response:
    """``<OperationResponse>``, with ``result`` in it unless the operation returns nothing."""
    namespaces: dict[str, str] = {"i": XSI}
    content = etree.Element(f"{{{SERVICE}}}{operation}Response", nsmap=namespaces)
    if result is not None:
        content.append(result)
    return envelope(content)


def result(operation: str, content: str = "") -> etree._Element:
    """``<OperationResult>``, to be filled."""
    element = etree.Element(f"{{{SERVICE}}}{operation}Result", nsmap={"i": XSI})
    element.text = content or None
    return element


def fill(parent: etree._Element, namespace: str, members: Sequence[tuple[str, Value]]) -> None:
    """Writes members in their order; None is written as nil."""
    for name, value in members:
        element = etree.SubElement(parent, f"{{{namespace}}}{name}")
        if value is None:
            element.set(_NIL, "true")
        elif isinstance(value, str):
            element.text = value
        else:
            fill(element, namespace, value)


def fill_array(parent: etree._Element, item: str, texts: Sequence[str]) -> None:
    """Writes an array of ``guid`` or ``string``."""
    for text in texts:
        etree.SubElement(parent, f"{{{ARRAYS}}}{item}").text = text


def _forget(nil: etree._Element) -> None:
    parent = nil.getparent()
    if parent is not None and nil.get(_NIL) in {"true", "1"}:
        parent.remove(nil)
