"""The event service of a bridge: what it can tell, and pull points. All connections are opened by us.

Raw SOAP, read with lxml (research, B8). A subscription's address, and the reference parameters that go with it, are the
bridge's to choose (WS-Addressing); a host that the site file does not declare is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.client.faults import PullLimited
from connectors.onvif.client.media import EVENTS, Services
from connectors.onvif.client.notifications import Notification, read_notification
from connectors.onvif.client.soap import ADDRESSING, SoapPeer
from connectors.onvif.settings import OnvifSettings
from core.clock import parse_iso
from core.contracts import Clock
from core.errors import NotFoundInVms, ProtocolViolation
from core.types import UtcSeconds

NOTIFICATION: Final = "http://docs.oasis-open.org/wsn/b-2"
TOPICS: Final = "http://docs.oasis-open.org/wsn/t-1"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"

_PULL_POINT: Final = f"{EVENTS}/PullPointSubscription"
_MANAGER: Final = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_MAX_MESSAGES: Final = 100
_ANSWER_MARGIN_S: Final = 10.0
"""A bridge may answer a pull so long after the wait that it was asked for."""

_IS_REFERENCE: Final = f"{{{ADDRESSING}}}IsReferenceParameter"


@dataclass(frozen=True, slots=True)
class TopicName:
    """One topic that can be subscribed to: the namespace and local name of each part."""

    parts: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """Without prefixes."""
        return "/".join(local for _, local in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subscription:
    """A pull point. ``parameters`` are elements that each of its requests must carry, as XML."""

    address: str
    parameters: tuple[bytes, ...] = ()
    remaining_s: float | None = None
    """How long it lives without being asked, by the bridge's own clock when it was made; None where it did not say."""
    bridge_ahead_s: float | None = None
    """How far the bridge's clock is ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One answer. ``unreadable`` counts messages without a topic."""

    messages: tuple[Notification, ...]
    remaining_s: float | None
    bridge_ahead_s: float | None
    unreadable: int = 0


class EventService:
    """Thread-safe as far as ``requests`` is."""

    def __init__(self, settings: OnvifSettings, peer: SoapPeer, services: Services, clock: Clock) -> None:
        self._settings = settings
        self._peer = peer
        self._services = services
        self._clock = clock
        self._lock = threading.Lock()
        self._max_messages = _MAX_MESSAGES

    def topics(self) -> list[TopicName]:
        """What ``GetEventProperties`` says that can be told."""
        body = etree.Element(f"{{{EVENTS}}}GetEventProperties")
        action = f"{EVENTS}/EventPortType/GetEventPropertiesRequest"
        answer = self._peer.call(self._address(), action, body)
        topic_set = answer.find(f"{{{TOPICS}}}TopicSet")
        if topic_set is None:
            raise ProtocolViolation(
                f"event properties of {self._settings.url}: no TopicSet", remedy="Look at the bridge's version."
            )
        return list(_topics(topic_set, ()))

    def subscribe(self, topics: Sequence[TopicName], life_s: int) -> Subscription:
        """A new pull point for these topics; for everything when there are none.

        Raises ``FilterRefused`` where the bridge does not take the filter.
        """
        body = etree.Element(f"{{{EVENTS}}}CreatePullPointSubscription")
        if topics:
            body.append(_filter(topics))
        etree.SubElement(body, f"{{{EVENTS}}}InitialTerminationTime").text = f"PT{life_s}S"
        what = f"the pull point of {self._settings.url}"
        action = f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"
        answer = self._peer.call(self._address(), action, body)
        reference = next(answer.iterchildren("{*}SubscriptionReference"), None)
        address = next(reference.iterchildren("{*}Address"), None) if reference is not None else None
        if reference is None or address is None or not (address.text or "").strip():
            raise ProtocolViolation(f"{what}: the answer holds no address", remedy="Look at the bridge's version.")
        url = (address.text or "").strip()
        self._settings.require_declared(url, what)
        return Subscription(
            address=url,
            parameters=_parameters(reference),
            remaining_s=_remaining_s(answer),
            bridge_ahead_s=self._ahead_s(answer),
        )

    def pull(self, subscription: Subscription, wait_s: int) -> Pulled:
        """Messages that wait there; when none does, what comes within ``wait_s``. Raises ``SubscriptionEnded``."""
        body = etree.Element(f"{{{EVENTS}}}PullMessages")
        etree.SubElement(body, f"{{{EVENTS}}}Timeout").text = f"PT{wait_s}S"
        etree.SubElement(body, f"{{{EVENTS}}}MessageLimit").text = str(self._max_messages)
        within_s = wait_s + max(_ANSWER_MARGIN_S, self._settings.timeout_s)
        try:
            answer = self._manage(subscription, f"{_PULL_POINT}/PullMessagesRequest", body, within_s)
        except PullLimited as error:
            if not 0 < error.max_messages < self._max_messages:
                raise
            with self._lock:
                self._max_messages = error.max_messages
            return self.pull(subscription, wait_s)
        found = [read_notification(item) for item in answer.iterchildren(f"{{{NOTIFICATION}}}NotificationMessage")]
        messages = tuple(item for item in found if item is not None)
        return Pulled(
            messages=messages,
            remaining_s=_remaining_s(answer),
            bridge_ahead_s=self._ahead_s(answer),
            unreadable=len(found) - len(messages),
        )

    def synchronise(self, subscription: Subscription) -> None:
        """Asks that the present state of every property be told."""
        body = etree.Element(f"{{{EVENTS}}}SetSynchronizationPoint")
        self._manage(subscription, f"{_PULL_POINT}/SetSynchronizationPointRequest", body)

    def renew(self, subscription: Subscription, life_s: int) -> None:
        """Prolongs it. Raises ``ActionNotSupported`` where pulling is what prolongs it (SPEC:Core)."""
        body = etree.Element(f"{{{NOTIFICATION}}}Renew")
        etree.SubElement(body, f"{{{NOTIFICATION}}}TerminationTime").text = f"PT{life_s}S"
        self._manage(subscription, f"{_MANAGER}/RenewRequest", body)

    def unsubscribe(self, subscription: Subscription, within_s: float | None = None) -> None:
        """Ends it."""
        body = etree.Element(f"{{{NOTIFICATION}}}Unsubscribe")
        self._manage(subscription, f"{_MANAGER}/UnsubscribeRequest", body, within_s)

    def _manage(
        self, subscription: Subscription, action: str, body: etree._Element, within_s: float | None = None
    ) -> etree._Element:
        headers = [etree.fromstring(parameter) for parameter in subscription.parameters]
        return self._peer.call(subscription.address, action, body, headers=headers, timeout_s=within_s)

    def _address(self) -> str:
        address = self._services.addresses().get(EVENTS)
        if address is None:
            raise NotFoundInVms(
                f"{self._settings.url} announces no event service", remedy="Enable events in the VMS's ONVIF bridge."
            )
        return address

    def _ahead_s(self, answer: etree._Element) -> float | None:
        told = _moment(answer, "CurrentTime")
        return None if told is None else told - self._clock.utc()


