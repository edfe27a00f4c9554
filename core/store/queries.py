"""The statements that the store runs, apart from when and for whom."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Delete,
    FromClause,
    Select,
    Update,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from core.store.models import alerts, deliveries, lanes, snapshots
from core.types import DeliveryState, UtcSeconds

_WAITING_STATES = (DeliveryState.PENDING.value, DeliveryState.SENDING.value)


def select_alert(alert_id: UUID) -> Select[Any]:
    """One alert with its snapshot, if it has one."""
    joined = alerts.outerjoin(snapshots, snapshots.c.alert_seq == alerts.c.seq)
    return select(alerts, snapshots.c.jpeg).select_from(joined).where(alerts.c.alert_id == alert_id)


def select_stored_at(alert_id: UUID) -> Select[Any]:
    """When one alert was stored."""
    return select(alerts.c.stored_at).where(alerts.c.alert_id == alert_id)


def select_alerts(camera_id: str | None, since: UtcSeconds | None, limit: int | None) -> Select[Any]:
    """The latest alerts, newest first, without snapshots."""
    wanted = select(alerts).order_by(alerts.c.captured_at.desc(), alerts.c.seq.desc()).limit(limit)
    if camera_id is not None:
        wanted = wanted.where(alerts.c.camera_id == camera_id)
    if since is not None:
        wanted = wanted.where(alerts.c.captured_at >= since)
    return wanted


def select_last_alerts(camera_id: str) -> Select[Any]:
    """(Rule id, capture time of its latest alert)."""
    latest = func.max(alerts.c.captured_at)
    return select(alerts.c.rule_id, latest).where(alerts.c.camera_id == camera_id).group_by(alerts.c.rule_id)


def select_deliveries(vms_id: str | None, state: DeliveryState | None, limit: int | None) -> Select[Any]:
    """The latest deliveries, newest first."""
    joined = deliveries.join(alerts, alerts.c.seq == deliveries.c.alert_seq).join(
        lanes, lanes.c.lane_id == deliveries.c.lane_id
    )
    columns = (deliveries, alerts.c.alert_id, lanes.c.vms_id, lanes.c.camera_id)
    wanted = select(*columns).select_from(joined).order_by(deliveries.c.seq.desc()).limit(limit)
    if vms_id is not None:
        wanted = wanted.where(lanes.c.vms_id == vms_id)
    if state is not None:
        wanted = wanted.where(deliveries.c.state == state.value)
    return wanted


def select_next(vms_id: str, now: UtcSeconds, aside: Collection[UUID] = ()) -> Select[Any]:
    """The due head of the lane that was served longest ago. Deliveries that stand ``aside`` hold up nobody."""
    heads = _heads(vms_id, aside)
    joined = heads.join(deliveries, deliveries.c.seq == heads.c.seq).join(
        alerts, alerts.c.seq == deliveries.c.alert_seq
    )
    columns = (deliveries, alerts.c.alert_id, heads.c.vms_id, heads.c.camera_id)
    may_go = (deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.next_at <= now)
    return select(*columns).select_from(joined).where(*may_go).order_by(heads.c.turn, heads.c.lane_id).limit(1)


def select_next_due_at(vms_id: str, aside: Collection[UUID] = ()) -> Select[Any]:
    """When the first head is due."""
    heads = _heads(vms_id, aside)
    joined = heads.join(deliveries, deliveries.c.seq == heads.c.seq)
    columns: tuple[ColumnElement[Any], ...] = (func.min(deliveries.c.next_at),)
    return select(*columns).select_from(joined).where(deliveries.c.state == DeliveryState.PENDING.value)


def select_backlog(vms_id: str) -> Select[Any]:
    """How many deliveries wait, and the oldest capture time among them."""
    waiting = deliveries.join(lanes, lanes.c.lane_id == deliveries.c.lane_id)
    figures: tuple[ColumnElement[Any], ...] = (func.count(), func.min(deliveries.c.captured_at))
    return select(*figures).select_from(waiting).where(lanes.c.vms_id == vms_id, _is_waiting(deliveries))


def select_counts(state: DeliveryState | None) -> Select[Any]:
    """(VMS id, action, state, number). Counts by lane first: that only reads an index."""
    group = (deliveries.c.state, deliveries.c.lane_id, deliveries.c.action)
    by_lane = select(*group, func.count().label("number")).group_by(*group)
    if state is not None:
        by_lane = by_lane.where(deliveries.c.state == state.value)
    counted = by_lane.subquery()
    columns = (lanes.c.vms_id, counted.c.action, counted.c.state)
    joined = counted.join(lanes, lanes.c.lane_id == counted.c.lane_id)
    return select(*columns, func.sum(counted.c.number)).select_from(joined).group_by(*columns)


def change(key: UUID, *states: DeliveryState) -> Update:
    """Changes a delivery, provided that it is still in one of these states."""
    return update(deliveries).where(deliveries.c.key == key, deliveries.c.state.in_([state.value for state in states]))


def change_sending() -> Update:
    """Changes whatever is being sent."""
    return update(deliveries).where(deliveries.c.state == DeliveryState.SENDING.value)


def change_strangers(known_vms: Collection[str]) -> Update:
    """Changes what waits for any other VMS than these."""
    gone = select(lanes.c.lane_id).where(lanes.c.vms_id.not_in(list(known_vms)))
    return update(deliveries).where(_is_waiting(deliveries), deliveries.c.lane_id.in_(gone))


def change_later_than(vms_id: str, moment: UtcSeconds) -> Update:
    """Changes what waits for a VMS until after this moment."""
    own = select(lanes.c.lane_id).where(lanes.c.vms_id == vms_id)
    pending = deliveries.c.state == DeliveryState.PENDING.value
    return update(deliveries).where(pending, deliveries.c.lane_id.in_(own), deliveries.c.next_at > moment)


def move_to_back(key: UUID) -> Update:
    """Puts the lane of a delivery behind all others."""
    last = select(func.max(lanes.c.turn)).scalar_subquery()
    own = select(deliveries.c.lane_id).where(deliveries.c.key == key).scalar_subquery()
    return update(lanes).where(lanes.c.lane_id == own).values(turn=last + 1)


def delete_settled(before: UtcSeconds, limit: int) -> Delete:
    """Erases old alerts that no delivery waits for."""
    waits = exists().where(deliveries.c.alert_seq == alerts.c.seq, _is_waiting(deliveries))
    old = select(alerts.c.seq).where(alerts.c.captured_at < before, ~waits).limit(limit)
    return delete(alerts).where(alerts.c.seq.in_(old))


def _heads(vms_id: str, aside: Collection[UUID] = ()) -> CTE:
    """Each lane with the one delivery that may go next; it may not go while it is being sent.

    Materialised, because SQLite would else start from everything that is pending.
    """
    ahead = deliveries.alias("ahead")
    others = (ahead.c.key.not_in(aside),) if aside else ()
    head = (
        select(ahead.c.seq)
        .where(ahead.c.lane_id == lanes.c.lane_id, _is_waiting(ahead), *others)
        .order_by(ahead.c.captured_at, ahead.c.alert_seq, ahead.c.position)
        .limit(1)
        .correlate(lanes)
        .scalar_subquery()
    )
    return select(lanes, head.label("seq")).where(lanes.c.vms_id == vms_id).cte("heads").prefix_with("MATERIALIZED")


def _is_waiting(table: FromClause) -> ColumnElement[bool]:
    """Neither delivered nor parked; as literals, or the databases would not use the partial index."""
    states: BindParameter[Any] = bindparam("waiting", _WAITING_STATES, expanding=True, literal_execute=True)
    return table.c.state.in_(states)
