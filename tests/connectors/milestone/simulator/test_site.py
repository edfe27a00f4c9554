from __future__ import annotations

import pytest

from connectors.milestone.simulator.devices import UNIVERSAL, Hardware
from connectors.milestone.simulator.site import Camera, Site, rest_time


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (1_732_096_800.123, "2024-11-20T10:00:00.1230000Z"),
        (-1.5, "1969-12-31T23:59:58.5000000Z"),
        (-62_135_596_800.0, "0001-01-01T00:00:00.0000000Z"),
        (-1e12, "0001-01-01T00:00:00.0000000Z"),
        (253_402_300_799.9999999, "9999-12-31T23:59:59.9999999Z"),
    ],
)
def test_times_are_written_from_the_first_to_the_last_that_dot_net_knows(moment: float, text: str) -> None:
    assert rest_time(moment) == text


def _camera(name: str, **fields: bool) -> Camera:
    return Camera(
        camera_id=f"id-{name}", name=name, hardware_id="hw", address="http://a/", stream_id="s", feed=None, **fields
    )


def _site(*, hardware_is_enabled: bool = True) -> Site:
    hardware = Hardware(
        hardware_id="hw",
        name="hw",
        address="http://a/",
        driver=UNIVERSAL,
        user="",
        modified_at=0.0,
        is_enabled=hardware_is_enabled,
    )
    cameras = (_camera("gate"), _camera("spare", is_enabled=False))
    return Site(host="vms", created_at=0.0, cameras=cameras, hardware={"hw": hardware})


def test_a_camera_delivers_while_it_and_its_hardware_are_enabled_and_it_is_reached() -> None:
    site = _site()
    gate, spare = site.cameras
    assert (site.delivers(gate), site.delivers(spare)) == (True, False)
    assert not _site(hardware_is_enabled=False).delivers(gate)
    site.lose_camera(gate.camera_id)
    assert (site.delivers(gate), site.is_in_use(gate)) == (False, True)


def test_a_camera_is_found_by_its_id_in_any_case_and_by_its_name() -> None:
    site = _site()
    assert site.camera_named("ID-GATE") is site.camera_named("gate") is site.cameras[0]
    assert site.camera_named("") is None
