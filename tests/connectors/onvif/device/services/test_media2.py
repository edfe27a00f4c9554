"""Media2 as clients ask it. Every request and every answer is validated against ONVIF's schemas by ``Client``."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from connectors.onvif.device.calls import Access
from connectors.onvif.device.model import Device, StreamProtocol
from connectors.onvif.device.services import media2
from connectors.onvif.device.xml import TR2
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
    UNKNOWN,
    Client,
    Video,
    a_channel,
    a_device,
    attributes,
    metadata_request,
    multicast,
    texts,
)
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.shared_data

KINDS = ("VideoSource", "VideoEncoder", "Analytics", "Metadata")
TABLE_A2 = {
    "GetServiceCapabilities",
    "GetProfiles",
    *(f"Get{kind}Configurations" for kind in KINDS),
    "GetVideoSourceConfigurationOptions",
    "GetVideoEncoderConfigurationOptions",
    "GetMetadataConfigurationOptions",
    "SetMetadataConfiguration",
    "GetStreamUri",
    "SetSynchronizationPoint",
    "AddConfiguration",
    "RemoveConfiguration",
    "CreateProfile",
    "DeleteProfile",
}


def client(device: Device) -> Client:
    return Client(media2.operations(device), "tr2")


def two_cameras() -> Client:
    return client(a_device(a_channel(0, Video(H264), name="Quai nord"), a_channel(1, Video(H265))))


def test_every_operation_of_the_table_is_there_and_only_capabilities_need_no_login() -> None:
    asked = two_cameras()
    assert set(asked.operations) >= TABLE_A2
    assert {operation.namespace for operation in asked.operations.values()} == {TR2}
    open_ones = [name for name, operation in asked.operations.items() if operation.access is Access.PRE_AUTH]
    assert open_ones == ["GetServiceCapabilities"]


@pytest.mark.parametrize("name", ["GetSnapshotUri", "StartMulticastStreaming", "GetOSDs", "GetMasks"])
def test_what_is_not_offered_has_no_operation_and_so_answers_action_not_supported(name: str) -> None:
    assert name not in two_cameras().operations


def test_profiles_carry_all_configurations_when_all_types_are_asked_for() -> None:
    answer = two_cameras().ask("GetProfiles", "<p:Type>All</p:Type>")
    assert attributes(answer, "tr2:Profiles", "token") == ["cam-0", "cam-1"]
    assert attributes(answer, "tr2:Profiles", "fixed") == ["true", "true"]
    assert texts(answer, "tr2:Profiles/tr2:Name") == ["Quai nord", "cam-1"]
    for kind in KINDS:
        assert attributes(answer, f"tr2:Profiles/tr2:Configurations/tr2:{kind}", "token") == ["cam-0", "cam-1"]


def test_profiles_carry_no_configurations_when_no_type_is_asked_for() -> None:
    assert two_cameras().ask("GetProfiles").findall(".//{*}Configurations") == []


def test_profiles_carry_only_the_types_that_are_asked_for() -> None:
    answer = two_cameras().ask("GetProfiles", "<p:Token>cam-1</p:Token><p:Type>Metadata</p:Type><p:Type>PTZ</p:Type>")
    held = [found.tag for found in answer.findall("{*}Profiles/{*}Configurations/*")]
    assert held == [f"{{{TR2}}}Metadata"]


def test_encoder_configurations_tell_the_true_codec_size_profile_and_rate() -> None:
    answer = two_cameras().ask("GetVideoEncoderConfigurations")
    assert texts(answer, "*/tt:Encoding") == ["H264", "H265"]
    assert texts(answer, "*/tt:Resolution/tt:Width") == ["1280", "3840"]
    assert texts(answer, "*/tt:Resolution/tt:Height") == ["720", "2160"]
    assert attributes(answer, "tr2:Configurations", "Profile") == ["High", "Main10"]
    assert texts(answer, "*/tt:RateControl/tt:FrameRateLimit") == ["12.5", "25"]


def test_an_encoder_configuration_follows_the_video_once_it_is_known() -> None:
    video = Video(UNKNOWN)
    asked = client(a_device(a_channel(0, video)))
    assert texts(asked.ask("GetVideoEncoderConfigurations"), "*/tt:Encoding") == ["H264"]
    assert texts(asked.ask("GetVideoEncoderConfigurations"), "*/tt:Resolution/tt:Width") == ["1920"]
    video.told = JPEG
    answer = asked.ask("GetVideoEncoderConfigurations")
    assert texts(answer, "*/tt:Encoding") == ["JPEG"]
    assert attributes(answer, "tr2:Configurations", "Profile") == [None]
    assert attributes(asked.ask("GetVideoSourceConfigurations"), "*/tt:Bounds", "width") == ["640"]


def test_a_camera_whose_video_is_not_offered_has_metadata_but_no_encoder() -> None:
    asked = client(a_device(a_channel(0, None)))
    profile = asked.ask("GetProfiles", "<p:Type>All</p:Type>")
    assert profile.findall(".//{*}VideoEncoder") == []
    assert attributes(profile, ".//tr2:Metadata", "token") == ["cam-0"]
    assert len(asked.ask("GetVideoEncoderConfigurations")) == 0
    assert asked.refused("GetVideoEncoderConfigurationOptions") == NO_CONFIG
    token = "<p:ConfigurationToken>cam-0</p:ConfigurationToken>"
    assert texts(asked.ask("GetVideoEncoderInstances", token), ".//tr2:Total") == ["0"]
    capabilities = media2.capabilities(a_device(a_channel(0, None)))
    assert attributes(capabilities, "tr2:ProfileCapabilities", "ConfigurationsSupported") == [
        "VideoSource Analytics Metadata"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_are_found_by_their_token_by_a_profile_and_not_by_another(kind: str) -> None:
    asked = two_cameras()
    operation = f"Get{kind}Configurations"
    one = "<p:ConfigurationToken>cam-1</p:ConfigurationToken>"
    assert attributes(asked.ask(operation), "tr2:Configurations", "token") == ["cam-0", "cam-1"]
    assert attributes(asked.ask(operation, one), "tr2:Configurations", "token") == ["cam-1"]
    fitting = asked.ask(operation, "<p:ProfileToken>cam-0</p:ProfileToken>")
    assert attributes(fitting, "tr2:Configurations", "token") == ["cam-0"]
    assert asked.refused(operation, "<p:ConfigurationToken>cam-9</p:ConfigurationToken>") == NO_CONFIG
    assert asked.refused(operation, "<p:ProfileToken>cam-9</p:ProfileToken>") == NO_PROFILE
    assert asked.refused(operation, f"{one}<p:ProfileToken>cam-0</p:ProfileToken>") == NO_CONFIG


def test_options_allow_just_what_there_is() -> None:
    asked = two_cameras()
    encoders = asked.ask("GetVideoEncoderConfigurationOptions")
    assert texts(encoders, "*/tt:Encoding") == ["H264", "H265"]
    assert attributes(encoders, "tr2:Options", "ProfilesSupported") == ["High", "Main10"]
    sources = asked.ask("GetVideoSourceConfigurationOptions", "<p:ProfileToken>cam-0</p:ProfileToken>")
    assert texts(sources, "*/tt:BoundsRange/tt:WidthRange/*") == ["1280", "1280"]
    assert texts(sources, "*/tt:VideoSourceTokensAvailable") == ["cam-0"]
    metadata = asked.ask("GetMetadataConfigurationOptions")
    assert set(texts(metadata, "*/tt:PTZStatusFilterOptions/*")) == {"false"}


@pytest.mark.parametrize("kind", ["VideoSource", "VideoEncoder", "Metadata"])
def test_options_of_unknown_tokens_are_refused(kind: str) -> None:
    asked = two_cameras()
    operation = f"Get{kind}ConfigurationOptions"
    assert asked.refused(operation, "<p:ConfigurationToken>x</p:ConfigurationToken>") == NO_CONFIG
    assert asked.refused(operation, "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


def test_what_a_client_sets_of_the_metadata_is_kept() -> None:
    channel = a_channel(0, None)
    asked = client(a_device(channel))
    asked.ask("SetMetadataConfiguration", metadata_request("cam-0", "<tt:Analytics>false</tt:Analytics>"))
    answer = asked.ask("GetMetadataConfigurations")
    assert texts(answer, "*/tt:Name") == ["Boxes"]
    assert texts(answer, "*/tt:Analytics") == ["false"]
    assert answer.findall("*/{*}Events") == []
    assert (channel.choices.analytics, channel.choices.events) == (False, False)
    asked.ask("SetMetadataConfiguration", metadata_request("cam-0", "<tt:Events/><tt:Analytics>1</tt:Analytics>"))
    assert (channel.choices.analytics, channel.choices.events) == (True, True)


def test_a_driver_that_writes_back_what_it_read_is_accepted() -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(H265)), **GROUPS))
    for kind in ("VideoSource", "VideoEncoder", "Metadata"):
        for read in asked.ask(f"Get{kind}Configurations").findall("{*}Configurations"):
            read.tag = f"{{{TR2}}}Configuration"
            answer = asked.ask(f"Set{kind}Configuration", etree.tostring(read, encoding="unicode"))
            assert len(answer) == 0


PTZ = "<tt:PTZStatus><tt:Status>true</tt:Status><tt:Position>false</tt:Position></tt:PTZStatus>"
FILTER = (
    '<tt:Events><tt:Filter><wsnt:TopicExpression Dialect="urn:x">tns1:RuleEngine</wsnt:TopicExpression></tt:Filter>'
    "</tt:Events>"
)


@pytest.mark.parametrize(
    "body",
    [
        metadata_request("cam-0", PTZ),
        metadata_request("cam-0", FILTER),
        metadata_request("cam-0", attributes='CompressionType="GZIP"'),
        metadata_request("cam-0", attributes='GeoLocation="true"'),
        metadata_request("cam-0", attributes='ShapePolygon="1"'),
        metadata_request("cam-0").replace("</p:Configuration>", "<tt:SensorData/></p:Configuration>"),
        metadata_request("cam-0").replace(multicast(), multicast("239.9.9.9", 5000, 1)),
        metadata_request("cam-0").replace(multicast(), multicast("239.1.2.11", 5006, 4, auto_start="true")),
        metadata_request("cam-0").replace(
            "</p:Configuration>",
            '<tt:AnalyticsEngineConfiguration><tt:AnalyticsModule Name="Other" Type="vigie:Other"><tt:Parameters/>'
            "</tt:AnalyticsModule></tt:AnalyticsEngineConfiguration></p:Configuration>",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_changed(body: str) -> None:
    channel = a_channel(0, None)
    asked = client(a_device(channel, **GROUPS))
    assert asked.refused("SetMetadataConfiguration", body) == CONFIG_MODIFY
    assert channel.choices == a_channel(0, None).choices


def test_metadata_of_an_unknown_token_cannot_be_set() -> None:
    assert two_cameras().refused("SetMetadataConfiguration", metadata_request("cam-9")) == NO_CONFIG


@pytest.mark.parametrize(("encoding", "width"), [("H265", 1280), ("H264", 640)])
def test_another_codec_or_size_of_the_video_cannot_be_set(encoding: str, width: int) -> None:
    body = (
        '<p:Configuration token="cam-0"><tt:Name>x</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{encoding}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>720</tt:Height>"
        "</tt:Resolution><tt:Quality>1</tt:Quality></p:Configuration>"
    )
    assert two_cameras().refused("SetVideoEncoderConfiguration", body) == CONFIG_MODIFY


def test_a_part_of_the_picture_cannot_be_set_as_the_source() -> None:
    body = (
        '<p:Configuration token="cam-0"><tt:Name>x</tt:Name><tt:UseCount>1</tt:UseCount>'
        '<tt:SourceToken>cam-0</tt:SourceToken><tt:Bounds x="0" y="0" width="9" height="9"/></p:Configuration>'
    )
    assert two_cameras().refused("SetVideoSourceConfiguration", body) == CONFIG_MODIFY


def test_multicast_groups_are_told_per_channel_and_track() -> None:
    asked = client(a_device(a_channel(0, Video(H264)), a_channel(1, Video(H264)), **GROUPS))
    address = "*/tt:Multicast/tt:Address/tt:IPv4Address"
    assert texts(asked.ask("GetVideoEncoderConfigurations"), address) == ["239.1.2.10", "239.1.2.12"]
    metadata = asked.ask("GetMetadataConfigurations")
    assert texts(metadata, address) == ["239.1.2.11", "239.1.2.13"]
    assert texts(metadata, "*/tt:Multicast/tt:Port") == ["5006", "5006"]
    assert texts(metadata, "*/tt:Multicast/tt:TTL") == ["4", "4"]


def test_without_groups_multicast_is_told_as_unset() -> None:
    answer = two_cameras().ask("GetMetadataConfigurations", "<p:ProfileToken>cam-0</p:ProfileToken>")
    assert texts(answer, "*/tt:Multicast/tt:Address/tt:IPv4Address") == ["0.0.0.0"]
    assert texts(answer, "*/tt:Multicast/tt:AutoStart") == ["false"]


PROFILE = "<p:ProfileToken>cam-0</p:ProfileToken>"


def reference(kind: str, token: str = "") -> str:
    inner = f"<p:Token>{token}</p:Token>" if token else ""
    return f"<p:Configuration><p:Type>{kind}</p:Type>{inner}</p:Configuration>"


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_that_the_profile_has_can_be_added_again(kind: str) -> None:
    asked = two_cameras()
    before = asked.profiles()
    asked.ask("AddConfiguration", PROFILE + reference(kind, "cam-0"))
    assert asked.profiles() == before


def test_a_client_may_name_a_profile() -> None:
    asked = two_cameras()
    asked.ask("AddConfiguration", f"{PROFILE}<p:Name>Vue du quai</p:Name>{reference('All')}")
    assert texts(asked.ask("GetProfiles"), "*/tr2:Name") == ["Vue du quai", "cam-1"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (f"<p:ProfileToken>x</p:ProfileToken>{reference('Metadata', 'cam-0')}", NO_PROFILE),
        (PROFILE + reference("Metadata", "cam-1"), CONFLICT),
        (PROFILE + reference("Metadata", "cam-9"), NO_CONFIG),
        (PROFILE + reference("Metadata"), NO_CONFIG),
        (PROFILE + reference("PTZ", "cam-0"), NO_CONFIG),
    ],
)
def test_other_configurations_cannot_be_added(body: str, fault: tuple[str, ...]) -> None:
    assert two_cameras().refused("AddConfiguration", body) == fault


@pytest.mark.parametrize("kind", [*KINDS, "All"])
def test_a_profile_keeps_its_configurations(kind: str) -> None:
    assert two_cameras().refused("RemoveConfiguration", PROFILE + reference(kind)) == CONFLICT


def test_removing_what_is_not_there_is_ignored() -> None:
    asked = two_cameras()
    before = asked.profiles()
    asked.ask("RemoveConfiguration", PROFILE + reference("AudioSource") + reference("PTZ"))
    assert asked.profiles() == before


def test_profiles_are_neither_made_nor_deleted() -> None:
    asked = two_cameras()
    assert asked.refused("CreateProfile", "<p:Name>mine</p:Name>") == NO_MORE
    assert asked.refused("DeleteProfile", "<p:Token>cam-0</p:Token>") == FIXED
    assert asked.refused("DeleteProfile", "<p:Token>x</p:Token>") == NO_PROFILE
    assert asked.refused("GetProfiles", "<p:Token>x</p:Token>") == NO_PROFILE


def stream(protocol: str, token: str = "cam-0") -> str:
    return f"<p:Protocol>{protocol}</p:Protocol><p:ProfileToken>{token}</p:ProfileToken>"


@pytest.mark.parametrize("protocol", StreamProtocol)
def test_a_stream_is_found_by_each_protocol_at_the_host_that_the_client_used(protocol: StreamProtocol) -> None:
    asked = client(a_device(a_channel(0, Video(H264)), uris={protocol: f"{protocol}://{{host}}/{{token}}"}))
    answer = asked.ask("GetStreamUri", stream(protocol))
    assert texts(answer, "tr2:Uri") == [f"{protocol}://vigie.site.local/cam-0"]


@pytest.mark.parametrize("protocol", ["RtspUnicast", "RtspsMulticast", "SRT", ""])
def test_a_protocol_that_is_not_offered_is_refused(protocol: str) -> None:
    assert two_cameras().refused("GetStreamUri", stream(protocol)) == NO_STREAM


def test_streams_to_groups_need_groups_and_any_stream_needs_a_profile() -> None:
    assert two_cameras().refused("GetStreamUri", stream("RtspMulticast")) == NO_GROUPS
    assert two_cameras().refused("GetStreamUri", stream("RTSP", "x")) == NO_PROFILE


@pytest.mark.parametrize(("octets", "is_given"), [(128, True), (129, False)])
def test_no_address_is_longer_than_clients_can_take(octets: int, is_given: bool) -> None:
    uri = "rtsp://host/".ljust(octets, "x")
    asked = client(a_device(a_channel(0, Video(H264)), uris={StreamProtocol.RTSP: uri}))
    if is_given:
        assert texts(asked.ask("GetStreamUri", stream("RTSP")), "tr2:Uri") == [uri]
    else:
        assert asked.refused("GetStreamUri", stream("RTSP")) == NO_STREAM


def test_a_synchronisation_point_brings_the_present_objects_of_that_channel() -> None:
    joined: list[int] = []
    channels = [a_channel(index, None, lambda index=index: joined.append(index)) for index in range(2)]  # type: ignore[misc]
    asked = client(a_device(*channels))
    asked.ask("SetSynchronizationPoint", "<p:ProfileToken>cam-1</p:ProfileToken>")
    assert joined == [1]
    assert asked.refused("SetSynchronizationPoint", "<p:ProfileToken>x</p:ProfileToken>") == NO_PROFILE


def test_one_encoder_is_promised_per_source() -> None:
    answer = two_cameras().ask("GetVideoEncoderInstances", "<p:ConfigurationToken>cam-1</p:ConfigurationToken>")
    assert texts(answer, ".//tr2:Encoding") == ["H265"]
    assert texts(answer, ".//tr2:Total") == ["1"]


@pytest.mark.parametrize(
    ("own", "multicast_told"), [({}, "false"), ({"rtsp": "0.0.0.0:554"}, "false"), (GROUPS, "true")]
)
def test_capabilities_tell_what_the_settings_offer(own: dict[str, Any], multicast_told: str) -> None:
    capabilities = media2.capabilities(a_device(a_channel(0, Video(H264)), **own))
    validate(capabilities)
    assert capabilities.get("SnapshotUri") == "false"
    assert attributes(capabilities, "tr2:StreamingCapabilities", "RTPMulticast") == [multicast_told]
    assert attributes(capabilities, "tr2:StreamingCapabilities", "RTP_RTSP_TCP") == ["true"]
    assert attributes(capabilities, "tr2:ProfileCapabilities", "MaximumNumberOfProfiles") == ["1"]
    answer = client(a_device(a_channel(0, Video(H264)), **own)).ask("GetServiceCapabilities")
    assert answer[0].attrib == capabilities.attrib


def test_names_that_xml_or_onvif_cannot_hold_are_cut() -> None:
    asked = client(a_device(a_channel(0, None, name="Entr\x07ée " + "x" * 99)))
    assert texts(asked.ask("GetProfiles"), "*/tr2:Name") == ["Entrée " + "x" * 57]
