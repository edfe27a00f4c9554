"""A VMS's ONVIF bridge that follows a script: real sockets, answers by the schemas, faults on order."""

from __future__ import annotations

import base64
import hashlib
import queue
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lxml import etree
from requests.utils import parse_dict_header

from connectors.onvif.client.client import OnvifClient
from connectors.onvif.settings import OnvifSettings
from core.clock import SystemClock, iso_utc
from core.contracts import Clock
from core.fakes import FakeServices
from tests.connectors.onvif.client.answers import (
    ENVELOPE,
    JPEG,
    PROFILES,
    TDS,
    TEV,
    TR2,
    TRT,
    Answer,
    Element,
    envelope,
    fault,
    media_uri,
    profile1,
    profile2,
)

USER, PASSWORD = "vigie", 'corr"ect horse'


@dataclass
class Bridge:
    """What it answers. ``script`` replaces the answer of an operation, by its name, or by ``tr2:`` and its name."""

    host: str = "127.0.0.1"
    port: int = 0
    is_tls: bool = False
    login: str = "digest"  # digest | sha256 | both | username_token | none
    ahead_s: float = 0.0
    media2: bool = True
    media1: bool = True
    stream: str = "rtsp://127.0.0.1:554/live/{profile}"
    script: dict[str, Callable[[Element], Answer]] = field(default_factory=dict)
    requests: list[tuple[str, Element, Element]] = field(default_factory=list)
    """Operation, envelope, body element."""
    messages: queue.Queue[str] = field(default_factory=queue.Queue)
    present: list[str] = field(default_factory=list)
    """Told after SetSynchronizationPoint."""
    snapshot: tuple[int, bytes] = (200, JPEG)
    pull_points: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    life_s: int = 120
    tried: int = 0
    made: int = 0
    nonce: str = "n0nce"

    @property
    def url(self) -> str:
        return f"{'https' if self.is_tls else 'http'}://{self.host}:{self.port}"

    def asked(self, operation: str) -> list[Element]:
        return [body for name, _, body in list(self.requests) if name == operation]

    def utc(self) -> float:
        return SystemClock().utc() + self.ahead_s

    def answer(self, operation: str, body: Element) -> Answer:
        prefix = "tr2:" if etree.QName(body).namespace == TR2 else ""
        made = self.script.get(prefix + operation) or self.script.get(operation)
        if made is not None:
            return made(body)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        own: Callable[[Element], Answer] | None = getattr(self, f"_{'media2_' if prefix else ''}{name}", None)
        return own(body) if own is not None else fault("ter:ActionNotSupported", side="Receiver")

    def _get_system_date_and_time(self, _: Element) -> str:
        now = datetime.fromtimestamp(self.utc(), UTC)
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time>"
            f"<tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
            f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
            "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _get_services(self, _: Element) -> str:
        spaces = [TDS, TEV, *([TR2] if self.media2 else []), *([TRT] if self.media1 else [])]
        services = "".join(
            f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{self.url}/onvif/service</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
            for space in spaces
        )
        return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"

    def _get_device_information(self, _: Element) -> str:
        return (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Some</tds:Manufacturer><tds:Model>Bridge</tds:Model>"
            "<tds:FirmwareVersion>1.2</tds:FirmwareVersion><tds:SerialNumber>1</tds:SerialNumber>"
            "<tds:HardwareId>x</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def _media2_get_profiles(self, body: Element) -> str:
        has_types = body.find(f"{{{TR2}}}Type") is not None
        return f"<tr2:GetProfilesResponse>{''.join(map(profile2, PROFILES)) if has_types else ''}</tr2:GetProfilesResponse>"

    def _media2_get_stream_uri(self, body: Element) -> str:
        uri = self.stream.format(profile=body.findtext(f"{{{TR2}}}ProfileToken"))
        return f"<tr2:GetStreamUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetStreamUriResponse>"

    def _media2_get_snapshot_uri(self, body: Element) -> str:
        return f"<tr2:GetSnapshotUriResponse><tr2:Uri>{self.url}/snapshot</tr2:Uri></tr2:GetSnapshotUriResponse>"

    def _get_profiles(self, _: Element) -> str:
        return f"<trt:GetProfilesResponse>{''.join(map(profile1, PROFILES))}</trt:GetProfilesResponse>"

    def _get_stream_uri(self, body: Element) -> str:
        uri = self.stream.format(profile=body.findtext(f"{{{TRT}}}ProfileToken"))
        return f"<trt:GetStreamUriResponse>{media_uri(uri)}</trt:GetStreamUriResponse>"

    def _get_snapshot_uri(self, _: Element) -> str:
        return f"<trt:GetSnapshotUriResponse>{media_uri(f'{self.url}/snapshot')}</trt:GetSnapshotUriResponse>"

    def _get_event_properties(self, _: Element) -> str:
        dialect = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
        return (
            "<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml"
            "</tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>"
            '<tns1:Device><Trigger><DigitalInput wstop:topic="true"><tt:MessageDescription IsProperty="true"/>'
            '</DigitalInput></Trigger></tns1:Device><tns1:VideoSource><SignalLoss wstop:topic="true"/></tns1:VideoSource>'
            '<tns1:RuleEngine><vnd:Door wstop:topic="true"/></tns1:RuleEngine></wstop:TopicSet>'
            f"<wsnt:TopicExpressionDialect>{dialect}</wsnt:TopicExpressionDialect>"
            "<tev:MessageContentFilterDialect></tev:MessageContentFilterDialect>"
            "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
            "</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>"
        )

    def _create_pull_point_subscription(self, _: Element) -> str:
        self.made += 1
        name = str(self.made)
        self.pull_points.add(name)
        self.ended.clear()
        return (
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa:Address>{self.url}/onvif/pull</wsa:Address><wsa:ReferenceParameters>"
            f"<vnd:Id>{name}</vnd:Id></wsa:ReferenceParameters></tev:SubscriptionReference>"
            f"<wsnt:CurrentTime>{iso_utc(self.utc())}</wsnt:CurrentTime>"
            f"<wsnt:TerminationTime>{iso_utc(self.utc() + self.life_s)}</wsnt:TerminationTime>"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    def _pull_messages(self, body: Element) -> Answer:
        if not self._point(body):
            return self.gone()
        waits_s = float((body.findtext(f"{{{TEV}}}Timeout") or "").removeprefix("PT").removesuffix("S"))
        pulled: list[str] = []
        until = SystemClock().monotonic() + waits_s
        while not pulled and not self.ended.is_set() and SystemClock().monotonic() < until:
            try:
                pulled.append(self.messages.get(timeout=0.02))
            except queue.Empty:
                continue
        while not self.messages.empty():
            pulled.append(self.messages.get())
        if not pulled and not self._point(body):
            return self.gone()
        return self.pulled("".join(pulled))

    def pulled(self, messages: str) -> str:
        return (
            f"<tev:PullMessagesResponse><tev:CurrentTime>{iso_utc(self.utc())}</tev:CurrentTime>"
            f"<tev:TerminationTime>{iso_utc(self.utc() + self.life_s)}</tev:TerminationTime>{messages}"
            "</tev:PullMessagesResponse>"
        )

    def _set_synchronization_point(self, _: Element) -> str:
        for message in self.present:
            self.messages.put(message)
        return "<tev:SetSynchronizationPointResponse/>"

    def _renew(self, _: Element) -> str:
        self.life_s = 120
        ends = iso_utc(self.utc() + self.life_s)
        return f"<wsnt:RenewResponse><wsnt:TerminationTime>{ends}</wsnt:TerminationTime></wsnt:RenewResponse>"

    def _unsubscribe(self, body: Element) -> Answer:
        name = self._point(body)
        if not name:
            return self.gone()
        self.pull_points.discard(name)
        self.ended.set()
        return "<wsnt:UnsubscribeResponse/>"

    def _point(self, body: Element) -> str:
        found = body.getroottree().getroot().find(f"{{{ENVELOPE}}}Header/{{urn:vendor}}Id")
        name = found.text or "" if found is not None else ""
        return name if name in self.pull_points else ""

    def gone(self) -> tuple[int, bytes]:
        detail = '<r:ResourceUnknownFault xmlns:r="http://docs.oasis-open.org/wsrf/r-2"/>'
        return fault("ter:InvalidArgVal", detail=detail)

    def expire(self) -> None:
        self.pull_points.clear()
        self.ended.set()


def digest_fields(header: str) -> dict[str, str]:
    """Of an ``Authorization: Digest`` header."""
    return dict(parse_dict_header(header.removeprefix("Digest ")))  # type: ignore[no-untyped-call]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    bridge: Bridge

    def do_GET(self) -> None:
        if self._is_let_in("GET"):
            self._reply(*self.bridge.snapshot)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        root = etree.fromstring(sent)
        body = root.find(f"{{{ENVELOPE}}}Body/*")
        assert body is not None
        operation = etree.QName(body).localname
        self.bridge.requests.append((operation, root, body))
        if operation != "GetSystemDateAndTime":
            if self.bridge.login in {"digest", "sha256", "both"} and not self._is_let_in("POST"):
                return
            if self.bridge.login == "username_token" and not self._has_token(root):
                self._reply(*fault("ter:NotAuthorized"))
                return
        answer = self.bridge.answer(operation, body)
        if isinstance(answer, str):
            self._reply(200, envelope(answer))
        elif isinstance(answer, bytes):
            self._reply(200, answer)
        else:
            self._reply(*answer)

    def _is_let_in(self, method: str) -> bool:
        if self.bridge.login in {"username_token", "none"}:
            return True
        header = self.headers.get("Authorization", "")
        if header.startswith("Digest ") and self._is_right(digest_fields(header), method):
            return True
        self.bridge.tried += bool(header)
        self.send_response(401)
        offered = {"digest": ["MD5"], "sha256": ["SHA-256"], "both": ["SHA-256", "MD5"]}[self.bridge.login]
        for algorithm in offered:
            value = f'Digest realm="ONVIF, really", qop="auth", nonce="{self.bridge.nonce}", algorithm={algorithm}'
            self.send_header("WWW-Authenticate", value)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _is_right(self, told: dict[str, str], method: str) -> bool:
        def hashed(text: str) -> str:
            name = {"MD5": "md5", "SHA-256": "sha256"}[told.get("algorithm", "MD5")]
            return hashlib.new(name, text.encode()).hexdigest()

        first, second = hashed(f"{USER}:ONVIF, really:{PASSWORD}"), hashed(f"{method}:{self.path}")
        middle = f"{told['nonce']}:{told['nc']}:{told['cnonce']}:auth"
        is_fresh = told["nonce"] == self.bridge.nonce and told["uri"] == self.path
        return is_fresh and told["response"] == hashed(f"{first}:{middle}:{second}")

    def _has_token(self, root: Element) -> bool:
        """Created must be of the bridge's own time, to five seconds."""
        self.bridge.tried += 1
        token = root.find(".//{*}UsernameToken")
        if token is None:
            return False
        nonce, created = base64.b64decode(token.findtext("{*}Nonce") or ""), token.findtext("{*}Created") or ""
        digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()).decode()
        age = abs(datetime.fromisoformat(created).timestamp() - self.bridge.utc())
        return token.findtext("{*}Username") == USER and token.findtext("{*}Password") == digest and age < 5

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if 300 <= status < 400:
            self.send_header("Location", body.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no matter."""


@contextmanager
def running_bridge(context: ssl.SSLContext | None = None, **changes: Any) -> Iterator[Bridge]:
    bridge = Bridge(is_tls=context is not None, **changes)
    handler = type("Handler", (_Handler,), {"bridge": bridge})
    server = _Server((bridge.host, 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    bridge.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield bridge
    finally:
        bridge.expire()
        server.shutdown()
        thread.join(5.0)
        server.server_close()


def settings_for(bridge: Bridge, **changes: Any) -> OnvifSettings:
    entry = {
        "id": "bridge",
        "type": "onvif",
        "url": bridge.url,
        "username": USER,
        "password": {"secret": "bridge-password"},
        "allow_http": not bridge.is_tls,
        "publish": [],
        "timeout_s": 5.0,
    }
    return OnvifSettings.model_validate({**entry, **changes})


def services_for(clock: Clock | None = None, **changes: Any) -> FakeServices:
    return FakeServices(**{"clock": clock or SystemClock(), "secrets": lambda _: PASSWORD, **changes})


@contextmanager
def client_of(bridge: Bridge, services: FakeServices | None = None, **changes: Any) -> Iterator[OnvifClient]:
    client = OnvifClient(settings_for(bridge, **changes), services or services_for())
    try:
        yield client
    finally:
        client.close()
