"""An analysis worker: a process that owns some cameras, from their streams to their alerts."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
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
    FaultChanged,
    Heartbeat,
    Ready,
    Stop,
    StreamChanged,
    SwitchRules,
    ToWorker,
)
from core.engine.outbound import Outbound
from core.errors import VigieError
from core.logs import configure_logging, describe
from core.services import services_for
from core.types import Alert, CameraFault, FrameBoxes, StreamState

HEARTBEAT_S = 1.0
"""How often a worker says that it lives."""

STOP_S = 6.0
"""Longest wait for one camera to let go of its stream."""

REFUSED_RETRY_S = 60.0
"""A camera that could not be taken (its model is altered, its VMS type fails to load …) is tried again so often."""

_log = structlog.get_logger(component="worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker process is born with. Picklable, for it is spawned."""

    site: SiteSettings
    site_path: Path
    log_level: str
    fronts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By VMS: where its connector in the supervisor hands over what the VMS sends (``VmsConnector.start_front``)."""


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where the analyser of one camera puts its results: into the pipe."""

    camera_id: str
    outbound: Outbound
    shows_boxes: bool

    def alert(self, alert: Alert) -> None:
        self.outbound.send(AlertRaised(alert=alert))

    def boxes(self, boxes: FrameBoxes) -> None:
        if self.shows_boxes:
            self.outbound.send(BoxesSeen(boxes=boxes))

    def fault(self, fault: CameraFault, cause: str) -> None:
        self.outbound.send(FaultChanged(camera_id=self.camera_id, fault=fault, is_present=True, cause=cause))

    def fault_over(self, fault: CameraFault) -> None:
        self.outbound.send(FaultChanged(camera_id=self.camera_id, fault=fault, is_present=False))


@dataclass(frozen=True, slots=True)
class _Running:
    feed: CameraFeed
    analyser: Analyser


class Worker:
    """The cameras of one process, driven by the messages of the supervisor."""

    def __init__(self, connection: Connection, setup: WorkerSetup) -> None:
        self._connection = connection
        self._outbound = Outbound(connection)
        self._site = setup.site
        self._fronts = setup.fronts
        self._services = services_for(setup.site_path)
        self._connectors: dict[str, VmsConnector] = {}
        self._cameras: dict[str, _Running] = {}
        self._refused: dict[str, tuple[Assign, float]] = {}
        self._is_ending = False

    def run(self) -> None:
        """Obeys until told to stop, or until the supervisor is gone."""
        self._outbound.send(Ready())
        try:
            while not self._is_ending and self._obey_next():
                self._retry_refused()
                self._outbound.send(self._heartbeat())
        except (EOFError, OSError):
            _log.warning("the supervisor is gone: stopping")
        finally:
            self._stop()

    def end(self) -> None:
        """Makes ``run`` return within a heartbeat, all said; for signal handlers."""
        self._is_ending = True

    def _obey_next(self) -> bool:
        """Handles what arrives within a heartbeat; False on Stop."""
        if not self._connection.poll(HEARTBEAT_S):
            return True
        message: ToWorker = self._connection.recv()
        if isinstance(message, Assign):
            self._assign(message)
        elif isinstance(message, SwitchRules):
            self._switch(message)
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
            self._cameras[camera.id] = self._start(camera, message)
        except VigieError as error:
            self._refuse(message, error.line())
        except Exception as error:  # noqa: BLE001 - a defect in one plug-in may not cost this process's other cameras
            if camera.id not in self._refused:
                _log.exception("a camera could not be taken", camera=camera.id)
            self._refuse(message, f"defect: {describe(error)}")
        else:
            self._refused.pop(camera.id, None)

    def _switch(self, message: SwitchRules) -> None:
        if running := self._cameras.get(message.camera_id):
            running.analyser.switch(message.states)
        elif refused := self._refused.get(message.camera_id):
            assign, due_at = refused
            self._refused[message.camera_id] = replace(assign, states=message.states), due_at

    def _refuse(self, message: Assign, cause: str) -> None:
        self._refused[message.camera_id] = message, self._services.clock.monotonic() + REFUSED_RETRY_S
        self._outbound.send(StreamChanged(camera_id=message.camera_id, state=StreamState.REFUSED, cause=cause))

    def _retry_refused(self) -> None:
        now = self._services.clock.monotonic()
        for message, due_at in list(self._refused.values()):
            if due_at <= now:
                self._assign(message)

    def _start(self, camera: CameraSettings, message: Assign) -> _Running:
        vms = self._site.vms_of(camera)
        connector = self._connector(vms)
        shows_boxes = Capability.BOXES in connector.capabilities and "metadata" in vms.publish
        sink = _Sink(camera.id, self._outbound, shows_boxes)
        analyser = registry.analyser()(camera, self._site, sink, message.last_alerts, message.states)
        feed = CameraFeed(
            camera.id,
            open_source=lambda: connector.open_video(camera),
            analyser=analyser,
            report=lambda state, cause: self._outbound.send(
                StreamChanged(camera_id=camera.id, state=state, cause=cause)
            ),
            clock=self._services.clock,
        )
        feed.start()
        return _Running(feed=feed, analyser=analyser)

    def _connector(self, vms: VmsSettings) -> VmsConnector:
        if vms.id not in self._connectors:
            services = replace(self._services, front=self._fronts.get(vms.id, {}))
            self._connectors[vms.id] = registry.connector(vms.type)(vms, services)
        return self._connectors[vms.id]

    def _stop(self) -> None:
        """Ends all streams together, lets each analysis finish, and says what is still to be said, whatever fails."""
        with ExitStack() as ending:
            ending.callback(self._outbound.close, STOP_S)
            for connector in self._connectors.values():
                ending.callback(connector.close)
            for camera_id, running in self._cameras.items():
                ending.callback(_let_go, camera_id, running)
            for running in self._cameras.values():
                running.feed.end()


def _let_go(camera_id: str, running: _Running) -> None:
    if not running.feed.stop(STOP_S):
        _log.error("a video source did not let go in time", camera=camera_id)
    running.analyser.close()


def main(connection: Connection, setup: WorkerSetup) -> None:
    """Entry of the worker process. Ctrl-C and Ctrl-Break are the supervisor's business, which then says Stop.

    A service manager may send SIGTERM to every process at once: the worker then ends as if it had been told.
    """
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    configure_logging(setup.log_level)
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    worker = Worker(connection, setup)
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.end())
    worker.run()
