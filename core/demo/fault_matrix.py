"""Every fault of a stream on every transport: how soon it is known, how soon the stream is back, and what grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.load import load_site
from core import registry
from core.demo.fault_cells import DETECTION_LIMIT_S, MOMENTS, TRANSPORTS, Cell, Transport
from core.demo.footprint import Footprint, footprint, growth
from core.demo.simulators import SimulatorProcess
from core.demo.site import PASSWORD, USERNAME
from core.demo.watched_camera import WatchedCamera
from core.engine.feed import STEADY_S
from core.errors import VigieError
from core.services import services_for
from core.types import CameraFault, Json

MOST_THREADS_MORE = 2
MOST_HANDLES_MORE = 4
MOST_MIB_MORE = 12.0
"""More is growth; less is what caches and the allocator do."""

_CALM_S = STEADY_S + 0.5
"""Each fault befalls a steady stream: its capture times have settled, and the back-off begins anew."""

_LASTS_S = 2.0
"""How long a fault goes on after it is known."""

_PATIENCE_S = 15.0
_SETTLE_S = 12.0
"""Threads of FFmpeg that nobody waits for any more end within their own time-outs."""

_SAMPLES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What one fault came to. A time that is None: it did not happen in time."""

    cell: Cell
    seen: Sequence[CameraFault]
    detected_s: float | None
    recovered_s: float | None

    @property
    def is_good(self) -> bool:
        """Known and mended within the limits."""
        return (
            self.detected_s is not None
            and self.detected_s <= DETECTION_LIMIT_S
            and self.recovered_s is not None
            and self.recovered_s <= self.cell.recovery_limit_s
        )

    def as_json(self) -> dict[str, Json]:
        """One row of ``--json``."""
        return {
            "transport": self.cell.transport,
            "fault": self.cell.fault.value,
            "seen": [fault.value for fault in self.seen],
            "detected_s": None if self.detected_s is None else round(self.detected_s, 2),
            "recovered_s": None if self.recovered_s is None else round(self.recovered_s, 2),
            "good": self.is_good,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """What is left after many rounds of fault and recovery."""

    transport: str
    faults: Sequence[CameraFault]
    cycles: int
    failed: int
    start: Footprint
    end: Footprint
    grown: Footprint

    @property
    def is_good(self) -> bool:
        """Every round ended well, and nothing grows."""
        return (
            self.failed == 0
            and self.grown.threads <= MOST_THREADS_MORE
            and self.grown.handles <= MOST_HANDLES_MORE
            and self.grown.rss_mib <= MOST_MIB_MORE
        )

    def as_json(self) -> dict[str, Json]:
        """One row of ``--json``."""
        marks = {"start": self.start, "end": self.end, "grown": self.grown}
        figures: dict[str, Json] = {
            name: {"threads": mark.threads, "handles": mark.handles, "rss_mib": round(mark.rss_mib, 1)}
            for name, mark in marks.items()
        }
        faults: list[Json] = [fault.value for fault in self.faults]
        return {
            "transport": self.transport,
            "faults": faults,
            "cycles": self.cycles,
            "failed": self.failed,
            **figures,
            "good": self.is_good,
        }


class Matrix:
    """One transport's simulator and camera, while its context lasts; see ``running``."""

    def __init__(self, simulator: SimulatorProcess, camera: WatchedCamera) -> None:
        self._simulator = simulator
        self._camera = camera

    def measured(self, cell: Cell) -> CellResult:
        """Lets one fault come and go."""
        self._become_well(cell)
        threading.Event().wait(_CALM_S)
        began_at = self._camera.forget()
        cell.begin(self._simulator)
        detected_s = self._camera.await_fault(cell.fault, began_at, DETECTION_LIMIT_S + _PATIENCE_S)
        threading.Event().wait(_LASTS_S)
        seen, ended_at = self._camera.said(), self._camera.forget()
        cell.end(self._simulator)
        recovered_s = self._camera.await_recovery(ended_at, cell.recovery_limit_s + _PATIENCE_S, MOMENTS)
        return CellResult(cell=cell, seen=seen, detected_s=detected_s, recovered_s=recovered_s)

    def cycled(self, cells: Sequence[Cell], cycles: int, say: Callable[[str], None]) -> CycleResult:
        """Lets the faults come and go in turn, as fast as they are known and mended; the first rounds warm up."""
        samples: list[Footprint] = []
        failed = 0
        every = max(1, cycles // _SAMPLES)
        for number in range(cycles):
            if number % every == 0:
                samples.append(footprint([os.getpid()]))
                say(f"  {number} of {cycles}: {samples[-1]}")
            failed += not self._cycle(cells[number % len(cells)])
        threading.Event().wait(_SETTLE_S)
        samples.append(footprint([os.getpid()]))
        return CycleResult(
            transport=cells[0].transport,
            faults=[cell.fault for cell in cells],
            cycles=cycles,
            failed=failed,
            start=samples[0],
            end=samples[-1],
            grown=growth(samples),
        )

    def _cycle(self, cell: Cell) -> bool:
        began_at = self._camera.forget()
        cell.begin(self._simulator)
        is_known = self._camera.await_fault(cell.fault, began_at, DETECTION_LIMIT_S + _PATIENCE_S) is not None
        ended_at = self._camera.forget()
        cell.end(self._simulator)
        is_back = self._camera.await_recovery(ended_at, cell.recovery_limit_s + _PATIENCE_S, MOMENTS) is not None
        return is_known and is_back

    def _become_well(self, cell: Cell) -> None:
        if self._camera.await_recovery(self._camera.forget(), _PATIENCE_S * 2, frozenset()) is None:
            raise VigieError(f"{cell.transport}: no picture comes, though nothing is wrong with the simulator")


@contextmanager
def running(name: str, folder: Path, arguments: Sequence[str] = ()) -> Iterator[Matrix]:
    """Starts the simulator of a transport and a camera that watches it."""
    way = TRANSPORTS[name]
    folder.mkdir()
    all_arguments = ["--certs", str(folder / "certs"), *way.arguments, *arguments]
    with SimulatorProcess(way.simulator, all_arguments, log=folder / "simulator.log") as simulator:
        simulator.wait_ready()
        site_path = _write_site(folder, way, simulator.announced)
        site = load_site(site_path, registry.kinds())
        services = services_for(site_path)
        vms = site.vms[0]
        connector = registry.connector(vms.type)(vms, services)
        try:
            with WatchedCamera(site.cameras[0], site, connector, services) as camera:
                yield Matrix(simulator, camera)
        finally:
            connector.close()


def _write_site(folder: Path, way: Transport, announced: Mapping[str, Any]) -> Path:
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    secret = secrets / "vms-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD, encoding="utf-8")
    vms = {
        "id": "vms",
        "url": announced["url"],
        "username": USERNAME,
        "password": {"secret": "vms-password"},
        **({"ca": announced["ca"]} if way.has_tls else {}),
        **way.settings,
    }
    zone = {"id": "yard", "type": "zone_presence", "zone": [[0, 0.4], [1, 0.4], [1, 1], [0, 1]], "dwell_s": 2.0}
    camera = {"id": "camera", "vms": "vms", "device": announced["cameras"][0]["device"], "rules": [zone]}
    document = {
        "version": 1,
        "site": {"name": "Faults", "timezone": "Europe/Paris", "language": "en"},
        "vms": [vms],
        "cameras": [camera],
    }
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
