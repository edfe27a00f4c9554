from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from config.model import CameraSettings
from connectors.milestone.inventory.inventory import Inventory, KnownCamera, Recorder
from connectors.milestone.video.recorder import RecorderConnection, RecorderDialer
from core.errors import NotFoundInVms, VmsRefused, VmsUnavailable
from tests.connectors.milestone.support import (
    DEVICE,
    Link,
    connected,
    refused,
    scripted_server,
    settings,
)

CAMERA = CameraSettings(id="quai-1", name="Quai 1", vms="xprotect", device=DEVICE)


@dataclass
class FakeInventory:
    """Knows the camera at ``ports``: the first until it is told to forget, then the next."""

    ports: list[int]
    forgotten: int = 0
    is_down: bool = False
    host: str = "127.0.0.1"
    asked: list[str] = field(default_factory=list)

    def camera(self, device: str) -> KnownCamera:
        self.asked.append(device)
        if self.is_down:
            raise VmsUnavailable("the management server is down")
        port = self.ports[min(self.forgotten, len(self.ports) - 1)]
        recorder = Recorder(
            recorder_id="r", name="REC", url=f"http://{self.host}:{port}/", host=self.host, port=port, has_tls=False
        )
        return KnownCamera(device=device, name="Quai 1", is_enabled=True, recorder=recorder)

    def forget(self, device: str) -> None:
        self.forgotten += 1


def dialer(inventory: FakeInventory, **changes: Any) -> RecorderDialer:
    entry = settings(**{"hosts": ["127.0.0.1"], "allow_http": True, **changes})
    return RecorderDialer(entry, cast("Inventory", inventory), None)


def open_camera(inventory: FakeInventory) -> RecorderConnection:
    connection = dialer(inventory).dial(CAMERA)
    connection.connect("TOKEN#1")
    return connection


def accept(link: Link) -> None:
    link.request()
    link.send(connected())
    link.wait_for_end()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_after_a_failover_the_recorder_that_took_over_is_dialled_at_once() -> None:
    with scripted_server(accept) as failover:
        inventory = FakeInventory([closed_port(), failover.port])
        open_camera(inventory).close()
    assert (inventory.forgotten, failover.connections) == (1, 1)


def test_where_no_other_recorder_took_over_the_failure_is_told() -> None:
    inventory = FakeInventory([closed_port()])
    with pytest.raises(VmsUnavailable, match="cannot connect"):
        dialer(inventory).dial(CAMERA)
    assert inventory.forgotten == 1


def test_a_failover_recorder_that_is_not_declared_is_refused() -> None:
    inventory = FakeInventory([closed_port()], host="localhost")
    with pytest.raises(VmsRefused, match="localhost"):
        dialer(inventory).dial(CAMERA)


@pytest.mark.parametrize(
    "end", [lambda link: None, lambda link: link.send(refused("Unknown device"))], ids=["hangs up", "unknown"]
)
def test_a_recorder_that_lets_the_camera_go_makes_the_next_dial_ask_anew(end: Any) -> None:
    def script(link: Link) -> None:
        link.request()
        end(link)

    with scripted_server(script) as server:
        inventory = FakeInventory([server.port])
        connection = dialer(inventory).dial(CAMERA)
        with pytest.raises((VmsUnavailable, NotFoundInVms)):
            connection.connect("TOKEN#1")
        connection.close()
    assert inventory.forgotten == 1


def test_a_recorder_that_falls_silent_makes_the_next_dial_ask_anew() -> None:
    with scripted_server(Link.wait_for_end) as server:
        inventory = FakeInventory([server.port])
        connection = dialer(inventory).dial(CAMERA, silence_s=0.1)
        with pytest.raises(VmsUnavailable, match=r"Quai 1: nothing from the recorder for 0\.1 s"):
            connection.connect("TOKEN#1")
        connection.close()
    assert inventory.forgotten == 1


def test_while_the_management_server_is_down_the_recorder_known_last_is_dialled() -> None:
    with scripted_server(accept) as server:
        inventory = FakeInventory([server.port])
        known = dialer(inventory)
        known.dial(CAMERA).close()
        inventory.is_down = True
        known.dial(CAMERA).close()


def test_an_unknown_camera_cannot_be_dialled_while_the_management_server_is_down() -> None:
    inventory = FakeInventory([closed_port()], is_down=True)
    with pytest.raises(VmsUnavailable, match="management server"):
        dialer(inventory).dial(CAMERA)
