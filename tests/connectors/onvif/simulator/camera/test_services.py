from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import requests
from requests.auth import HTTPDigestAuth

from tests.connectors.onvif.schemas import validate, validate_body
from tests.connectors.onvif.simulator.camera.running import NS, PATHS, Bridge, body_of, pull_content, run, subcodes

pytestmark = pytest.mark.slow

OPERATIONS = {
    "tds": (
        "GetSystemDateAndTime",
        "GetServices",
        "GetCapabilities",
        "GetServiceCapabilities",
        "GetDeviceInformation",
        "GetScopes",
        "GetHostname",
        "GetNetworkInterfaces",
        "GetNetworkProtocols",
    ),
    "tr2": (
        "GetServiceCapabilities",
        "GetProfiles",
        "GetVideoSourceConfigurations",
        "GetVideoEncoderConfigurations",
        "GetVideoEncoderConfigurationOptions",
        "GetMetadataConfigurations",
        "SetSynchronizationPoint",
    ),
    "trt": (
        "GetServiceCapabilities",
        "GetProfiles",
        "GetVideoSources",
        "GetVideoSourceConfigurations",
        "GetVideoEncoderConfigurations",
        "GetMetadataConfigurations",
    ),
    "tev": ("GetServiceCapabilities", "GetEventProperties", "CreatePullPointSubscription"),
}
PRE_AUTH = {"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetServiceCapabilities", "GetHostname"}
NAMED = [f"{prefix}:{name}" for prefix, names in OPERATIONS.items() for name in names]

SETUP = (
    "<trt:StreamSetup><tt:Stream>{0}</tt:Stream><tt:Transport><tt:Protocol>{1}</tt:Protocol></tt:Transport>"
    "</trt:StreamSetup><trt:ProfileToken>profile-0-main</trt:ProfileToken>"
)
PROFILE2 = "<tr2:ProfileToken>profile-1-small</tr2:ProfileToken>"
PROFILE1 = "<trt:ProfileToken>profile-0-main</trt:ProfileToken>"
WITH_CONTENT = {
    "tds:GetServices": "<tds:IncludeCapability>true</tds:IncludeCapability>",
    "tds:GetCapabilities": "<tds:Category>Media</tds:Category>",
    "tr2:GetProfiles": "<tr2:Token>profile-0-main</tr2:Token><tr2:Type>All</tr2:Type>",
    "tr2:GetVideoEncoderConfigurations": "<tr2:ConfigurationToken>encoder-1-small</tr2:ConfigurationToken>",
    "tr2:GetStreamUri": f"<tr2:Protocol>RtspUnicast</tr2:Protocol>{PROFILE2}",
    "tr2:GetSnapshotUri": PROFILE2,
    "trt:GetProfile": PROFILE1,
    "trt:GetStreamUri": SETUP.format("RTP-Unicast", "UDP"),
    "trt:GetSnapshotUri": PROFILE1,
    "trt:SetSynchronizationPoint": PROFILE1,
    "tev:CreatePullPointSubscription": "<tev:InitialTerminationTime>PT1M</tev:InitialTerminationTime>",
}


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("operation", "content"), [*((name, "") for name in NAMED), *WITH_CONTENT.items()], ids=lambda value: value[:40]
)
def test_every_answer_is_valid_by_onvifs_schemas(bridge: Bridge, operation: str, content: str) -> None:
    validate_body(bridge.ask(operation, content).content)


@pytest.mark.shared_data
def test_every_answer_of_a_pull_point_is_valid(bridge: Bridge) -> None:
    url = bridge.subscribe()
    for operation, content in (
        ("tev:PullMessages", pull_content("PT1S", 10)),
        ("tev:SetSynchronizationPoint", ""),
        ("wsnt:Renew", "<wsnt:TerminationTime>PT2M</wsnt:TerminationTime>"),
        ("wsnt:Unsubscribe", ""),
    ):
        validate(bridge.told(operation, content, url=url))


@pytest.mark.parametrize("operation", NAMED)
def test_only_what_onvif_says_is_answered_without_credentials(bridge: Bridge, operation: str) -> None:
    response = bridge.ask(operation, auth=None)
    expected = 200 if operation.partition(":")[2] in PRE_AUTH else 401
    assert response.status_code == expected
    if expected == 401:
        assert [text.partition("algorithm=")[2] for text in response.raw.headers.getlist("WWW-Authenticate")] == [
            "SHA-256",
            "MD5",
        ]


@pytest.mark.parametrize(
    ("operation", "service"),
    [
        ("tds:GetUsers", "tds"),
        ("tds:SetHostname", "tds"),
        ("tr2:CreateProfile", "tr2"),
        ("tr2:GetProfiles", "tds"),
        ("trt:GetProfiles", "tr2"),
        ("wsnt:Subscribe", "tev"),
        ("tev:PullMessages", "tev"),
    ],
)
def test_what_a_service_has_not_is_not_supported(bridge: Bridge, operation: str, service: str) -> None:
    response = bridge.ask(operation, url=f"{bridge.announced.url}/onvif/{PATHS[service]}")
    assert response.status_code == 500
    assert subcodes(response) == ["env:Receiver", "ter:ActionNotSupported"]


def test_services_lead_to_each_other(bridge: Bridge) -> None:
    found = bridge.told("tds:GetServices")
    places = {item.findtext("tds:Namespace", "", NS): item.findtext("tds:XAddr", "", NS) for item in found}
    assert places == {NS[prefix]: f"{bridge.announced.url}/onvif/{path}" for prefix, path in PATHS.items()}


