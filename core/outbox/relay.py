"""Carries the deliveries of one VMS out of the store, one at a time, in one thread."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from config.model import CameraSettings, VmsSettings
from core.contracts import Clock, VmsConnector
from core.errors import StoreError
from core.metrics.latency import LatencyBook, LatencyReading
from core.outbox.aside import OVERDUE_S, Aside
from core.outbox.attempt import Attempt, Fate, attempt
from core.outbox.breaker import BreakerState, CircuitBreaker
from core.outbox.retry import RetryPolicy
from core.outbox.trouble import Kind, Troubles
from core.store.store import SETTLE_S, Store
from core.types import Alert, Delivery, DeliveryState, Health, HealthLevel

PAUSE_S = 300.0
"""After the VMS refused our account or we its certificate: often enough to notice the mending, too rare to lock an account."""

STORE_RETRY_S = 5.0
IDLE_S = 5.0
"""A sleeping relay looks again after so long even if nobody woke it: people un-park deliveries."""

SILENT_RED_S = 300.0
"""A VMS that has not answered for so long is worth a person's look."""

_HOUR_S = 3600.0
_RETRYING = Fate.UNAVAILABLE, Fate.WAITING, Fate.UNKNOWN, Fate.BLOCKED, Fate.FAULTY
_AT_ONCE = Fate.BLOCKED, Fate.WAITING
"""What needs no back-off: the pause of a blocked VMS is the breaker's, and a VMS that fetches is asked, not burdened."""
_MAY_HAVE_ARRIVED = Fate.WAITING, Fate.UNKNOWN, Fate.FAULTY

_log = structlog.get_logger(component="delivery")


