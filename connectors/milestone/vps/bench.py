"""``vigie bench vps``: how late boxes come back to XProtect's VPS driver, on this machine.

Three processes as on a site: a simulated recorder that dials over TLS, the supervisor's front (this process), and a
worker that takes the video from the front and returns boxes for every frame. Nothing is analysed: what is measured is
the way there and back, to which a site adds its decoding and its detector.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from config.model import CameraSettings
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.simulator.media.vps_driver import DriverReport
from connectors.milestone.vps.bench_children import READY, run_drivers, run_worker
from connectors.milestone.vps.front import VpsFront
from connectors.milestone.vps.statistics import LagHistogram
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.scene import write_scene
from core.cli.output import add_json_flag, print_json, remarks
from core.errors import UsageError, VigieError, VmsUnavailable
from core.logs import configure_logging
from core.services import services_for
from core.types import FrameBoxes, Json

_HOST: Final = "127.0.0.1"
_READY_S: Final = 60.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.2
_SCENE_S: Final = 8.0
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
_IN_FLIGHT: Final = 5
"""Pictures of one camera that may be on their way when the drivers hang up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VpsBenchResult:
    """What came back to the drivers. Lags are from a picture's stamp in the recorder to the arrival of its boxes."""

    fps: float
    seconds: float
    drivers: Sequence[DriverReport]
    frames_dropped: int
    metadata_dropped: int
    arrival_to_sent: LagHistogram
    front_cpu_s: float

    @property
    def frames(self) -> int:
        """Pictures sent."""
        return sum(driver.pictures for driver in self.drivers)

    @property
    def metadata(self) -> int:
        """Documents that came back."""
        return sum(driver.metadata for driver in self.drivers)

    @property
    def is_in_order(self) -> bool:
        """Whether no document was older than the one before, of the same camera."""
        return not any(driver.out_of_order for driver in self.drivers)

    @property
    def faulty(self) -> int:
        """Documents that a recorder could not use."""
        return sum(driver.unusable + driver.broken + driver.of_no_picture for driver in self.drivers)

    @property
    def is_good(self) -> bool:
        """Every picture's boxes came back, in order, but for what was on its way at the end."""
        whole = all(0 < driver.pictures <= driver.metadata + _IN_FLIGHT for driver in self.drivers)
        return whole and self.is_in_order and not self.faulty

    def lags_ms(self) -> dict[str, float]:
        """Percentiles over all cameras; empty without any lag."""
        lags = sorted(chain.from_iterable(driver.lags_ms for driver in self.drivers))
        if not lags:
            return {}
        return {name: lags[min(len(lags) - 1, int(len(lags) * share))] for name, share in _SHARES.items()}

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        return {
            "cameras": len(self.drivers),
            "fps": self.fps,
            "seconds": self.seconds,
            "frames": self.frames,
            "metadata": self.metadata,
            "in_order": self.is_in_order,
            "faulty": self.faulty,
            "frames_dropped": self.frames_dropped,
            "metadata_dropped": self.metadata_dropped,
            "lag_ms": {name: round(lag, 2) for name, lag in self.lags_ms().items()},
            "front_arrival_to_sent_ms": self.arrival_to_sent.as_json(),
            "front_cpu_s": round(self.front_cpu_s, 2),
            "good": self.is_good,
        }


class VpsBenchCommand:
    """Runs the three processes for a while, then counts."""

    name = "vps"
    help = "measure how late boxes come back through XProtect's VPS driver"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--cameras", type=int, default=8, help="drivers that dial (default: %(default)s)")
        parser.add_argument("--fps", type=float, default=12.5, help="pictures per second and camera")
        parser.add_argument("--seconds", type=float, default=30.0, help="how long (default: %(default)s)")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        if arguments.cameras < 1 or arguments.fps <= 0 or arguments.seconds <= 0:
            raise UsageError("--cameras, --fps and --seconds must be more than 0")
        configure_logging("error")
        with tempfile.TemporaryDirectory(prefix="vigie-bench-vps-") as folder:
            result = measure(Path(folder), cameras=arguments.cameras, fps=arguments.fps, seconds=arguments.seconds)
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result)
        return 0 if result.is_good else 1


COMMAND = VpsBenchCommand()


