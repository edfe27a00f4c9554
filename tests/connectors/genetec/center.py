"""A simulated Security Center in a child process, and connectors to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.genetec.connector import GenetecConnector
from core.clock import SystemClock
from core.demo.simulators import SimulatorProcess
from core.services import Services
from tests.connectors.genetec import samples
from tests.connectors.genetec.simulator.running import video

PASSWORD = "vigie-demo"
REPORT_LIMIT = 5
FREE_PORTS = ("--port", "0", "--stream-port", "0", "--rtsp-port", "0")


class Center:
    """A running simulator and connectors to it."""

    def __init__(self, process: SimulatorProcess) -> None:
        self.process = process
        self.announced: dict[str, Any] = process.announced
        device = self.announced["cameras"][0]["device"]
        self.camera = samples.CAMERA.model_copy(update={"device": device})

    def connector(self, *, password: str = PASSWORD, application_id: str = "", **given: Any) -> GenetecConnector:
        secrets = {"password": password, "app": application_id or self.announced["application_id"]}
        values = {
            "url": self.announced["url"],
            "ca": self.announced["ca"],
            "media_gateway": self.announced["rtsp"].removeprefix("rtsp://"),
            "publish": ["event", "alarm", "bookmark"],
        }
        services = Services(
            clock=SystemClock(), secrets=lambda reference: secrets[_name_of(reference)], site_dir=Path()
        )
        return GenetecConnector(samples.settings(**values | given), services)

    def recorded(self, kind: str, token: str = "") -> list[dict[str, Any]]:
        return [row for row in self.process.ledger() if row["kind"] == kind and token in row.get("text", "")]


def _name_of(reference: object) -> str:
    name: str = reference.secret  # type: ignore[attr-defined]
    return name


@contextmanager
def running_center(folder: Path) -> Iterator[Center]:
    files = ("--certs", str(folder / "certs"), "--video", str(video()))
    arguments = (*files, "--report-limit", str(REPORT_LIMIT), "--flat-errors", *FREE_PORTS)
    with SimulatorProcess("security-center", arguments, log=folder / "log") as process:
        process.wait_ready()
        yield Center(process)
