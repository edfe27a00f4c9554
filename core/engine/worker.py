"""An analysis worker: a process that owns some cameras, from their streams to their alerts."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
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
    Released,
    SettingsChanged,
    Stop,
    StreamChanged,
    SwitchRules,
    ToWorker,
    Unassign,
)
from core.engine.outbound import Outbound
from core.errors import VigieError
from core.logs import configure_logging, describe
from core.services import services_for
from core.types import Alert, CameraFault, FrameBoxes, StreamState, UtcSeconds

HEARTBEAT_S = 1.0
"""How often a worker says that it lives."""

STOP_S = 6.0
"""Longest wait for one camera to let go of its stream."""

QUIET = 10
"""Niceness of what nobody waits for."""

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
    last_alerts: dict[str, UtcSeconds] = field(default_factory=dict)
    """Capture time of the last alert by rule: an analyser started anew keeps the cooldowns of the one before."""

    def alert(self, alert: Alert) -> None:
        self.last_alerts[alert.rule_id] = alert.captured_at
        self.outbound.send(AlertRaised(alert=alert))

    def boxes(self, boxes: FrameBoxes) -> None:
        if self.shows_boxes:
            self.outbound.send(BoxesSeen(boxes=boxes))

    def fault(self, fault: CameraFault, cause: str) -> None:
        self.outbound.send(FaultChanged(camera_id=self.camera_id, fault=fault, is_present=True, cause=cause))

    def fault_over(self, fault: CameraFault) -> None:
        self.outbound.send(FaultChanged(camera_id=self.camera_id, fault=fault, is_present=False))


@dataclass(slots=True)
class _Running:
    camera: CameraSettings
    feed: CameraFeed
    analyser: Analyser
    sink: _Sink


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
        self._get_ready()
        spare_what_stays()
        self._outbound.send(Ready())
        try:
            while not self._is_ending and self._obey_next():
                self._retry_refused()
                self._outbound.send(self._heartbeat())
        except (EOFError, OSError):
            _log.warning("the supervisor is gone: stopping")
        finally:
            self._stop()

    def _get_ready(self) -> None:
        """A spare, whom nobody waits for yet, leaves the processor to those that watch."""
        if self._connection.poll(0):
            _import_all(self._site)
            return
        thread = threading.Thread(target=_import_quietly, args=(self._site,), name="imports", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(HEARTBEAT_S)

    def end(self) -> None:
        """Makes ``run`` return within a heartbeat, all said; for signal handlers."""
        self._is_ending = True

    def _obey_next(self) -> bool:
        """Handles what arrives within a heartbeat; False on Stop."""
        if not self._connection.poll(HEARTBEAT_S):
            return True
        message: ToWorker = self._connection.recv()
        match message:
            case Assign():
                self._assign(message)
            case Unassign():
                self._unassign(message.camera_id)
            case SettingsChanged():
                self._site = message.site
            case SwitchRules():
                self._switch(message)
            case Stop():
                return False
        return True

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            statistics={name: running.analyser.statistics() for name, running in self._cameras.items()},
            dropped_boxes=self._outbound.dropped_boxes,
            processor_s=time.process_time(),
        )

    def _assign(self, message: Assign) -> None:
        camera = self._site.camera(message.camera_id)
        if camera is None:
            return
        try:
            if not self._reconfigured(camera, message):
                self._cameras[camera.id] = self._start(camera, self._after_earlier(message))
        except VigieError as error:
            self._refuse(message, error.line())
        except Exception as error:  # noqa: BLE001 - a defect in one plug-in may not cost this process's other cameras
            if camera.id not in self._refused:
                _log.exception("a camera could not be taken", camera=camera.id)
            self._refuse(message, f"defect: {describe(error)}")
        else:
            self._refused.pop(camera.id, None)

    def _reconfigured(self, camera: CameraSettings, message: Assign) -> bool:
        """Whether a camera that runs goes on under its new settings, its stream and its tracks kept."""
        running = self._cameras.get(camera.id)
        if running is None or (running.camera.vms, running.camera.device) != (camera.vms, camera.device):
            return False
        if not running.analyser.configure(camera, self._site, message.states):
            return False
        running.camera = camera
        return True

    def _after_earlier(self, message: Assign) -> Assign:
        """Ends the camera's earlier life, if it has one; its cooldowns go on."""
        running = self._cameras.pop(message.camera_id, None)
        if running is None:
            return message
        _let_go(message.camera_id, running)
        return replace(message, last_alerts={**message.last_alerts, **running.sink.last_alerts})

    def _unassign(self, camera_id: str) -> None:
        self._refused.pop(camera_id, None)
        if running := self._cameras.pop(camera_id, None):
            _let_go(camera_id, running)
        self._outbound.send(Released(camera_id=camera_id))

    def _switch(self, message: SwitchRules) -> None:
        if running := self._cameras.get(message.camera_id):
            running.analyser.switch(message.states)
        elif refused := self._refused.get(message.camera_id):
            assign, due_at = refused
            self._refused[message.camera_id] = replace(assign, states=message.states), due_at

    def _refuse(self, message: Assign, cause: str) -> None:
        message = self._after_earlier(message)
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
            report=self._outbound.send,
            clock=self._services.clock,
        )
        feed.start()
        return _Running(camera=camera, feed=feed, analyser=analyser, sink=sink)

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


def _import_quietly(site: SiteSettings) -> None:
    """In a thread of its own, for lower priority cannot be taken back; on Linux it is a thread's, elsewhere a process's."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), QUIET)
    _import_all(site)


def _import_all(site: SiteSettings) -> None:
    """What cameras of the site need: seconds of work that a spare worker has behind it when it is needed."""
    wanted: list[Callable[[], object]] = [registry.analyser]
    wanted += [partial(registry.connector, name) for name in {vms.type for vms in site.vms}]
    wanted += [partial(registry.rule, name) for name in {rule.type for camera in site.cameras for rule in camera.rules}]
    for load in wanted:
        with suppress(VigieError):  # who needs it says so
            load()


def spare_what_stays() -> None:
    """What was imported lives as long as the process: looking for garbage in it again and again takes a tenth of the rules' time."""
    gc.collect()
    gc.freeze()


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
