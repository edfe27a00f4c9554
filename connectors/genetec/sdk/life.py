"""One life of the child process that hosts the SDK, seen from the core."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from connectors.genetec.sdk.frames import PROTOCOL, Frame, FrameReader, FrameWriter, error_from_json
from connectors.genetec.sdk.launch import Launch, child_command, child_environment
from core.contracts import Clock
from core.errors import ProtocolViolation, ReplyLost, VmsError, VmsUnavailable
from core.redaction import HIDDEN, redact

HELLO_S = 30.0
"""A Python process on a busy machine takes seconds to start, a runtime too."""

PING_S = 2.0
SILENCE_S = 10.0
"""A child whose threads run answers a ping at once; after so long it is taken for dead-locked."""

STOP_S = 8.0
"""Above ``host.STOP_S``."""

_WORDS = 20
_MARGIN_S = 2.0
"""For a busy machine, beyond what the child itself allows a question."""

if sys.platform == "win32":
    _NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _NEW_GROUP = 0

_log = structlog.get_logger(component="genetec-sdk")


class _Asked:
    """A question under way."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.frame: Frame | None = None


class Life:
    """Starts with the constructor. Threads: one reads frames, one what the SDK prints, one pings, one watches."""

    def __init__(self, launch: Launch, clock: Clock, hear: Callable[[Frame | None], None]) -> None:
        """``hear`` gets events, ``connected`` and ``lost``, and None when this life has ended; it must not wait.

        Raises ``VmsUnavailable`` where no process can be started.
        """
        self._clock = clock
        self._hear = hear
        self._launch = launch
        self._asked: dict[int, _Asked] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        self._dead = threading.Event()
        self._failure: VmsError | None = None
        self._words: deque[str] = deque(maxlen=_WORDS)
        self._heard_at = clock.monotonic()
        self._ended_by = ""
        self.is_connected = False
        self.handler_failures = 0
        self.events_dropped = 0
        self._process = _process(launch)
        assert self._process.stdin
        assert self._process.stdout
        self._writer = FrameWriter(self._process.stdin)  # type: ignore[arg-type] # buffered, hence binary I/O
        self._reader = FrameReader(self._process.stdout)  # type: ignore[arg-type]
        self._threads = [
            threading.Thread(target=body, name=f"genetec-sdk-{name}", daemon=True)
            for name, body in (
                ("read", self._read),
                ("print", self._listen),
                ("ping", self._ping),
                ("watch", self._watch),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it may still answer."""
        return not self._dead.is_set()

    @property
    def was_ready(self) -> bool:
        """Whether it ever logged on."""
        return self._ready.is_set() and self._failure is None

    def wait_ready(self) -> None:
        """Returns once logged on. Raises what the log-on ended with, or ``VmsUnavailable``; then this life is over."""
        is_in_time = self._ready.wait(HELLO_S + self._launch.logon_s)
        if not is_in_time:
            self.kill("did not start in time")
        if self._failure is not None:
            self.stop()
            raise self._failure
        if not is_in_time or self._dead.is_set():
            raise VmsUnavailable(f"the SDK bridge ended while starting ({self._cause()})")

    def ask(self, what: str, given: Mapping[str, Any], timeout_s: float) -> Any:
        """The answer. A question that is not answered in time ends this life: it must not take effect later on.

        It may wait ``timeout_s`` for those before it, and be done for as long; it is the child that looks at both.
        Raises ``VmsUnavailable`` when nothing was asked, ``ReplyLost`` when it may have had its effect, or what the SDK
        answered.
        """
        if not self.is_connected:
            raise VmsUnavailable("the SDK has no connection to the Directory")
        number, asked = next(self._numbers), _Asked()
        patience_s = 2 * timeout_s + _MARGIN_S
        with self._lock:
            if self._dead.is_set():
                raise VmsUnavailable(f"the SDK bridge ended ({self._cause()})")
            self._asked[number] = asked
        try:
            self._writer.write("ask", id=number, what=what, given=dict(given))
        except (OSError, ValueError) as error:
            self.kill("its pipe broke")
            raise VmsUnavailable(f"the SDK bridge ended before it was asked to {what}") from error
        if not asked.done.wait(patience_s):
            self.kill(f"no answer to {what} within {patience_s:g} s")
        with self._lock:
            self._asked.pop(number, None)
        if asked.frame is None:
            raise ReplyLost(f"the SDK bridge ended while it was to {what} ({self._cause()})")
        if "error" in asked.frame:
            raise self._error(asked.frame)
        return asked.frame["value"]

    def stop(self) -> None:
        """Asks it to log off and end; kills it when it does not. Safe from any thread, and twice."""
        self._ended_by = self._ended_by or "stopped"
        with suppress(OSError, ValueError):  # it has gone
            self._writer.write("stop")
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._join()

    def kill(self, why: str) -> None:
        """Ends it now. Returns when it is gone."""
        self._ended_by = self._ended_by or why
        self._process.kill()
        self._dead.wait(STOP_S)

    def _join(self) -> None:
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(STOP_S)

    def _cause(self) -> str:
        words = redact(" / ".join(self._words))[-300:]
        return ": ".join(filter(None, [self._ended_by or f"exit code {self._process.poll()}", words]))

    # Threads

    def _read(self) -> None:
        try:
            while (frame := self._reader.read()) is not None:
                self._heard_at = self._clock.monotonic()
                self._take(frame)
        except (OSError, ValueError, KeyError, TypeError, ProtocolViolation) as error:
            self._ended_by = self._ended_by or f"{type(error).__name__}: {error}"
        finally:
            self._bury()

    def _take(self, frame: Frame) -> None:
        match frame["kind"]:
            case "hello":
                self._greet(frame)
            case "ready":
                self.is_connected = True
                self._ready.set()
            case "failed":
                self._failure = self._error(frame)
                self._ready.set()
            case "answer":
                self._deliver(frame)
            case "pong":
                self.events_dropped, self.handler_failures = frame["dropped"], frame["failed"]
            case "connected":
                self.is_connected = True
                self._hear(frame)
            case "lost":
                self._lose(frame)
            case _:
                self._hear(frame)

    def _lose(self, frame: Frame) -> None:
        """Events were missed; unless it ``stays``, the connection is gone too."""
        if not frame.get("stays"):
            self.is_connected = False
        self._hear(frame)
        if frame.get("ends"):
            self._ended_by = "the Directory ended the session"
            self._writer.write("stop")

    def _error(self, frame: Frame) -> VmsError:
        told = frame["error"]
        return error_from_json(told | {"message": self._hidden(str(told["message"]))})

    def _hidden(self, text: str) -> str:
        """Without what this child was given in confidence."""
        for secret in self._launch.secrets:
            text = text.replace(secret, HIDDEN)
        return redact(text)

    def _greet(self, frame: Frame) -> None:
        if frame.get("protocol") != PROTOCOL:
            raise ProtocolViolation("the bridge is of another version")
        self._writer.write("start", protocol=PROTOCOL, **self._launch.as_frame())

    def _deliver(self, frame: Frame) -> None:
        with self._lock:
            asked = self._asked.get(frame["id"])
        if asked is not None:
            asked.frame = frame
            asked.done.set()

    def _bury(self) -> None:
        """The pipe has ended: whatever is left of the process goes, and whoever waits is woken."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        with self._lock:
            self.is_connected = False
            self._dead.set()
            waiting = list(self._asked.values())
        for asked in waiting:
            asked.done.set()
        self._ready.set()
        self._hear(None)
        for stream in (self._process.stdin, self._process.stdout):
            _close(stream)

    def _listen(self) -> None:
        """What the runtime and the SDK print; the last lines say why a child died."""
        assert self._process.stderr
        with self._process.stderr as stream:
            for line in stream:
                text = self._hidden(line.decode("utf-8", "replace").strip())
                self._words.append(text)
                _log.debug("printed", text=text)

    def _ping(self) -> None:
        while not self._dead.wait(PING_S):
            if self._ready.is_set():
                try:
                    self._writer.write("ping")
                except (OSError, ValueError):
                    return  # the reader sees the end

    def _watch(self) -> None:
        """Writes nothing: who writes waits while the pipe is full, until this thread has ended a child that is stuck."""
        while not self._dead.wait(PING_S):
            if self._ready.is_set() and self._clock.monotonic() - self._heard_at > SILENCE_S:
                self.kill(f"silent for {SILENCE_S:g} s")
                return


def _close(stream: Any) -> None:
    with suppress(OSError):  # what was buffered has nowhere to go
        stream.close()


def _process(launch: Launch) -> subprocess.Popen[bytes]:
    """In the SDK's folder, as Genetec wants it, and what a crash leaves is not written where Vigie was started."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own command line
            child_command(),
            cwd=launch.folder,
            env=child_environment(launch.secrets),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0 if sys.platform != "win32" else None,
            creationflags=_NEW_GROUP,
        )
    except OSError as error:
        raise VmsUnavailable(f"the SDK bridge cannot be started: {error}") from error
