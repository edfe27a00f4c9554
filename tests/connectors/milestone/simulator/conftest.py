from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.protocols.scene import write_scene
from tests.connectors.milestone.simulator.running import Running, run


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "gate.mp4"
    write_scene(path, seconds=2.0, fps=20.0, size=(160, 90))
    return path


@pytest.fixture(scope="module")
def simulator(video: Path) -> Iterator[Running]:
    """For tests that leave nothing behind that others could trip over."""
    options = ("--disabled-camera", "Spare", "--user-defined-event", "Start recording", "--slow-seconds", "0.2")
    with run(video, *options) as running:
        yield running


@pytest.fixture
def fresh(video: Path) -> Iterator[Running]:
    """A simulator of the test's own: empty ledger, no faults."""
    with run(video, "--slow-seconds", "0.2") as running:
        yield running
