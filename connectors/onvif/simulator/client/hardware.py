"""Adding the device as hardware: what a driver asks once, and again when somebody replaces the hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from connectors.onvif.simulator.client.digest import challenges, usable
from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.mapping import ChannelTokens, Meaning, plain_meaning, xprotect_meaning
from connectors.onvif.simulator.client.media import MediaReader
from connectors.onvif.simulator.client.profiles import Channel
from connectors.onvif.simulator.client.roles import Login, Role, StreamMethod
from connectors.onvif.simulator.client.soap import Addressing, SoapClient, SoapFault
from connectors.onvif.simulator.client.topics import EventType, event_types
from connectors.onvif.simulator.client.xml import (
    TAN,
    TDS,
    TEV,
    TR2,
    TRT,
    WSNT,
    child,
    element,
    every,
    first,
    request,
    text_at,
)
from core.contracts import Clock
from core.errors import ProtocolViolation, VmsError
from core.types import Json

_DIALECTS: Final = (
    "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete",
    "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet",
)
_SCOPES: Final = ("Profile", "hardware", "name")
_UNAUTHORIZED = 401
_EVENT_ACTION: Final = f"{TEV}/EventPortType"
_HTTPS_PORT = 443

_ANALYTICS: Final = ("GetSupportedAnalyticsModules", "GetAnalyticsModules", "GetSupportedRules", "GetRules")
_NEEDED: Final = (TDS, TEV)
_REQUESTS: Final[Mapping[str, Mapping[str, str]]] = {
    "GetServices": {"IncludeCapability": "false"},
    "GetCapabilities": {"Category": "All"},
}
_CAPABILITY_PATHS: Final[Mapping[str, str]] = {
    TDS: "tds:Capabilities/tt:Device/tt:XAddr",
    TRT: "tds:Capabilities/tt:Media/tt:XAddr",
    TEV: "tds:Capabilities/tt:Events/tt:XAddr",
    TAN: "tds:Capabilities/tt:Analytics/tt:XAddr",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEvent:
    """An event type and what the driver makes of it."""

    event: EventType
    meaning: Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The device as it was added. ``events`` by canonical topic."""

    services: Mapping[str, str]
    identity: Mapping[str, str]
    channels: Sequence[Channel]
    events: Mapping[str, KnownEvent]
    method: StreamMethod

    @property
    def tokens(self) -> list[ChannelTokens]:
        """By which events are matched to channels."""
        return [
            ChannelTokens(source=channel.profile.source, configuration=channel.profile.source_configuration)
            for channel in self.channels
        ]

    def as_json(self) -> dict[str, Json]:
        """For the ledger."""
        events: list[Json] = [
            {
                "topic": known.event.topic.text,
                "name": known.meaning.name,
                "origin": known.meaning.origin.value,
                "is_pair": bool(known.meaning.state_item),
                "is_verified": known.meaning.is_verified,
            }
            for known in self.events.values()
        ]
        services: list[Json] = [*sorted(self.services)]
        return {
            "identity": dict(self.identity),
            "services": services,
            "channels": [channel.as_json() for channel in self.channels],
            "events": events,
            "method": self.method.value,
        }


