"""SOAP 1.1 as XProtect's ``.svc`` and ``.asmx`` services speak it: envelopes, faults, and parameters in their order.

Operations are told apart by the first element of the body, never by ``SOAPAction``: public clients send wrong ones to
live systems and are served (notes §1.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.site import is_guid
from core.clock import parse_iso
from core.types import UtcSeconds

SERVER_COMMAND = "http://videoos.net/2/XProtectCSServerCommand"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPE_1_2 = "http://www.w3.org/2003/05/soap-envelope"
"""``.asmx`` services take it too: a public client logs in so at live systems."""
_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{{{_INSTANCE}}}nil"

UNSUPPORTED = 40000
"""``ErrorNumber`` of an operation that an ``.asmx`` service does not have, or not in this edition."""


@dataclass(frozen=True, slots=True)
class Items:
    """An array of plain values, such as ``Items("guid", ids)``."""

    name: str
    texts: Sequence[str]


Value: TypeAlias = "str | Items | Mapping[str, Value] | Sequence[tuple[str, Value]]"
"""Content of a result element: text, plain values, named members in order, or a list of (name, content)."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a service writes: the namespace of its members, that of array items, and the form of its faults."""

    namespace: str
    arrays: str
    has_numbered_faults: bool

    @classmethod
    def asmx(cls, namespace: str) -> Dialect:
        """Of an ``.asmx`` service: array items are in its own namespace, faults have numbers."""
        return cls(namespace, namespace, has_numbered_faults=True)


SVC = Dialect(SERVER_COMMAND, ARRAYS, has_numbered_faults=False)
ASMX = Dialect.asmx(SERVER_COMMAND)


class SoapFault(Exception):
    """A fault to answer.

    ``code`` is what follows ``a:`` or ``s:`` in the ``faultcode`` of a ``.svc`` service (with the prefix), ``number``
    and ``sub_number`` are what an ``.asmx`` service says instead.
    """

    def __init__(
        self, text: str, code: str = "a:InternalServiceFault", *, number: int = 0, sub_number: int = 0
    ) -> None:
        super().__init__(text)
        self.code = code
        self.number = number
        self.sub_number = sub_number

    def response(self, dialect: Dialect = SVC) -> web.Response:
        """SOAP 1.1 answers every fault with status 500."""
        if dialect.has_numbered_faults:
            return web.Response(body=self.numbered(), status=500, content_type="text/xml", charset="utf-8")
        namespaces = {"s": _ENVELOPE, "a": _DISPATCHER} if self.code.startswith("a:") else {"s": _ENVELOPE}
        fault = etree.Element(f"{{{_ENVELOPE}}}Fault", nsmap=namespaces)
        etree.SubElement(fault, "faultcode").text = self.code
        reason = etree.SubElement(fault, "faultstring")
        reason.text = str(self)
        reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
        return envelope(fault, status=500)

    def numbered(self) -> bytes:
        """The document with which an ``.asmx`` service answers: the numbers are attributes of ``detail``."""
        root = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"soap": _ENVELOPE})
        fault = etree.SubElement(etree.SubElement(root, f"{{{_ENVELOPE}}}Body"), f"{{{_ENVELOPE}}}Fault")
        etree.SubElement(fault, "faultcode").text = "soap:Server"
        etree.SubElement(fault, "faultstring").text = str(self)
        etree.SubElement(
            fault,
            "detail",
            ErrorNumber=str(self.number),
            SubErrorNumber=str(self.sub_number),
            BaseExceptionName="VideoOS.Server.Common.VideoOSException",
            ExceptionMessage=str(self),
        )
        return b'<?xml version="1.0" encoding="utf-8"?>' + etree.tostring(root)


def envelope(content: etree._Element, status: int = 200) -> web.Response:
    """An answer whose body holds ``content``."""
    return web.Response(body=document(content), status=status, content_type="text/xml", charset="utf-8")


def document(content: etree._Element) -> bytes:
    """An envelope whose body holds ``content``."""
    root = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"s": _ENVELOPE})
    etree.SubElement(root, f"{{{_ENVELOPE}}}Body").append(content)
    return etree.tostring(root)


