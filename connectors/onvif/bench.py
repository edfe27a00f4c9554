"""``vigie bench onvif``: how late, how costly and how exact the boxes are that our ONVIF device sends, on this machine.

Processes as on a site: a worker with cameras, the supervisor's device (this process) and clients over TLS. Nothing is
analysed: each picture's boxes are known when it leaves the camera, so that moment is when its frame was analysed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from config.model import CameraSettings
from connectors.onvif.bench_children import READY, run_clients, run_viewer, run_worker
from connectors.onvif.bench_reader import ReaderReport, ReaderTarget
from connectors.onvif.bench_scene import write_bench_scene
from connectors.onvif.device.addresses import PREFIX
from connectors.onvif.device.front import DeviceFront
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.certificates import SiteAuthority
from core.cli.output import add_json_flag, print_json, remarks
from core.clock import SystemClock
from core.errors import UsageError, VigieError
from core.logs import configure_logging
from core.services import Services
from core.types import Json

DELAY_P95_MS: Final = 50.0
CPU_SHARE: Final = 0.05
ERROR_FRAMES: Final = 1.0
"""What the device promises: analysed frame to document at a client, its processor time as a share of one core with
sixteen clients, and the distance between a box and the picture of the same UTC."""

_HOST: Final = "127.0.0.1"
_USER: Final = "vms"
_VIEWING_S: Final = 6.0
_READY_S: Final = 60.0
_STOP_S: Final = 10.0
_RECEIVED_SHARE: Final = 0.9
"""Of the documents that were due in the time; the rest may be on its way at either end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnvifBenchResult:
    """What the clients saw. ``errors_frames``: how many pictures each box was away from what it marks."""

    cameras: int
    fps: float
    seconds: float
    clients: Sequence[ReaderReport]
    cpu_share: float
    errors_frames: Sequence[float]

    @property
    def delays_ms(self) -> list[float]:
        """Of all clients, ascending."""
        return sorted(chain.from_iterable(client.delays_ms for client in self.clients))

    @property
    def is_whole(self) -> bool:
        """Whether every client got its documents and pictures, in order."""
        due = self.fps * self.seconds * _RECEIVED_SHARE
        return all(
            len(client.delays_ms) >= due and client.pictures >= due and not client.out_of_order
            for client in self.clients
        )

    @property
    def broken_limits(self) -> list[str]:
        """Names of the promises that were not kept."""
        p95 = share_of(self.delays_ms, 0.95)
        checks = {
            "received": self.is_whole,
            "delay_ms.p95": p95 is not None and p95 <= DELAY_P95_MS,
            "cpu_share": self.cpu_share < CPU_SHARE,
            "error_frames.max": bool(self.errors_frames) and max(self.errors_frames) <= ERROR_FRAMES,
        }
        return [name for name, is_kept in checks.items() if not is_kept]

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        delays, errors = self.delays_ms, sorted(self.errors_frames)
        return {
            "clients": len(self.clients),
            "cameras": self.cameras,
            "fps": self.fps,
            "seconds": self.seconds,
            "documents": len(delays),
            "pictures": sum(client.pictures for client in self.clients),
            "out_of_order": sum(client.out_of_order for client in self.clients),
            "delay_ms": _shares(delays),
            "cpu_share": round(self.cpu_share, 4),
            "boxes_compared": len(errors),
            "error_frames": _shares(errors),
            "broken_limits": list(self.broken_limits),
            "good": not self.broken_limits,
        }


class OnvifBenchCommand:
    """Runs the processes for a while, then counts."""

    name = "onvif"
    help = "measure delay, processor time and exactness of the ONVIF device's boxes"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--clients", type=int, default=16, help="clients of the device (default: %(default)s)")
        parser.add_argument("--cameras", type=int, default=4, help="channels they share (default: %(default)s)")
        parser.add_argument("--fps", type=float, default=12.5, help="pictures and documents per second and camera")
        parser.add_argument("--seconds", type=float, default=20.0, help="how long (default: %(default)s)")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        if min(arguments.clients, arguments.cameras, arguments.fps, arguments.seconds) <= 0:
            raise UsageError("--clients, --cameras, --fps and --seconds must be more than 0")
        configure_logging("error")
        with tempfile.TemporaryDirectory(prefix="vigie-bench-onvif-") as folder:
            result = measure(
                Path(folder),
                clients=arguments.clients,
                cameras=arguments.cameras,
                fps=arguments.fps,
                seconds=arguments.seconds,
            )
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result)
        return 1 if result.broken_limits else 0


COMMAND = OnvifBenchCommand()


