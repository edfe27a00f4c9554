from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from connectors.milestone.simulator.vps_command import COMMAND, start
from connectors.protocols.scene import write_scene
from connectors.protocols.simulation import simulator_in_thread
from core.errors import UsageError

WAIT_S = 10.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vps") / "scene.mp4"
    write_scene(path, seconds=1.0, fps=25.0, size=(160, 90))
    return path


class Service:
    """A processing service that listens to what it is sent."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.configurations: set[bytes] = set()
        self.has_all = threading.Event()

    def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        configuration = connection.recv(WAIT_S)
        assert isinstance(configuration, bytes)
        connection.recv(WAIT_S)
        self.paths.add(connection.request.path)
        self.configurations.add(configuration[8:])
        if len(self.paths) > 1:
            self.has_all.set()
        for _ in connection:
            pass


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    made = Service()
    with serve(made.handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made, f"ws://127.0.0.1:{server.socket.getsockname()[1]}/vps"
        server.shutdown()
        thread.join(WAIT_S)


def parsed(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def test_every_camera_is_pushed_under_its_own_id_and_the_end_tells_the_counts(
    service: tuple[Service, str], video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer, url = service
    arguments = parsed(
        "--url", url, "--camera", f"gate={video}", "--camera", f"yard={video}", "--fps", 50,
        "--service-parameters", "LANG=en", "--json",
    )  # fmt: skip
    arguments.video = [video, video]
    with simulator_in_thread(arguments, start) as announced:
        assert peer.has_all.wait(WAIT_S)
        assert [camera.device for camera in announced.cameras] == ["gate", "yard"]
    assert peer.paths == {"/vps/gate", "/vps/yard"}
    assert peer.configurations == {b"LANG=en"}
    told = json.loads(capsys.readouterr().out)
    assert [camera["camera"] for camera in told["cameras"]] == ["gate", "yard"]
    assert all(camera["pictures"] > 0 and camera["metadata"] == 0 for camera in told["cameras"])
    assert told["lag_ms"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        ["--url", "ftp://x", "--camera", "gate=x.mp4"],
        ["--url", "ws://x", "--camera", "gate"],
        ["--url", "ws://x", "--camera", "gate=x.mp4", "--fps", "0"],
        ["--url", "wss://x", "--camera", "gate=x.mp4", "--ca", "absent.pem"],
    ],
    ids=["scheme", "no video", "rate", "no CA"],
)
def test_wrong_use_is_told_before_anything_starts(wrong: list[str]) -> None:
    with pytest.raises(UsageError):
        COMMAND.run(parsed(*wrong))
