"""Boxes to one VMS, in capture order per camera; what comes too late is dropped and counted (guarantee 4)."""

from __future__ import annotations

import threading
from collections import deque

import structlog

from config.model import CameraSettings
from core.contracts import VmsConnector
from core.errors import VmsError
from core.logs import OnceGate, describe
from core.types import FrameBoxes, UtcSeconds

MAX_WAITING = 256
"""Frames waiting for one VMS; beyond, the oldest is dropped."""

_STEP_BACK_S = 10.0
"""A frame that is so much older than the last means that the recorder's clock was set back, as analysis takes it, too.
Less than that is what a recorder sends again after an interruption."""

_log = structlog.get_logger(component="overlay")


class OverlayPump:
    """One thread per VMS that shows boxes."""

    def __init__(self, connector: VmsConnector) -> None:
        self._connector = connector
        self._waiting: deque[tuple[FrameBoxes, CameraSettings]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._last: dict[str, UtcSeconds] = {}
        self._gate = OnceGate(_log)
        self.sent = 0
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="overlay", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def show(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        """Queues the boxes of one frame; never waits."""
        with self._changed:
            last = self._last.get(boxes.camera_id, float("-inf"))
            if last - _STEP_BACK_S <= boxes.captured_at <= last:
                self.dropped += 1
                return
            self._last[boxes.camera_id] = boxes.captured_at
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append((boxes, camera))
            self._changed.notify()

    def stop(self, timeout_s: float) -> None:
        """Ends the thread; what waits is dropped, for old boxes are worth nothing."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._send(*item)

    def _next(self) -> tuple[FrameBoxes, CameraSettings] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            return None if self._stopping else self._waiting.popleft()

    def _send(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        try:
            self._connector.publish_boxes(boxes, camera)
        except VmsError as error:
            self._failed(camera, error.line())
        except Exception as error:  # noqa: BLE001 - thread edge: a defect in a connector may not end the boxes of a VMS
            self._failed(camera, f"defect: {describe(error)}")
        else:
            self.sent += 1
            self._gate.recovered(camera.id, "boxes reach the VMS again", camera=camera.id)

    def _failed(self, camera: CameraSettings, cause: str) -> None:
        self.dropped += 1
        self._gate.lost(camera.id, "boxes do not reach the VMS", camera=camera.id, cause=cause)