def answer(operation: str, result: Value | None = None, dialect: Dialect = SVC) -> web.Response:
    """``<OperationResponse>``, with an ``<OperationResult>`` unless the operation returns nothing."""
    return envelope(answered(operation, result, dialect))


def answered(operation: str, result: Value | None, dialect: Dialect) -> etree._Element:
    """The element that ``answer`` puts into an envelope."""
    nsmap: dict[str | None, str] = {None: dialect.namespace}
    content = etree.Element(f"{{{dialect.namespace}}}{operation}Response", nsmap=nsmap)  # type: ignore[arg-type] # the stubs forget None
    if result is not None:
        # WCF declares the namespaces of arrays and types here; public clients cut the element out and parse it alone.
        declared = {} if dialect.has_numbered_faults else {"a": dialect.arrays, "i": _INSTANCE}
        element = etree.SubElement(content, f"{{{dialect.namespace}}}{operation}Result", nsmap=declared)
        _fill(element, result, dialect)
    return content


def first_body_element(document: bytes, dialect: Dialect = SVC) -> etree._Element:
    """The operation called. Raises ``SoapFault``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document.strip(), parser)
    except etree.XMLSyntaxError as error:
        raise SoapFault(f"the message is not well-formed XML: {error}", "s:Client") from error
    for namespace in (_ENVELOPE, _ENVELOPE_1_2) if dialect.has_numbered_faults else (_ENVELOPE,):
        if root.tag == f"{{{namespace}}}Envelope":
            operation = root.find(f"{{{namespace}}}Body/*")
            break
    else:
        raise SoapFault("the message is not a SOAP 1.1 envelope", "s:VersionMismatch")
    if operation is None:
        raise SoapFault("the body is empty", "s:Client")
    return operation


class Parameters:
    """The parameters of a call, read as WCF's data contract serializer does.

    They must come in the order declared and in the service's namespace; an element out of order is passed over as if
    it were absent.
    """

    def __init__(self, operation: etree._Element, order: Sequence[str], dialect: Dialect = SVC) -> None:
        self._dialect = dialect
        self._elements = dict(_in_order(operation, order, dialect.namespace))

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
        return _as_integer("" if element is None else self._member(element, "MicroSeconds"), name)

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

    def strings(self, name: str) -> list[str]:
        """An array of texts."""
        return self.items(name, self._dialect.arrays, "string")

    def guids(self, name: str) -> list[str]:
        """An array of GUIDs. Raises ``SoapFault``."""
        return [_as_guid(text.strip(), name) for text in self.items(name, self._dialect.arrays, "guid")]

    def members(self, name: str, *keys: str) -> list[str]:
        """Texts of the named members of a structure; empty where it or one of them is absent."""
        element = self._elements.get(name)
        return ["" if element is None else self._member(element, key) for key in keys]

    def pairs(self, name: str, item: str, key: str, value: str) -> list[tuple[str, str]]:
        """An array of structures as pairs of the texts of two of their members."""
        element = self._elements.get(name)
        found = [] if element is None else element.findall(f"{{{self._dialect.namespace}}}{item}")
        return [(self._member(child, key), self._member(child, value)) for child in found]

    def _member(self, element: etree._Element, name: str) -> str:
        return element.findtext(f"{{{self._dialect.namespace}}}{name}") or ""


def _in_order(operation: etree._Element, order: Sequence[str], namespace: str) -> Iterator[tuple[str, etree._Element]]:
    at = 0
    for child in operation:
        name = etree.QName(child)
        if name.namespace == namespace and name.localname in order[at:]:
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


def _fill(element: etree._Element, value: Value, dialect: Dialect) -> None:
    if isinstance(value, str):
        element.text = value
    elif isinstance(value, Items):
        for text in value.texts:
            etree.SubElement(element, f"{{{dialect.arrays}}}{value.name}").text = text
    else:
        for name, content in value.items() if isinstance(value, Mapping) else value:
            _fill(etree.SubElement(element, f"{{{dialect.namespace}}}{name}"), content, dialect)
