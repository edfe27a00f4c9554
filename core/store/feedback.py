"""What a VMS answers, as the store keeps it: verdicts of operators, rules they switched, how far a channel was heard."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from config.model import ControlState
from core.contracts import Clock
from core.store.models import alerts, cursors, deliveries, switches, verdicts
from core.store.rows import storable
from core.store.slips import Judgement, SlipBox
from core.store.transactions import Transactions
from core.types import Answer, Delivery, RuleState, UtcSeconds, VerdictGiven

BY_HAND = ""
"""Instead of a VMS: a person told it to Vigie itself."""

_UUID_DIGITS = 32
_PREFIX = "vigie:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an operator said of one alert; the latest word counts. ``vms_id`` may be ``BY_HAND``."""

    alert_id: UUID
    camera_id: str
    rule_id: str
    vms_id: str
    answer: Answer
    said_at: UtcSeconds
    said_by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What an event of the VMS did to a rule."""

    camera_id: str
    rule_id: str
    state: ControlState
    vms_id: str
    event: str
    switched_at: UtcSeconds


class Feedback:
    """Part of ``Store``. Everything may be told twice and in any order: the latest by the VMS's own time stands."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def judge(self, vms_id: str, verdict: VerdictGiven) -> Verdict | None:
        """Keeps a verdict; what stands then, or None where nothing changed: an alert of another system, an old word."""
        with self._transactions.writing() as connection:
            return self._keep(connection, _alert_of(connection, verdict.token), _verdict_row(vms_id, verdict))

    def judge_by_hand(self, given: Judgement) -> Verdict | None:
        """Keeps what a person told Vigie itself, of an alert that no VMS needs to know; as ``judge``."""
        with self._transactions.writing() as connection:
            seq = connection.execute(select(alerts.c.seq).where(alerts.c.alert_id == given.alert_id)).scalar()
            return self._keep(connection, seq, _verdict_row(BY_HAND, given))

    def take_in(self, box: SlipBox) -> list[Verdict]:
        """Keeps the verdicts that people left on slips; those that changed something. A slip is gone once it is kept."""
        kept = []
        for slip, given in box.waiting().items():
            verdict = self.judge_by_hand(given)
            box.discard(slip)
            if verdict is not None:
                kept.append(verdict)
        return kept

    def _keep(self, connection: Connection, seq: int | None, row: dict[str, Any]) -> Verdict | None:
        if seq is None or _is_known(connection, seq, row):
            return None
        connection.execute(delete(verdicts).where(verdicts.c.alert_seq == seq))
        connection.execute(insert(verdicts).values(alert_seq=seq, heard_at=self._clock.utc(), **row))
        return _read_verdict(connection.execute(_select_verdicts().where(verdicts.c.alert_seq == seq)).one())

    def verdict(self, alert_id: UUID) -> Verdict | None:
        """What operators said of an alert."""
        row = self._transactions.first(_select_verdicts().where(alerts.c.alert_id == alert_id))
        return None if row is None else _read_verdict(row)

    def verdicts(self, *, since: UtcSeconds | None = None, limit: int | None = 100) -> list[Verdict]:
        """The latest verdicts, newest first."""
        wanted = _select_verdicts().order_by(verdicts.c.said_at.desc(), verdicts.c.alert_seq.desc()).limit(limit)
        if since is not None:
            wanted = wanted.where(verdicts.c.said_at >= since)
        return [_read_verdict(row) for row in self._transactions.all(wanted)]

    def switch(self, *told: Switch) -> list[Switch]:
        """Keeps what was done to rules, all of it or nothing; those of which nothing later, or the same, was known.

        One transaction: an event may switch the rules of thousands of cameras.
        """
        with self._transactions.writing() as connection:
            return [switch for switch in told if _keep_switch(connection, switch)]

    def switches(self) -> list[Switch]:
        """Everything that is switched away from the settings, by camera and rule."""
        ordered = _select_switches().order_by(switches.c.camera_id, switches.c.rule_id)
        return [_read_switch(row) for row in self._transactions.all(ordered)]

    def states(self, camera_id: str) -> dict[str, RuleState]:
        """The rules of a camera that are switched away from the settings."""
        rows = self._transactions.all(_select_switches().where(switches.c.camera_id == camera_id))
        return {row.rule_id: RuleState(row.state) for row in rows}

    def forget_switches(self, known: Collection[tuple[str, str]]) -> int:
        """Drops what was switched of rules, as (camera, rule), that the settings do not have any more."""
        gone = [
            (item.camera_id, item.rule_id) for item in self.switches() if (item.camera_id, item.rule_id) not in known
        ]
        if not gone:
            return 0
        place = tuple_(switches.c.camera_id, switches.c.rule_id)
        return self._transactions.execute(delete(switches).where(place.in_(gone)))

    def heard_to(self, vms_id: str, channel: str) -> UtcSeconds | None:
        """VMS time up to which a control channel was heard; None before the first time."""
        row = self._transactions.first(select(cursors.c.heard_to).where(*_channel(vms_id, channel)))
        return None if row is None else float(row[0])

    def hear(self, vms_id: str, channel: str, moment: UtcSeconds) -> None:
        """Moves a channel's cursor forward; never back."""
        with self._transactions.writing() as connection:
            place = _channel(vms_id, channel)
            known = connection.execute(select(cursors.c.heard_to).where(*place)).scalar()
            if known is None:
                connection.execute(insert(cursors).values(vms_id=vms_id, channel=channel, heard_to=float(moment)))
            elif known < moment:
                connection.execute(update(cursors).where(*place).values(heard_to=float(moment)))


