"""Table A2 of the research over HTTP: every operation answers, validly; everything else ``ter:ActionNotSupported``."""

from __future__ import annotations

from itertools import count
from urllib.parse import urlsplit

import pytest
from lxml import etree

from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.model import Device, StreamProtocol
from connectors.onvif.device.services import analytics, events, media, media2
from connectors.onvif.device.services import device as device_service
from connectors.onvif.device.soap import SoapApplication
from connectors.onvif.device.xml import PREFIXES
from core.clock import ManualClock
from tests.connectors.onvif.device.services.media_support import (
    GROUPS,
    H264,
    Video,
    a_channel,
    a_device,
    metadata_request,
)
from tests.connectors.onvif.device.soap_support import ACCOUNTS, REALM, Client, Login, served
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.shared_data

PROFILE = "<p:ProfileToken>cam-0</p:ProfileToken>"
CONFIGURATION = "<p:ConfigurationToken>cam-0</p:ConfigurationToken>"
METADATA = metadata_request("cam-0", "<tt:Events/><tt:Analytics>true</tt:Analytics>")
REFERENCE = "<p:Configuration><p:Type>Metadata</p:Type><p:Token>cam-0</p:Token></p:Configuration>"
SETUP = (
    "<p:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    "</p:StreamSetup>"
)

TABLE_A2 = [
    ("tds", "GetSystemDateAndTime", ""),
    ("tds", "GetServices", "<p:IncludeCapability>true</p:IncludeCapability>"),
    ("tds", "GetServices", "<p:IncludeCapability>false</p:IncludeCapability>"),
    ("tds", "GetCapabilities", ""),
    ("tds", "GetServiceCapabilities", ""),
    ("tds", "GetDeviceInformation", ""),
    ("tds", "GetScopes", ""),
    ("tds", "GetNetworkInterfaces", ""),
    ("tds", "GetNetworkProtocols", ""),
    ("tds", "GetHostname", ""),
    ("tds", "GetUsers", ""),
    ("tr2", "GetServiceCapabilities", ""),
    ("tr2", "GetProfiles", "<p:Type>All</p:Type>"),
    *(("tr2", f"Get{kind}Configurations", "") for kind in ("VideoSource", "VideoEncoder", "Metadata", "Analytics")),
    *(("tr2", f"Get{kind}ConfigurationOptions", "") for kind in ("VideoSource", "VideoEncoder", "Metadata")),
    ("tr2", "SetMetadataConfiguration", METADATA),
    ("tr2", "GetStreamUri", f"<p:Protocol>RTSP</p:Protocol>{PROFILE}"),
    ("tr2", "SetSynchronizationPoint", PROFILE),
    ("tr2", "AddConfiguration", PROFILE + REFERENCE),
    ("trt", "GetServiceCapabilities", ""),
    ("trt", "GetProfiles", ""),
    ("trt", "GetProfile", PROFILE),
    ("trt", "GetVideoSources", ""),
    *(
        ("trt", f"Get{kind}Configurations", "")
        for kind in ("VideoSource", "VideoEncoder", "Metadata", "VideoAnalytics")
    ),
    *(
        ("trt", f"Get{kind}Configuration", CONFIGURATION)
        for kind in ("VideoSource", "VideoEncoder", "Metadata", "VideoAnalytics")
    ),
    *(("trt", f"Get{kind}ConfigurationOptions", "") for kind in ("VideoSource", "VideoEncoder", "Metadata")),
    ("trt", "SetMetadataConfiguration", f"{METADATA}<p:ForcePersistence>true</p:ForcePersistence>"),
    ("trt", "GetStreamUri", SETUP + PROFILE),
    ("trt", "SetSynchronizationPoint", PROFILE),
    ("tan", "GetServiceCapabilities", ""),
    ("tan", "GetSupportedAnalyticsModules", CONFIGURATION),
    ("tan", "GetAnalyticsModules", CONFIGURATION),
    ("tan", "GetSupportedMetadata", ""),
    ("tan", "GetSupportedRules", CONFIGURATION),
    ("tan", "GetRules", CONFIGURATION),
    ("tev", "GetServiceCapabilities", ""),
    ("tev", "GetEventProperties", ""),
]
PULLED = [
    ("tev", "SetSynchronizationPoint", ""),
    ("tev", "PullMessages", "<p:Timeout>PT0S</p:Timeout><p:MessageLimit>10</p:MessageLimit>"),
    ("wsnt", "Renew", "<p:TerminationTime>PT60S</p:TerminationTime>"),
    ("wsnt", "Unsubscribe", ""),
]
REFUSED = [
    ("tr2", "CreateProfile", "<p:Name>x</p:Name>", "ter:MaxNVTProfiles"),
    ("tr2", "DeleteProfile", "<p:Token>cam-0</p:Token>", "ter:DeletionOfFixedProfile"),
    ("tr2", "RemoveConfiguration", PROFILE + REFERENCE, "ter:ConfigurationConflict"),
    ("tr2", "GetProfiles", "<p:Token>x</p:Token>", "ter:NoProfile"),
    ("trt", "GetMetadataConfiguration", "<p:ConfigurationToken>x</p:ConfigurationToken>", "ter:NoConfig"),
    ("tr2", "GetSnapshotUri", PROFILE, "ter:ActionNotSupported"),
    ("trt", "GetSnapshotUri", PROFILE, "ter:ActionNotSupported"),
    ("tr2", "StartMulticastStreaming", PROFILE, "ter:ActionNotSupported"),
    ("tan", "CreateRules", CONFIGURATION, "ter:ActionNotSupported"),
    ("wsnt", "Subscribe", "", "ter:ActionNotSupported"),
    ("tds", "SystemReboot", "", "ter:ActionNotSupported"),
]


