from __future__ import annotations

from lxml import etree

from connectors.milestone.inventory.configuration import EventType, ServerConfiguration, read_configuration
from connectors.milestone.inventory.holdings import MetadataDevice

NS = "http://videoos.net/2/XProtectCSServerCommand"
RECORDER = """
<RecorderInfo>
  <RecorderId>R1</RecorderId><Name>REC01</Name><WebServerUri>https://rec01.site.test:7563/</WebServerUri>
  <Hardware><HardwareInfo><HardwareId>H1</HardwareId><Name>Axis</Name></HardwareInfo></Hardware>
  <Cameras>
    <CameraInfo><DeviceId>C1</DeviceId><HardwareId>H1</HardwareId><Name>Gate</Name>
      <CameraSecurity><Live>true</Live><Browse>false</Browse><BookmarkAdd>True</BookmarkAdd></CameraSecurity></CameraInfo>
    <CameraInfo><DeviceId>C2</DeviceId><HardwareId>H1</HardwareId><Name/></CameraInfo>
    <CameraInfo><Name>without id</Name></CameraInfo>
  </Cameras>
  <MetadataDevices>
    <MetadataDeviceInfo><DeviceId>M1</DeviceId><HardwareId>H1</HardwareId><Name>Boxes</Name></MetadataDeviceInfo>
  </MetadataDevices>
</RecorderInfo>
"""
CONFIGURATION = f"""
<!-- a comment -->
<ServerId>S1</ServerId><ServerName>VMS01</ServerName>
<Recorders>{RECORDER}</Recorders>
<EventTypes><EventTypeInfo><EventTypeId>E1</EventTypeId><Name>Vigie alert</Name></EventTypeInfo>
  <EventTypeInfo><Id>E2</Id><Name>Other</Name><GeneratorType>External</GeneratorType></EventTypeInfo></EventTypes>
<ServerOptions><ServerOption><Key>Bookmark</Key><Value>False</Value></ServerOption></ServerOptions>
<NewerMember><Anything/></NewerMember>
"""


def read(text: str) -> ServerConfiguration:
    root = etree.fromstring(f'<Result xmlns="{NS}">{text}</Result>')
    return read_configuration(root.iterchildren("{*}*"), "configuration")


def test_recorders_hardware_and_cameras_hang_together_under_lower_case_ids() -> None:
    found = read(CONFIGURATION)
    assert (found.server_id, found.server_name) == ("s1", "VMS01")
    holdings = found.holdings
    assert list(holdings.cameras) == ["c1", "c2"]
    camera = holdings.known_camera(holdings.cameras["c1"])
    assert (camera.name, camera.is_enabled, camera.recorder.host) == ("Gate", True, "rec01.site.test")


def test_rights_are_those_that_are_true_and_unknown_where_not_told() -> None:
    cameras = read(CONFIGURATION).holdings.cameras
    assert cameras["c1"].rights == frozenset({"Live", "BookmarkAdd"})
    assert cameras["c2"].rights is None
    assert cameras["c2"].name == "c2", "a camera without a name has its id"


def test_metadata_devices_events_and_options_are_read() -> None:
    found = read(CONFIGURATION)
    assert found.metadata_devices == (MetadataDevice(device="m1", name="Boxes", is_enabled=True, hardware_id="h1"),)
    assert found.event_types == (
        EventType(event_id="e1", name="Vigie alert"),
        EventType(event_id="e2", name="Other", generator="External"),
    )
    assert found.options == {"Bookmark": "False"}


def test_a_site_with_nothing_in_it_is_empty() -> None:
    found = read("<Recorders/>")
    assert not found.holdings.cameras
    assert not found.metadata_devices
    assert not found.event_types
    assert not found.options
