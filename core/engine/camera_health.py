"""The traffic light of each camera: where its stream stands, and what is wrong with its picture (C-25)."""

from __future__ import annotations

import threading
from collections import Counter

import structlog

from core.engine.messages import FaultChanged, StreamChanged
from core.health import HealthBoard
from core.types import CameraFault, Health, HealthLevel, StreamState

_STREAM_LEVEL = {
    StreamState.STREAMING: HealthLevel.GREEN,
    StreamState.CONNECTING: HealthLevel.YELLOW,
    StreamState.RETRYING: HealthLevel.YELLOW,
    StreamState.LOST: HealthLevel.YELLOW,
    StreamState.REFUSED: HealthLevel.RED,
}

_BLIND = frozenset(
    {
        CameraFault.FROZEN,
        CameraFault.BLACK,
        CameraFault.DEFOCUSED,
        CameraFault.COVERED,
        CameraFault.VIEW_CHANGED,
    }
)
"""While one of these lasts the camera's rules watch nothing, or not what they were drawn for."""


_log = structlog.get_logger(component="camera")


class CameraHealth:
    """Puts the cameras onto the health board. Safe from any thread.

    A stream that is not there speaks before what was wrong with its picture; of several faults the gravest speaks first.
    Each fault is logged once when it comes and once when it is over, however often a lost stream is tried meanwhile.
    """

    def __init__(self, board: HealthBoard) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._streams: dict[str, Health] = {}
        self._faults: dict[str, dict[CameraFault, str]] = {}
        self._counts: dict[str, Counter[CameraFault]] = {}

    def stream_changed(self, message: StreamChanged) -> None:
        """A stream came, went, or is tried again."""
        with self._lock:
            if message.state is StreamState.STOPPED:
                self._forget(message.camera_id)
            elif message.cause or message.state is StreamState.STREAMING:
                self._stream_is(message)

    def fault_changed(self, message: FaultChanged) -> None:
        """Something is wrong with a stream or picture, or no longer."""
        with self._lock:
            faults = self._faults.setdefault(message.camera_id, {})
            was_present = message.fault in faults
            if message.is_present:
                faults[message.fault] = message.cause
            else:
                faults.pop(message.fault, None)
            if was_present is not message.is_present:
                self._fault_turned(message)
            self._show(_component(message.camera_id))

    def statistics(self, camera_id: str) -> dict[str, float]:
        """``faults/CODE``: how often each came since the start."""
        with self._lock:
            counts = self._counts.get(camera_id, Counter())
            return {f"faults/{fault.value}": float(count) for fault, count in counts.items()}

    def worker_lost(self, camera_id: str, cause: str) -> None:
        """Nobody watches the camera until another worker has taken it; what the lost one saw of it counts no more."""
        with self._lock:
            self._faults.pop(camera_id, None)
            self._say(Health(component=_component(camera_id), level=HealthLevel.YELLOW, cause=cause))

    def forget(self, camera_id: str) -> None:
        """The camera is watched no more."""
        with self._lock:
            self._forget(camera_id)

    def faults(self, camera_id: str) -> dict[CameraFault, str]:
        """What is wrong now with stream and picture, with its cause."""
        with self._lock:
            stream = self._streams.get(_component(camera_id))
            lost = {stream.fault: stream.cause} if stream and stream.fault else {}
            return {**lost, **self._faults.get(camera_id, {})}

    def _forget(self, camera_id: str) -> None:
        self._faults.pop(camera_id, None)
        self._streams.pop(_component(camera_id), None)
        self._board.forget(_component(camera_id))

    def _stream_is(self, message: StreamChanged) -> None:
        cause = f"{message.fault.value}: {message.cause}" if message.fault else message.cause
        level = _STREAM_LEVEL[message.state]
        component = _component(message.camera_id)
        before = self._streams.get(component)
        if message.fault and (before is None or before.level is HealthLevel.GREEN):
            self._count(message.camera_id, message.fault)
        self._say(Health(component=component, level=level, cause=cause, fault=message.fault))

    def _fault_turned(self, message: FaultChanged) -> None:
        if message.is_present:
            self._count(message.camera_id, message.fault)
            _log.warning("camera fault", camera=message.camera_id, code=message.fault.value, cause=message.cause)
        else:
            _log.info("camera fault is over", camera=message.camera_id, code=message.fault.value)

    def _count(self, camera_id: str, fault: CameraFault) -> None:
        self._counts.setdefault(camera_id, Counter())[fault] += 1

    def _say(self, stream: Health) -> None:
        before = self._streams.get(stream.component)
        self._streams[stream.component] = stream
        was = before.level if before else HealthLevel.GREEN
        if stream.level is not was:
            _log_stream(stream, before)
        self._show(stream.component)

    def _show(self, component: str) -> None:
        stream = self._streams.get(component) or Health(component=component, level=HealthLevel.GREEN)
        faults = self._faults.get(component.removeprefix(_PREFIX), {})
        if stream.level is not HealthLevel.GREEN or not faults:
            self._board.report(stream, is_logged=False)
            return
        worst = sorted(faults, key=lambda fault: (fault not in _BLIND, fault.value))
        level = HealthLevel.RED if worst[0] in _BLIND else HealthLevel.YELLOW
        cause = "; ".join(f"{fault.value}: {faults[fault]}" for fault in worst)
        self._board.report(Health(component=component, level=level, cause=cause, fault=worst[0]), is_logged=False)


_PREFIX = "camera/"


def _log_stream(stream: Health, before: Health | None) -> None:
    """``before``: what was wrong, for the word that it is over."""
    spoken = before if stream.level is HealthLevel.GREEN and before else stream
    code = spoken.fault.value if spoken.fault else ""
    camera = stream.component.removeprefix(_PREFIX)
    if stream.level is HealthLevel.GREEN:
        _log.info("stream is back", camera=camera, code=code)
    else:
        _log.warning("stream is lost", camera=camera, code=code, level=stream.level.value, cause=stream.cause)


def _component(camera_id: str) -> str:
    return _PREFIX + camera_id