def measure(folder: Path, *, clients: int, cameras: int, fps: float, seconds: float) -> OnvifBenchResult:
    """Runs the bench with its files in ``folder``."""
    remarks().print(f"{clients} clients of {cameras} cameras at {fps:g} pictures per second", style="dim")
    authority = SiteAuthority.create(folder)
    certificate, key = authority.issue([_HOST])
    video = folder / "scene.mp4"
    write_bench_scene(video, fps)
    port, password = _free_port(), secrets.token_hex(8)
    settings = _settings(certificate, key, port)
    services = Services(clock=SystemClock(), secrets=lambda _reference: password, site_dir=folder)
    watched = [CameraSettings(id=f"camera-{n}", vms=settings.id, device=f"source-{n}") for n in range(1, cameras + 1)]
    targets = [
        ReaderTarget(
            url=f"rtsps://{_HOST}:{port}{PREFIX}{watched[number % cameras].id}",
            username=_USER,
            password=password,
            ca=authority.ca,
        )
        for number in range(clients)
    ]
    front = DeviceFront(settings, services)
    try:
        told = front.start(watched)
        with _child(run_worker, [camera.id for camera in watched], video, told) as worker, _shown(front, worker):
            errors = _viewed(targets[0])
            reports, cpu_share = _measured(targets, seconds)
    finally:
        front.close()
    return OnvifBenchResult(
        cameras=cameras, fps=fps, seconds=seconds, clients=reports, cpu_share=cpu_share, errors_frames=errors
    )


def share_of(ascending: Sequence[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))] if ascending else None


def _shares(ascending: Sequence[float]) -> dict[str, Json]:
    values = {name: share_of(ascending, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}
    return {name: None if value is None else round(value, 2) for name, value in values.items()}


def _viewed(target: ReaderTarget) -> list[float]:
    with _child(run_viewer, target, _VIEWING_S) as viewer:
        errors: list[float] = _received(viewer, _READY_S + _VIEWING_S, "viewer")
        return errors


def _measured(targets: Sequence[ReaderTarget], seconds: float) -> tuple[list[ReaderReport], float]:
    with _child(run_clients, targets, seconds) as clients:
        _received(clients, _READY_S, "clients")
        began_at, cpu_before_s = time.monotonic(), time.process_time()
        reports: list[ReaderReport] = _received(clients, _READY_S + seconds, "clients")
        return reports, (time.process_time() - cpu_before_s) / (time.monotonic() - began_at)


@contextmanager
def _shown(front: DeviceFront, worker: Connection) -> Iterator[None]:
    """Shows the boxes that the worker returns, as the supervisor's overlay thread does."""
    if _received(worker, _READY_S, "worker") != READY:
        raise VigieError("the worker of the bench did not start")

    def pump() -> None:
        with suppress(EOFError, OSError):  # the worker has ended
            while True:
                front.show(worker.recv())

    thread = threading.Thread(target=pump, name="bench-pump", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.send(None)
        thread.join(_STOP_S)


def _received(connection: Connection, timeout_s: float, who: str) -> Any:
    try:
        if connection.poll(timeout_s):
            return connection.recv()
    except (EOFError, OSError) as error:
        raise VigieError(f"the {who} of the bench ended early") from error
    raise VigieError(f"the {who} of the bench did not answer within {timeout_s:g} s")


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


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])


def _settings(certificate: Path, key: Path, port: int) -> OnvifSettings:
    device = {
        "listen": f"{_HOST}:0",
        "rtsps": f"{_HOST}:{port}",
        "certificate": certificate,
        "key": key,
        "username": _USER,
        "password": {"secret": "device"},
    }
    return OnvifSettings.model_validate(
        {
            "id": "onvif",
            "type": "onvif",
            "url": f"https://{_HOST}",
            "username": "vigie",
            "password": {"secret": "bridge"},
            "publish": ["metadata"],
            "device": device,
        }
    )


def _show(result: OnvifBenchResult) -> None:
    document = result.as_json()
    sys.stdout.write(
        f"{document['clients']} clients of {document['cameras']} cameras at {result.fps:g} pictures per second for"
        f" {result.seconds:g} s over TLS\n"
        f"documents: {document['documents']}, pictures: {document['pictures']}, out of order: {document['out_of_order']}\n"
        f"frame analysed to document at the client (ms): {document['delay_ms']}\n"
        f"processor time of the device: {result.cpu_share:.1%} of a core\n"
        f"box to what it marks, in pictures: {document['error_frames']} ({document['boxes_compared']} compared)\n"
        f"promises broken: {', '.join(result.broken_limits) or 'none'}\n"
    )
