from __future__ import annotations

import socket
from pathlib import Path

import pytest

from config.model import VmsSettings
from connectors.genetec.connector import GenetecConnector
from connectors.protocols.capture_time import TimeSource
from core.clock import ManualClock
from core.contracts import Capability
from core.errors import NotFoundInVms
from core.services import Services
from tests.connectors.genetec.samples import CAMERA, GUID, NOW, connector, settings
from tests.connectors.protocols.scripted_rtsp import Script, serve


def _no_secret(reference: object) -> str:
    raise AssertionError(f"{reference} was read")


def test_it_says_what_it_offers() -> None:
    assert GenetecConnector.capabilities == {
        Capability.LIST_CAMERAS,
        Capability.VIDEO,
        Capability.PUBLISH,
        Capability.ASK,
        Capability.COMMANDS,
        Capability.RECORDINGS,
    }


def test_constructing_it_reads_no_secret_and_connects_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("somebody was contacted"))
    services = Services(clock=ManualClock(NOW), secrets=_no_secret, site_dir=Path())
    vms = GenetecConnector(settings(), services)
    vms.close()
    vms.close()


def test_settings_of_another_kind_are_a_defect() -> None:
    services = Services(clock=ManualClock(NOW), secrets=_no_secret, site_dir=Path())
    other = VmsSettings.model_validate(
        {"id": "x", "type": "other", "url": "https://x", "username": "u", "password": {"env": "P"}}
    )
    with pytest.raises(TypeError):
        GenetecConnector(other, services)


def test_video_comes_from_the_media_gateway_by_guid_and_stream() -> None:
    with serve(Script(credentials="vigie:pässword", first_utc=NOW, pace_s=0.01)) as server:
        vms = connector(media_gateway=f"127.0.0.1:{server.port}", stream="lowres")
        source = vms.open_video(CAMERA)
        packet = next(source.packets())
        source.close()
    assert packet.captured_at == pytest.approx(NOW, abs=0.001)
    assert source.time_source is TimeSource.RECORDER
    assert f"rtsp://127.0.0.1:{server.port}/{GUID}/lowres" in server.requests[0]


def test_a_camera_that_is_no_guid_has_no_video() -> None:
    with pytest.raises(NotFoundInVms):
        connector().open_video(CAMERA.model_copy(update={"device": "12"}))
