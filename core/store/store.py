"""The alert store: alerts, their snapshots and the deliveries they need, in one database.

Whatever a method wrote is on the disk when it returns. Every failure is a ``StoreError`` that names a remedy.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection, insert, select

from core.contracts import Clock
from core.errors import StoreError
from core.store import models, queries
from core.store.backend import Backend, connect, look
from core.store.failures import translated
from core.store.feedback import Feedback
from core.store.migrate import require_current, upgrade
from core.store.rows import alert_row, delivery_row, read_alert, read_delivery, storable
from core.store.transactions import Transactions
from core.store.watches import Watches, delete_watches
from core.types import Alert, Delivery, DeliveryState, Receipt, UtcSeconds

SETTLE_S = 1.0
"""A request of unknown fate may still be landing inside the VMS: so soon after it, asking would be too early."""

_PURGE_BATCH = 500
"""Alerts erased per transaction, so that new alerts never wait long."""

_PENDING, _SENDING = DeliveryState.PENDING, DeliveryState.SENDING
_DELIVERED, _PARKED = DeliveryState.DELIVERED, DeliveryState.PARKED


class Store:
    """Thread-safe. One process at a time; a second one is refused at ``open``.

    Deliveries to one VMS leave in the order of capture time per camera; a parked delivery lets the next one pass.
    """

    def __init__(self, backend: Backend, clock: Clock) -> None:
        """Use ``open``."""
        self._backend = backend
        self._clock = clock
        self._transactions = Transactions(backend)
        self.feedback = Feedback(self._transactions, clock)
        """What the VMS answers: verdicts and rules that its operators switched."""
        self.watches = Watches(self._transactions)
        """When each rule watched."""

    @classmethod
    def open(cls, url: str, *, clock: Clock) -> Store:
        """Opens and migrates ``sqlite:///path`` or ``postgresql+psycopg://…``.

        Raises ``StoreError`` when the database is damaged, of a newer Vigie, out of reach, or in another service's use.
        """
        backend = connect(url)
        try:
            with translated(backend.place, backend.driver_error):
                upgrade(backend.writer, backend.place)
        except StoreError:
            backend.close()
            raise
        return cls(backend, clock)

    @classmethod
    def look(cls, url: str, *, clock: Clock) -> Store:
        """Opens the database for reading, also while a service owns it; whatever would write raises ``StoreError``.

        Raises ``StoreError`` when there is no database, or one whose tables are not those of this version.
        """
        backend = look(url)
        try:
            with translated(backend.place, backend.driver_error):
                require_current(backend.reader, backend.place)
        except StoreError:
            backend.close()
            raise
        return cls(backend, clock)

    def close(self) -> None:
        """Waits for the write under way and lets go of the database. May be called twice."""
        self._transactions.close()

    # Alerts

    def add_alert(self, alert: Alert, deliveries: Sequence[tuple[str, str]]) -> bool:
        """Stores an alert and its deliveries, as (VMS id, action) in the order to do them, in one transaction.

        Returns False, and changes nothing, when an alert of this id is already there.
        """
        with self._transactions.writing() as connection:
            if connection.execute(queries.select_alert(alert.alert_id)).first() is not None:
                return False
            seq = _insert_alert(connection, alert, self._clock.utc())
            for position, (vms_id, action) in enumerate(deliveries):
                lane_id = _lane(connection, vms_id, alert.camera_id)
                row = delivery_row(alert.alert_id, alert.captured_at, vms_id, action)
                row |= {"alert_seq": seq, "lane_id": lane_id, "position": position}
                connection.execute(insert(models.deliveries).values(row))
        return True

    def alert(self, alert_id: UUID) -> Alert | None:
        """One alert with its snapshot."""
        row = self._transactions.first(queries.select_alert(alert_id))
        return None if row is None else read_alert(row, row.jpeg or b"")

    def stored_at(self, alert_id: UUID) -> UtcSeconds | None:
        """When an alert was stored, by the clock of this machine; None where it is not there any more."""
        row = self._transactions.first(queries.select_stored_at(alert_id))
        return None if row is None else float(row.stored_at)

    def alerts(
        self, *, camera_id: str | None = None, since: UtcSeconds | None = None, limit: int | None = 100
    ) -> list[Alert]:
        """The latest alerts by capture time, newest first, without their snapshots."""
        return [read_alert(row) for row in self._transactions.all(queries.select_alerts(camera_id, since, limit))]

    def last_alerts(self, camera_id: str) -> dict[str, UtcSeconds]:
        """Capture time of the latest alert of each rule of a camera."""
        return {row[0]: row[1] for row in self._transactions.all(queries.select_last_alerts(camera_id))}

    def purge(self, before: UtcSeconds) -> int:
        """Erases alerts captured before then, with snapshots and deliveries, and when rules watched; how many alerts.

        An alert with a delivery still to be made is never erased; one whose delivery is parked is.
        """
        self._transactions.execute(delete_watches(before))
        total = 0
        while True:
            count = self._transactions.execute(queries.delete_settled(before, _PURGE_BATCH))
            total += count
            if count < _PURGE_BATCH:
                return total

    # The queue, for the relay of one VMS

    def recover(self) -> int:
        """Takes over what a dead process left: its half-sent deliveries are pending again, of unknown fate.

        To be called once at start, before any relay runs. Returns how many there were.
        """
        values = {"state": _PENDING.value, "may_have_arrived": True, "next_at": self._clock.utc() + SETTLE_S}
        return self._transactions.execute(queries.change_sending().values(values))

    def next_delivery(self, vms_id: str, now: UtcSeconds, aside: Collection[UUID] = ()) -> Delivery | None:
        """What to send next: due at ``now``, first of its camera, of the camera that waited longest for its turn.

        Those whose keys are ``aside`` are passed over, and what comes after them need not wait for them.
        """
        row = self._transactions.first(queries.select_next(vms_id, now, aside))
        return None if row is None else read_delivery(row)

    def next_due_at(self, vms_id: str, aside: Collection[UUID] = ()) -> UtcSeconds | None:
        """When ``next_delivery`` will have something, at the earliest; None when nothing is pending."""
        moment: UtcSeconds | None = self._transactions.first(queries.select_next_due_at(vms_id, aside))[0]
        return moment

    def mark_sending(self, key: UUID) -> bool:
        """An attempt begins. False when the delivery is not pending any more (parked or erased meanwhile)."""
        values = {"state": _SENDING.value, "attempts": models.deliveries.c.attempts + 1}
        with self._transactions.writing() as connection:
            is_ours = connection.execute(queries.change(key, _PENDING).values(values)).rowcount == 1
            if is_ours:
                connection.execute(queries.move_to_back(key))
        return is_ours

    def mark_delivered(self, key: UUID, receipt: Receipt) -> None:
        """The VMS has it, even where it was parked meanwhile. May be repeated."""
        self._change(
            key,
            (_PENDING, _SENDING, _PARKED),
            state=_DELIVERED.value,
            remote_id=storable(receipt.remote_id),
            last_error="",
            delivered_at=self._clock.utc(),
        )

    def mark_retry(self, key: UUID, *, next_at: UtcSeconds, error: str, may_have_arrived: bool) -> None:
        """The attempt failed; try again at ``next_at``. Changes nothing once parked or delivered."""
        self._change(
            key,
            (_PENDING, _SENDING),
            state=_PENDING.value,
            next_at=next_at,
            last_error=storable(error),
            may_have_arrived=may_have_arrived,
        )

    def hasten(self, vms_id: str) -> int:
        """Makes all that waits out a back-off due within ``SETTLE_S``, because the VMS answers again."""
        soon = self._clock.utc() + SETTLE_S
        return self._transactions.execute(queries.change_later_than(vms_id, soon).values(next_at=soon))

    # The queue, for people

    def park(self, key: UUID, reason: str) -> bool:
        """Sets aside a delivery that cannot succeed; its camera's next one may go. False when it was not waiting."""
        return self._change(key, (_PENDING, _SENDING), state=_PARKED.value, last_error=storable(reason))

    def park_unknown_vms(self, known: Collection[str]) -> int:
        """Parks what waits for a VMS that the settings do not name any more: no relay would ever send it."""
        reason = "its VMS is no longer in the settings"
        return self._transactions.execute(
            queries.change_strangers(known).values(state=_PARKED.value, last_error=reason)
        )

    def unpark(self, key: UUID, *, is_missing: bool = False) -> bool:
        """Gives a parked delivery another life, due now. False when it is not parked.

        ``is_missing``: a person looked and the VMS does not have it, so that it is sent without asking.
        """
        certain = {"may_have_arrived": False} if is_missing else {}
        return self._change(key, (_PARKED,), state=_PENDING.value, attempts=0, next_at=0.0, **certain)

    def deliveries(
        self, *, vms_id: str | None = None, state: DeliveryState | None = None, limit: int | None = 100
    ) -> list[Delivery]:
        """The latest deliveries, newest first."""
        return [read_delivery(row) for row in self._transactions.all(queries.select_deliveries(vms_id, state, limit))]

    def delivery_counts(self, *, state: DeliveryState | None = None) -> dict[tuple[str, str, DeliveryState], int]:
        """How many deliveries there are by (VMS id, action, state); of one state only, when given."""
        rows = self._transactions.all(queries.select_counts(state))
        return {(row[0], row[1], DeliveryState(row[2])): int(row[3]) for row in rows}

    def backlog(self, vms_id: str) -> tuple[int, UtcSeconds | None]:
        """How many deliveries wait for a VMS, and the capture time of the oldest."""
        count, oldest = self._transactions.first(queries.select_backlog(vms_id))
        return count, oldest

    # Inside

    def _change(self, key: UUID, states: tuple[DeliveryState, ...], **values: object) -> bool:
        return self._transactions.execute(queries.change(key, *states).values(values)) == 1


def _insert_alert(connection: Connection, alert: Alert, stored_at: UtcSeconds) -> int:
    row = alert_row(alert) | {"stored_at": stored_at}
    seq: int = connection.execute(insert(models.alerts).values(row).returning(models.alerts.c.seq)).scalar_one()
    if alert.snapshot_jpeg:
        connection.execute(insert(models.snapshots).values(alert_seq=seq, jpeg=alert.snapshot_jpeg))
    return seq


def _lane(connection: Connection, vms_id: str, camera_id: str) -> int:
    table = models.lanes
    wanted = select(table.c.lane_id).where(table.c.vms_id == vms_id, table.c.camera_id == camera_id)
    found: int | None = connection.execute(wanted).scalar()
    if found is not None:
        return found
    values = {"vms_id": vms_id, "camera_id": camera_id, "turn": 0}
    created: int = connection.execute(insert(table).values(values).returning(table.c.lane_id)).scalar_one()
    return created
