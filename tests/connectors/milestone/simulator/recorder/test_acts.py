from __future__ import annotations

import json
import ssl
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests

from tests.connectors.milestone.simulator.recorder.viewer import Image, Viewer
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running

pytestmark = pytest.mark.slow


def _is_refused(site: Running) -> bool:
    try:
        with Viewer(site) as viewer:
            viewer.connect(site.soap_token())
    except (OSError, EOFError, ssl.SSLError):
        return True
    return False


def _drain(viewer: Viewer) -> None:
    """Returns once the recorder has hung up."""
    for _ in viewer.messages():
        pass


def _active(site: Running) -> str:
    [server] = site.rest("GET", "/recordingServers").json()["array"]
    return str(server["activeWebServerUri"])


@pytest.mark.slow
def test_a_lost_camera_is_told_by_a_status_item_and_sends_nothing_until_it_returns(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        assert fresh.act("lose-camera", camera=fresh.announced.cameras[0].name) == [fresh.camera]
        assert next(status for status in viewer.statuses() if status["5"] == "1")
        message = viewer.message()
        assert not isinstance(message, Image)
        assert fresh.act("return-camera", camera=fresh.camera) == []
        [image] = viewer.images(1)
    assert image.flags & 1
    assert abs(image.picture_ms / 1000 - time.time()) < 3


def test_a_restart_drops_every_connection_and_takes_none_for_a_while(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        fresh.act("recorder-restart", seconds=1.0)
        _drain(viewer)
    assert _is_refused(fresh)
    limit = time.monotonic() + TIMEOUT_S
    while _is_refused(fresh):
        assert time.monotonic() < limit
    with Viewer(fresh).start() as viewer:
        viewer.images(1)


def test_after_a_failover_the_second_recorder_serves_and_is_announced(fresh: Running) -> None:
    first = _active(fresh)
    second = fresh.act("recorder-failover")["activeWebServerUri"]
    assert _active(fresh) == second != first
    assert _is_refused(fresh)
    moved = Running(replace(fresh.announced, extra={"recorder": second}))
    assert urlsplit(second).port == moved.recorder[1]
    with Viewer(moved).start() as viewer:
        viewer.images(1)
        assert fresh.act("recorder-failover", back=True)["activeWebServerUri"] == first
        _drain(viewer)
    with Viewer(fresh).start() as viewer:
        viewer.images(1)


@pytest.mark.parametrize(
    ("act", "order"),
    [
        ("lose-camera", {"camera": "nowhere"}),
        ("lose-camera", {}),
        ("return-camera", {"camera": 7}),
        ("lose-camera", {"camera": "gate", "seconds": 3}),
        ("recorder-restart", {"seconds": -1}),
        ("recorder-restart", {"seconds": "4"}),
        ("recorder-restart", {"seconds": float("nan")}),
        ("recorder-restart", {"second": 4}),
        ("recorder-failover", {"back": "yes"}),
        ("relate-devices", {"device": "gate", "relatd": []}),
        ("set-hardware-settings", {"hardware": 1, "settings": {}}),
        ("record-metadata", {"metadata": [], "rule": ""}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(simulator: Running, act: str, order: dict[str, object]) -> None:
    # json.dumps writes NaN, which requests' own encoder refuses.
    answer = requests.post(f"{simulator.announced.admin}/acts/{act}", data=json.dumps(order), timeout=TIMEOUT_S)
    assert answer.status_code == 400