def _alert_of(connection: Connection, token: str) -> int | None:
    """The alert whose delivery has this token: the token holds the first digits of the delivery's key."""
    digits = token.removeprefix(_PREFIX).lower()
    if not token.startswith(_PREFIX) or not digits or set(digits) - set("0123456789abcdef"):
        return None
    first, last = (UUID(digits.ljust(_UUID_DIGITS, filler)[:_UUID_DIGITS]) for filler in "0f")
    columns = select(deliveries.c.alert_seq, deliveries.c.key).where(deliveries.c.key.between(first, last))
    rows = connection.execute(columns).all()
    exact = [row for row in rows if Delivery.token_of(row.key) == token.lower()]
    return int(exact[0].alert_seq) if exact else None


def _verdict_row(vms_id: str, said: VerdictGiven | Judgement) -> dict[str, Any]:
    return {
        "vms_id": vms_id,
        "answer": said.answer.value,
        "said_at": float(said.at),
        "said_by": storable(said.by),
        "comment": storable(said.comment),
    }


def _is_known(connection: Connection, seq: int, row: dict[str, Any]) -> bool:
    """Whether a later verdict stands, or this very one."""
    before = connection.execute(select(verdicts).where(verdicts.c.alert_seq == seq)).first()
    if before is None:
        return False
    said = {name: getattr(before, name) for name in row}
    return bool(before.said_at > row["said_at"] or said == row)


def _select_verdicts() -> Any:
    joined = verdicts.join(alerts, alerts.c.seq == verdicts.c.alert_seq)
    return select(verdicts, alerts.c.alert_id, alerts.c.camera_id, alerts.c.rule_id).select_from(joined)


def _keep_switch(connection: Connection, switch: Switch) -> bool:
    place = (switches.c.camera_id == switch.camera_id, switches.c.rule_id == switch.rule_id)
    row = {
        "state": switch.state.value,
        "vms_id": switch.vms_id,
        "event": storable(switch.event),
        "switched_at": float(switch.switched_at),
    }
    known = connection.execute(select(switches.c.switched_at).where(*place)).scalar()
    if known is None:
        values = {"camera_id": switch.camera_id, "rule_id": switch.rule_id, **row}
        connection.execute(insert(switches).values(values))
    elif known < switch.switched_at:
        connection.execute(update(switches).where(*place).values(row))
    else:
        return False
    return True


def _select_switches() -> Any:
    return select(switches).where(switches.c.state != ControlState.AS_CONFIGURED.value)


def _read_verdict(row: Any) -> Verdict:
    return Verdict(
        alert_id=row.alert_id,
        camera_id=row.camera_id,
        rule_id=row.rule_id,
        vms_id=row.vms_id,
        answer=Answer(row.answer),
        said_at=row.said_at,
        said_by=row.said_by,
        comment=row.comment,
    )


def _read_switch(row: Any) -> Switch:
    return Switch(
        camera_id=row.camera_id,
        rule_id=row.rule_id,
        state=ControlState(row.state),
        vms_id=row.vms_id,
        event=row.event,
        switched_at=row.switched_at,
    )


def _channel(vms_id: str, channel: str) -> tuple[Any, Any]:
    return cursors.c.vms_id == vms_id, cursors.c.channel == channel