def test_profiles_have_configurations_only_where_types_are_asked(bridge: Bridge) -> None:
    bare = bridge.told("tr2:GetProfiles")
    assert len(bare) == 4
    assert bare.find(".//tr2:Configurations", NS) is None
    encoders = bridge.told("tr2:GetProfiles", "<tr2:Type>VideoEncoder</tr2:Type>")
    assert encoders.xpath(".//tt:Height/text()", namespaces=NS) == ["96", "64", "96", "64"]
    assert encoders.find(".//tr2:VideoSource", NS) is None


def test_media_and_media2_tell_the_same_cameras(bridge: Bridge) -> None:
    devices = [camera.device for camera in bridge.announced.cameras]
    new = bridge.told("tr2:GetProfiles", "<tr2:Type>VideoSource</tr2:Type>")
    old = bridge.told("trt:GetProfiles")
    assert [item.text for item in new.iter(f"{{{NS['tt']}}}SourceToken")] == [
        device for device in devices for _ in "ab"
    ]
    assert old.xpath("trt:Profiles/@token", namespaces=NS) == new.xpath("tr2:Profiles/@token", namespaces=NS)
    sources = bridge.told("trt:GetVideoSources")
    assert sources.xpath("trt:VideoSources/@token", namespaces=NS) == devices


@pytest.mark.parametrize(
    ("protocol", "scheme", "port"),
    [
        ("RTSP", "rtsp", "rtsp"),
        ("RtspUnicast", "rtsp", "rtsp"),
        ("RtspsUnicast", "rtsps", "rtsps"),
        ("RtspOverHttp", "rtsp", "web"),
    ],
)
def test_stream_uris_name_the_port_of_their_protocol(bridge: Bridge, protocol: str, scheme: str, port: str) -> None:
    uri = bridge.stream_uri(protocol)
    places = {
        name: str(place).rpartition(":")[2].partition("/")[0]
        for name, place in (("web", bridge.announced.url), *bridge.announced.extra.items())
    }
    assert uri == f"{scheme}://127.0.0.1:{places[port]}/live/{bridge.camera}"
    assert len(uri) <= 128


@pytest.mark.parametrize(
    ("operation", "content", "codes"),
    [
        ("tr2:GetStreamUri", f"<tr2:Protocol>Carrier pigeon</tr2:Protocol>{PROFILE2}", "ter:InvalidStreamSetup"),
        ("tr2:GetStreamUri", f"<tr2:Protocol>RtspMulticast</tr2:Protocol>{PROFILE2}", "ter:InvalidStreamSetup"),
        ("tr2:GetStreamUri", "<tr2:Protocol>RTSP</tr2:Protocol>", "ter:NoProfile"),
        ("tr2:GetProfiles", "<tr2:Token>nobody</tr2:Token>", "ter:NoProfile"),
        (
            "tr2:GetVideoEncoderConfigurations",
            "<tr2:ConfigurationToken>nobody</tr2:ConfigurationToken>",
            "ter:NoConfig",
        ),
        ("trt:GetProfile", "<trt:ProfileToken>nobody</trt:ProfileToken>", "ter:NoProfile"),
        ("trt:GetStreamUri", SETUP.format("RTP-Unicast", "SMOKE"), "ter:InvalidStreamSetup"),
    ],
)
def test_unknown_arguments_are_refused(bridge: Bridge, operation: str, content: str, codes: str) -> None:
    response = bridge.ask(operation, content)
    assert response.status_code == 400
    assert subcodes(response) == ["env:Sender", "ter:InvalidArgVal", codes]


def test_unknown_categories_are_refused(bridge: Bridge) -> None:
    response = bridge.ask("tds:GetCapabilities", "<tds:Category>PTZ</tds:Category>")
    assert subcodes(response)[-1] == "ter:NoSuchService"


def test_switched_off_services_are_neither_listed_nor_answered(video: Path) -> None:
    with run(video, "--http-only", "--no-media2", "--no-snapshots") as bridge:
        assert NS["tr2"] not in bridge.ask("tds:GetServices").text.partition("<env:Body>")[2]
        assert subcodes(bridge.ask("tr2:GetProfiles"))[-1] == "ter:ActionNotSupported"
        assert subcodes(bridge.ask("trt:GetSnapshotUri", PROFILE1))[-1] == "ter:ActionNotSupported"
        assert bridge.told("trt:GetProfiles").xpath("trt:Profiles/@token", namespaces=NS) == ["profile-0-main"]


def test_answers_to_addressed_requests_name_what_they_answer(bridge: Bridge) -> None:
    header = "<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action env:mustUnderstand='1'>x</wsa:Action>"
    response = bridge.ask("tds:GetHostname", header=header)
    relates = body_of(response).getroottree().findtext(".//wsa:RelatesTo", "", NS)
    assert relates == "urn:uuid:1"


def test_a_snapshot_is_a_picture_of_the_camera(bridge: Bridge) -> None:
    uri = bridge.text("tr2:GetSnapshotUri", "<tr2:ProfileToken>profile-0-main</tr2:ProfileToken>", "tr2:Uri")
    assert requests.get(uri, verify=bridge.verify, timeout=5).status_code == 401
    answer = requests.get(uri, auth=HTTPDigestAuth("vigie", "vigie-demo"), verify=bridge.verify, timeout=5)
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (96, 160, 3)
