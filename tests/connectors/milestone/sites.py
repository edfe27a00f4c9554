"""Simulated sites for the client's tests, and connectors on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.milestone.connector import MilestoneConnector
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.scene import write_scene
from core.clock import SystemClock
from core.fakes import FakeServices
from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running, run
from tests.connectors.milestone.support import services, settings

NOBODY = "127.0.0.1:1"

_open: list[MilestoneConnector] = []


def write_clip(folder: Path) -> Path:
    path = folder / "gate.mp4"
    write_scene(path, seconds=2.0, fps=50.0, size=(160, 90))
    return path


@contextmanager
def running_site(clip: Path, *options: str) -> Iterator[Running]:
    """A site whose connectors are closed before it is."""
    with ExitStack() as stack:
        yield stack.enter_context(run(clip, *options))
        while _open:
            _open.pop().close()


def settings_for(site: Running, **changes: Any) -> MilestoneSettings:
    entry = {
        "url": site.announced.url,
        "ca": site.ca or None,
        "username": USERNAME,
        "event_server": site.announced.extra["event_server"] or NOBODY,
        "alarm_server": urlsplit(str(site.announced.extra["alarm_service"])).netloc,
    }
    return settings(**{**entry, **changes})


def services_for(password: str = PASSWORD) -> FakeServices:
    return services(clock=SystemClock(), secrets=lambda _: password)


def connect(site: Running, *, password: str = PASSWORD, **changes: Any) -> MilestoneConnector:
    made = MilestoneConnector(settings_for(site, **changes), services_for(password))
    _open.append(made)
    return made
