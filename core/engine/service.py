"""The service: store, delivery threads, worker pool and calendar jobs of one site, started and stopped together."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from config.model import SiteSettings, VmsSettings
from core import registry
from core.clock import iso_utc
from core.contracts import Capability, Clock, VmsConnector
from core.engine.books import EVERY_S, Books
from core.engine.camera_health import CameraHealth
from core.engine.control import Answers, ControlLink
from core.engine.messages import AlertRaised, BoxesSeen, FaultChanged, FromWorker, Heartbeat, StreamChanged
from core.engine.overlay import OverlayPump
from core.engine.pool import WorkerPool
from core.errors import StoreError, VmsError
from core.health import HealthBoard
from core.outbox.relay import DeliveryRelay
from core.services import Services
from core.store.store import Store
from core.types import Alert, Health, HealthLevel, RuleState

STOP_S = 8.0
"""Longest wait for one delivery thread: a request in flight ends within its own time-out."""

PURGE_HOUR = 3
"""Site time at which old alerts are erased: the quiet hour."""

DAY_S = 86_400

STORE_RETRY_S = 1.0
"""Between two tries to write an alert that the database refused (disk full …)."""

_log = structlog.get_logger(component="service")


@dataclass(frozen=True, slots=True)
class _Vms:
    connector: VmsConnector
    actions: tuple[str, ...]
    relay: DeliveryRelay
    overlay: OverlayPump | None
    links: tuple[ControlLink, ...]


class Service:
    """One site at work. ``start`` returns once everything runs; ``stop`` once everything has ended.

    Constructing takes the database, which ``stop`` gives back; one that failed to construct or start holds nothing.
    """

    def __init__(self, site: SiteSettings, site_path: Path, services: Services, *, log_level: str = "info") -> None:
        self.site = site
        self.health = HealthBoard()
        self.cameras = CameraHealth(self.health)
        self._clock: Clock = services.clock
        self._cameras = {camera.id: camera for camera in site.cameras}
        self._statistics: dict[str, Mapping[str, float]] = {}
        self._dropped_boxes: dict[int, int] = {}
        self._giving_up = threading.Event()
        self._calendar = BackgroundScheduler(timezone=ZoneInfo(site.site.timezone))
        with ExitStack() as ending:
            self.store = Store.open(store_url(site), clock=self._clock)
            ending.callback(self.store.close)
            self._books = Books(site, self.store, self._clock)
            self._vms: dict[str, _Vms] = {}
            for vms in site.vms:
                connector = registry.connector(vms.type)(vms, services)
                ending.callback(connector.close)
                self._vms[vms.id] = self._build_vms(connector, vms)
            self._pool = WorkerPool(
                site,
                site_path,
                events=self,
                last_alerts=self.store.last_alerts,
                states=self.store.feedback.states,
                clock=self._clock,
                log_level=log_level,
            )
            self._ending = ending.pop_all()

    def _build_vms(self, connector: VmsConnector, settings: VmsSettings) -> _Vms:
        relay = DeliveryRelay(
            vms=settings,
            connector=connector,
            store=self.store,
            cameras=self._cameras,
            clock=self._clock,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )
        shows_boxes = Capability.BOXES in connector.capabilities and "metadata" in settings.publish
        overlay = OverlayPump(connector) if shows_boxes else None
        return _Vms(connector, connector.actions(), relay, overlay, self._links(connector, settings))

    def _links(self, connector: VmsConnector, settings: VmsSettings) -> tuple[ControlLink, ...]:
        feedback = self.store.feedback
        answers = Answers(self.site, settings, feedback=feedback, health=self.health, switch=self._switch_rules)
        return tuple(
            ControlLink(
                settings.id,
                channel,
                connector=connector,
                answers=answers,
                feedback=feedback,
                health=self.health,
                clock=self._clock,
            )
            for channel in connector.control_channels()
        )

    def start(self) -> None:
        """Takes up what an earlier life left, then starts deliveries, calendar and workers: all of them, or nothing."""
        try:
            self._take_up()
            self._start_threads()
        except BaseException:
            self.stop()
            raise
        _log.info("started", site=self.site.site.name, cameras=len(self._cameras), vms=len(self._vms))

    def _take_up(self) -> None:
        uncertain = self.store.recover()
        if uncertain:
            _log.warning("deliveries were cut off by the last stop: the VMS is asked before resending", count=uncertain)
        orphans = self.store.park_unknown_vms(self._vms)
        if orphans:
            _log.warning("deliveries of a VMS that is no longer in the settings are parked", count=orphans)
        self.store.feedback.forget_switches(
            {(camera.id, rule.id) for camera in self.site.cameras for rule in camera.rules}
        )
        for switch in self.store.feedback.switches():
            _log.warning(
                "rule still switched by the VMS",
                camera=switch.camera_id,
                rule=switch.rule_id,
                state=switch.state.value,
                by=switch.event,
                since=iso_utc(switch.switched_at),
            )

    def _start_threads(self) -> None:
        fronts = self._fronts()  # before deliveries: some go through it
        self._ending.callback(self._stop_deliveries)
        for vms in self._vms.values():
            vms.relay.start()
            if vms.overlay:
                vms.overlay.start()
        # A machine that was too busy or asleep at that hour does it later.
        self._calendar.add_job(self._purge, "cron", hour=PURGE_HOUR, coalesce=True, misfire_grace_time=None)
        self._calendar.add_job(self._keep_books, "interval", seconds=EVERY_S, coalesce=True, misfire_grace_time=None)
        self._calendar.start()
        self._ending.callback(self._calendar.shutdown)
        self._ending.callback(self._giving_up.set)
        self._ending.callback(self._pool.stop)
        self._pool.start(fronts)
        self._ending.callback(self._stop_links)
        for vms in self._vms.values():
            for link in vms.links:
                link.start()

    def _switch_rules(self, camera_id: str) -> None:
        self._pool.switch(camera_id)

    def _fronts(self) -> dict[str, Mapping[str, str]]:
        """Opens what each VMS dials into. One that cannot listen leaves its own cameras without video, not the others'."""
        fronts: dict[str, Mapping[str, str]] = {}
        for name, vms in self._vms.items():
            cameras = [camera for camera in self.site.cameras if camera.vms == name and camera.enabled]
            try:
                fronts[name] = vms.connector.start_front(cameras)
            except VmsError as error:
                _log.error("the VMS cannot dial in", vms=name, cause=error.line())
                self.health.report(Health(component=f"front/{name}", level=HealthLevel.RED, cause=error.line()))
        return fronts

    def _stop_links(self) -> None:
        links = [link for vms in self._vms.values() for link in vms.links]
        for link in links:  # all together: each may be in the middle of a wait
            link.end()
        for link in links:
            if not link.stop(STOP_S):
                _log.warning("a control channel is cut off in the middle of a request")

    def stop_watching(self) -> None:
        """Ends the workers; what they had said is stored, and deliveries go on."""
        self._pool.stop()

    def stop(self) -> None:
        """Ends workers first, so that their last alerts are stored; what is undelivered waits in the store.

        May be called twice, and after a start that failed. Each part is ended even where ending another one fails.
        """
        self._ending.close()
        _log.info("stopped")

    def _stop_deliveries(self) -> None:
        for vms in self._vms.values():  # all together: each may have a request under way
            vms.relay.stop(0.0)
        for name, vms in self._vms.items():
            if vms.overlay:
                vms.overlay.stop(STOP_S)
            if not vms.relay.stop(STOP_S):
                _log.warning("a delivery is cut off: the next start asks the VMS for it", vms=name)

    def said(self, worker_index: int, message: FromWorker) -> None:
        """A worker's message, from its reader thread."""
        if isinstance(message, AlertRaised):
            self.accept(message.alert)
        elif isinstance(message, BoxesSeen):
            self._show(message)
        elif isinstance(message, StreamChanged):
            self.cameras.stream_changed(message)
        elif isinstance(message, FaultChanged):
            self.cameras.fault_changed(message)
        elif isinstance(message, Heartbeat):
            self._statistics.update(message.statistics)
            self._dropped_boxes[worker_index] = message.dropped_boxes
            if self._pool.is_settled(worker_index):
                self.health.report(Health(component=f"worker/{worker_index}", level=HealthLevel.GREEN))

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        """A worker ended; the pool replaces it."""
        how = "could not be started" if exit_code is None else f"ended with code {exit_code}"
        cause = f"the worker process {how}; a new one takes its cameras over"
        self.health.report(Health(component=f"worker/{worker_index}", level=HealthLevel.YELLOW, cause=cause))
        for camera_id in camera_ids:
            self.cameras.worker_lost(camera_id, cause)

    def accept(self, alert: Alert) -> None:
        """Alert and deliveries in one transaction, before anything is sent (guarantee 1)."""
        camera = self._cameras[alert.camera_id]
        vms = self._vms[camera.vms]
        actions = vms.actions if alert.state is RuleState.ARMED else ()
        if not self._stored(alert, [(camera.vms, action) for action in actions]):
            return
        _log.info(
            "alert", camera=alert.camera_id, rule=alert.rule_id, alert=str(alert.alert_id), state=alert.state.value
        )
        vms.relay.wake()

    def _stored(self, alert: Alert, deliveries: list[tuple[str, str]]) -> bool:
        """Insists until the database takes it: meanwhile the worker's pipe fills and holds what follows.

        A service that stops insists as long as it waits for its workers; what is not stored then is lost, and said so.
        """
        while True:
            try:
                is_new = self.store.add_alert(alert, deliveries)
            except StoreError as error:
                self.health.report(Health(component="store", level=HealthLevel.RED, cause=error.line()))
                if self._giving_up.wait(STORE_RETRY_S):
                    _log.error(
                        "an alert is lost: the service stopped while the database refused it",
                        camera=alert.camera_id,
                        rule=alert.rule_id,
                        captured=iso_utc(alert.captured_at),
                        cause=error.line(),
                    )
                    return False
            else:
                self.health.report(Health(component="store", level=HealthLevel.GREEN))
                return is_new

    def connector(self, vms_id: str) -> VmsConnector:
        """The connector that publishes to a VMS."""
        return self._vms[vms_id].connector

    def backlog(self) -> int:
        """Deliveries not yet accepted by their VMS, parked ones left out."""
        return sum(self.store.backlog(vms_id)[0] for vms_id in self._vms)

    def statistics(self) -> dict[str, Mapping[str, float]]:
        """Counters by camera, VMS and worker, see ``docs/architecture.md``."""
        cameras = {f"camera/{name}": values for name, values in self._statistics.copy().items()}
        workers = {
            f"worker/{index}": {"boxes_dropped": float(count)} for index, count in self._dropped_boxes.copy().items()
        }
        return {**cameras, **{f"vms/{name}": _vms_statistics(vms) for name, vms in self._vms.items()}, **workers}

    def report_health(self) -> list[Health]:
        """Health of every component, now."""
        for vms in self._vms.values():
            self.health.report(vms.relay.health())
        return self.health.all()

    def worker_process_ids(self) -> list[int]:
        """Process ids of the analysis workers."""
        return self._pool.process_ids()

    def _show(self, message: BoxesSeen) -> None:
        camera = self._cameras[message.boxes.camera_id]
        overlay = self._vms[camera.vms].overlay
        if overlay:
            overlay.show(message.boxes, camera)

    def _keep_books(self) -> None:
        self._books.keep(self._statistics.copy())

    def _purge(self) -> None:
        erased = self.store.purge(self._clock.utc() - self.site.storage.keep_alerts_days * DAY_S)
        _log.info("old alerts erased", count=erased, older_than_days=self.site.storage.keep_alerts_days)


def _vms_statistics(vms: _Vms) -> dict[str, float]:
    overlay = vms.overlay
    boxes = {"boxes_sent": float(overlay.sent), "boxes_dropped": float(overlay.dropped)} if overlay else {}
    return {**vms.relay.statistics(), **boxes}


def store_url(site: SiteSettings) -> str:
    """SQLAlchemy URL of the site's database."""
    return site.storage.url or f"sqlite:///{(site.storage.dir / 'vigie.db').as_posix()}"
