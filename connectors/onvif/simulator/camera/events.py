"""The event service and its pull points (SPEC:Core "Event handling"). Nothing is ever sent to the client by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from connectors.onvif.simulator.camera.addresses import UNDECLARED_HOST
from connectors.onvif.simulator.camera.moments import duration_s, span_until
from connectors.onvif.simulator.camera.pull_points import (
    DEFAULT_LIFE_S,
    LONGEST_LIFE_S,
    PullPoint,
    PullPoints,
    TopicFilter,
)
from connectors.onvif.simulator.camera.services import Handle, Service
from connectors.onvif.simulator.camera.site import Site
from connectors.onvif.simulator.camera.soap import Element, SoapFault, SoapRequest, element, invalid_argument
from connectors.onvif.simulator.camera.topics import CONCRETE, CONCRETE_SET, TOPICS, topic_set
from connectors.protocols.simulation import Ledger
from core.clock import iso_utc

PATH: Final = "/onvif/events_service"
PULL_POINT_PATH: Final = "/onvif/pullpoint/"

EVENT_OUTCOMES: Final = frozenset({"expire", "full", "mute", "hasty", "short", "undeclared-host"})
"""Of the fault plan ``events``, which lasts while it is ordered: subscriptions are forgotten at the next request; none can
be made; nothing is told; empty answers come at once; subscriptions live for two seconds; pull points are on another host."""

_Handle: TypeAlias = "Callable[[SoapRequest, PullPoint], Element | Awaitable[Element]]"

_TOPIC_NAMESPACE: Final = "http://www.onvif.org/onvif/ver10/topics/topicns.xml"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema/onvif.xsd"
_LONGEST_PULL_S: Final = 60.0
_MOST_MESSAGES: Final = 1024
_SHORT_LIFE_S: Final = 2.0


class EventService:
    """The operations at the service's own address."""

    def __init__(self, site: Site, points: PullPoints, ledger: Ledger) -> None:
        self._site = site
        self._points = points
        self._ledger = ledger

    def service(self) -> Service:
        """For the web port."""
        return Service(
            prefix="tev",
            path=PATH,
            version=(26, 6),
            capabilities=self._capabilities,
            operations={
                "GetServiceCapabilities": self._service_capabilities,
                "GetEventProperties": self._properties,
                "CreatePullPointSubscription": self._create,
            },
        )

    def _service_capabilities(self, _request: SoapRequest) -> Element:
        return element("tev:GetServiceCapabilitiesResponse", self._capabilities())

    def _capabilities(self) -> Element:
        """No producers: pull points only, all connections are opened by the client."""
        return element("tev:Capabilities", WSSubscriptionPolicySupport="false", MaxNotificationProducers="0")

    def _properties(self, _request: SoapRequest) -> Element:
        return element(
            "tev:GetEventPropertiesResponse",
            element("tev:TopicNamespaceLocation", _TOPIC_NAMESPACE),
            element("wsnt:FixedTopicSet", "true"),
            topic_set(),
            element("wsnt:TopicExpressionDialect", CONCRETE),
            element("wsnt:TopicExpressionDialect", CONCRETE_SET),
            element("tev:MessageContentFilterDialect"),
            element("tev:MessageContentSchemaLocation", _SCHEMA),
        )

    def _create(self, request: SoapRequest) -> Element:
        filters = _filters(request)
        life_s = _life_s(request.text("tev:InitialTerminationTime"), self._site.clock.utc())
        outcome = self._site.faults.current("events")
        if outcome == "full" or self._points.is_full:
            raise _notification_fault("wsnt:SubscribeCreationFailedFault", self._site, "no more subscriptions")
        point = self._points.open(filters, _SHORT_LIFE_S if outcome == "short" else life_s)
        self._ledger.add("subscription", token=point.token, topics=[one.expression for one in filters])
        now = self._site.clock.utc()
        address = element("wsa:Address", f"{self._base(outcome)}{PULL_POINT_PATH}{point.token}")
        return element(
            "tev:CreatePullPointSubscriptionResponse",
            element("tev:SubscriptionReference", address),
            element("wsnt:CurrentTime", iso_utc(now)),
            element("wsnt:TerminationTime", iso_utc(now + point.life_s)),
        )

    def _base(self, outcome: str) -> str:
        if outcome != "undeclared-host":
            return self._site.web
        return f"{self._site.web.partition('://')[0]}://{UNDECLARED_HOST}:{self._site.web_port}"


