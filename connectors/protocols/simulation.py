"""What the VMS simulators share: their arguments, faults to order, a ledger of what they accepted, and their life.

A simulator gives ``run_simulator`` an async context manager that starts its servers and yields an ``Announcement``;
everything else (certificates, clips, admin port, announcement, end) is done here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from connectors.protocols.arguments import clip_shape
from connectors.protocols.backdoor import OK, Act, Admin, FaultBoard, Ledger
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import Clip, ClipShape, load_clip
from connectors.protocols.scene import write_scene
from connectors.protocols.serving import listening
from core.clock import SystemClock
from core.contracts import Clock
from core.errors import UsageError, VigieError
from core.types import Json, VmsCamera

__all__ = [
    "OK",
    "Act",
    "Admin",
    "Announcement",
    "FaultBoard",
    "Ledger",
    "Simulation",
    "add_common_arguments",
    "run_simulator",
    "serve_until_stopped",
    "simulator_in_thread",
]

_STOP_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 60.0


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every VMS simulator takes."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--video", action="append", type=Path, default=[], metavar="FILE", help="one camera each; default: a made scene"
    )
    parser.add_argument("--cameras", type=int, metavar="N", help="number of cameras, repeating the videos in turn")
    parser.add_argument(
        "--as",
        dest="shape",
        type=clip_shape,
        metavar="WxH@FPS",
        help="make every video H.264 of this size and rate, such as 704x576@25 (default: as it is)",
    )
    parser.add_argument("--still", action="store_true", help="in the made scene nobody comes")
    parser.add_argument("--username", default="vigie", help="the account that may log in (default: %(default)s)")
    parser.add_argument("--password", default="vigie-demo", help="its password, for tests on this machine only")
    parser.add_argument(
        "--certs", type=Path, metavar="DIR", help="where to write the site CA (default: a temporary one)"
    )
    parser.add_argument(
        "--admin-port", type=int, default=0, help="port of ledger and faults, on 127.0.0.1 (default: free)"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME=OUTCOME[,OUTCOME...]", help="order faults from the start"
    )
    parser.add_argument("--json", action="store_true", help="announce as one JSON line")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input closes")


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What a simulator's servers are started with."""

    arguments: argparse.Namespace
    folder: Path
    clock: Clock
    faults: FaultBoard
    ledger: Ledger
    authority: SiteAuthority
    videos: tuple[tuple[str, Clip], ...]
    """Name and clip of each camera."""
    acts: dict[str, Act] = field(default_factory=dict)
    """What people do in the simulated VMS, by name; the simulator's servers add theirs, the admin port offers them."""

    @property
    def host(self) -> str:
        """Where to listen."""
        return str(self.arguments.host)

    @property
    def address(self) -> str:
        """Where clients on this machine find it, also when it listens everywhere."""
        host = "127.0.0.1" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"[{host}]" if ":" in host else host

    @property
    def names(self) -> tuple[str, ...]:
        """What a server certificate of this simulator must carry."""
        return tuple(dict.fromkeys((self.host, "127.0.0.1", "localhost")))


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """Where a running simulator is found. ``admin`` and ``ca`` are filled in when left empty."""

    simulator: str
    url: str
    cameras: tuple[VmsCamera, ...]
    admin: str = ""
    ca: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """As announced with ``--json``."""
        cameras: list[Json] = [{"device": camera.device, "name": camera.name} for camera in self.cameras]
        named: dict[str, Json] = {"simulator": self.simulator, "url": self.url, "admin": self.admin, "ca": self.ca}
        return {**named, "cameras": cameras, **self.extra}

    def as_text(self) -> str:
        """As announced to a person."""
        lines = [f"{self.simulator} is ready at {self.url}", f"  admin  {self.admin}", f"  ca     {self.ca}"]
        lines += [f"  camera {camera.device}  {camera.name}" for camera in self.cameras]
        lines += [f"  {name}: {value}" for name, value in self.extra.items()]
        return "\n".join(lines)


Start: TypeAlias = Callable[[Simulation], AbstractAsyncContextManager[Announcement]]
"""Starts a simulator's servers; leaving the context closes them."""


def run_simulator(
    arguments: argparse.Namespace, start: Start, *, faults: Mapping[str, Collection[str]] | None = None
) -> int:
    """Runs a simulator as a command until it is told to stop; returns the exit code 0."""
    asyncio.run(_serve_as_command(arguments, start, faults))
    return 0