class DeliveryRelay:
    """Delivers at least once, and exactly once where the VMS can be asked.

    ``step`` does all the work and belongs to one thread: the one of ``start``, or a test's. The connector is used by
    that thread and closed by whoever made it. ``statistics``, ``latencies``, ``health`` and ``wake`` may be called from any
    thread.
    """

    def __init__(
        self,
        *,
        vms: VmsSettings,
        connector: VmsConnector,
        store: Store,
        cameras: Mapping[str, CameraSettings],
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        """``cameras`` are those of the settings by id, of any VMS; ``rng`` only spreads the back-off."""
        self._vms = vms
        self._connector = connector
        self._store = store
        self._cameras = cameras
        self._clock = clock
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._breaker = breaker or CircuitBreaker()
        self._aside = Aside()
        self._troubles = Troubles(vms.id)
        self._faulty_cameras: set[str] = set()
        self._unwritten: Callable[[], object] | None = None
        self._counters = dict.fromkeys(_COUNTERS, 0.0)
        self._latencies = LatencyBook()
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"delivery-{vms.id}", daemon=True)

    # Life

    def start(self) -> None:
        """Starts the thread. Call ``Store.recover`` once before."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Ends the thread after the attempt under way. False when that takes longer than the time-out.

        What such an attempt leaves behind is taken up by the next ``Store.recover``.
        """
        self._stopping.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wake(self) -> None:
        """There may be something to deliver."""
        self._awake.set()

    def _run(self) -> None:
        while True:
            self._awake.clear()
            if self._stopping.is_set():
                return
            wait_s = self._guarded_step()
            if wait_s > 0:
                self._awake.wait(min(wait_s, IDLE_S))

    def _guarded_step(self) -> float:
        try:
            return self.step()
        except Exception:  # noqa: BLE001 - edge of the thread: a defect of ours is logged and must not end delivery
            _log.exception("defect in the relay", vms=self._vms.id)
            return STORE_RETRY_S

    # Work

    def step(self) -> float:
        """Does one thing; returns how many seconds nothing more is to be done unless ``wake`` is called."""
        try:
            wait_s = self._step()
        except StoreError as error:
            self._troubles.begin(Kind.STORE, error.line(), self._clock.monotonic())
            return STORE_RETRY_S
        self._troubles.end(Kind.STORE)
        return wait_s

    def _step(self) -> float:
        if self._unwritten:
            self._write(self._unwritten)
        held_s = self._breaker.wait_s(self._clock.monotonic())
        if held_s > 0:
            return held_s
        delivery, wait_s = self._choose()
        if delivery is None:
            return wait_s
        self._handle(delivery)
        return 0.0

    def _choose(self) -> tuple[Delivery | None, float]:
        """What to try now, or how long to wait for it. A probe takes the next delivery even before it is due."""
        now, ticks = self._clock.utc(), self._clock.monotonic()
        is_probe = self._breaker.state(ticks) is BreakerState.HALF_OPEN
        delivery = self._aside.first(ticks - OVERDUE_S)
        delivery = delivery or self._next(math.inf if is_probe else now)
        delivery = delivery or self._aside.first(math.inf if is_probe else ticks)
        if delivery is not None:
            return delivery, 0.0
        due_at = self._store.next_due_at(self._vms.id, self._aside.keys)
        if due_at is None:
            return None, min(IDLE_S, self._aside.wait_s(ticks))
        if due_at - now > max(self._policy.longest_s, SETTLE_S):
            # No delay is that long: the wall clock was set back meanwhile.
            return self._next(due_at), 0.0
        return None, min(max(due_at - now, 0.0), self._aside.wait_s(ticks))

    def _next(self, now: float) -> Delivery | None:
        return self._store.next_delivery(self._vms.id, now, self._aside.keys)

    def _handle(self, delivery: Delivery) -> None:
        self._aside.remove(delivery)
        alert = self._store.alert(delivery.alert_id)
        if alert is None:  # erased since it was chosen, and its deliveries with it
            return
        camera = self._cameras.get(delivery.camera_id)
        if camera is None or camera.vms != self._vms.id:
            self._park(delivery, "its camera is no longer in the settings of this VMS")
        elif self._clock.utc() - alert.captured_at > self._vms.max_age_h * _HOUR_S:
            self._park(delivery, f"too old: captured more than {self._vms.max_age_h:g} h ago ({delivery.last_error})")
        elif self._begin(delivery):
            outcome = attempt(self._connector, delivery, alert, camera)
            self._count(outcome)
            self._settle_delivery(delivery, alert, outcome)
            self._settle_vms(delivery, outcome)

    def _begin(self, delivery: Delivery) -> bool:
        """Commits that the attempt begins, before anything leaves. False when it may not begin any more.

        Whatever breaks from here on, the delivery does not stay "sending": the next step takes it back. A write that
        fails may still have been done, hence also before ``mark_sending``.
        """
        self._unwritten = self._take_back(delivery, may_have_arrived=delivery.may_have_arrived)
        may_begin = self._store.mark_sending(delivery.key)
        self._unwritten = self._take_back(delivery, may_have_arrived=True) if may_begin else None
        return may_begin

    def _take_back(self, delivery: Delivery, *, may_have_arrived: bool) -> Callable[[], None]:
        return partial(
            self._store.mark_retry,
            delivery.key,
            next_at=self._clock.utc() + SETTLE_S,
            error=delivery.last_error,
            may_have_arrived=may_have_arrived,
        )

    def _settle_delivery(self, delivery: Delivery, alert: Alert, outcome: Attempt) -> None:
        if outcome.fate is Fate.DELIVERED:
            self._write(partial(self._store.mark_delivered, delivery.key, outcome.receipt))
            self._measure(delivery, alert)
        elif outcome.fate is Fate.REFUSED:
            self._park(delivery, outcome.error)
        else:
            self._write(self._retry(delivery, outcome))
            if outcome.fate is Fate.WAITING:
                self._aside.put(delivery, self._clock.monotonic())
            else:
                self._aside.recall(delivery.camera_id)

    def _retry(self, delivery: Delivery, outcome: Attempt) -> Callable[[], None]:
        is_uncertain = delivery.may_have_arrived or outcome.fate in _MAY_HAVE_ARRIVED
        delay_s = 0.0 if outcome.fate in _AT_ONCE else self._policy.delay(delivery.attempts + 1, self._rng)
        return partial(
            self._store.mark_retry,
            delivery.key,
            next_at=self._clock.utc() + max(delay_s, SETTLE_S if is_uncertain else 0.0),
            error=outcome.error,
            may_have_arrived=is_uncertain,
        )

    def _park(self, delivery: Delivery, reason: str) -> None:
        self._write(partial(self._store.park, delivery.key, reason))
        self._counters["parked"] += 1
        _log.warning("delivery parked", vms=self._vms.id, camera=delivery.camera_id, action=delivery.action, why=reason)
        self._unstick(delivery.camera_id)

    def _write(self, outcome: Callable[[], object]) -> None:
        """Writes what became of an attempt; should that fail, the next step begins with it."""
        self._unwritten = outcome
        outcome()
        self._unwritten = None

    def _settle_vms(self, delivery: Delivery, outcome: Attempt) -> None:
        now = self._clock.monotonic()
        if outcome.fate in {Fate.UNAVAILABLE, Fate.UNKNOWN}:
            self._breaker.failed(now)
            if self._breaker.state(now) is not BreakerState.CLOSED:
                self._troubles.begin(Kind.SILENT, outcome.error, now)
        elif outcome.fate is Fate.BLOCKED:
            self._breaker.trip(now, PAUSE_S)
            self._troubles.begin(Kind.BLOCKED, outcome.error, now)
        elif outcome.fate is Fate.FAULTY:
            self._stick(delivery, outcome)
        else:
            self._answered(delivery)

    def _answered(self, delivery: Delivery) -> None:
        self._unstick(delivery.camera_id)
        self._troubles.end(Kind.SILENT, Kind.BLOCKED)
        if self._breaker.succeeded():
            self._store.hasten(self._vms.id)

    def _stick(self, delivery: Delivery, outcome: Attempt) -> None:
        now = self._clock.monotonic()
        self._troubles.begin(Kind.FAULTY, f"camera {delivery.camera_id}: {outcome.error}", now)
        if self._breaker.state(now) is BreakerState.HALF_OPEN:
            self._breaker.failed(now)  # it proves nothing about the VMS: probe again later
        if delivery.camera_id not in self._faulty_cameras:
            _log.error("defect in a connector", vms=self._vms.id, key=str(delivery.key), exc_info=outcome.defect)
        self._faulty_cameras.add(delivery.camera_id)

    def _unstick(self, camera_id: str) -> None:
        self._faulty_cameras.discard(camera_id)
        if not self._faulty_cameras:
            self._troubles.end(Kind.FAULTY)

    # Figures

    def _count(self, outcome: Attempt) -> None:
        self._counters["attempts"] += 1
        self._counters["delivered"] += outcome.fate is Fate.DELIVERED
        self._counters["retries"] += outcome.fate in _RETRYING
        self._counters["asked"] += outcome.asked
        self._counters["found"] += outcome.found
        self._counters["resent_unasked"] += outcome.resent_unasked
        self._counters["defects"] += outcome.defect is not None

    def _measure(self, delivery: Delivery, alert: Alert) -> None:
        accepted_at = self._clock.utc()
        self._counters["last_latency_s"] = accepted_at - alert.captured_at
        try:
            stored_at = self._store.stored_at(delivery.alert_id)
        except StoreError:
            stored_at = None  # the VMS has it, and that is written: a figure may be missing
        self._latencies.accepted(delivery.action, accepted_at, captured_at=alert.captured_at, stored_at=stored_at)

    def latencies(self) -> dict[str, LatencyReading]:
        """How long deliveries took until the VMS accepted them, by action, since start."""
        return self._latencies.read()

    def statistics(self) -> dict[str, float]:
        """Counters since start: attempts, delivered, retries, parked, asked, found, resent_unasked, defects.

        ``last_latency_s`` is the time from capture to the VMS's acceptance of the latest delivery.
        """
        return dict(self._counters)

    def health(self) -> Health:
        """Green, or the worst trouble as a person should read it."""
        component = f"vms/{self._vms.id}"
        trouble = self._troubles.worst()
        if trouble is not None:
            is_fresh = self._clock.monotonic() - trouble.since < SILENT_RED_S
            level = HealthLevel.YELLOW if trouble.kind is Kind.SILENT and is_fresh else HealthLevel.RED
            return Health(component=component, level=level, cause=f"{trouble.kind.value}: {trouble.cause}")
        parked = self._parked()
        if parked:
            cause = f"{parked} deliveries are parked: see why, then send them again or leave them"
            return Health(component=component, level=HealthLevel.YELLOW, cause=cause)
        return Health(component=component, level=HealthLevel.GREEN)

    def _parked(self) -> int:
        try:
            counts = self._store.delivery_counts(state=DeliveryState.PARKED)
        except StoreError:
            return 0  # the relay's own next step says what is wrong with the database
        return sum(number for (vms_id, _, _), number in counts.items() if vms_id == self._vms.id)


_COUNTERS = (
    "attempts",
    "delivered",
    "retries",
    "parked",
    "asked",
    "found",
    "resent_unasked",
    "defects",
    "last_latency_s",
)
