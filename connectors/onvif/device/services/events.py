"""The event service: what can be told, and pull points to fetch it from. Nothing is ever sent to a client unasked.

Facts: SPEC:Core "Event handling" and event.wsdl 26.06. ``MaxNotificationProducers`` is 0, so ``Subscribe`` is not offered
and every connection comes from the VMS; ``Renew`` would not be needed then, but clients send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation, invalid_argument
from connectors.onvif.device.durations import parse_duration, parse_termination
from connectors.onvif.device.event_faults import pull_limits, unacceptable_time
from connectors.onvif.device.filters import CONCRETE_SET, parse_filter
from connectors.onvif.device.model import Device
from connectors.onvif.device.notifications import CONCRETE
from connectors.onvif.device.pull_points import PULL_POINT_PATH, PullPoint, PullPoints
from connectors.onvif.device.topics import topic_set
from connectors.onvif.device.xml import TEV, WSNT, child, element, qualified, text_of
from core.clock import iso_utc

NAMESPACE: Final = TEV
VERSION: Final = (26, 6)
PATH: Final = "/onvif/event_service"

MAX_PULL_S: Final = 3_600.0
"""Longest time-out of a pull."""
MAX_MESSAGES: Final = 256
"""Most messages of one answer; a client that asks for more gets these, and the rest by its next pull."""
MAX_LIFETIME_S: Final = 86_400.0
"""Farthest termination time; pulling goes on keeping a pull point alive."""

_TOPIC_NAMESPACES: Final = "http://www.onvif.org/onvif/ver10/topics/topicns.xml"
_MESSAGE_SCHEMA: Final = "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"


def capabilities(device: Device) -> etree._Element:
    """``tev:Capabilities``."""
    return element(
        "tev:Capabilities",
        WSSubscriptionPolicySupport=False,
        WSPausableSubscriptionManagerInterfaceSupport=False,
        MaxNotificationProducers=0,
        MaxPullPoints=max_pull_points(device),
        PersistentNotificationStorage=False,
    )


def max_pull_points(device: Device) -> int:
    """How many may subscribe at a time."""
    return device.settings.device.max_subscriptions if device.settings.device else 0


def operations(device: Device, pull_points: PullPoints) -> Sequence[Operation]:
    """All operations of the service and of its pull points."""
    service = _Service(device, pull_points)
    event = partial(Operation, namespace=TEV)
    base = partial(Operation, namespace=WSNT)
    return (
        event(name="GetServiceCapabilities", handle=service.capabilities, access=Access.PRE_AUTH),
        event(name="GetEventProperties", handle=service.properties),
        event(name="CreatePullPointSubscription", handle=service.create),
        event(name="PullMessages", handle=service.pull),
        event(name="SetSynchronizationPoint", handle=service.synchronise),
        base(name="Renew", handle=service.renew),
        base(name="Unsubscribe", handle=service.unsubscribe),
    )


class _Service:
    """The handlers."""

    def __init__(self, device: Device, pull_points: PullPoints) -> None:
        self._device = device
        self._clock = device.clock
        self._points = pull_points

    def capabilities(self, _call: Call) -> etree._Element:
        response = element("tev:GetServiceCapabilitiesResponse")
        response.append(capabilities(self._device))
        return response

    def properties(self, _call: Call) -> etree._Element:
        response = element("tev:GetEventPropertiesResponse")
        child(response, "tev:TopicNamespaceLocation", _TOPIC_NAMESPACES)
        child(response, "wsnt:FixedTopicSet", False)
        response.append(topic_set(self._device.channels))
        child(response, "wsnt:TopicExpressionDialect", CONCRETE)
        child(response, "wsnt:TopicExpressionDialect", CONCRETE_SET)
        child(response, "tev:MessageContentFilterDialect")
        child(response, "tev:MessageContentSchemaLocation", _MESSAGE_SCHEMA)
        return response

    def create(self, call: Call) -> etree._Element:
        topics = parse_filter(call.body.find(qualified("tev:Filter")), self._clock.utc())
        asked = text_of(call.body, "tev:InitialTerminationTime")
        lifetime_s = self._lifetime_s(asked, is_first=True) if asked else None
        policy = call.body.find(qualified("tev:SubscriptionPolicy"))
        changed_only = policy is not None and policy.find(qualified("tev:ChangedOnly")) is not None
        point = self._points.create(topics, lifetime_s, changed_only=changed_only)
        response = element("tev:CreatePullPointSubscriptionResponse")
        reference = child(response, "tev:SubscriptionReference")
        child(reference, "wsa:Address", f"{call.base_url}{PULL_POINT_PATH}{point.name}")
        child(response, "wsnt:CurrentTime", iso_utc(self._clock.utc()))
        child(response, "wsnt:TerminationTime", iso_utc(point.terminates_at))
        return response

    async def pull(self, call: Call) -> etree._Element:
        point = self._points.at(call.path)
        messages = await point.pull(_timeout_s(call.body), _limit(call.body))
        if messages:
            call.after_written(partial(self._points.settle, point, messages))
        response = element("tev:PullMessagesResponse")
        child(response, "tev:CurrentTime", iso_utc(self._clock.utc()))
        child(response, "tev:TerminationTime", iso_utc(point.terminates_at))
        response.extend(message.notification.element() for message in messages)
        return response

    def synchronise(self, call: Call) -> etree._Element:
        self._points.synchronise(self._points.at(call.path))
        return element("tev:SetSynchronizationPointResponse")

    def renew(self, call: Call) -> etree._Element:
        point = self._points.at(call.path)
        point.renew(self._lifetime_s(text_of(call.body, "wsnt:TerminationTime"), is_first=False))
        return self._renewed(point)

    def unsubscribe(self, call: Call) -> etree._Element:
        self._points.end(self._points.at(call.path))
        return element("wsnt:UnsubscribeResponse")

    def _renewed(self, point: PullPoint) -> etree._Element:
        response = element("wsnt:RenewResponse")
        child(response, "wsnt:TerminationTime", iso_utc(point.terminates_at))
        child(response, "wsnt:CurrentTime", iso_utc(self._clock.utc()))
        return response

    def _lifetime_s(self, text: str, *, is_first: bool) -> float:
        now = self._clock.utc()
        try:
            lifetime_s = parse_termination(text, now)
        except ValueError as error:
            raise unacceptable_time(now, MAX_LIFETIME_S, is_first=is_first) from error
        if not 0.0 < lifetime_s <= MAX_LIFETIME_S:
            raise unacceptable_time(now, MAX_LIFETIME_S, is_first=is_first)
        return lifetime_s


def _timeout_s(body: etree._Element) -> float:
    try:
        timeout_s = parse_duration(text_of(body, "tev:Timeout"))
    except ValueError as error:
        raise invalid_argument("InvalidTimeout", str(error)) from error
    if timeout_s < 0:
        raise invalid_argument("InvalidTimeout", "Timeout is negative")
    if timeout_s > MAX_PULL_S:
        raise pull_limits(MAX_PULL_S, MAX_MESSAGES)
    return timeout_s


def _limit(body: etree._Element) -> int:
    text = text_of(body, "tev:MessageLimit")
    if not text.isascii() or not text.isdigit() or len(text) > len(str(2**31)) or int(text) < 1:
        raise invalid_argument("InvalidMessageLimit", f"MessageLimit {text[:32]!r} is no number from 1")
    return min(int(text), MAX_MESSAGES)
