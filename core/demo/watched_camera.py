"""One camera as a worker runs it, in this process, and what is said of it with the moment when."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from config.model import CameraSettings, SiteSettings
from core import registry
from core.contracts import Analyser, VmsConnector
from core.engine.feed import CameraFeed
from core.engine.messages import StreamChanged
from core.services import Services
from core.types import Alert, CameraFault, FrameBoxes, StreamState

_STOP_S = 12.0


class WatchedCamera(AbstractContextManager["WatchedCamera"]):
    """A feed and its analyser; runs within the context. The sink of the analyser is itself."""

    def __init__(self, camera: CameraSettings, site: SiteSettings, connector: VmsConnector, services: Services) -> None:
        self._camera = camera
        self._site = site
        self._connector = connector
        self._services = services
        self._changed = threading.Condition()
        self._said: list[tuple[float, CameraFault]] = []
        self._present: set[CameraFault] = set()
        self._stream_fault: CameraFault | None = None
        self._is_streaming = False
        self._frames_at: list[float] = []
        self._feed: CameraFeed | None = None
        self._analyser: Analyser | None = None

    def __enter__(self) -> Self:
        self._analyser = registry.analyser()(self._camera, self._site, self, {}, {})
        self._feed = CameraFeed(
            self._camera.id,
            open_source=lambda: self._connector.open_video(self._camera),
            analyser=self._analyser,
            report=self._stream_changed,
            clock=self._services.clock,
        )
        self._feed.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._feed:
            self._feed.stop(_STOP_S)
        if self._analyser:
            self._analyser.close()

    def alert(self, alert: Alert) -> None:
        """Nobody asks for alerts here."""

    def boxes(self, boxes: FrameBoxes) -> None:  # noqa: ARG002 - that a frame was analysed is all
        """A frame was analysed."""
        with self._changed:
            self._frames_at = [*self._frames_at[-1:], self._now()]
            self._changed.notify_all()

    def fault(self, fault: CameraFault, cause: str) -> None:  # noqa: ARG002 - the code is all
        """Something is wrong."""
        self._note(fault)
        with self._changed:
            self._present.add(fault)

    def fault_over(self, fault: CameraFault) -> None:
        """It is right again."""
        with self._changed:
            self._present.discard(fault)
            self._changed.notify_all()

    def forget(self) -> float:
        """What was said until now counts no more; returns the moment."""
        with self._changed:
            self._said.clear()
            return self._now()

    def said(self) -> list[CameraFault]:
        """The codes since ``forget``, each once, in order."""
        with self._changed:
            return list(dict.fromkeys(fault for _, fault in self._said))

    def await_fault(self, fault: CameraFault, since: float, timeout_s: float) -> float | None:
        """Seconds from ``since`` until it was said; None where it was not."""
        with self._changed:
            self._changed.wait_for(lambda: any(said is fault for _, said in self._said), timeout_s)
            return next((at - since for at, said in self._said if said is fault), None)

    def await_recovery(self, since: float, timeout_s: float, ignoring: frozenset[CameraFault]) -> float | None:
        """Seconds from ``since`` until frames are analysed and nothing is wrong, but for ``ignoring``; None: not in time."""
        with self._changed:
            is_well = self._changed.wait_for(lambda: self._is_well(since, ignoring), timeout_s)
            return self._now() - since if is_well else None

    def _is_well(self, since: float, ignoring: frozenset[CameraFault]) -> bool:
        flows = len(self._frames_at) > 1 and self._frames_at[0] > since
        return self._is_streaming and flows and not self._present - ignoring

    def _stream_changed(self, message: StreamChanged) -> None:
        if message.fault:
            self._note(message.fault)
        with self._changed:
            self._is_streaming = message.state is StreamState.STREAMING
            self._changed.notify_all()

    def _note(self, fault: CameraFault) -> None:
        with self._changed:
            self._said.append((self._now(), fault))
            self._changed.notify_all()

    def _now(self) -> float:
        return self._services.clock.monotonic()
