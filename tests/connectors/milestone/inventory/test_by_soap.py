from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from core.clock import ManualClock
from core.errors import NotFoundInVms, VmsRefused
from tests.connectors.milestone.gateway import gateway, soap_answer
from tests.connectors.milestone.support import DEVICE, HARDWARE, RECORDER, URL, services, settings

OAUTH = f"{URL}/ManagementServer/ServerCommandServiceOAuth.svc"
OTHER = "11111111-1111-4111-8111-222222222222"


def configuration(*cameras: str, host: str = "rec.site.test", events: str = "") -> str:
    listed = "".join(
        f"<CameraInfo><DeviceId>{device.upper()}</DeviceId><HardwareId>{HARDWARE}</HardwareId><Name>Gate</Name>"
        "<CameraSecurity><Live>true</Live><BookmarkAdd>false</BookmarkAdd></CameraSecurity></CameraInfo>"
        for device in cameras
    )
    recorder = (
        f"<RecorderInfo><RecorderId>{RECORDER}</RecorderId><Name>REC01</Name>"
        f"<WebServerUri>https://{host}:7563/</WebServerUri><Cameras>{listed}</Cameras>"
        f"<Hardware><HardwareInfo><HardwareId>{HARDWARE}</HardwareId><Name>Axis</Name></HardwareInfo></Hardware>"
        "<MetadataDevices><MetadataDeviceInfo><DeviceId>M1</DeviceId><Name>Boxes</Name></MetadataDeviceInfo>"
        "</MetadataDevices></RecorderInfo>"
    )
    return soap_answer("GetConfiguration", f"<Recorders>{recorder}</Recorders><EventTypes>{events}</EventTypes>")


class OldSite:
    """A site of 2021 R1: an identity provider, SOAP, no gateway."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.clock = ManualClock()
        mock.replace("GET", f"{URL}/api/.well-known/uris", status=404, body="<html>")
        mock.replace("GET", f"{URL}/IDP/.well-known/openid-configuration", json={"server_version": "21.1"})
        mock.post(f"{URL}/IDP/connect/token", json={"access_token": "jwt"})
        given = services(clock=self.clock)
        self.session = XProtectSession(settings(), given)
        self.inventory = Inventory(self.session, self.clock)
        self.session.corporate.get()

    def answers(self, *bodies: str) -> None:
        """One after the other; the last one stays."""
        self.mock.remove("POST", OAUTH)
        for body in bodies:
            self.mock.post(OAUTH, body=body, content_type="text/xml")

    def asked(self) -> list[str]:
        bodies = [str(call.request.body) for call in self.mock.calls if call.request.url == OAUTH]
        names = ("GetConfiguration>", "QueryChanges>")
        return [name[:-1] for body in bodies for name in names if f"</ns0:{name}" in body]


@pytest.fixture
def site() -> Iterator[OldSite]:
    with gateway() as mock:
        made = OldSite(mock)
        yield made
        made.session.close()


def test_cameras_come_with_their_recorder_and_the_rights_of_this_account(site: OldSite) -> None:
    site.answers(configuration(DEVICE))
    known = site.inventory.camera(DEVICE)
    assert (known.recorder.host, known.rights) == ("rec.site.test", frozenset({"Live"}))
    assert [camera.device for camera in site.inventory.cameras()] == [DEVICE]
    assert [device.name for device in site.inventory.metadata_devices()] == ["Boxes"]
    assert site.asked() == ["GetConfiguration"], "one answer serves all questions"


def test_everything_is_asked_for_again_only_when_something_changed(site: OldSite) -> None:
    site.answers(configuration(DEVICE))
    site.inventory.camera(DEVICE)
    site.answers(soap_answer("QueryChanges"))
    site.clock.advance(300.0)
    site.inventory.camera(DEVICE)
    assert site.asked() == ["GetConfiguration", "QueryChanges"]
    change = "<Change><ChangeType>Added</ChangeType><Id>x</Id><Time>2025-01-01T00:00:00Z</Time></Change>"
    site.answers(soap_answer("QueryChanges", change), configuration(DEVICE, OTHER))
    site.clock.advance(300.0)
    site.inventory.camera(DEVICE)
    assert site.inventory.camera(OTHER).device == OTHER
    assert site.asked()[2:] == ["QueryChanges", "GetConfiguration"]


def test_what_another_question_brought_to_light_is_not_overlooked(site: OldSite) -> None:
    site.answers(configuration(DEVICE))
    site.inventory.camera(DEVICE)
    change = "<Change><ChangeType>Added</ChangeType><Id>x</Id></Change>"
    site.answers(soap_answer("QueryChanges", change), configuration(DEVICE, host="failover.test"))
    site.clock.advance(300.0)
    site.inventory.user_defined_events()
    assert site.inventory.camera(DEVICE).recorder.host == "failover.test"


def test_a_camera_in_doubt_is_looked_for_in_a_fresh_configuration(site: OldSite) -> None:
    site.answers(configuration(DEVICE, OTHER), configuration(DEVICE, host="failover.test"))
    site.inventory.camera(DEVICE)
    site.clock.advance(20.0)
    for device in (DEVICE, OTHER):
        site.inventory.forget(device)
    assert site.inventory.camera(DEVICE).recorder.host == "failover.test"
    with pytest.raises(NotFoundInVms):
        site.inventory.camera(OTHER)
    assert site.asked() == ["GetConfiguration"] * 2, "cameras that are lost together are looked for together"


def test_events_are_told_apart_where_their_generators_are_told(site: OldSite) -> None:
    events = (
        "<EventTypeInfo><EventTypeId>1</EventTypeId><Name>Vigie alert</Name><GeneratorType>External</GeneratorType>"
        "</EventTypeInfo><EventTypeInfo><EventTypeId>2</EventTypeId><Name>Vigie</Name>"
        "<GeneratorType>MIPDevice</GeneratorType></EventTypeInfo>"
    )
    site.answers(configuration(DEVICE, events=events))
    assert site.inventory.user_defined_events() == {"1": "Vigie alert"}
    assert site.inventory.analytics_event_ids() == {"2": "Vigie"}


def test_where_generators_are_not_told_every_event_may_be_the_one(site: OldSite) -> None:
    events = "<EventTypeInfo><EventTypeId>1</EventTypeId><Name>Vigie alert</Name></EventTypeInfo>"
    site.answers(configuration(DEVICE, events=events))
    assert site.inventory.user_defined_events() == site.inventory.analytics_event_ids() == {"1": "Vigie alert"}


def test_alarm_definitions_cannot_be_asked_for(site: OldSite) -> None:
    with pytest.raises(VmsRefused, match="no API Gateway"):
        site.inventory.alarm_definitions()
