from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.protocols.scene import write_scene
from tests.connectors.onvif.simulator.camera.running import Bridge, run


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "gate.mp4"
    write_scene(path, seconds=0.8, fps=25.0, size=(160, 96))
    return path


@pytest.fixture(scope="module")
def bridge(video: Path) -> Iterator[Bridge]:
    """For tests that leave nothing behind that others could trip over."""
    with run(video, "--cameras", "2", "--substreams", "--slow-seconds", "0.2") as running:
        yield running


@pytest.fixture
def fresh(video: Path) -> Iterator[Bridge]:
    """A bridge of the test's own: empty ledger, no faults, no TLS."""
    with run(video, "--http-only", "--slow-seconds", "0.2") as running:
        yield running
