"""Notices analysis that hangs in native code: its thread says nothing, its process goes on sending heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.contracts import Clock

STUCK_S = 15.0
"""A thread that has work waiting and finishes nothing for so long is stuck. One picture takes well under a second."""

QUIET_S = 3.0
"""When nothing waited for so long the thread was idle, and the count begins anew."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """One thread of a camera, by the statistics that tell of it."""

    name: str
    done: tuple[str, ...]
    """Grow whenever the thread has finished something, however it ended."""
    skipped: str = ""
    """Grows when something newer replaced what waited for the thread."""
    queue: str = ""
    """Length of the queue before the thread."""


_STAGES = (
    _Stage("decoding", ("decode_s", "frames_decoded", "corrupt"), queue="queue_length"),
    _Stage("analysis", ("inference_s", "frames_analysed", "detector_defects"), skipped="frames_skipped"),
)


@dataclass(slots=True)
class _Mark:
    done: tuple[float, ...]
    skipped: float
    since: float
    waited_at: float


class Progress:
    """Looks at the statistics of the cameras. Not thread-safe: the pool holds its lock.

    A camera whose stream cannot be decoded, waits for a key frame or shows a scene in which nothing moves is not stuck:
    its threads take what comes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: dict[tuple[str, str], _Mark] = {}

    def stuck(self, statistics: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
        """Cameras that stand still by now, with the name of what hangs."""
        return {
            camera_id: stage.name
            for stage in _STAGES
            for camera_id, values in statistics.items()
            if self._stands_still(camera_id, stage, values)
        }

    def forget(self, camera_id: str) -> None:
        """Its next statistics are those of another process."""
        for stage in _STAGES:
            self._marks.pop((camera_id, stage.name), None)

    def _stands_still(self, camera_id: str, stage: _Stage, values: Mapping[str, float]) -> bool:
        now = self._clock.monotonic()
        done = tuple(values.get(name, 0.0) for name in stage.done)
        skipped = values.get(stage.skipped, 0.0)
        mark = self._marks.get((camera_id, stage.name))
        if mark is None or mark.done != done:
            self._marks[camera_id, stage.name] = _Mark(done, skipped, now, now)
            return False
        if skipped > mark.skipped or values.get(stage.queue, 0.0) > 0.0:
            mark.skipped, mark.waited_at = skipped, now
        elif now - mark.waited_at > QUIET_S:
            mark.since = mark.waited_at = now
        return now - mark.since >= STUCK_S
