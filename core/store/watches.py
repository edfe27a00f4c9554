"""When each rule watched: in which state, from when to when. Without it nobody could tell alerts per hour."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Delete, bindparam, delete, insert, select, update

from core.store.models import watches
from core.store.transactions import Transactions
from core.types import RuleState, UtcSeconds

_SEAM_S = 1.0
"""Two stretches so close together are one."""


class WatchedRule(NamedTuple):
    """A rule of a camera, in the state in which it watches."""

    camera_id: str
    rule_id: str
    state: RuleState


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One uninterrupted stretch in which a rule watched, by the service's own clock."""

    camera_id: str
    rule_id: str
    state: RuleState
    begun_at: UtcSeconds
    ended_at: UtcSeconds


class Watches:
    """Part of ``Store``."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def extend(self, rules: Collection[WatchedRule], begun_at: UtcSeconds, ended_at: UtcSeconds) -> None:
        """These rules watched in that time; it lengthens the stretch that it follows, in one transaction for all."""
        with self._transactions.writing() as connection:
            recent = select(watches).where(watches.c.ended_at.between(begun_at - _SEAM_S, ended_at))
            open_ = {_rule(row): row.seq for row in connection.execute(recent)}
            longer = [{"row": open_[rule]} for rule in rules if rule in open_]
            fresh = [_row(rule, begun_at, ended_at) for rule in rules if rule not in open_]
            if longer:
                connection.execute(
                    update(watches).where(watches.c.seq == bindparam("row")).values(ended_at=ended_at), longer
                )
            if fresh:
                connection.execute(insert(watches), fresh)

    def since(self, moment: UtcSeconds | None = None) -> list[Watch]:
        """Every stretch that ended after that moment, oldest first; of all time without one."""
        wanted = select(watches).order_by(watches.c.begun_at, watches.c.seq)
        if moment is not None:
            wanted = wanted.where(watches.c.ended_at > moment)
        return [_read(row) for row in self._transactions.all(wanted)]


def delete_watches(before: UtcSeconds) -> Delete:
    """Erases stretches that ended before then."""
    return delete(watches).where(watches.c.ended_at < before)


def _rule(row: Any) -> WatchedRule:
    return WatchedRule(row.camera_id, row.rule_id, RuleState(row.state))


def _row(rule: WatchedRule, begun_at: UtcSeconds, ended_at: UtcSeconds) -> dict[str, Any]:
    place = {"camera_id": rule.camera_id, "rule_id": rule.rule_id, "state": rule.state.value}
    return {**place, "begun_at": float(begun_at), "ended_at": float(ended_at)}


def _read(row: Any) -> Watch:
    return Watch(**_rule(row)._asdict(), begun_at=row.begun_at, ended_at=row.ended_at)
