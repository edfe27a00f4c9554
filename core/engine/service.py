"""The service: store, delivery threads, worker pool and calendar jobs of one site, started and stopped together."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from config.model import SiteSettings
from core import registry
from core.clock import iso_utc
from core.contracts import Clock, VmsConnector
from core.engine.books import EVERY_S, Books
from core.engine.camera_health import CameraHealth
from core.engine.costs import Budget
from core.engine.messages import (
    AlertRaised,
    BoxesSeen,
    FaultChanged,
    FromWorker,
    Heartbeat,
    Released,
    StreamChanged,
)
from core.engine.pool import WorkerPool
from core.engine.reload import Change, change
from core.engine.vms_side import SideBuilder, VmsSide, open_fronts, start_deliveries, stop_deliveries, stop_links
from core.errors import StoreError
from core.health import HealthBoard
from core.metrics.latency import LatencyReading
from core.metrics.metrics import Metrics
from core.services import Services
from core.store.store import Store
from core.types import Alert, CameraFault, Health, HealthLevel, RuleState, StreamState, UtcSeconds

PURGE_HOUR = 3
"""Site time at which old alerts are erased: the quiet hour."""

DAY_S = 86_400

BALANCE_EVERY_S = 60
"""How often a camera may be moved off a worker that has too much to do."""

STORE_RETRY_S = 1.0
"""Between two tries to write an alert that the database refused (disk full …)."""

_log = structlog.get_logger(component="service")


class Service:
    """One site at work. ``start`` returns once everything runs; ``stop`` once everything has ended.

    Constructing takes the database, which ``stop`` gives back; one that failed to construct or start holds nothing.
    """

    def __init__(
        self,
        site: SiteSettings,
        site_path: Path,
        services: Services,
        *,
        log_level: str = "info",
        budget: Budget | None = None,
    ) -> None:
        """``budget``: what is known of this machine; without it every camera is admitted."""
        self.site = site
        self.health = HealthBoard()
        self.cameras = CameraHealth(self.health)
        self._clock: Clock = services.clock
        self._cameras = {camera.id: camera for camera in site.cameras}
        self._statistics: dict[str, Mapping[str, float]] = {}
        self._dropped_boxes: dict[int, int] = {}
        self._hung: dict[int, str] = {}
        self._dialled: frozenset[str] = frozenset()
        self._giving_up = threading.Event()
        self._calendar = BackgroundScheduler(timezone=ZoneInfo(site.site.timezone))
        with ExitStack() as ending:
            self.store = Store.open(store_url(site), clock=self._clock)
            ending.callback(self.store.close)
            self._books = Books(site, self.store, self._clock)
            self._vms: dict[str, VmsSide] = {}
            builder = SideBuilder(
                site=site,
                store=self.store,
                cameras=self._cameras,
                health=self.health,
                clock=self._clock,
                switch=self._switch_rules,
            )
            for vms in site.vms:
                connector = registry.connector(vms.type)(vms, services)
                ending.callback(connector.close)
                self._vms[vms.id] = builder.build(connector, vms)
            self._pool = WorkerPool(
                site,
                site_path,
                events=self,
                last_alerts=self.store.last_alerts,
                states=self.store.feedback.states,
                clock=self._clock,
                log_level=log_level,
                budget=budget,
            )
            self._metrics = Metrics(site, self, health=self.health, secrets=services.secrets, clock=self._clock)
            self._ending = ending.pop_all()

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
        self._forget_switches()
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
        fronts = open_fronts(self._vms, self.site.cameras, self.health)  # before deliveries: some go through it
        self._dialled = frozenset(name for name, front in fronts.items() if front)
        self._ending.callback(stop_deliveries, self._vms)
        start_deliveries(self._vms.values())
        # A machine that was too busy or asleep at that hour does it later.
        self._calendar.add_job(self._purge, "cron", hour=PURGE_HOUR, coalesce=True, misfire_grace_time=None)
        self._calendar.add_job(self._keep_books, "interval", seconds=EVERY_S, coalesce=True, misfire_grace_time=None)
        self._calendar.add_job(self._pool.balance, "interval", seconds=BALANCE_EVERY_S, coalesce=True)
        self._calendar.start()
        self._ending.callback(self._calendar.shutdown)
        self._ending.callback(self._giving_up.set)
        self._ending.callback(self._pool.stop)
        self._pool.start(fronts)
        links = [link for vms in self._vms.values() for link in vms.links]
        self._ending.callback(stop_links, links)
        for link in links:
            link.start()
        self._ending.callback(self._metrics.stop)
        self._metrics.start()

    def _switch_rules(self, camera_id: str) -> None:
        self._pool.switch(camera_id)

    def _forget_switches(self) -> None:
        self.store.feedback.forget_switches(
            {(camera.id, rule.id) for camera in self.site.cameras for rule in camera.rules}
        )

    def apply(self, site: SiteSettings) -> Change:
        """Takes up changed settings while everything runs, as far as that can be; called by one thread."""
        done = change(self.site, site, fronts=self._dialled)
        self.site = done.site
        # A removed camera stays here: what it raised is still delivered.
        self._cameras.update({camera.id: camera for camera in done.site.cameras})
        self._books.renew(done.site)
        for vms in self._vms.values():
            vms.answers.renew(done.site)
        try:
            self._forget_switches()
        except StoreError as error:
            _log.warning("switches of removed rules are kept until the next start", cause=error.line())
        self._pool.apply(done.site, done.changed)
        for camera_id in done.removed:
            self._forget_camera(camera_id)
        return done

    def _forget_camera(self, camera_id: str) -> None:
        self._statistics.pop(camera_id, None)
        self.cameras.forget(camera_id)
        self.health.forget(f"vms-camera/{camera_id}")

    def _is_watched(self, camera_id: str) -> bool:
        camera = self.site.camera(camera_id)
        return camera is not None and camera.enabled

    def stop_watching(self) -> None:
        """Ends the workers; what they had said is stored, and deliveries go on."""
        self._pool.stop()

    def stop(self) -> None:
        """Ends workers first, so that their last alerts are stored; what is undelivered waits in the store.

        May be called twice, and after a start that failed. Each part is ended even where ending another one fails.
        """
        self._ending.close()
        _log.info("stopped")

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
        elif isinstance(message, Released):
            if not self._is_watched(message.camera_id):
                self._forget_camera(message.camera_id)
        elif isinstance(message, Heartbeat):
            self._statistics.update(
                {name: values for name, values in message.statistics.items() if self._is_watched(name)}
            )
            self._dropped_boxes[worker_index] = message.dropped_boxes
            if self._pool.is_settled(worker_index):
                self.health.report(Health(component=f"worker/{worker_index}", level=HealthLevel.GREEN))

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        """A worker ended; the pool replaces it."""
        how = "could not be started" if exit_code is None else f"ended with code {exit_code}"
        what = self._hung.pop(worker_index, f"the worker process {how}")
        cause = f"{what}; another one takes its cameras over"
        self.health.report(Health(component=f"worker/{worker_index}", level=HealthLevel.YELLOW, cause=cause))
        for camera_id in camera_ids:
            if self._is_watched(camera_id):
                self.cameras.worker_lost(camera_id, cause)
            else:  # it was being let go of
                self._forget_camera(camera_id)

    def stuck(self, worker_index: int, camera_id: str, what: str) -> None:
        """A camera hangs; its worker is about to die of it."""
        self._hung[worker_index] = f"{what} of {camera_id} hung in the worker process"

    def refused(self, camera_id: str, cause: str) -> None:
        """A camera does not fit into the budget of the machine."""
        self.cameras.stream_changed(StreamChanged(camera_id=camera_id, state=StreamState.REFUSED, cause=cause))

    def closed(self, worker_index: int) -> None:
        """A worker has no cameras any more."""
        self._dropped_boxes.pop(worker_index, None)
        self.health.forget(f"worker/{worker_index}")

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
        cameras = {
            f"camera/{name}": {**values, **self.cameras.statistics(name)}
            for name, values in self._statistics.copy().items()
        }
        workers = {
            f"worker/{index}": {"boxes_dropped": float(count)} for index, count in self._dropped_boxes.copy().items()
        }
        return {**cameras, **{f"vms/{name}": vms.statistics() for name, vms in self._vms.items()}, **workers}

    def latencies(self) -> dict[str, Mapping[str, LatencyReading]]:
        """How long deliveries took until their VMS accepted them, by VMS and action, since start."""
        return {name: vms.relay.latencies() for name, vms in self._vms.items()}

    def backlogs(self) -> dict[str, tuple[int, UtcSeconds | None]]:
        """How many deliveries wait for each VMS, parked ones left out, and the capture time of the oldest."""
        return {name: self.store.backlog(name) for name in self._vms}

    def camera_faults(self) -> dict[str, Mapping[CameraFault, str]]:
        """What is wrong with each camera's picture or stream now, with its cause."""
        return {name: self.cameras.faults(name) for name in self._cameras.copy()}

    def report_health(self) -> list[Health]:
        """Health of every component, now."""
        for vms in self._vms.values():
            self.health.report(vms.relay.health())
        return self.health.all()

    def worker_process_ids(self) -> list[int]:
        """Process ids of the analysis workers, the spare included."""
        return self._pool.process_ids()

    def owners(self) -> dict[int, tuple[str, ...]]:
        """Which cameras each analysis worker holds now, by its process id."""
        return self._pool.owners()

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


def store_url(site: SiteSettings) -> str:
    """SQLAlchemy URL of the site's database."""
    return site.storage.url or f"sqlite:///{(site.storage.dir / 'vigie.db').as_posix()}"