def measure(folder: Path, *, cameras: int, fps: float, seconds: float) -> VpsBenchResult:
    """Runs the bench with its files in ``folder``."""
    remarks().print(f"{cameras} cameras at {fps:g} pictures per second for {seconds:g} s", style="dim")
    authority = SiteAuthority.create(folder)
    chain_file, key = authority.issue([_HOST])
    video = folder / "scene.mp4"
    write_scene(video, seconds=_SCENE_S, fps=fps)
    watched = [_camera(number) for number in range(1, cameras + 1)]
    front = VpsFront(_settings(chain_file, key), services_for(folder / "site.yaml"))
    told = front.start(watched)
    try:
        with _worker(front, watched, told):
            cpu_before_s = time.process_time()
            reports = _drivers(
                {camera.id: f"{told['url']}{camera.id}" for camera in watched}, video, authority.ca, fps, seconds
            )
            front_cpu_s = time.process_time() - cpu_before_s
    finally:
        front.close()
    return _result(front, reports, fps=fps, seconds=seconds, front_cpu_s=front_cpu_s)


def _result(
    front: VpsFront, reports: Sequence[DriverReport], *, fps: float, seconds: float, front_cpu_s: float
) -> VpsBenchResult:
    counted = front.statistics().values()
    arrival_to_sent = LagHistogram()
    for statistics in counted:
        arrival_to_sent.include(statistics.arrival_to_sent)
    return VpsBenchResult(
        fps=fps,
        seconds=seconds,
        drivers=reports,
        frames_dropped=sum(statistics.frames_dropped + statistics.frames_unheard for statistics in counted),
        metadata_dropped=sum(statistics.metadata_dropped for statistics in counted),
        arrival_to_sent=arrival_to_sent,
        front_cpu_s=front_cpu_s,
    )


@contextmanager
def _worker(front: VpsFront, cameras: Sequence[CameraSettings], told: Mapping[str, str]) -> Iterator[None]:
    """The worker's process, and a thread that shows what it returns, as the supervisor's overlay thread does."""
    by_id = {camera.id: camera for camera in cameras}
    with _child(run_worker, cameras, told) as connection:
        if not connection.poll(_READY_S) or connection.recv() != READY:
            raise VigieError("the worker of the bench did not start")
        stopping = threading.Event()
        thread = threading.Thread(
            target=_pump, args=(front, by_id, connection, stopping), name="bench-pump", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(_STOP_S)
            connection.send(None)


def _pump(
    front: VpsFront, cameras: Mapping[str, CameraSettings], connection: Connection, stopping: threading.Event
) -> None:
    try:
        while not stopping.is_set():
            if connection.poll(_POLL_S):
                _show_boxes(front, cameras, connection.recv())
    except (EOFError, OSError):
        return  # the worker has ended


def _show_boxes(front: VpsFront, cameras: Mapping[str, CameraSettings], boxes: FrameBoxes) -> None:
    try:
        front.show(boxes, cameras[boxes.camera_id])
    except VmsUnavailable:
        return  # counted by the front: the drivers have hung up


def _drivers(urls: Mapping[str, str], video: Path, ca: Path, fps: float, seconds: float) -> list[DriverReport]:
    with _child(run_drivers, urls, video, ca, fps, seconds) as connection:
        if not connection.poll(_READY_S + seconds):
            raise VigieError("the simulated recorder of the bench did not report")
        reports: list[DriverReport] = connection.recv()
        return reports


@contextmanager
def _child(target: Any, *arguments: Any) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process: BaseProcess = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        with ours:
            yield ours
    finally:
        process.join(_STOP_S)
        if process.is_alive():
            process.kill()
            process.join(_STOP_S)


def _camera(number: int) -> CameraSettings:
    device = f"00000000-0000-4000-8000-{number:012d}"
    return CameraSettings(id=f"camera-{number}", vms="xprotect", device=device)


def _settings(certificate: Path, key: Path) -> MilestoneSettings:
    return MilestoneSettings.model_validate(
        {
            "id": "xprotect",
            "type": "milestone",
            "url": f"https://{_HOST}",
            "username": "vigie",
            "password": {"secret": "unused"},
            "video": "vps",
            "publish": ["metadata"],
            "vps": {"listen": f"{_HOST}:0", "certificate": certificate, "key": key},
        }
    )


def _show(result: VpsBenchResult) -> None:
    own = result.arrival_to_sent.as_json()
    lags = ", ".join(f"{name} {lag:.1f}" for name, lag in result.lags_ms().items())
    sys.stdout.write(
        f"{len(result.drivers)} cameras at {result.fps:g} pictures per second for {result.seconds:g} s over TLS\n"
        f"pictures pushed: {result.frames}, boxes returned: {result.metadata}, in order: {'yes' if result.is_in_order else 'no'}\n"
        f"faulty: {result.faulty}, pictures dropped: {result.frames_dropped}, boxes dropped: {result.metadata_dropped}\n"
        f"picture stamped to boxes in the recorder (ms): {lags}\n"
        f"picture in the front to boxes out of it (ms): p50 {own['p50']}, p95 {own['p95']}\n"
        f"processor time of the front: {result.front_cpu_s:.1f} s\n"
    )
