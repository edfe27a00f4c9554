"""Recordings of the Media Gateway, asked for as either connector does, against the simulator's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from connectors.genetec.connector import GenetecConnector
from connectors.genetec.media_gateway import MediaGateway
from connectors.genetec.sdk.connector import GenetecSdkConnector
from connectors.protocols.playback.source import PlaybackSource
from connectors.protocols.rtsp.message import Response
from core.clock import SystemClock
from core.contracts import Capability
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid, VmsUnavailable
from core.services import Services
from tests.connectors.genetec.samples import CAMERA, GUID, NOW, connector, settings
from tests.connectors.genetec.sdk.center import sdk_settings
from tests.connectors.genetec.site import Site, running_site
from tests.connectors.protocols.playback.scripted import scripted

SHORTLY = Event()
"""Never set."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site("--recorded-seconds", "40", "--recording-gap", "25-15") as site:
        yield site


def _recording(site: Site, begin: float, end: float, *, password: str = "", **changes: Any) -> PlaybackSource:
    """Of the first camera, from so many seconds ago to so many."""
    services = site.services(password=password) if password else site.services()
    now = SystemClock().utc()
    gateway = MediaGateway(site.settings(**changes), services)
    return gateway.open_recording(site.cameras[0], now - begin, now - end)


def _times_since(site: Site, begin: float) -> list[float]:
    services = site.services()
    gateway = MediaGateway(site.settings(), services)
    source = gateway.open_recording(site.cameras[0], begin, SystemClock().utc() + 10.0)
    return [round(packet.captured_at, 3) for packet in source.packets() if packet.captured_at > begin]


def test_what_was_recorded_comes_with_its_times_and_without_the_gap(site: Site) -> None:
    now = SystemClock().utc()
    times = [packet.captured_at - now for packet in _recording(site, 35.0, 2.0).packets()]
    assert times == sorted(times)
    assert -37.5 < times[0] < -34.5
    assert times[-1] == pytest.approx(-2.0, abs=1.5)
    steps = sorted(after - before for before, after in pairwise(times))
    assert steps[-1] == pytest.approx(10.0, abs=1.5)
    assert steps[len(steps) // 2] == pytest.approx(1 / 12.5, abs=0.01)
    assert steps[-2] < 1.0  # a busy machine records a picture late, but never leaves out a group


@pytest.mark.slow
def test_what_is_recorded_while_it_runs_can_be_played_and_that_of_a_lost_camera_is_not_there() -> None:
    with running_site("--recorded-seconds", "5") as site:
        camera = site.cameras[0].device
        began = SystemClock().utc()
        while not (times := _times_since(site, began)):
            SHORTLY.wait(0.2)
        assert site.client.act("lose-camera", camera=camera).status_code == 200
        lost = SystemClock().utc()
        SHORTLY.wait(2.5)  # more than two groups of pictures
        assert site.client.act("return-camera", camera=camera).status_code == 200
        assert _times_since(site, began)[: len(times)] == times
        assert not [moment for moment in _times_since(site, lost) if moment > lost + 1.0]


def test_an_interval_without_any_recording_yields_nothing(site: Site) -> None:
    assert list(_recording(site, 900.0, 800.0).packets()) == []


def test_a_wrong_password_is_told(site: Site) -> None:
    with pytest.raises(AuthenticationRefused):
        list(_recording(site, 35.0, 30.0, password="wrong").packets())


def test_a_recording_that_breaks_off_is_told(site: Site) -> None:
    site.client.order("video", "drop")
    with pytest.raises(VmsUnavailable):
        list(_recording(site, 35.0, 2.0).packets())
    site.client.order("video", "ok")


def test_where_nothing_is_recorded_there_is_no_such_stream() -> None:
    with running_site() as site, pytest.raises(NotFoundInVms):
        list(_recording(site, 35.0, 30.0).packets())


def test_the_stream_is_asked_for_by_guid_whatever_stream_is_analysed() -> None:
    with scripted(lambda _: [Response(status=404)]) as server:
        vms = connector(media_gateway=f"127.0.0.1:{server.port}", stream="lowres", rtsp_transport="udp")
        with pytest.raises(NotFoundInVms):
            list(vms.open_recording(CAMERA, NOW - 10.0, NOW).packets())
    assert server.requests[0].url == f"rtsp://127.0.0.1:{server.port}/{GUID}/playback"


def test_both_connectors_play_recordings() -> None:
    services = Services(clock=SystemClock(), secrets=lambda _: "pässword", site_dir=Path())
    for vms in (GenetecConnector(settings(), services), GenetecSdkConnector(sdk_settings(), services)):
        assert Capability.RECORDINGS in vms.capabilities
        vms.open_recording(CAMERA, NOW - 10.0, NOW).close()
        vms.close()


@pytest.mark.parametrize("transport", ["http", "https"])
def test_recordings_are_not_tunnelled(transport: str) -> None:
    with pytest.raises(RequestInvalid, match=transport):
        connector(rtsp_transport=transport).open_recording(CAMERA, NOW - 10.0, NOW)


def test_a_camera_that_is_no_guid_has_no_recording() -> None:
    with pytest.raises(NotFoundInVms):
        connector().open_recording(CAMERA.model_copy(update={"device": "12"}), NOW - 10.0, NOW)
