"""The child process that hosts the .NET SDK: ``python -m connectors.genetec.sdk.host``, started by ``life``.

Plain Python: the .NET side is ``dotnet``. The main thread owns the SDK and does one request after the other; a reader
answers pings, so that a process whose threads cannot run any more is seen; what the SDK's own threads tell is only put
into a queue, from which a pump writes. A watchdog ends the process when a call, or the stopping, takes too long: SDKs
leave threads behind that keep a process alive.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Full, Queue, SimpleQueue
from typing import Any, Protocol

from connectors.genetec.sdk.frames import PROTOCOL, Frame, FrameReader, FrameWriter, error_as_json, packed
from connectors.genetec.sdk.watchdog import Watchdog
from core.errors import ProtocolViolation, VigieError, VmsError, VmsUnavailable
from core.redaction import redact

STOP_S = 5.0
"""So long may logging off and letting go take."""

NO_PARENT = 71
"""Exit code: nobody listens any more."""

_MAX_EVENTS = 10_000
_MAX_REQUESTS = 256
_MOST_AT_ONCE = 50
_LOOK_S = 0.2


class Events:
    """What the SDK's threads tell. ``put`` never waits, never raises."""

    def __init__(self, capacity: int = _MAX_EVENTS) -> None:
        self._queue: SimpleQueue[Frame] = SimpleQueue()
        self._unread: SimpleQueue[tuple[str, Callable[[], Mapping[str, Any]]]] = SimpleQueue()
        self._capacity = capacity
        self.wake: Callable[[], None] = lambda: None
        """Has ``digest`` called soon."""
        self.dropped = 0
        self.failed = 0

    def put(self, kind: str, **fields: Any) -> None:
        """An event; dropped and counted when nobody takes them."""
        if self._queue.qsize() >= self._capacity:
            self.dropped += 1
        else:
            self._queue.put({"kind": "event", "event": kind, **fields})

    def put_unread(self, kind: str, read: Callable[[], Mapping[str, Any]]) -> None:
        """An event that needs the SDK to be read, which ``digest`` then does on the SDK's own thread."""
        if self._unread.qsize() >= self._capacity:
            self.dropped += 1
        else:
            self._unread.put((kind, read))
            self.wake()

    def digest(self) -> None:
        """Reads what ``put_unread`` left: some, so that others get their turn, and is called again for the rest."""
        for _ in range(min(_MOST_AT_ONCE, self._unread.qsize())):
            kind, read = self._unread.get()
            try:
                self.put(kind, **read())
            except Exception as error:  # noqa: BLE001 - of .NET: one event that cannot be read must not end the bridge
                self.handler_failed(kind, error)
        if not self._unread.empty():
            self.wake()

    def connection(self, kind: str, **fields: Any) -> None:
        """``connected`` or ``lost``: few, and never dropped."""
        self._queue.put({"kind": kind, **fields})

    def handler_failed(self, kind: str, error: BaseException) -> None:
        """A handler could not read what it was given. Said once; counted."""
        self.failed += 1
        if self.failed == 1:
            with suppress(OSError, ValueError):  # nobody reads any more: on the SDK's thread, so nothing may leave here
                print(f"a handler of {kind} failed: {type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201

    def take(self, timeout_s: float) -> Frame | None:
        """The next; None when nothing comes."""
        try:
            return self._queue.get(timeout=timeout_s)
        except Empty:
            return None


class Sdk(Protocol):
    """What the host needs of the .NET side; all of it is called in one thread."""

    def log_on(self) -> None:
        """Raises ``VmsError``."""

    def call(self, what: str, given: Mapping[str, Any]) -> Any:
        """Does one thing; returns what JSON can say. Raises ``VmsError``."""

    def close(self) -> None:
        """Detaches handlers, logs off, lets go. Raises nothing."""


class Host:
    """One life of the child."""

    def __init__(
        self,
        reader: FrameReader,
        writer: FrameWriter,
        sdk: Callable[[Mapping[str, Any], Events], Sdk],
        exit_now: Callable[[int], object] = os._exit,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._make_sdk = sdk
        self._events = Events()
        self._events.wake = self._wake
        self._requests: Queue[Frame | None] = Queue(_MAX_REQUESTS)
        self._is_woken = False
        self._watchdog = Watchdog(exit_now)
        self._hang_s = STOP_S

    def run(self) -> int:
        """Until the parent says stop, or goes; returns the exit code."""
        self._writer.write("hello", protocol=PROTOCOL, pid=os.getpid())
        start = self._reader.read()
        if start is None:
            return NO_PARENT
        if start.get("kind") != "start" or start.get("protocol") != PROTOCOL:
            self._fail(
                ProtocolViolation("both sides of the bridge are of different versions", remedy="Reinstall Vigie.")
            )
            return 1
        self._hang_s = float(start["hang_s"])
        for body in (self._read, self._pump, self._watchdog.run):
            threading.Thread(target=body, name=body.__name__.strip("_"), daemon=True).start()
        return self._live(start)

    def _live(self, start: Frame) -> int:
        sdk = None
        try:
            with self._watchdog.limit(float(start["logon_s"]) + self._hang_s):
                sdk = self._make_sdk(start, self._events)
                sdk.log_on()
            return self._serve(sdk)
        except VmsError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - of Python or .NET, as SDKs differ: a person must read why it does not start
            self._fail(ProtocolViolation(f"the SDK does not start: {_described(error)}"))
        finally:
            with self._watchdog.limit(STOP_S):
                if sdk is not None:
                    sdk.close()
        return 1

    def _serve(self, sdk: Sdk) -> int:
        try:
            self._writer.write("ready")
            while (request := self._requests.get()) is not None:
                if request["kind"] == "ask":
                    self._writer.write("answer", id=request["id"], **self._answer(sdk, request))
                self._is_woken = False
                with self._watchdog.limit(self._hang_s):
                    self._events.digest()
        except (OSError, ValueError):  # the pipe is gone
            return NO_PARENT
        return 0

    def _fail(self, error: VmsError) -> None:
        with suppress(OSError, ValueError):  # nobody wants to know
            self._writer.write("failed", error=error_as_json(error))

    def _answer(self, sdk: Sdk, request: Frame) -> Frame:
        """The fields of the answer. What waited too long is not begun: whoever asked may have given up."""
        if time.monotonic() - request["came_at"] > self._hang_s:
            return {"error": error_as_json(VmsUnavailable("the SDK was busy with other questions"))}
        try:
            with self._watchdog.limit(self._hang_s):
                answer = {"value": sdk.call(str(request["what"]), request["given"])}
            packed(answer)
        except VmsError as error:
            return {"error": error_as_json(error)}
        except Exception as error:  # noqa: BLE001 - SDKs differ: a question that breaks must not cost all the others
            return {"error": error_as_json(ProtocolViolation(f"{request['what']}: {_described(error)}"))}
        return answer

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            with suppress(Full):  # then it is awake
                self._requests.put_nowait({"kind": "wake"})

    # Threads

    def _read(self) -> None:
        try:
            while (frame := self._reader.read()) is not None and frame["kind"] != "stop":
                self._take(frame)
        except (OSError, ValueError, VigieError):
            pass  # as good as the end of the pipe
        self._watchdog.stop(STOP_S)
        while True:
            try:
                self._requests.put_nowait(None)
            except Full:
                self._requests.get()
            else:
                return

    def _take(self, frame: Frame) -> None:
        if frame["kind"] == "ping":
            self._writer.write("pong", dropped=self._events.dropped, failed=self._events.failed)
        elif frame["kind"] == "ask":
            try:
                self._requests.put_nowait(frame | {"came_at": time.monotonic()})
            except Full:
                busy = VmsUnavailable("the bridge has too much to do")
                self._writer.write("answer", id=frame["id"], error=error_as_json(busy))

    def _pump(self) -> None:
        """Also tells that events were dropped, as those who listen must then ask for what they missed."""
        told = 0
        try:
            while not self._watchdog.is_stopping:
                frame = self._events.take(_LOOK_S)
                if frame is not None:
                    self._writer.write(**frame)
                if self._events.dropped > told:
                    told = self._events.dropped
                    self._writer.write("lost", cause="events came faster than they were taken", stays=True)
        except (OSError, ValueError):
            self._watchdog.stop(STOP_S)


def _described(error: Exception) -> str:
    """Without .NET's stack, which stands in the lines below."""
    first = next(iter(str(error).splitlines()), "")
    return redact(f"{type(error).__name__}: {first}")


def _private_pipes() -> tuple[FrameReader, FrameWriter]:
    """Takes the standard streams for frames alone: what the SDK prints goes to standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return FrameReader(os.fdopen(incoming, "rb")), FrameWriter(os.fdopen(outgoing, "wb"))


def main() -> None:
    """The process's body. Ends hard, whatever threads the SDK left behind."""
    reader, writer = _private_pipes()
    from connectors.genetec.sdk.dotnet.engine import DotNetSdk  # noqa: PLC0415 - not before standard output is ours

    code = 1
    try:
        code = Host(reader, writer, DotNetSdk).run()
    except BaseException as error:  # noqa: BLE001 - process edge: nothing may keep a broken child alive
        print(f"the bridge failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(code)


if __name__ == "__main__":
    main()
