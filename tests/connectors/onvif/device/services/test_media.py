"""Media1 as older clients ask it. Every request and every answer is validated against ONVIF's schemas by ``Client``."""

from __future__ import annotations

import pytest
from lxml import etree

from connectors.onvif.device.calls import Access
from connectors.onvif.device.model import Device, StreamProtocol
from connectors.onvif.device.services import media, media2
from connectors.onvif.device.xml import TRT
from tests.connectors.onvif.device.services.media_support import (
    CONFIG_MODIFY,
    CONFLICT,
    FIXED,
    GROUPS,
    H264,
    H265,
    JPEG,
    NO_CONFIG,
    NO_GROUPS,
    NO_MORE,
    NO_PROFILE,
    NO_STREAM,
    Client,
    Video,
    a_channel,
    a_device,
    attributes,
    metadata_request,
    texts,
)
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.shared_data

KINDS = ("VideoSource", "VideoEncoder", "VideoAnalytics", "Metadata")
TABLE_A2 = {
    "GetServiceCapabilities",
    "GetProfiles",
    "GetProfile",
    "GetVideoSources",
    *(f"Get{kind}Configurations" for kind in KINDS),
    *(f"Get{kind}Configuration" for kind in KINDS),
    *(f"GetCompatible{kind}Configurations" for kind in KINDS),
    "GetVideoSourceConfigurationOptions",
    "GetVideoEncoderConfigurationOptions",
    "GetMetadataConfigurationOptions",
    "SetMetadataConfiguration",
    "AddMetadataConfiguration",
    "GetStreamUri",
    "SetSynchronizationPoint",
}
PROFILE = "<p:ProfileToken>cam-0</p:ProfileToken>"
CONFIGURATION = "<p:ConfigurationToken>cam-0</p:ConfigurationToken>"
PERSISTENT = "<p:ForcePersistence>true</p:ForcePersistence>"


def client(device: Device) -> Client:
    return Client(media.operations(device), "trt")


def two_cameras() -> Client:
    """The second one's video is H.265, which Media1 does not know."""
    return client(a_device(a_channel(0, Video(H264), name="Quai nord"), a_channel(1, Video(H265))))


def test_every_operation_of_the_table_is_there_and_only_capabilities_need_no_login() -> None:
    asked = two_cameras()
    assert set(asked.operations) >= TABLE_A2
    assert {operation.namespace for operation in asked.operations.values()} == {TRT}
    open_ones = [name for name, operation in asked.operations.items() if operation.access is Access.PRE_AUTH]
    assert open_ones == ["GetServiceCapabilities"]


@pytest.mark.parametrize("name", ["GetSnapshotUri", "StartMulticastStreaming", "GetAudioSources", "GetOSDs"])
def test_what_is_not_offered_has_no_operation_and_so_answers_action_not_supported(name: str) -> None:
    assert name not in two_cameras().operations


def test_profiles_carry_all_configurations_with_the_tokens_that_media2_tells() -> None:
    device = a_device(a_channel(0, Video(H264), name="Quai nord"))
    answer = client(device).ask("GetProfiles")
    other = Client(media2.operations(device), "tr2").ask("GetProfiles", "<p:Type>All</p:Type>")
    assert attributes(answer, "trt:Profiles", "token") == attributes(other, "tr2:Profiles", "token")
    assert texts(answer, "*/tt:Name") == texts(other, "*/tr2:Name")
    for kind in KINDS:
        assert attributes(answer, f"*/tt:{kind}Configuration", "token") == ["cam-0"]
    assert attributes(answer, "trt:Profiles", "fixed") == ["true"]


