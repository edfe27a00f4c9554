"""Filters of the SOAP alarm service: conditions that all must hold, and an order (notes §4.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from connectors.milestone.simulator.alarms.contract import PROXY, integer, malformed, moment, type_of

LineValue: TypeAlias = "str | int | float | bool"

TARGETS = (
    "LocalId",
    "Id",
    "State",
    "Priority",
    "Timestamp",
    "SourceName",
    "Name",
    "AssignedTo",
    "Type",
    "RuleType",
    "Location",
    "Message",
    "CustomTag",
    "VendorName",
    "ObjectValue",
    "Description",
    "ObjectId",
    "Modified",
    "PriorityName",
    "Category",
    "CategoryName",
    "StateName",
)
"""In the order of their numbers; the wire carries the names."""

MOMENTS = frozenset({"Timestamp", "Modified"})
_NUMBERS = frozenset({"LocalId", "State", "Priority", "Category"})
_XSD = "http://www.w3.org/2001/XMLSchema"
_SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"
_INTEGERS = frozenset({"int", "short", "long", "unsignedByte", "unsignedShort", "unsignedInt", "unsignedLong"})

_OPERATORS: Mapping[str, Callable[[LineValue, LineValue], bool]] = {
    "Equals": lambda actual, wanted: actual == wanted,
    "NotEquals": lambda actual, wanted: actual != wanted,
    "LessThan": lambda actual, wanted: actual < wanted,  # type: ignore[operator] # both of one kind, see _comparable
    "GreaterThan": lambda actual, wanted: actual > wanted,  # type: ignore[operator] # as above
    "Contains": lambda actual, wanted: str(wanted) in str(actual),
    "BeginsWith": lambda actual, wanted: str(actual).startswith(str(wanted)),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: its members by name (those of the contract, and ``ObjectId``)."""

    line_id: str
    values: Mapping[str, LineValue]
    revision: int = 0
    """Grows with every change."""


@dataclass(frozen=True, slots=True)
class _Condition:
    operator: str
    target: str
    value: LineValue

    def holds(self, line: Line) -> bool:
        return _OPERATORS[self.operator](_comparable(line.values.get(self.target, "")), self.value)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines, in which order: (target, descending), the first counts most; as they were born without any."""

    conditions: tuple[_Condition, ...] = ()
    orders: tuple[tuple[str, bool], ...] = ()

    def matches(self, line: Line) -> bool:
        """Whether every condition holds."""
        return all(condition.holds(line) for condition in self.conditions)

    def apply(self, lines: Iterable[Line]) -> list[Line]:
        """The lines that match, in order."""
        kept = [line for line in lines if self.matches(line)]
        for target, descending in reversed(self.orders):
            kept.sort(key=lambda line: _comparable(line.values.get(target, "")), reverse=descending)
        return kept


def read_filter(element: etree._Element | None) -> Filter:
    """An ``AlarmFilter`` or ``EventFilter``; None matches everything. Raises ``SoapFault``."""
    if element is None:
        return Filter()
    members = _members(element, ("Conditions", "Orders"))
    return Filter(
        tuple(_condition(child) for child in _items(members.get("Conditions"), "Condition")),
        tuple(_order(child) for child in _items(members.get("Orders"), "OrderBy")),
    )


def _condition(element: etree._Element) -> _Condition:
    members = _members(element, ("Operator", "Target", "Value"))
    operator = _named(members, "Operator", tuple(_OPERATORS), "Equals")
    target = _named(members, "Target", TARGETS, TARGETS[0])
    if "Value" not in members:
        raise malformed("a Condition has no Value")
    value = _value(members["Value"])
    if target in _NUMBERS and isinstance(value, str):
        value = integer(value, f"the Condition on {target}")
    if target in MOMENTS and not isinstance(value, float):
        raise malformed(f"the Condition on {target} must be a dateTime")
    return _Condition(operator, target, _comparable(value if target in _NUMBERS | MOMENTS else str(value)))


def _order(element: etree._Element) -> tuple[str, bool]:
    members = _members(element, ("Order", "Target"))
    order = _named(members, "Order", ("Ascending", "Descending"), "Ascending")
    return _named(members, "Target", TARGETS, TARGETS[0]), order == "Descending"


def _value(element: etree._Element) -> LineValue:
    """Of type ``object``: without an ``i:type``, WCF would make nothing of it."""
    text, kind = element.text or "", type_of(element)
    namespace, name = kind
    if namespace == _XSD and name == "string":
        return text
    if namespace == _XSD and name in _INTEGERS:
        return integer(text, "a Condition")
    if kind == (_XSD, "dateTime"):
        return moment(text, "a Condition")
    if kind == (_SERIALIZATION, "guid"):
        return text.strip().lower()
    raise malformed(f"a Condition's Value has the i:type {name!r} of {namespace!r}")


def _members(element: etree._Element, order: tuple[str, ...]) -> dict[str, etree._Element]:
    expected = [f"{{{PROXY}}}{name}" for name in order]
    found: dict[str, etree._Element] = {}
    for child in element:
        if child.tag not in expected:
            raise malformed(f"{child.tag!s} is not expected here; the order is {', '.join(order)}, of {PROXY}")
        del expected[: expected.index(str(child.tag)) + 1]
        found[etree.QName(child).localname] = child
    return found


def _items(element: etree._Element | None, name: str) -> list[etree._Element]:
    children = [] if element is None else list(element)
    if any(child.tag != f"{{{PROXY}}}{name}" for child in children):
        raise malformed(f"a list must hold {name} of {PROXY}")
    return children


def _named(members: Mapping[str, etree._Element], name: str, known: tuple[str, ...], default: str) -> str:
    text = (members[name].text or "").strip() if name in members else default
    if text not in known:
        raise malformed(f"{text!r} is no {name}")
    return text


def _comparable(value: LineValue) -> LineValue:
    """Texts compare in any case, as the database does (*unverified*)."""
    return value.lower() if isinstance(value, str) else value
