"""An analysis worker: a process that owns some cameras, from their streams to their alerts."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from config.model import CameraSettings, SiteSettings, VmsSettings
from core import registry
from core.contracts import Analyser, Capability, VmsConnector
from core.engine.feed import CameraFeed
from core.engine.messages import (
    AlertRaised,
    Assign,
    BoxesSeen,
    Heartbeat,
    Ready,
    Release,
    Stop,
    StreamChanged,
    ToWorker,
)
from core.engine.outbound import Outbound
from core.errors import VigieError
from core.logs import configure_logging
from core.services import services_for
from core.types import Alert, FrameBoxes, StreamState, UtcSeconds

HEARTBEAT_S = 1.0
"""How often a worker says that it lives."""

STOP_S = 6.0
"""Longest wait for one camera to let go of its stream."""

_log = structlog.get_logger(component="worker")


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where the analyser of one camera puts its results: into the pipe."""

    outbound: Outbound
    shows_boxes: bool

    def alert(self, alert: Alert) -> None:
        self.outbound.send(AlertRaised(alert=alert))

    def boxes(self, boxes: FrameBoxes) -> None:
        if self.shows_boxes:
            self.outbound.send(BoxesSeen(boxes=boxes))


@dataclass(frozen=True, slots=True)
class _Running:
    feed: CameraFeed
    analyser: Analyser


class Worker:
    """The cameras of one process, driven by the messages of the supervisor."""

    def __init__(self, connection: Connection, site: SiteSettings, site_path: Path) -> None:
        self._connection = connection
        self._outbound = Outbound(connection)
        self._site = site
        self._services = services_for(site_path)
        self._connectors: dict[str, VmsConnector] = {}
        self._cameras: dict[str, _Running] = {}

    def run(self) -> None:
        """Obeys until told to stop, or until the supervisor is gone."""
        self._outbound.send(Ready())
        try:
            while self._obey_next():
                self._outbound.send(self._heartbeat())
        except (EOFError, OSError):
            _log.warning("the supervisor is gone: stopping")
        self._stop()

    def _obey_next(self) -> bool:
        """Handles what arrives within a heartbeat; False on Stop."""
        if not self._connection.poll(HEARTBEAT_S):
            return True
        message: ToWorker = self._connection.recv()
        if isinstance(message, Assign):
            self._assign(message)
        elif isinstance(message, Release):
            self._release(message.camera_id)
        return not isinstance(message, Stop)

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            statistics={name: running.analyser.statistics() for name, running in self._cameras.items()},
            dropped_boxes=self._outbound.dropped_boxes,
        )

    def _assign(self, message: Assign) -> None:
        camera = self._site.camera(message.camera_id)
        if camera is None or message.camera_id in self._cameras:
            return
        try:
            self._cameras[camera.id] = self._start(camera, message.last_alerts)
        except VigieError as error:
            self._outbound.send(StreamChanged(camera_id=camera.id, state=StreamState.REFUSED, cause=error.line()))

    def _start(self, camera: CameraSettings, last_alerts: Mapping[str, UtcSeconds]) -> _Running:
        vms = self._site.vms_of(camera)
        connector = self._connector(vms)
        shows_boxes = Capability.BOXES in connector.capabilities and "metadata" in vms.publish
        analyser = registry.analyser()(camera, self._site, _Sink(self._outbound, shows_boxes), last_alerts)
        feed = CameraFeed(
            camera.id,
            open_source=lambda: connector.open_video(camera),
            analyser=analyser,
            report=lambda state, cause: self._outbound.send(
                StreamChanged(camera_id=camera.id, state=state, cause=cause)
            ),
        )
        feed.start()
        return _Running(feed=feed, analyser=analyser)

    def _connector(self, vms: VmsSettings) -> VmsConnector:
        if vms.id not in self._connectors:
            self._connectors[vms.id] = registry.connector(vms.type)(vms, self._services)
        return self._connectors[vms.id]

    def _release(self, camera_id: str) -> None:
        running = self._cameras.pop(camera_id, None)
        if running is None:
            return
        if not running.feed.stop(STOP_S):
            _log.error("a video source did not let go in time", camera=camera_id)
        running.analyser.close()

    def _stop(self) -> None:
        for camera_id in list(self._cameras):
            self._release(camera_id)
        for connector in self._connectors.values():
            connector.close()
        self._outbound.close(STOP_S)


def main(connection: Connection, site: SiteSettings, site_path: Path, log_level: str) -> None:
    """Entry of the worker process. The supervisor alone decides when it ends: Ctrl-C reaches only the supervisor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging(log_level)
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    Worker(connection, site, site_path).run()