def test_one_profile_is_found_by_its_token() -> None:
    asked = two_cameras()
    assert attributes(asked.ask("GetProfile", PROFILE), "trt:Profile", "token") == ["cam-0"]
    assert asked.refused("GetProfile", "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


def test_sources_tell_size_and_rate() -> None:
    answer = two_cameras().ask("GetVideoSources")
    assert attributes(answer, "trt:VideoSources", "token") == ["cam-0", "cam-1"]
    assert texts(answer, "*/tt:Framerate") == ["12.5", "25"]
    assert texts(answer, "*/tt:Resolution/tt:Height") == ["720", "2160"]


def test_video_of_a_codec_that_media1_has_no_word_for_is_not_told_but_can_be_played() -> None:
    device = a_device(a_channel(1, Video(H265)), uris={StreamProtocol.RTSP: "rtsp://{host}/{token}"})
    asked = client(device)
    profile = asked.ask("GetProfiles")
    assert profile.findall(".//{*}VideoEncoderConfiguration") == []
    assert attributes(profile, "*/tt:MetadataConfiguration", "token") == ["cam-1"]
    assert len(asked.ask("GetVideoEncoderConfigurations")) == 0
    token = "<p:ConfigurationToken>cam-1</p:ConfigurationToken>"
    assert asked.refused("GetVideoEncoderConfiguration", token) == NO_CONFIG
    assert asked.refused("GetVideoEncoderConfigurationOptions", token) == NO_CONFIG
    assert texts(asked.ask("GetGuaranteedNumberOfVideoEncoderInstances", token), "trt:TotalNumber") == ["0"]
    setup = stream("RTP-Unicast", "RTSP", "cam-1")
    assert texts(asked.ask("GetStreamUri", setup), "*/tt:Uri") == ["rtsp://vigie.site.local/cam-1"]


def test_encoders_of_each_codec_are_told_with_what_belongs_to_it() -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(JPEG))))
    answer = asked.ask("GetVideoEncoderConfigurations")
    assert texts(answer, "*/tt:Encoding") == ["H264", "JPEG"]
    assert texts(answer, "*/tt:H264/tt:H264Profile") == ["High"]
    options = asked.ask("GetVideoEncoderConfigurationOptions")
    assert texts(options, "*/tt:JPEG/tt:ResolutionsAvailable/tt:Width") == ["640"]
    assert texts(options, "*/tt:H264/tt:H264ProfilesSupported") == ["High"]
    count = asked.ask("GetGuaranteedNumberOfVideoEncoderInstances", CONFIGURATION)
    assert texts(count, "trt:H264") == ["1"]


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_are_found_by_their_token_and_by_a_profile(kind: str) -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(H264))))
    every = asked.ask(f"Get{kind}Configurations")
    assert attributes(every, "trt:Configurations", "token") == ["cam-0", "cam-1"]
    one = asked.ask(f"Get{kind}Configuration", CONFIGURATION)
    assert attributes(one, "trt:Configuration", "token") == ["cam-0"]
    fitting = asked.ask(f"GetCompatible{kind}Configurations", PROFILE)
    assert attributes(fitting, "trt:Configurations", "token") == ["cam-0"]
    unknown = "<p:ConfigurationToken>x</p:ConfigurationToken>"
    assert asked.refused(f"Get{kind}Configuration", unknown) == NO_CONFIG
    assert asked.refused(f"GetCompatible{kind}Configurations", "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


@pytest.mark.parametrize("kind", ["VideoSource", "VideoEncoder", "Metadata"])
def test_options_are_told_and_unknown_tokens_refused(kind: str) -> None:
    asked = two_cameras()
    operation = f"Get{kind}ConfigurationOptions"
    asked.ask(operation, CONFIGURATION + PROFILE)
    asked.ask(operation)
    assert asked.refused(operation, "<p:ConfigurationToken>x</p:ConfigurationToken>") == NO_CONFIG
    assert asked.refused(operation, "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_has_its_configurations_and_keeps_them(kind: str) -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(H264))))
    asked.ask(f"Add{kind}Configuration", PROFILE + CONFIGURATION)
    other = "<p:ConfigurationToken>cam-1</p:ConfigurationToken>"
    assert asked.refused(f"Add{kind}Configuration", PROFILE + other) == CONFLICT
    unknown = "<p:ConfigurationToken>x</p:ConfigurationToken>"
    assert asked.refused(f"Add{kind}Configuration", PROFILE + unknown) == NO_CONFIG
    assert asked.refused(f"Remove{kind}Configuration", PROFILE) == CONFLICT
    assert asked.refused(f"Remove{kind}Configuration", "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


def test_removing_an_encoder_that_media1_does_not_know_is_ignored() -> None:
    asked = two_cameras()
    before = asked.profiles()
    asked.ask("RemoveVideoEncoderConfiguration", "<p:ProfileToken>cam-1</p:ProfileToken>")
    assert asked.profiles() == before


def test_profiles_are_neither_made_nor_deleted() -> None:
    asked = two_cameras()
    assert asked.refused("CreateProfile", "<p:Name>mine</p:Name>") == NO_MORE
    taken = ("Sender", "InvalidArgVal", "ProfileExists")
    assert asked.refused("CreateProfile", "<p:Name>mine</p:Name><p:Token>cam-0</p:Token>") == taken
    assert asked.refused("DeleteProfile", PROFILE) == FIXED
    assert asked.refused("DeleteProfile", "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


def test_a_driver_that_writes_back_what_it_read_is_accepted() -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(JPEG)), **GROUPS))
    before = asked.profiles()
    for kind in ("VideoSource", "VideoEncoder", "Metadata"):
        for read in asked.ask(f"Get{kind}Configurations").findall("{*}Configurations"):
            read.tag = f"{{{TRT}}}Configuration"
            asked.ask(f"Set{kind}Configuration", etree.tostring(read, encoding="unicode") + PERSISTENT)
    assert asked.profiles() == before


def test_what_one_media_service_sets_the_other_tells() -> None:
    device = a_device(a_channel(0, Video(H264)))
    client(device).ask("SetMetadataConfiguration", metadata_request("cam-0") + PERSISTENT)
    answer = Client(media2.operations(device), "tr2").ask("GetMetadataConfigurations")
    assert texts(answer, "*/tt:Name") == ["Boxes"]
    assert texts(answer, "*/tt:Analytics") == ["true"]


def test_video_of_another_codec_cannot_be_set() -> None:
    asked = client(a_device(a_channel(0, Video(H264))))
    read = asked.ask("GetVideoEncoderConfiguration", CONFIGURATION)[0]
    body = etree.tostring(read, encoding="unicode").replace(">H264<", ">JPEG<") + PERSISTENT
    assert asked.refused("SetVideoEncoderConfiguration", body) == CONFIG_MODIFY


def stream(kind: str, protocol: str, token: str = "cam-0") -> str:
    return (
        f"<p:StreamSetup><tt:Stream>{kind}</tt:Stream><tt:Transport><tt:Protocol>{protocol}</tt:Protocol></tt:Transport>"
        f"</p:StreamSetup><p:ProfileToken>{token}</p:ProfileToken>"
    )


@pytest.mark.parametrize(
    ("kind", "protocol", "meant"),
    [
        ("RTP-Unicast", "UDP", StreamProtocol.RTSP_UNICAST),
        ("RTP-Unicast", "RTSP", StreamProtocol.RTSP),
        ("RTP-Unicast", "HTTP", StreamProtocol.RTSP_OVER_HTTP),
        ("RTP-Multicast", "UDP", StreamProtocol.RTSP_MULTICAST),
    ],
)
def test_stream_setups_mean_what_the_specification_lists(kind: str, protocol: str, meant: StreamProtocol) -> None:
    uris = {each: f"rtsp://{{host}}/{each}/{{token}}" for each in StreamProtocol}
    answer = client(a_device(a_channel(0, Video(H264)), uris=uris)).ask("GetStreamUri", stream(kind, protocol))
    assert texts(answer, "*/tt:Uri") == [f"rtsp://vigie.site.local/{meant}/cam-0"]
    assert texts(answer, "*/tt:InvalidAfterConnect") == ["false"]
    assert texts(answer, "*/tt:Timeout") == ["PT0S"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (stream("RTP-Unicast", "TCP"), NO_STREAM),
        (stream("RTP-Multicast", "RTSP"), NO_STREAM),
        (stream("RTP-Unicast", "UDP"), NO_STREAM),
        (stream("RTP-Multicast", "UDP"), NO_GROUPS),
        (stream("RTP-Unicast", "RTSP", "x"), NO_PROFILE),
    ],
)
def test_streams_that_are_not_offered_are_refused(body: str, fault: tuple[str, ...]) -> None:
    assert two_cameras().refused("GetStreamUri", body) == fault


def test_a_synchronisation_point_brings_the_present_objects() -> None:
    joined: list[bool] = []
    asked = client(a_device(a_channel(0, None, lambda: joined.append(True))))
    asked.ask("SetSynchronizationPoint", PROFILE)
    assert joined == [True]


def test_capabilities_tell_what_the_settings_offer() -> None:
    capabilities = media.capabilities(a_device(a_channel(0, Video(H264)), **GROUPS))
    validate(capabilities)
    assert capabilities.get("SnapshotUri") == "false"
    assert attributes(capabilities, "trt:StreamingCapabilities", "RTPMulticast") == ["true"]
    answer = client(a_device(a_channel(0, Video(H264)), **GROUPS)).ask("GetServiceCapabilities")
    assert answer[0].attrib == capabilities.attrib
