"""A device with rules, alerts of it, and calls as a client makes them, without HTTP."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lxml import etree

from config.model import CameraSettings, RuleSettings, SecretRef
from connectors.onvif.device.calls import Call, Operation, Written
from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.identity import identity_of
from connectors.onvif.device.model import Channel, Device
from connectors.onvif.device.topics import ALERT_ITEM
from connectors.onvif.device.xml import PREFIXES, child, element, qualified
from connectors.onvif.settings import DeviceSettings, OnvifSettings
from connectors.protocols.rtsp.feeds import MetadataFeed
from core.clock import ManualClock
from core.types import Alert, AlertObject, Box, Delivery, Priority, RuleState

BASE_URL = "https://vigie.site.local:8443"
EVENTS = "/onvif/event_service"
GATE = RuleSettings(id="gate", type="line_crossing", name="Portail « A » <nord> & 'sud'")
YARD = RuleSettings(id="yard", type="zone_presence")
NAMES = {"tt": PREFIXES["tt"], "wsnt": PREFIXES["wsnt"], "tev": PREFIXES["tev"], "wsa": PREFIXES["wsa"]}


def a_device(*rules: RuleSettings, clock: ManualClock | None = None, cameras: int = 1, limit: int = 64) -> Device:
    device = DeviceSettings(password=SecretRef(secret="device"), max_subscriptions=limit)
    settings = OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": "http://vms.site.local",
            "allow_http": True,
            "username": "vigie",
            "password": {"secret": "x"},
            "device": device,
        }
    )
    return Device(
        settings=settings,
        identity=identity_of(settings, host="here"),
        channels=tuple(a_channel(index, *(rules or (GATE, YARD))) for index in range(cameras)),
        clock=clock or ManualClock(),
        stream_uri=lambda _channel, _protocol, _asked_at: None,
    )


def a_channel(index: int, *rules: RuleSettings) -> Channel:
    camera = CameraSettings.model_construct(id=f"quai-{index}", name="", vms="vms", device="0", rules=rules)
    return Channel(index=index, camera=camera, video=None, metadata=MetadataFeed())


def an_alert(rule: RuleSettings = GATE, at: float = 1_700_000_000.25, camera: str = "quai-0") -> Alert:
    box = Box(left=0.1, top=0.1, right=0.2, bottom=0.4)
    return Alert(
        alert_id=Alert.derive_id(camera, rule.id, at, (7, 12)),
        camera_id=camera,
        rule_id=rule.id,
        rule_type=rule.type,
        rule_name=rule.name or rule.id,
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=at,
        started_at=at - 1,
        objects=(
            AlertObject(track_id=7, label="person", score=0.9, box=box),
            AlertObject(track_id=12, label="shopping cart", score=0.4, box=box),
        ),
    )


def key_of(alert: Alert) -> UUID:
    return Delivery.derive_key(alert.alert_id, "vms", "event")


def token_of(alert: Alert) -> str:
    return Delivery.token_of(key_of(alert))


@dataclass
class Client:
    """Calls the handlers of a hub's operations. With ``writes`` False every answer breaks on its way."""

    hub: EventHub
    writes: Callable[[], bool] = lambda: True
    path: str = EVENTS
    operations: dict[tuple[str, str], Operation] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = {(item.namespace, item.name): item for item in self.hub.operations()}

    async def ask(self, body: etree._Element, path: str | None = None) -> etree._Element:
        name = etree.QName(body)
        waiting: list[Written] = []
        call = Call(body=body, base_url=BASE_URL, path=path or self.path, after_written=waiting.append)
        is_written = False
        try:
            answer = self.operations[name.namespace or "", name.localname].handle(call)
            answer = await answer if inspect.isawaitable(answer) else answer
            is_written = self.writes()
        finally:
            for written in waiting:
                written(is_written)
        if not is_written:
            raise ConnectionError
        return answer

    async def subscribe(self, *topics: str, lifetime: str = "PT60S", changed_only: bool = False) -> etree._Element:
        body = element("tev:CreatePullPointSubscription")
        if topics:
            chosen = child(body, "tev:Filter")
            for topic in topics:
                chosen.append(topic_expression(topic))
        child(body, "tev:InitialTerminationTime", lifetime)
        if changed_only:
            child(child(body, "tev:SubscriptionPolicy"), "tev:ChangedOnly")
        answer = await self.ask(body, EVENTS)
        self.path = text_at(answer, "tev:SubscriptionReference/wsa:Address").removeprefix(BASE_URL)
        return answer

    async def pull(self, wait: str = "PT0S", limit: int = 100) -> Sequence[Pulled]:
        return read(await self.ask(pull_messages(wait, limit)))

    async def unsubscribe(self) -> etree._Element:
        return await self.ask(element("wsnt:Unsubscribe"))


@dataclass(frozen=True)
class Pulled:
    topic: str
    operation: str
    at: str
    items: dict[str, str]

    @property
    def token(self) -> str:
        return self.items[ALERT_ITEM]

    @property
    def state(self) -> str | None:
        return next((self.items[name] for name in ("State", "IsInside", "IsLoitering") if name in self.items), None)


def read(answer: etree._Element) -> Sequence[Pulled]:
    return [
        Pulled(
            topic=text_at(message, "wsnt:Topic"),
            operation=inner.get("PropertyOperation", ""),
            at=inner.get("UtcTime", ""),
            items={item.get("Name", ""): item.get("Value", "") for item in inner.iter(qualified("tt:SimpleItem"))},
        )
        for message in answer.iter(qualified("wsnt:NotificationMessage"))
        for inner in message.iter(qualified("tt:Message"))
    ]


def pull_messages(timeout: str, limit: object) -> etree._Element:
    body = element("tev:PullMessages")
    child(body, "tev:Timeout", timeout)
    child(body, "tev:MessageLimit", limit)
    return body


def topic_expression(
    text: str, dialect: str = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
) -> etree._Element:
    prefixes = {"wsnt": NAMES["wsnt"], "tns1": "http://www.onvif.org/ver10/topics", "vg": "urn:vigie:onvif:topics"}
    made = etree.Element(f"{{{NAMES['wsnt']}}}TopicExpression", nsmap=prefixes, Dialect=dialect)
    made.text = text
    return made


def text_at(root: etree._Element, path: str) -> str:
    return (root.findtext(path, namespaces=NAMES) or "").strip()


async def until(is_so: Callable[[], object]) -> None:
    """Lets the loop run until something is so; the test's own time-out ends what never comes."""
    while not is_so():  # noqa: ASYNC110 - what is watched are counters
        await asyncio.sleep(0)


async def until_waiting() -> None:
    """Lets tasks that were just started run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)
