"""One end of a worker's pipe: one thread writes it, so that nobody ever waits for the other side."""

from __future__ import annotations

import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import TypeAlias

import structlog

from core.engine.messages import BoxesSeen, FromWorker, ToWorker

MAX_BOXES = 256
"""Frames of boxes waiting for the other side; beyond, the oldest is dropped and counted."""

MAX_MESSAGES = 10_000
"""Alerts and states waiting; beyond, the caller waits: an alert is never dropped."""

Message: TypeAlias = FromWorker | ToWorker

_log = structlog.get_logger(component="outbound")


class Outbound:
    """Two lanes into one pipe: alerts and states in order and never dropped, boxes newest first to live."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: deque[Message] = deque()
        self._boxes: deque[BoxesSeen] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._broken = False
        self.dropped_boxes = 0
        self._thread = threading.Thread(target=self._write, name="outbound", daemon=True)
        self._thread.start()

    @property
    def is_broken(self) -> bool:
        """True when the other side is gone."""
        return self._broken

    def send(self, message: Message) -> None:
        """Queues; waits only when ``MAX_MESSAGES`` are already waiting for a live other side."""
        with self._changed:
            if isinstance(message, BoxesSeen):
                self._queue_boxes(message)
            else:
                self._changed.wait_for(lambda: len(self._messages) < MAX_MESSAGES or self._broken)
                if not self._broken:
                    self._messages.append(message)
            self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Writes what is queued, then ends the thread; says what it could not get rid of in time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("the other side did not take everything in time", messages_lost=len(self._messages))

    def _queue_boxes(self, message: BoxesSeen) -> None:
        if len(self._boxes) >= MAX_BOXES:
            self._boxes.popleft()
            self.dropped_boxes += 1
        self._boxes.append(message)

    def _next(self) -> Message | None:
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._boxes or self._closing)
            if self._messages:
                message: Message = self._messages.popleft()
            elif self._boxes:
                message = self._boxes.popleft()
            else:
                return None
            self._changed.notify_all()
            return message

    def _write(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._connection.send(message)
            except OSError:
                self._give_up()
                return
            except Exception:  # noqa: BLE001 - thread edge: what one rule put into an alert may not silence the worker
                _log.exception("a message cannot be sent and is lost", kind=type(message).__name__)

    def _give_up(self) -> None:
        with self._changed:
            self._broken = True
            self._messages.clear()
            self._boxes.clear()
            self._changed.notify_all()
