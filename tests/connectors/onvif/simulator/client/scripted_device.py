"""An ONVIF device small enough to be read, whose answers are scripted: only for tests of the drivers.

The answers are templates in the words of the notes (A2 to A5); a test replaces what it wants wrong. HTTP digest is checked
by its own few lines, UsernameTokens likewise.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lxml import etree

USER, PASSWORD = "vms", "s3cret:w/ord"
NONCE = "5f2b9d3c"
CHALLENGES = (
    f'Digest realm="scripted", qop="auth", algorithm=SHA-256, nonce="{NONCE}x"',
    f'Digest realm="scripted", qop="auth", algorithm=MD5, nonce="{NONCE}", opaque="o"',
)
NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tan": "http://www.onvif.org/ver20/analytics/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "tns1": "http://www.onvif.org/ver10/topics",
    "vgi": "urn:scripted:topics",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsa5": "http://www.w3.org/2005/08/addressing",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())

IDENTITY = {
    "GetSystemDateAndTime": """<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false
        </tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>10</tt:Hour><tt:Minute>2</tt:Minute><tt:Second>3</tt:Second>
        </tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>11</tt:Month><tt:Day>20</tt:Day></tt:Date></tt:UTCDateTime>
        </tds:SystemDateAndTime>""",
    "GetDeviceInformation": """<tds:Manufacturer>S</tds:Manufacturer><tds:Model>M</tds:Model><tds:FirmwareVersion>1
        </tds:FirmwareVersion><tds:SerialNumber>7</tds:SerialNumber><tds:HardwareId>H</tds:HardwareId>""",
    "GetScopes": "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/{scope}</tt:ScopeItem></tds:Scopes>"
        for scope in ("Profile/T", "hardware/H", "name/N")
    ),
    "GetNetworkInterfaces": """<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info>
        <tt:HwAddress>02:00:00:00:00:01</tt:HwAddress></tt:Info></tds:NetworkInterfaces>""",
    "GetNetworkProtocols": "<tds:NetworkProtocols><tt:Name>HTTPS</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>{port}</tt:Port></tds:NetworkProtocols>",
    "GetHostname": "<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>n</tt:Name></tds:HostnameInformation>",
    "GetUsers": "<tds:User><tt:Username>vms</tt:Username><tt:UserLevel>Operator</tt:UserLevel></tds:User>",
    "GetServices": "".join(
        f"<tds:Service><tds:Namespace>{NAMESPACES[prefix]}</tds:Namespace><tds:XAddr>{{base}}/onvif/{prefix}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
        for prefix in ("tds", "tr2", "trt", "tev", "tan")
    ),
    "GetCapabilities": "<tds:Capabilities><tt:Events><tt:XAddr>{base}/onvif/tev</tt:XAddr></tt:Events></tds:Capabilities>",
}

_METADATA = """<tt:Name>m</tt:Name><tt:UseCount>1</tt:UseCount><tt:Analytics>false</tt:Analytics><tt:Multicast><tt:Address>
    <tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL>
    <tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>"""


def _media2_profile(token: str) -> str:
    return f"""<tr2:Profiles token="p-{token}" fixed="true"><tr2:Name>{token}</tr2:Name><tr2:Configurations>
        <tr2:VideoSource token="{token}"><tt:Name>v</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>{token}
        </tt:SourceToken><tt:Bounds x="0" y="0" width="320" height="240"/></tr2:VideoSource>
        <tr2:Analytics token="{token}"/><tr2:Metadata token="m-{token}">{_METADATA}</tr2:Metadata>
        </tr2:Configurations></tr2:Profiles>"""


def _media1_profile(token: str) -> str:
    return f"""<trt:Profiles token="p-{token}" fixed="true"><tt:Name>{token}</tt:Name>
        <tt:VideoSourceConfiguration token="{token}"><tt:Name>v</tt:Name><tt:SourceToken>{token}</tt:SourceToken>
        </tt:VideoSourceConfiguration><tt:VideoAnalyticsConfiguration token="{token}"/>
        <tt:MetadataConfiguration token="m-{token}">{_METADATA}</tt:MetadataConfiguration></trt:Profiles>"""


MEDIA = {
    "GetProfiles": _media2_profile("gate") + _media2_profile("yard"),
    "GetMetadataConfigurations": "".join(
        f'<tr2:Configurations token="m-{token}">{_METADATA}</tr2:Configurations>' for token in ("gate", "yard")
    ),
    "SetMetadataConfiguration": "",
    "AddConfiguration": "",
    "trt:GetProfiles": _media1_profile("gate") + _media1_profile("yard"),
    "trt:GetMetadataConfigurations": "".join(
        f'<trt:Configurations token="m-{token}">{_METADATA}</trt:Configurations>' for token in ("gate", "yard")
    ),
    "trt:GetStreamUri": "<trt:MediaUri><tt:Uri>{stream}</tt:Uri></trt:MediaUri>",
    "AddMetadataConfiguration": "",
    "GetVideoSources": '<trt:VideoSources token="gate"/>',
    "GetVideoSourceConfigurations": "",
    "GetVideoEncoderConfigurations": "",
    "GetVideoEncoderConfigurationOptions": "",
    "GetMetadataConfigurationOptions": "",
    "GetStreamUri": "<tr2:Uri>{stream}</tr2:Uri>",
}

ANALYTICS = dict.fromkeys(
    ("GetSupportedAnalyticsModules", "GetAnalyticsModules", "GetSupportedRules", "GetRules", "GetSupportedMetadata"), ""
)


def description(items: str, *, is_property: bool = True) -> str:
    """``Source VideoSourceToken tt:ReferenceToken; Data State xs:boolean`` as a message description."""
    sections: dict[str, list[str]] = {}
    for text in filter(None, items.split(";")):
        section, name, kind = text.split()
        sections.setdefault(section, []).append(f'<tt:SimpleItemDescription Name="{name}" Type="{kind}"/>')
    inner = "".join(
        f"<tt:{name}>{''.join(sections[name])}</tt:{name}>" for name in ("Source", "Data") if name in sections
    )
    return f'<tt:MessageDescription IsProperty="{str(is_property).lower()}">{inner}</tt:MessageDescription>'


INTRUSION = "Source VideoSourceConfigurationToken tt:ReferenceToken;Source Rule xs:string;Data IsInside xs:boolean"
STATE = "Source VideoSourceConfigurationToken tt:ReferenceToken;Source Rule xs:string;Data State xs:boolean;Data Text xs:string"
TOPICS = {
    "tns1:RuleEngine/FieldDetector/ObjectsInside": INTRUSION,
    "tns1:RuleEngine/vgi:PersonDown": STATE,
}


def topic_set(topics: dict[str, str]) -> str:
    """Each topic in a branch of its own."""
    branches = []
    for topic, items in topics.items():
        parts = topic.split("/")
        opening = "".join(f"<{part}>" for part in parts[:-1])
        leaf = f'<{parts[-1]} wstop:topic="true">{description(items)}</{parts[-1]}>'
        branches.append(opening + leaf + "".join(f"</{part}>" for part in reversed(parts[:-1])))
    return f"<wstop:TopicSet>{''.join(branches)}</wstop:TopicSet>"


def properties(topics: dict[str, str]) -> str:
    """A GetEventPropertiesResponse."""
    return f"""<tev:TopicNamespaceLocation>urn:x</tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>
        {topic_set(topics)}
        <wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</wsnt:TopicExpressionDialect>
        <wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>
        <tev:MessageContentFilterDialect>urn:x</tev:MessageContentFilterDialect>
        <tev:MessageContentSchemaLocation>urn:x</tev:MessageContentSchemaLocation>"""


EVENTS = {
    "GetEventProperties": properties(TOPICS),
    "CreatePullPointSubscription": """<tev:SubscriptionReference><wsa5:Address>{base}/onvif/pull</wsa5:Address>
        <wsa5:ReferenceParameters><vgi:Point>9</vgi:Point></wsa5:ReferenceParameters></tev:SubscriptionReference>
        <wsnt:CurrentTime>2026-11-20T10:00:00Z</wsnt:CurrentTime>
        <wsnt:TerminationTime>2026-11-20T10:01:00Z</wsnt:TerminationTime>""",
    "SetSynchronizationPoint": "",
    "Unsubscribe": "",
    "Renew": "<wsnt:TerminationTime>2026-11-20T10:01:00Z</wsnt:TerminationTime>",
}
_CAPABILITIES = {
    "tds": "<tds:Capabilities/>",
    "tr2": '<tr2:Capabilities><tr2:ProfileCapabilities/><tr2:StreamingCapabilities RTP_RTSP_TCP="true"/></tr2:Capabilities>',
    "trt": '<trt:Capabilities><trt:ProfileCapabilities/><trt:StreamingCapabilities RTP_RTSP_TCP="true"/></trt:Capabilities>',
    "tev": '<tev:Capabilities MaxNotificationProducers="0"/>',
    "tan": "<tan:Capabilities/>",
}


def message(
    topic: str, source: str, data: str, *, operation: str = "Changed", utc: str = "2026-11-20T10:02:03.456Z"
) -> str:
    """``Name=Value;Name=Value`` for source and data."""
    told = f' PropertyOperation="{operation}"' if operation else ""
    sections = "".join(
        f"<tt:{section}>{''.join(_item(text) for text in items.split(';') if text)}</tt:{section}>"
        for section, items in (("Source", source), ("Data", data))
    )
    return f"""<wsnt:NotificationMessage><wsnt:Topic Dialect="d">{topic}</wsnt:Topic><wsnt:Message>
        <tt:Message UtcTime="{utc}"{told}>{sections}</tt:Message></wsnt:Message></wsnt:NotificationMessage>"""


def _item(text: str) -> str:
    name, _, value = text.partition("=")
    return f'<tt:SimpleItem Name="{name}" Value="{value}"/>'


REPEATED = message(
    "tns1:RuleEngine/vgi:PersonDown",
    "VideoSourceConfigurationToken=gate;Rule=r",
    "State=false",
    operation="Initialized",
)


@dataclass(slots=True)
class Seen:
    """One request: the operation, the HTTP headers and the SOAP header as text."""

    operation: str
    path: str
    header: str
    body: str


@dataclass
class ScriptedDevice:
    """``answers`` by operation name; a callable gets the request. ``faults``: subcodes instead of an answer."""

    base: str = ""
    stream: str = "rtsp://127.0.0.1:9/live"
    asks_login: bool = True
    challenges: tuple[str, ...] = CHALLENGES
    content_type: str = "application/soap+xml; charset=utf-8"
    answers: dict[str, str | Callable[[etree._Element], str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=lambda: {"Subscribe": "ter:ActionNotSupported"})
    statuses: dict[str, int] = field(default_factory=dict)
    initial: str = REPEATED
    life: str = "2026-11-20T10:05:00Z"
    requests: list[Seen] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    messages: deque[str] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)
    answers_early: bool = False
    is_closing: bool = False

    def __post_init__(self) -> None:
        self.answers = {**IDENTITY, **MEDIA, **EVENTS, **ANALYTICS, **self.answers}

    def send(self, *texts: str) -> None:
        """Puts notifications where the next pull finds them."""
        with self.changed:
            self.messages += texts
            self.changed.notify_all()

    def operations(self) -> list[str]:
        """The requests that were answered, in order."""
        return [seen.operation for seen in self.requests]

    def answer(self, body: etree._Element) -> tuple[int, str]:
        name = etree.QName(body).localname
        prefix = next(key for key, space in NAMESPACES.items() if space == etree.QName(body).namespace)
        if name in self.faults:
            code = f"<s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{self.faults[name]}</s:Value></s:Subcode></s:Code>"
            return 500, f'<s:Fault>{code}<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault>'
        if name == "PullMessages":
            inner = self._pulled(body)
        elif name == "GetServiceCapabilities":
            inner = _CAPABILITIES[prefix]
        else:
            if name == "SetSynchronizationPoint":
                self.send(*filter(None, [self.initial]))
            found = self.answers[f"trt:{name}" if prefix == "trt" and f"trt:{name}" in self.answers else name]
            inner = found if isinstance(found, str) else found(body)
        inner = inner.replace("{base}", self.base).replace("{stream}", self.stream)
        inner = inner.replace("{port}", self.base.rpartition(":")[2])
        return self.statuses.get(name, 200), f"<{prefix}:{name}Response>{inner}</{prefix}:{name}Response>"

    def _pulled(self, body: etree._Element) -> str:
        timeout = float((body.findtext("tev:Timeout", "", NAMESPACES)).strip("PTS"))
        with self.changed:
            if not self.answers_early:
                self.changed.wait_for(lambda: bool(self.messages) or self.is_closing, timeout)
            told = "".join(self.messages)
            self.messages.clear()
        return f"""<tev:CurrentTime>2026-11-20T10:00:00Z</tev:CurrentTime><tev:TerminationTime>{self.life}
            </tev:TerminationTime>{told}"""


def _is_known(device: ScriptedDevice, headers: dict[str, str], envelope: etree._Element) -> bool:
    token = envelope.find(".//{*}UsernameToken")
    if token is not None:
        nonce = base64.b64decode(token.findtext("{*}Nonce", ""))
        created, digest = token.findtext("{*}Created", ""), token.findtext("{*}Password", "")
        expected = hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()
        return bool(base64.b64decode(digest) == expected)
    given = headers.get("authorization", "")
    fields = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', given)}
    if fields.get("nonce") != NONCE or fields.get("username") != USER:
        return False
    device.counts.append(int(fields["nc"], 16))
    account = _md5(f"{USER}:scripted:{PASSWORD}")
    asked = _md5(f"POST:{fields['uri']}")
    return str(fields["response"]) == _md5(f"{account}:{NONCE}:{fields['nc']}:{fields['cnonce']}:auth:{asked}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _handler(device: ScriptedDevice) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536
        timeout = 20

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            pass

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            envelope = etree.fromstring(data)
            body = envelope.find("s:Body", NAMESPACES)
            assert body is not None
            name = etree.QName(body[0]).localname
            headers = {key.lower(): value for key, value in self.headers.items()}
            is_open = name == "GetSystemDateAndTime" or not device.asks_login
            if not is_open and not _is_known(device, headers, envelope):
                self._refuse()
                return
            header = envelope.find("s:Header", NAMESPACES)
            shown = "" if header is None else etree.tostring(header).decode()
            device.requests.append(Seen(name, self.path, shown, etree.tostring(body[0]).decode()))
            status, inner = device.answer(body[0])
            whole = f"<s:Envelope {_DECLARED}><s:Body>{inner}</s:Body></s:Envelope>".encode()
            self.send_response(status)
            self.send_header("Content-Type", device.content_type)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole)

        def _refuse(self) -> None:
            self.send_response(401)
            for challenge in device.challenges:
                self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A driver that goes away is no matter."""


@contextmanager
def serve(device: ScriptedDevice, certificate: tuple[Path, Path] | None = None) -> Iterator[ScriptedDevice]:
    """Runs the device on a free port of the loopback until the block ends."""
    with _Server(("127.0.0.1", 0), _handler(device)) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        device.base = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield device
        finally:
            with device.changed:
                device.is_closing = True
                device.changed.notify_all()
            server.shutdown()
            thread.join(10)