@contextmanager
def simulator_in_thread(
    arguments: argparse.Namespace, start: Start, *, faults: Mapping[str, Collection[str]] | None = None
) -> Iterator[Announcement]:
    """A simulator running in a thread of this process, for tests; leaving the context ends it."""
    ready = threading.Event()
    state = _ThreadState()

    async def serve() -> None:
        stop = asyncio.Event()
        state.stop = _thread_safe(asyncio.get_running_loop(), stop)
        async with _running(arguments, start, faults, stop.set) as announcement:
            state.announcement = announcement
            ready.set()
            await stop.wait()

    def body() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:  # noqa: BLE001 - the thread's edge: handed to the caller below
            state.error = error
        finally:
            ready.set()

    thread = threading.Thread(target=body, name="simulator", daemon=True)
    thread.start()
    if not ready.wait(_START_TIMEOUT_S) or state.announcement is None:
        state.stop()
        raise VigieError("the simulator did not start") from state.error
    try:
        yield state.announcement
    finally:
        state.stop()
        thread.join(_STOP_TIMEOUT_S)
    if thread.is_alive():
        raise VigieError(f"the simulator did not end within {_STOP_TIMEOUT_S:g} s")
    if state.error is not None:
        raise VigieError("the simulator failed") from state.error


async def serve_until_stopped(
    running: AbstractAsyncContextManager[Announcement], stop: asyncio.Event, *, as_json: bool
) -> None:
    """Announces once the servers answer, and closes them when ``stop`` is set."""
    async with running as announcement:
        text = json.dumps(announcement.as_json()) if as_json else announcement.as_text()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        await stop.wait()


async def _serve_as_command(
    arguments: argparse.Namespace, start: Start, faults: Mapping[str, Collection[str]] | None
) -> None:
    stop = asyncio.Event()
    request_stop = _thread_safe(asyncio.get_running_loop(), stop)
    # signal.signal rather than loop.add_signal_handler, which Windows has not.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if number := getattr(signal, name, None):
            signal.signal(number, lambda _number, _frame: request_stop())
    if arguments.until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(request_stop,), name="stdin", daemon=True).start()
    await serve_until_stopped(_running(arguments, start, faults, stop.set), stop, as_json=arguments.json)


def _watch_stdin(request_stop: Callable[[], None]) -> None:
    # The bare descriptor: a daemon thread inside sys.stdin would hold its lock while the interpreter ends.
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    request_stop()


def _thread_safe(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> Callable[[], None]:
    def request_stop() -> None:
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    return request_stop


@asynccontextmanager
async def _running(
    arguments: argparse.Namespace,
    start: Start,
    faults: Mapping[str, Collection[str]] | None,
    stop: Callable[[], None],
) -> AsyncIterator[Announcement]:
    clock = SystemClock()
    board, ledger = FaultBoard(faults), Ledger(clock)
    for text in arguments.fault:
        _order_fault(board, text)
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="vigie-simulator-", ignore_cleanup_errors=True))
        )
        simulation = Simulation(
            arguments=arguments,
            folder=folder,
            clock=clock,
            faults=board,
            ledger=ledger,
            authority=SiteAuthority.create(arguments.certs or folder / "certs"),
            videos=_videos(arguments, folder),
        )
        port = await stack.enter_async_context(
            listening(Admin(ledger, board, stop, simulation.acts).app(), "127.0.0.1", arguments.admin_port)
        )
        announcement = await stack.enter_async_context(start(simulation))
        yield Announcement(
            simulator=announcement.simulator,
            url=announcement.url,
            cameras=announcement.cameras,
            admin=announcement.admin or f"http://127.0.0.1:{port}",
            ca=announcement.ca or str(simulation.authority.ca),
            extra=announcement.extra,
        )


def _order_fault(board: FaultBoard, text: str) -> None:
    name, equals, outcomes = text.partition("=")
    if not equals:
        raise UsageError(f"--fault {text!r} has no '='", remedy="Write NAME=OUTCOME[,OUTCOME...].")
    board.set(name, outcomes.split(","))


def _videos(arguments: argparse.Namespace, folder: Path) -> tuple[tuple[str, Clip], ...]:
    """Name and clip of each camera; videos are repeated in turn up to ``--cameras``. None where ``video`` is None."""
    if arguments.video is None:  # a simulator that plays nothing
        return ()
    paths: list[Path] = list(arguments.video)
    shape: ClipShape | None = arguments.shape
    if not paths:
        paths = [folder / "Generated scene.mp4"]
        _write_scene(paths[0], shape, is_still=arguments.still)
        shape = None
    count = arguments.cameras if arguments.cameras is not None else len(paths)
    if count < 1:
        raise UsageError("--cameras must be at least 1", remedy="Leave it out for one camera per video.")
    clips = {path: load_clip(path, shape) for path in paths[:count]}
    chosen = [paths[index % len(paths)] for index in range(count)]
    times = Counter(chosen)
    return tuple(
        (path.stem if times[path] == 1 else f"{path.stem} {index // len(paths) + 1}", clips[path])
        for index, path in enumerate(chosen)
    )


def _write_scene(path: Path, shape: ClipShape | None, *, is_still: bool) -> None:
    if shape is None:
        write_scene(path, is_still=is_still)
    else:
        write_scene(path, fps=shape.fps, size=(shape.width, shape.height), is_still=is_still)


@dataclass(slots=True)
class _ThreadState:
    announcement: Announcement | None = None
    error: Exception | None = None
    stop: Callable[[], None] = field(default=lambda: None)
