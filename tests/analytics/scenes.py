"""A detector that any test can predict, and a sink that remembers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from core.contracts import Detector
from core.types import Alert, Box, CameraFault, Detection, FrameBoxes, Picture

_BRIGHT = 200
_BELOW_NUMBER = 20
WAIT_S = 20.0


class BrightSpotDetector(Detector):
    """Calls the bright rectangle in a picture a person. ``failures`` are raised first, one per picture."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.failures = list(failures)
        self.shapes: list[tuple[int, ...]] = []
        self.gate = threading.Event()
        """Detection waits for it."""
        self.gate.set()

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({"person"})

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        assert self.gate.wait(WAIT_S)
        if self.failures:
            raise self.failures.pop(0)
        self.shapes += [picture.shape for picture in pictures]
        return [_spot(picture) for picture in pictures]


def _spot(picture: Picture) -> list[Detection]:
    rows, columns = np.nonzero(picture[_BELOW_NUMBER:].min(axis=2) > _BRIGHT)
    if not len(rows):
        return []
    height, width = picture.shape[:2]
    rows += _BELOW_NUMBER
    box = Box(
        left=columns.min() / width,
        top=rows.min() / height,
        right=(columns.max() + 1) / width,
        bottom=(rows.max() + 1) / height,
    )
    return [Detection(label="person", score=0.9, box=box)]


def spot_at(picture: Picture, x: float, y: float) -> None:
    """Paints a person whose ground point is there, 0.1 wide and 0.3 high."""
    height, width = picture.shape[:2]
    top, bottom = round((y - 0.3) * height), round(y * height)
    left, right = round((x - 0.05) * width), round((x + 0.05) * width)
    picture[max(top, _BELOW_NUMBER) : bottom, max(left, 0) : right] = 245


class RecordingSink:
    """Keeps what comes, and lets a test wait for it."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.frames: list[FrameBoxes] = []
        self.faults: dict[CameraFault, str] = {}
        """What is wrong now."""
        self.faults_said: list[tuple[CameraFault, bool]] = []
        """Every fault in order, true when it came, false when it was over."""
        self._changed = threading.Condition()

    def alert(self, alert: Alert) -> None:
        with self._changed:
            self.alerts.append(alert)
            self._changed.notify_all()

    def boxes(self, boxes: FrameBoxes) -> None:
        with self._changed:
            self.frames.append(boxes)
            self._changed.notify_all()

    def fault(self, fault: CameraFault, cause: str) -> None:
        with self._changed:
            self.faults[fault] = cause
            self.faults_said.append((fault, True))
            self._changed.notify_all()

    def fault_over(self, fault: CameraFault) -> None:
        with self._changed:
            self.faults.pop(fault, None)
            self.faults_said.append((fault, False))
            self._changed.notify_all()

    def wait_until(self, is_met: Callable[[RecordingSink], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: is_met(self), WAIT_S)
