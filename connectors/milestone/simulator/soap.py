"""SOAP 1.1 as XProtect's ``.svc`` services speak it: envelopes, faults, and parameters in their order.

Operations are told apart by the first element of the body, never by ``SOAPAction``: public clients send wrong ones to
live systems and are served (notes §1.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.site import is_guid
from core.clock import parse_iso
from core.types import UtcSeconds

SERVER_COMMAND = "http://videoos.net/2/XProtectCSServerCommand"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"
_DEFAULT_NAMESPACE: dict[str | None, str] = {None: SERVER_COMMAND}
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

Value: TypeAlias = "str | Mapping[str, Value] | Sequence[tuple[str, Value]]"
"""Content of a result element: text, named members in order, or a list of (name, content)."""


class SoapFault(Exception):
    """A fault to answer. ``code`` is what follows ``a:`` or ``s:`` in ``faultcode`` (with the prefix)."""

    def __init__(self, text: str, code: str = "a:InternalServiceFault") -> None:
        super().__init__(text)
        self.code = code

    def response(self) -> web.Response:
        """SOAP 1.1 answers every fault with status 500."""
        namespaces = {"s": _ENVELOPE, "a": _DISPATCHER} if self.code.startswith("a:") else {"s": _ENVELOPE}
        fault = etree.Element(f"{{{_ENVELOPE}}}Fault", nsmap=namespaces)
        etree.SubElement(fault, "faultcode").text = self.code
        reason = etree.SubElement(fault, "faultstring")
        reason.text = str(self)
        reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
        return envelope(fault, status=500)


def envelope(content: etree._Element, status: int = 200) -> web.Response:
    """An answer whose body holds ``content``."""
    root = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"s": _ENVELOPE})
    etree.SubElement(root, f"{{{_ENVELOPE}}}Body").append(content)
    return web.Response(body=etree.tostring(root), status=status, content_type="text/xml", charset="utf-8")


def answer(operation: str, result: Value | None = None) -> web.Response:
    """``<OperationResponse>``, with an ``<OperationResult>`` unless the operation returns nothing."""
    content = etree.Element(f"{{{SERVER_COMMAND}}}{operation}Response", nsmap=_DEFAULT_NAMESPACE)  # type: ignore[arg-type] # the stubs forget None
    if result is not None:
        _fill(etree.SubElement(content, f"{{{SERVER_COMMAND}}}{operation}Result"), result)
    return envelope(content)


def first_body_element(document: bytes) -> etree._Element:
    """The operation called. Raises ``SoapFault``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document.strip(), parser)
    except etree.XMLSyntaxError as error:
        raise SoapFault(f"the message is not well-formed XML: {error}", "s:Client") from error
    if root.tag != f"{{{_ENVELOPE}}}Envelope":
        raise SoapFault("the message is not a SOAP 1.1 envelope", "s:VersionMismatch")
    operation = root.find(f"{{{_ENVELOPE}}}Body/*")
    if operation is None:
        raise SoapFault("the body is empty", "s:Client")
    return operation


class Parameters:
    """The parameters of a call, read as WCF's data contract serializer does.

    They must come in the order declared and in the service's namespace; an element out of order is passed over as if
    it were absent.
    """

    def __init__(self, operation: etree._Element, order: Sequence[str]) -> None:
        self._elements = dict(_in_order(operation, order))

    def text(self, name: str) -> str:
        """Empty when absent or nil."""
        element = self._elements.get(name)
        return "" if element is None else element.text or ""

    def guid(self, name: str) -> str:
        """A GUID, in lower case. Raises ``SoapFault``."""
        return _as_guid(self.text(name).strip(), name)

    def moment(self, name: str) -> UtcSeconds:
        """An ``xs:dateTime``; without offset it counts as UTC. Raises ``SoapFault``."""
        text = self.text(name)
        try:
            if "T" not in text:
                raise ValueError("an xs:dateTime has a T")  # noqa: TRY301 - one answer for both ways to be wrong
            return parse_iso(text)
        except ValueError as error:
            raise _undeserializable(name, text, "dateTime") from error

    def integer(self, name: str) -> int:
        """An ``xs:int``. Raises ``SoapFault``."""
        return _as_integer(self.text(name), name)

    def microseconds(self, name: str) -> int:
        """A ``TimeDuration``. Raises ``SoapFault``."""
        element = self._elements.get(name)
        inner = None if element is None else element.find(f"{{{SERVER_COMMAND}}}MicroSeconds")
        return _as_integer("" if inner is None else inner.text or "", name)

    def boolean(self, name: str) -> bool:
        """An ``xs:boolean``. Raises ``SoapFault``."""
        text = self.text(name).strip()
        if text not in {"true", "false", "1", "0"}:
            raise _undeserializable(name, text, "boolean")
        return text in {"true", "1"}

    def items(self, name: str, namespace: str, item: str) -> list[str]:
        """The texts of an array's items; items of another name or namespace are passed over."""
        element = self._elements.get(name)
        return [] if element is None else [child.text or "" for child in element.findall(f"{{{namespace}}}{item}")]

    def guids(self, name: str) -> list[str]:
        """An array of GUIDs. Raises ``SoapFault``."""
        return [_as_guid(text.strip(), name) for text in self.items(name, ARRAYS, "guid")]


def _in_order(operation: etree._Element, order: Sequence[str]) -> Iterator[tuple[str, etree._Element]]:
    at = 0
    for child in operation:
        name = etree.QName(child)
        if name.namespace == SERVER_COMMAND and name.localname in order[at:]:
            at = order.index(name.localname, at) + 1
            if child.get(_NIL) not in {"true", "1"}:
                yield name.localname, child


def _as_guid(text: str, name: str) -> str:
    if not is_guid(text):
        raise _undeserializable(name, text, "guid")
    return text.lower()


def _as_integer(text: str, name: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.removeprefix("-").isdigit()):
        raise _undeserializable(name, text, "int")
    return int(digits)


def _undeserializable(name: str, text: str, kind: str) -> SoapFault:
    return SoapFault(
        f"The formatter threw an exception while trying to deserialize the message: {text!r} in {name} is no {kind}",
        "a:DeserializationFailed",
    )


def _fill(element: etree._Element, value: Value) -> None:
    if isinstance(value, str):
        element.text = value
        return
    for name, content in value.items() if isinstance(value, Mapping) else value:
        _fill(etree.SubElement(element, f"{{{SERVER_COMMAND}}}{name}"), content)
