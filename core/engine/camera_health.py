"""The traffic light of each camera: where its stream stands, and what is wrong with its picture (C-25)."""

from __future__ import annotations

import threading

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


class CameraHealth:
    """Puts the cameras onto the health board. Safe from any thread.

    A stream that is not there speaks before what was wrong with its picture; of several faults the gravest speaks first.
    """

    def __init__(self, board: HealthBoard) -> None:
        self._board = board
        self._lock = threading.Lock()
        self._streams: dict[str, Health] = {}
        self._faults: dict[str, dict[CameraFault, str]] = {}

    def stream_changed(self, message: StreamChanged) -> None:
        """A stream came, went, or is tried again."""
        with self._lock:
            if message.state is StreamState.STOPPED:
                self._forget(message.camera_id)
            elif message.cause or message.state is StreamState.STREAMING:
                level = _STREAM_LEVEL[message.state]
                self._say(Health(component=_component(message.camera_id), level=level, cause=message.cause))

    def fault_changed(self, message: FaultChanged) -> None:
        """Something is wrong with a stream or picture, or no longer."""
        with self._lock:
            faults = self._faults.setdefault(message.camera_id, {})
            if message.is_present:
                faults[message.fault] = message.cause
            else:
                faults.pop(message.fault, None)
            self._show(_component(message.camera_id))

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
        """What is wrong now, with its cause."""
        with self._lock:
            return dict(self._faults.get(camera_id, {}))

    def _forget(self, camera_id: str) -> None:
        self._faults.pop(camera_id, None)
        self._streams.pop(_component(camera_id), None)
        self._board.forget(_component(camera_id))

    def _say(self, stream: Health) -> None:
        self._streams[stream.component] = stream
        self._show(stream.component)

    def _show(self, component: str) -> None:
        stream = self._streams.get(component) or Health(component=component, level=HealthLevel.GREEN)
        faults = self._faults.get(component.removeprefix(_PREFIX), {})
        if stream.level is not HealthLevel.GREEN or not faults:
            self._board.report(stream)
            return
        worst = sorted(faults, key=lambda fault: (fault not in _BLIND, fault.value))
        level = HealthLevel.RED if worst[0] in _BLIND else HealthLevel.YELLOW
        cause = "; ".join(f"{fault.value}: {faults[fault]}" for fault in worst)
        self._board.report(Health(component=component, level=level, cause=cause))


_PREFIX = "camera/"


def _component(camera_id: str) -> str:
    return _PREFIX + camera_id
