"""Where the stream is is asked when it is opened; RTSP itself is tested against the simulated bridge."""

from __future__ import annotations

import pytest

from config.model import CameraSettings
from connectors.onvif.video.live import open_live
from connectors.protocols.capture_time import TimeSource
from core.errors import NotFoundInVms, VmsUnavailable
from tests.connectors.onvif.client.bridge import client_of, running_bridge, services_for, settings_for

GATE = CameraSettings.model_validate({"id": "gate", "vms": "bridge", "device": "gate"})


def test_nothing_is_asked_before_packets_are_wanted() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        source = open_live(settings_for(bridge), services_for(), client, GATE)
        assert source.time_source is TimeSource.UNKNOWN
        assert not bridge.requests


def test_a_source_that_was_closed_before_asks_nothing() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        source = open_live(settings_for(bridge), services_for(), client, GATE)
        source.close()
        source.close()
        assert list(source.packets()) == []
        assert not bridge.requests


def test_one_that_is_closed_while_the_address_is_asked_ends_without_connecting() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        source = open_live(settings_for(bridge), services_for(), client, GATE)

        def close_meanwhile(_: object) -> str:
            source.close()
            return "<tr2:GetStreamUriResponse><tr2:Uri>rtsp://127.0.0.1:1/x</tr2:Uri></tr2:GetStreamUriResponse>"

        bridge.script["tr2:GetStreamUri"] = close_meanwhile
        assert list(source.packets()) == []


def test_the_address_of_each_source_is_asked_anew() -> None:
    with running_bridge(stream="rtsp://127.0.0.1:1/x") as bridge, client_of(bridge) as client:
        for _ in range(2):
            with pytest.raises(VmsUnavailable):
                next(open_live(settings_for(bridge), services_for(), client, GATE).packets())
        assert len(bridge.asked("GetStreamUri")) == 2


def test_an_unknown_camera_is_not_found() -> None:
    stranger = GATE.model_copy(update={"device": "nobody"})
    with running_bridge() as bridge, client_of(bridge) as client, pytest.raises(NotFoundInVms):
        next(open_live(settings_for(bridge), services_for(), client, stranger).packets())