def body_of(prefix: str, name: str, inner: str) -> str:
    return f'<p:{name} xmlns:p="{PREFIXES[prefix]}" xmlns:tt="{PREFIXES["tt"]}">{inner}</p:{name}>'


def device() -> Device:
    return a_device(
        a_channel(0, Video(H264), name="Quai"),
        a_channel(1, Video(None)),
        uris={StreamProtocol.RTSP: "rtsp://{host}:554/{token}"},
        **GROUPS,
    )


class Session:
    """A client that is logged in; every answer is validated."""

    def __init__(self, client: Client, login: Login) -> None:
        self._client = client
        self._login = login
        self._count = count(1)

    async def ask(self, prefix: str, name: str, inner: str, path: str = "/onvif/any") -> etree._Element:
        answer = await self._post(prefix, name, inner, path)
        assert answer.tag == f"{{{PREFIXES[prefix]}}}{name}Response", etree.tostring(answer)
        validate(answer)
        return answer

    async def refused(self, prefix: str, name: str, inner: str) -> list[str]:
        fault = await self._post(prefix, name, inner, "/onvif/any")
        assert etree.QName(fault).localname == "Fault", etree.tostring(fault)
        return [value.text or "" for value in fault.iter(f"{{{PREFIXES['env']}}}Value")]

    async def _post(self, prefix: str, name: str, inner: str, path: str) -> etree._Element:
        envelope = (
            f'<e:Envelope xmlns:e="{PREFIXES["env"]}"><e:Body>{body_of(prefix, name, inner)}</e:Body></e:Envelope>'
        )
        headers = {"Authorization": self._login.header(next(self._count), uri=path)}
        reply = await self._client.post(envelope.encode(), headers, path)
        assert reply.root is not None, reply.status
        body = reply.root.find(f"{{{PREFIXES['env']}}}Body")
        assert body is not None
        return body[0]


async def logged_in(client: Client) -> Session:
    challenge = await client.post(
        f'<e:Envelope xmlns:e="{PREFIXES["env"]}"><e:Body>{body_of("tds", "GetUsers", "")}</e:Body></e:Envelope>'.encode()
    )
    assert challenge.status == 401
    return Session(client, Login(challenge.challenges))


def application() -> SoapApplication:
    own = device()
    operations = [
        *device_service.operations(own, (media2, media, events, analytics)),
        *media2.operations(own),
        *media.operations(own),
        *analytics.operations(own),
        *EventHub(own).operations(),
    ]
    return SoapApplication(operations, ACCOUNTS, ManualClock(), username_token=False, realm=REALM)


def test_every_operation_of_the_table_answers_validly_over_http() -> None:
    async def work(client: Client) -> int:
        session = await logged_in(client)
        answers = [await session.ask(*row) for row in TABLE_A2]
        made = await session.ask("tev", "CreatePullPointSubscription", "")
        address = next(made.iter(f"{{{PREFIXES['wsa']}}}Address")).text
        pulled = [await session.ask(*row, urlsplit(address or "").path) for row in PULLED]
        return len(answers) + 1 + len(pulled)

    assert served(application().app(), work) == len(TABLE_A2) + 5


def test_everything_else_is_refused_with_the_fault_that_the_specification_names() -> None:
    async def work(client: Client) -> list[list[str]]:
        session = await logged_in(client)
        return [await session.refused(prefix, name, inner) for prefix, name, inner, _fault in REFUSED]

    for (prefix, name, _inner, fault), values in zip(REFUSED, served(application().app(), work), strict=True):
        assert values[-1] == fault, (prefix, name, values)


def test_what_is_announced_is_what_each_service_tells_itself() -> None:
    async def work(client: Client) -> None:
        session = await logged_in(client)
        told = await session.ask("tds", "GetServices", "<p:IncludeCapability>true</p:IncludeCapability>")
        spaces = {found.text for found in told.iter(f"{{{PREFIXES['tds']}}}Namespace")}
        assert spaces == {PREFIXES[prefix] for prefix in ("tds", "tr2", "trt", "tan", "tev")}
        for prefix in ("tr2", "trt", "tan", "tev"):
            own = (await session.ask(prefix, "GetServiceCapabilities", ""))[0]
            announced = next(told.iter(own.tag))
            assert [dict(found.attrib) for found in announced.iter()] == [dict(found.attrib) for found in own.iter()]

    served(application().app(), work)
