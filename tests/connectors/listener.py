"""A listener in a thread, as the engine has one: for control sources of any VMS."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.contracts import ControlSource
from core.errors import VmsError
from core.types import ControlMessage, Linked

WAIT_S = 10.0


class Listener:
    """Reads a source until it ends."""

    def __init__(self, source: ControlSource) -> None:
        self.source = source
        self.error: VmsError | None = None
        self._heard: queue.Queue[ControlMessage] = queue.Queue()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for message in self.source.messages():
                self._heard.put(message)
        except VmsError as error:
            self.error = error

    def next(self, timeout_s: float = WAIT_S) -> ControlMessage:
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"nothing was told; ended with {self.error!r}") from self.error

    def take(self, count: int) -> list[ControlMessage]:
        return [self.next() for _ in range(count)]

    def linked(self) -> None:
        assert self.next() == Linked()

    def rest(self) -> list[ControlMessage]:
        """What was heard and not taken yet."""
        return [self._heard.get_nowait() for _ in range(self._heard.qsize())]

    def join(self) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def ended_with(self) -> VmsError | None:
        """What the source raised, once it ends by itself."""
        self.join()
        return self.error


@contextmanager
def listening(source: ControlSource) -> Iterator[Listener]:
    listener = Listener(source)
    try:
        yield listener
    finally:
        source.close()
        listener.join()
