"""The faults of the event service: SOAP receiver faults whose detail says which (SPEC:Core "SOAP Fault Messages")."""

from __future__ import annotations

from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Fault
from connectors.onvif.device.xml import TEV, WSNT
from core.clock import iso_utc
from core.types import UtcSeconds

_RESOURCE: Final = "http://docs.oasis-open.org/wsrf/r-2"
_BASE: Final = "http://docs.oasis-open.org/wsrf/bf-2"
_PREFIXES: Final = {"wsnt": WSNT, "wsrf-r": _RESOURCE, "wsrf-bf": _BASE, "tev": TEV}


def resource_unknown(at: UtcSeconds) -> Fault:
    """The pull point never was, was unsubscribed, or its time has run out: the client must subscribe again."""
    return _fault("wsrf-r:ResourceUnknownFault", at, "there is no such pull point (any more): subscribe again")


def unable_to_get_messages(at: UtcSeconds) -> Fault:
    """Two pulls of one pull point at a time."""
    return _fault("wsnt:UnableToGetMessagesFault", at, "a later PullMessages of this pull point has taken over")


def creation_failed(at: UtcSeconds, limit: int) -> Fault:
    """No pull point is free."""
    return _fault("wsnt:SubscribeCreationFailedFault", at, f"all {limit} pull points are in use")


def invalid_topic_expression(at: UtcSeconds, reason: str) -> Fault:
    """The topic expression does not follow its dialect."""
    return _fault("wsnt:InvalidTopicExpressionFault", at, reason)


def dialect_unknown(at: UtcSeconds, dialect: str) -> Fault:
    """Another dialect than the two that ``GetEventProperties`` tells."""
    return _fault("wsnt:TopicExpressionDialectUnknownFault", at, f"topic dialect {dialect!r} is not known")


def invalid_filter(at: UtcSeconds, name: etree.QName) -> Fault:
    """A filter that is no topic expression: by message content, or by the producer's properties."""
    fault = _fault("wsnt:InvalidFilterFault", at, f"filters by {name.localname} are not supported; only by topic")
    assert fault.detail is not None
    unknown = etree.SubElement(fault.detail, f"{{{WSNT}}}UnknownFilter", nsmap={"f": name.namespace or WSNT})
    unknown.text = f"f:{name.localname}"
    return fault


def unacceptable_time(at: UtcSeconds, limit_s: float, *, is_first: bool) -> Fault:
    """A termination time in the past, beyond the limit, or none at all."""
    kind = "UnacceptableInitialTerminationTimeFault" if is_first else "UnacceptableTerminationTimeFault"
    fault = _fault(f"wsnt:{kind}", at, f"a termination time must lie within the next {limit_s:g} s")
    assert fault.detail is not None
    for name, moment in (("MinimumTime", at), ("MaximumTime", at + limit_s)):
        etree.SubElement(fault.detail, f"{{{WSNT}}}{name}").text = iso_utc(moment)
    return fault


def pull_limits(max_timeout_s: float, max_messages: int) -> Fault:
    """The time-out is longer than we wait (SPEC:Core "Pull messages")."""
    detail = etree.Element(f"{{{TEV}}}PullMessagesFaultResponse", nsmap={"tev": TEV})
    etree.SubElement(detail, f"{{{TEV}}}MaxTimeout").text = f"PT{max_timeout_s:.0f}S"
    etree.SubElement(detail, f"{{{TEV}}}MaxMessageLimit").text = str(max_messages)
    return Fault("Receiver", (), f"Timeout may be {max_timeout_s:.0f} s at most", detail=detail)


def _fault(name: str, at: UtcSeconds, reason: str) -> Fault:
    prefix, _, local = name.partition(":")
    namespace = _PREFIXES[prefix]
    detail = etree.Element(f"{{{namespace}}}{local}", nsmap={prefix: namespace, "wsrf-bf": _BASE})
    etree.SubElement(detail, f"{{{_BASE}}}Timestamp").text = iso_utc(at)
    return Fault("Receiver", (), reason, detail=detail)
