from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.genetec.simulator.running import Client, simulated


@pytest.fixture
def client() -> Iterator[Client]:
    """A fresh simulator with three cameras."""
    with simulated("--cameras", "3", "--keep-alive", "0.2", "--slow", "0.3") as found:
        yield found
