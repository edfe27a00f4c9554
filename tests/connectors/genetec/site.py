"""A simulated Security Center in a thread, seen through the connector and through the set-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.model import CameraSettings
from connectors.genetec.connector import GenetecConnector
from connectors.genetec.settings import GenetecSettings
from connectors.genetec.setup import Item, set_up
from core.clock import SystemClock
from core.contracts import Clock
from core.services import Services
from core.types import Finding
from tests.connectors.genetec import samples
from tests.connectors.genetec.simulator.running import PASSWORD, USER, Client, simulated

NOBODY = "127.0.0.1:1"


class Site:
    """What runs, and what a site file says of it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def cameras(self) -> list[CameraSettings]:
        return [
            samples.CAMERA.model_copy(update={"id": f"quai-{number}", "device": camera.device, "name": camera.name})
            for number, camera in enumerate(self.client.announced.cameras, 1)
        ]

    def settings(self, **changes: Any) -> GenetecSettings:
        values = {
            "url": self.client.announced.url,
            "ca": self.client.announced.ca,
            "username": USER,
            "media_gateway": self.client.extra("rtsp").removeprefix("rtsp://"),
        }
        return samples.settings(**values | changes)

    def services(self, *, password: str = PASSWORD, application_id: str = "", clock: Clock | None = None) -> Services:
        secrets = {"password": password, "app": application_id or self.client.extra("application_id")}

        def secret(reference: Any) -> str:
            return secrets[reference.secret]

        return Services(clock=clock or SystemClock(), secrets=secret, site_dir=Path())

    def check(self, *, services: Services | None = None, **changes: Any) -> list[Finding]:
        connector = GenetecConnector(self.settings(**changes), services or self.services())
        try:
            return list(connector.check(self.cameras))
        finally:
            connector.close()

    def set_up(self, *, is_dry_run: bool = False, services: Services | None = None, **changes: Any) -> list[Item]:
        given = services or self.services()
        return set_up(self.settings(**changes), given, self.cameras, is_dry_run=is_dry_run)


@contextmanager
def running_site(*options: str) -> Iterator[Site]:
    with simulated(*options) as client:
        yield Site(client)