class PullPointService:
    """The operations at a pull point's address."""

    def __init__(self, site: Site, points: PullPoints) -> None:
        self._site = site
        self._points = points

    def operation(self, namespace_prefix: str, name: str, token: str) -> Handle | None:
        """Who answers there; None for what a pull point cannot do."""
        handlers: dict[tuple[str, str], _Handle] = {
            ("tev", "PullMessages"): self._pull,
            ("tev", "SetSynchronizationPoint"): self._synchronise,
            ("wsnt", "Renew"): self._renew,
            ("wsnt", "Unsubscribe"): self._unsubscribe,
        }
        handler = handlers.get((namespace_prefix, name))
        if handler is None:
            return None
        return lambda request: handler(request, self._point(token))

    def _point(self, token: str) -> PullPoint:
        if self._site.faults.current("events") == "expire":
            self._points.close_all()
        point = self._points.find(token)
        if point is None:
            raise _gone(self._site)
        return point

    async def _pull(self, request: SoapRequest, point: PullPoint) -> Element:
        limit, timeout_s = self._limits(request)
        outcome = self._site.faults.current("events")
        self._points.prolong(point)
        if outcome == "hasty":
            timeout_s = 0.0
        messages = await point.take(0 if outcome == "mute" else limit, timeout_s)
        if point.is_over and not messages:
            raise _gone(self._site)
        now = self._site.clock.utc()
        return element(
            "tev:PullMessagesResponse",
            element("tev:CurrentTime", iso_utc(now)),
            element("tev:TerminationTime", iso_utc(now + point.life_s)),
            *(message.notification() for message in messages),
        )

    def _limits(self, request: SoapRequest) -> tuple[int, float]:
        """Too much of either is refused, with what is allowed (event.wsdl, ``PullMessagesFaultResponse``)."""
        timeout_s = duration_s(request.text("tev:Timeout") or "")
        limit = request.text("tev:MessageLimit") or ""
        if timeout_s is None or not limit.isdecimal() or int(limit) < 1:
            raise invalid_argument("InvalidArgs", "Timeout or MessageLimit is none")
        if timeout_s > _LONGEST_PULL_S or int(limit) > _MOST_MESSAGES:
            detail = element(
                "tev:PullMessagesFaultResponse",
                element("tev:MaxTimeout", f"PT{_LONGEST_PULL_S:g}S"),
                element("tev:MaxMessageLimit", str(_MOST_MESSAGES)),
            )
            raise SoapFault("Sender", ("ter:InvalidArgVal",), "Timeout or MessageLimit is too large", detail)
        return int(limit), timeout_s

    def _synchronise(self, _request: SoapRequest, point: PullPoint) -> Element:
        self._points.synchronise(point)
        return element("tev:SetSynchronizationPointResponse")

    def _renew(self, request: SoapRequest, point: PullPoint) -> Element:
        now = self._site.clock.utc()
        self._points.prolong(point, _life_s(request.text("wsnt:TerminationTime"), now))
        return element(
            "wsnt:RenewResponse",
            element("wsnt:TerminationTime", iso_utc(now + point.life_s)),
            element("wsnt:CurrentTime", iso_utc(now)),
        )

    def _unsubscribe(self, _request: SoapRequest, point: PullPoint) -> Element:
        self._points.close(point)
        return element("wsnt:UnsubscribeResponse")


def _filters(request: SoapRequest) -> tuple[TopicFilter, ...]:
    """The topics asked for. Content filters are refused: the bridge does not look into messages."""
    filters: list[TopicFilter] = []
    for item in request.body.iterfind("{*}Filter/*"):
        if not item.tag.endswith("}TopicExpression"):
            raise SoapFault("Sender", ("ter:InvalidArgVal", "ter:InvalidFilter"), f"{item.tag} is not supported")
        chosen = TopicFilter(
            expression=(item.text or "").strip(),
            dialect=item.get("Dialect", ""),
            prefixes={prefix: space for prefix, space in item.nsmap.items() if prefix},
        )
        _require_sensible(chosen)
        filters.append(chosen)
    return tuple(filters)


def _require_sensible(chosen: TopicFilter) -> None:
    if chosen.dialect not in {CONCRETE, CONCRETE_SET}:
        raise SoapFault("Sender", ("ter:InvalidArgVal", "ter:InvalidFilter"), f"unknown dialect {chosen.dialect!r}")
    try:
        for topic in TOPICS:
            chosen.takes(topic.name)
    except ValueError as error:
        raise SoapFault("Sender", ("ter:InvalidArgVal", "ter:InvalidFilter"), f"the topic is none: {error}") from error


def _life_s(text: str | None, now: float) -> float:
    if not text:
        return DEFAULT_LIFE_S
    span_s = span_until(text, now)
    if span_s is None or span_s <= 0:
        raise invalid_argument("InvalidArgs", f"{text!r} is no time of an end")
    return min(span_s, LONGEST_LIFE_S)


def _gone(site: Site) -> SoapFault:
    return _notification_fault("wsrf-rw:ResourceUnknownFault", site, "there is no such subscription")


def _notification_fault(name: str, site: Site, reason: str) -> SoapFault:
    """A fault of WS-BaseNotification: its element is the detail. Unverified: the codes that real devices put around it."""
    detail = element(name, element("wsrf-bf:Timestamp", iso_utc(site.clock.utc())))
    return SoapFault("Sender", ("ter:InvalidArgVal",), reason, detail)
