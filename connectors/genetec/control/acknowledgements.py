"""How an alarm was acknowledged, as Security Center may write it, and what that says of the alert behind it.

Verified names: the events ``AlarmAcknowledged``, ``AlarmAcknowledgedAlternate`` and ``AlarmForciblyAcked`` with their
numbers, and ``Ack`` and ``Nack`` of the SDK's ``AcknowledgementType``. Unverified: that ``Nack`` is the alternate
acknowledgement, the numbers of that type, and which members the messages of alarm monitoring have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from connectors.genetec.access.rows import first_of, guid_in, moment_in, number_in, texts_in
from connectors.genetec.control.event_kinds import ACKNOWLEDGED, ACKNOWLEDGED_ALTERNATE, FORCIBLY_ACKNOWLEDGED, kind_of
from connectors.genetec.settings import Acknowledgement, AcknowledgementSettings
from core.types import Answer, UtcSeconds

KINDS: Final[Mapping[str, Acknowledgement]] = {
    ACKNOWLEDGED: "default",
    ACKNOWLEDGED_ALTERNATE: "alternate",
    FORCIBLY_ACKNOWLEDGED: "forced",
}
"""Events of alarms, by what they tell."""

_WORDS: Final[Mapping[str, Acknowledgement]] = {
    **{name.lower(): kind for name, kind in KINDS.items()},
    "ack": "default",
    "default": "default",
    "nack": "alternate",
    "alternate": "alternate",
    "forced": "forced",
    "forciblyacked": "forced",
}

_HOW: Final = ("AckType", "AcknowledgementType", "AcknowledgeType", "AckReason")
_INSTANCES: Final = ("InstanceId", "AlarmInstanceId", "AlarmInstance")
_ALARMS: Final = ("AlarmGuid", "Alarm")
_ACKNOWLEDGED_AT: Final = ("AckedTime", "AckTime", "AcknowledgedTime")
_BY: Final = ("AckedBy", "AckBy", "AcknowledgedBy")
_SOURCES: Final = ("TriggerEntity", "SourceGuid", "Source")
_TRIGGERED_AT: Final = ("TriggerTime", "TriggerTimestamp", "CreationTime")
_ACKED: Final = frozenset({"acked", "2"})
"""``AlarmState`` by name, or by its place among the names (unverified)."""

NOBODY: Final = str(UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """An alarm instance as a message or a report's row shows it; empty or None where it does not."""

    instance: int | None
    alarm: str
    kind: Acknowledgement | None
    at: UtcSeconds | None
    by: str | None
    """GUID of the user; ``NOBODY`` where the system did it, None where nothing is said."""
    source: str
    triggered_at: UtcSeconds | None
    trigger: str
    """Name of the type of event that triggered it."""
    texts: tuple[str, ...]

    def with_more(self, other: Acknowledged) -> Acknowledged:
        """What the other one tells beside, where this one does not."""
        return Acknowledged(
            instance=other.instance if self.instance is None else self.instance,
            alarm=self.alarm or other.alarm,
            kind=self.kind or other.kind,
            at=other.at if self.at is None else self.at,
            by=other.by if self.by is None else self.by,
            source=self.source or other.source,
            triggered_at=other.triggered_at if self.triggered_at is None else self.triggered_at,
            trigger=self.trigger or other.trigger,
            texts=self.texts + other.texts,
        )


class Judge:
    """What an acknowledgement says."""

    def __init__(self, settings: AcknowledgementSettings) -> None:
        self._settings = settings

    def answer(self, seen: Acknowledged) -> Answer:
        """Unknown for what the settings do not name, for a kind that was not told, and where the system did it."""
        if seen.kind is None or seen.by == NOBODY:
            return Answer.UNKNOWN
        if seen.kind in self._settings.is_true:
            return Answer.TRUE
        return Answer.FALSE if seen.kind in self._settings.is_false else Answer.UNKNOWN


def acknowledged_in(event: Mapping[str, Any]) -> Acknowledged | None:
    """What a streamed event says of an acknowledgement; None where it is of something else."""
    monitored = event.get("AlarmAcknowledge")
    if isinstance(monitored, Mapping):
        return read(monitored)
    kind = KINDS.get(kind_of(event.get("EventType")))
    if kind is None:
        return None
    seen = read(event)
    return Acknowledged(
        instance=seen.instance,
        alarm=seen.alarm or seen.source,  # the source of an alarm's own event is the alarm
        kind=kind,
        at=moment_in(event.get("Timestamp")),
        by=seen.by,
        source="",
        triggered_at=None,
        trigger="",
        texts=seen.texts,
    )


def read(row: Mapping[str, Any]) -> Acknowledged:
    """A row of ``AlarmActivity``, or the inside of a message."""
    by = first_of(row, _BY)
    return Acknowledged(
        instance=number_in(first_of(row, _INSTANCES)),
        alarm=guid_in(first_of(row, _ALARMS)),
        kind=_kind(first_of(row, _HOW)),
        at=moment_in(first_of(row, _ACKNOWLEDGED_AT)),
        by=None if by is None else guid_in(by) or str(by),
        source=guid_in(first_of(row, _SOURCES)),
        triggered_at=moment_in(first_of(row, _TRIGGERED_AT)),
        trigger=kind_of(row.get("TriggerEvent")),
        texts=texts_in(row),
    )


def is_acknowledged(row: Mapping[str, Any]) -> bool:
    """Whether the instance of a row is; a row that does not say was asked for by its state."""
    state = row.get("State")
    return state is None or str(state).lower() in _ACKED


def _kind(value: Any) -> Acknowledgement | None:
    return _WORDS.get(str(value).replace(" ", "").lower()) if value is not None else None