class HardwareAdder:
    """Asks a device what a driver asks it when it is added."""

    def __init__(
        self, url: str, role: Role, login: Login, soap: SoapClient, judge: Judge, clock: Clock, method: StreamMethod
    ) -> None:
        self._url = url
        self._role = role
        self._login = login
        self._soap = soap
        self._judge = judge
        self._clock = clock
        self._method = method
        self._services: dict[str, str] = {}
        self._identity: dict[str, str] = {}

    def add(self) -> Hardware:
        """Raises ``VmsError`` where a driver would give up."""
        self._services, self._identity = {TDS: self._url}, {}
        self._read_clock()
        self._try_without_credentials()
        for operation in self._role.device_requests:
            with self._judge.refusals():
                self._ask_device(operation)
        self._require_services()
        media = MediaReader(self._soap, self._judge, self._role, self._method, self._require_address)
        channels = media.channels(self._services)
        events = self._read_event_types()
        if self._role.asks_all:
            self._ask_the_rest(channels)
        return Hardware(
            services=dict(self._services),
            identity=dict(self._identity),
            channels=channels,
            events=events,
            method=self._method,
        )

    def _require_address(self, address: str, what: str) -> None:
        """An announced address is on the host where the device was asked: a driver sees no other."""
        asked, told = urlsplit(self._url), urlsplit(address)
        self._judge.require("address", told.hostname == asked.hostname, f"{what} is announced on {told.hostname}")

    def _read_clock(self) -> None:
        response = self._soap.call_anonymously(self._url, request(TDS, "GetSystemDateAndTime"))
        answer = self._soap.read_anonymous(response, "GetSystemDateAndTime")
        utc = first(answer, "tds:SystemDateAndTime/tt:UTCDateTime")
        parts = [] if utc is None else [
            text_at(utc, f"tt:{part}") for part in
            ("Date/tt:Year", "Date/tt:Month", "Date/tt:Day", "Time/tt:Hour", "Time/tt:Minute", "Time/tt:Second")
        ]  # fmt: skip
        try:
            year, month, day, hour, minute, second = (int(part) for part in parts)
            told = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            self._judge.broken("clock", "GetSystemDateAndTime tells no UTC time")
            return
        self._soap.offset_s = told.timestamp() - self._clock.utc()
        self._judge.require("clock", True, "")

    def _try_without_credentials(self) -> None:
        response = self._soap.call_anonymously(self._url, request(TDS, "GetDeviceInformation"))
        status = response.status_code
        if self._login is Login.DIGEST:
            is_challenged = status == _UNAUTHORIZED and usable(challenges(response)) is not None
            self._judge.require("challenge", is_challenged, f"HTTP {status} without an MD5 digest challenge")
            return
        try:
            self._soap.read_anonymous(response, "GetDeviceInformation")
        except VmsError:
            self._judge.require("challenge", True, "")
            return
        self._judge.broken("challenge", "GetDeviceInformation is answered without credentials")

    def _ask_device(self, operation: str) -> None:
        answer = self._soap.call(self._url, request(TDS, operation, **_REQUESTS.get(operation, {})))
        match operation:
            case "GetServices":
                found = every(answer, "tds:Service")
                self._note_services({text_at(one, "tds:Namespace"): text_at(one, "tds:XAddr") for one in found})
            case "GetCapabilities":
                self._note_services({name: text_at(answer, path) for name, path in _CAPABILITY_PATHS.items()})
            case "GetDeviceInformation":
                names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
                self._identity |= {name: text_at(answer, f"tds:{name}") for name in names}
            case "GetNetworkInterfaces":
                mac = text_at(answer, "tds:NetworkInterfaces/tt:Info/tt:HwAddress")
                self._identity["mac"] = mac
                self._judge.require("identity", bool(mac), "GetNetworkInterfaces tells no HwAddress")
            case "GetScopes":
                self._read_scopes(answer)
            case "GetNetworkProtocols":
                self._read_protocols(answer)

    def _note_services(self, told: Mapping[str, str]) -> None:
        for name, address in told.items():
            if address:
                self._require_address(address, f"the service {name}")
                is_kept = urlsplit(self._url).scheme != "https" or urlsplit(address).scheme == "https"
                self._judge.require("address", is_kept, f"the service {name} is announced without TLS")
                self._services[name] = address

    def _read_scopes(self, answer: etree._Element) -> None:
        scopes = [text_at(scope, "tt:ScopeItem") for scope in every(answer, "tds:Scopes")]
        missing = [kind for kind in _SCOPES if not any(f"www.onvif.org/{kind}/" in scope for scope in scopes)]
        self._judge.require("scopes", not missing, f"no scope of {', '.join(missing)}")

    def _read_protocols(self, answer: etree._Element) -> None:
        parts = urlsplit(self._url)
        if parts.scheme != "https":
            return
        told = {
            (port.text or "").strip()
            for protocol in every(answer, "tds:NetworkProtocols")
            if text_at(protocol, "tt:Name") == "HTTPS" and text_at(protocol, "tt:Enabled") in {"true", "1"}
            for port in every(protocol, "tt:Port")
        }
        asked = str(parts.port or _HTTPS_PORT)
        self._judge.require("https-port", asked in told, f"asked at {asked}, told {', '.join(sorted(told)) or 'none'}")

    def _require_services(self) -> None:
        missing = [name for name in _NEEDED if name not in self._services]
        if not {TR2, TRT} & self._services.keys():
            missing.append(f"{TR2} or {TRT}")
        if not self._judge.require("services", not missing, f"not listed: {', '.join(missing)}"):
            raise ProtocolViolation(f"the device does not list {', '.join(missing)}")

    def _read_event_types(self) -> dict[str, KnownEvent]:
        answer = self._event_call("GetEventProperties")
        told = {(dialect.text or "").strip() for dialect in every(answer, "wsnt:TopicExpressionDialect")}
        missing = [dialect for dialect in _DIALECTS if dialect not in told]
        self._judge.require("topics", not missing, f"dialects not told: {', '.join(missing)}")
        known: dict[str, KnownEvent] = {}
        for event in event_types(answer):
            self._judge.require("topics", event.is_described, f"{event.topic.text} has no message description")
            meaning = xprotect_meaning(event, self._judge) if self._role.is_xprotect else plain_meaning(event)
            known[event.topic.canonical] = KnownEvent(event=event, meaning=meaning)
        self._judge.require("topics", bool(known), "no topic at all")
        return known

    def _event_call(self, operation: str) -> etree._Element:
        action = Addressing(action=f"{_EVENT_ACTION}/{operation}Request")
        return self._soap.call(self._services[TEV], request(TEV, operation), addressing=action)

    def _ask_the_rest(self, channels: Sequence[Channel]) -> None:
        """What a curious client reads, and an operation that a device without notification producers refuses."""
        capabilities = first(self._event_call("GetServiceCapabilities"), "tev:Capabilities")
        if capabilities is not None and capabilities.get("MaxNotificationProducers") == "0":
            self._require_refusal()
        configuration = next((c.profile.analytics_configuration for c in channels), "")
        if TAN not in self._services or not configuration:
            return
        asked = [request(TAN, name) for name in ("GetServiceCapabilities", "GetSupportedMetadata")]
        asked += [request(TAN, name, ConfigurationToken=configuration) for name in _ANALYTICS]
        for body in asked:
            with self._judge.refusals():
                self._soap.call(self._services[TAN], body)

    def _require_refusal(self) -> None:
        asked = element(WSNT, "Subscribe")
        consumer = child(asked, WSNT, "ConsumerReference")
        child(consumer, "http://www.w3.org/2005/08/addressing", "Address", "http://192.0.2.1/")
        try:
            self._soap.call(self._services[TEV], asked)
        except SoapFault as fault:
            self._judge.require("unsupported", fault.is_not_supported, f"Subscribe: {'/'.join(fault.codes)}")
            return
        self._judge.broken("unsupported", "Subscribe is accepted though MaxNotificationProducers is 0")