def _topics(element: etree._Element, above: tuple[tuple[str, str], ...]) -> list[TopicName]:
    found: list[TopicName] = []
    for child in element.iterchildren("{*}*"):
        name = etree.QName(child)
        if name.localname == "MessageDescription":
            continue
        parts = (*above, (name.namespace or "", name.localname))
        if (child.get(f"{{{TOPICS}}}topic") or "").strip() in {"true", "1"}:
            found.append(TopicName(parts))
        found += _topics(child, parts)
    return found


def _filter(topics: Sequence[TopicName]) -> etree._Element:
    namespaces = sorted({namespace for topic in topics for namespace, _ in topic.parts if namespace})
    prefixes = {namespace: f"t{number}" for number, namespace in enumerate(namespaces)}
    nsmap = {prefix: namespace for namespace, prefix in prefixes.items()}
    outer = etree.Element(f"{{{EVENTS}}}Filter")
    # The prefixes are used in text, where lxml does not see them: they are declared on the element that holds it.
    inner = etree.SubElement(outer, f"{{{NOTIFICATION}}}TopicExpression", nsmap={"wsnt": NOTIFICATION, **nsmap})
    inner.set("Dialect", CONCRETE_SET)
    inner.text = "|".join(_expression(topic, prefixes) for topic in topics)
    return outer


def _expression(topic: TopicName, prefixes: dict[str, str]) -> str:
    """A part in the namespace of the one above it needs no prefix: ``tns1:Device/Trigger`` (WS-Topics)."""
    words: list[str] = []
    above = ""
    for namespace, local in topic.parts:
        words.append(f"{prefixes[namespace]}:{local}" if namespace and namespace != above else local)
        above = namespace or above
    return "/".join(words)


def _parameters(reference: etree._Element) -> tuple[bytes, ...]:
    copied: list[bytes] = []
    for parameters in reference.iterchildren("{*}ReferenceParameters"):
        for element in parameters.iterchildren("{*}*"):
            element.set(_IS_REFERENCE, "true")
            copied.append(etree.tostring(element, with_tail=False))
    return tuple(copied)


def _remaining_s(answer: etree._Element) -> float | None:
    now, end = _moment(answer, "CurrentTime"), _moment(answer, "TerminationTime")
    return None if now is None or end is None else end - now


def _moment(answer: etree._Element, name: str) -> UtcSeconds | None:
    found = next(answer.iterchildren(f"{{*}}{name}"), None)
    try:
        return parse_iso(found.text or "") if found is not None else None
    except (ValueError, OverflowError):
        return None
