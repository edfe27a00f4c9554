"""Alarm instances: triggered, monitored, acknowledged by a client or by time.

Unverified: the fields of ``AlarmTriggered`` and ``AlarmAcknowledge`` messages and of ``/activealarms``, and that the
reactivation threshold counts per alarm (not per source). A trigger inside the threshold is answered Ok and ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from connectors.genetec.simulator.event_types import CUSTOM_EVENT, EVENT_TYPES
from connectors.genetec.simulator.sessions import Sessions
from connectors.genetec.simulator.site import CustomEvent, Entity, Site, seconds_of
from connectors.protocols.backdoor import Ledger
from core.clock import iso_utc
from core.contracts import Clock
from core.errors import NotFoundInVms, RequestInvalid
from core.types import Json, UtcSeconds

ACKNOWLEDGEMENTS = ("Ack", "Nack")
"""What a client may say; others exist, their names are not public."""

FORCED, AUTOMATIC = "Forced", "Auto"
"""Names made up."""

_EVENTS = {"Nack": "AlarmAcknowledgedAlternate", FORCED: "AlarmForciblyAcked"}
"""Unverified: that ``Nack`` is the alternate acknowledgement."""

NOBODY = str(UUID(int=0))
"""Unverified: whom an automatic acknowledgement names."""


@dataclass(slots=True, kw_only=True)
class AlarmInstance:
    """One time that an alarm went off."""

    number: int
    alarm: Entity
    source: str
    text: str
    trigger_event: str
    triggered_at: UtcSeconds
    acknowledged: str = ""
    acknowledged_at: UtcSeconds = 0.0
    acknowledged_by: str = NOBODY
    """GUID of the user."""

    @property
    def is_active(self) -> bool:
        """Whether nobody acknowledged it yet."""
        return not self.acknowledged


class AlarmDesk:
    """Every alarm instance since the start."""

    def __init__(self, site: Site, sessions: Sessions, ledger: Ledger, clock: Clock, *, is_terse: bool = False) -> None:
        self._site = site
        self._is_terse = is_terse
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._instances: list[AlarmInstance] = []

    def trigger(
        self, alarm: Entity, *, source: Entity | None = None, text: str = "", event: CustomEvent | None = None
    ) -> None:
        """Makes an instance, unless the alarm's reactivation threshold still runs."""
        now = self._clock.utc()
        if self._is_too_soon(alarm, now):
            self._ledger.add("alarm-ignored", alarm=alarm.guid, text=text, source=source.guid if source else "")
            return
        instance = AlarmInstance(
            number=len(self._instances) + 1,
            alarm=alarm,
            source=source.guid if source else "",
            text=text,
            trigger_event=CUSTOM_EVENT if event else "None",
            triggered_at=now,
        )
        self._instances.append(instance)
        self._ledger.add(
            "alarm",
            alarm=alarm.guid,
            name=alarm.name,
            instance=instance.number,
            source=instance.source,
            text=text,
            custom_event=event.number if event else None,
        )
        self._tell("AlarmTriggered", instance)

    def acknowledge(self, number: str, alarm: Entity, how: str, user: str) -> None:
        """As a client asks. Raises ``NotFoundInVms`` when there is no such active instance."""
        if how not in ACKNOWLEDGEMENTS:
            raise RequestInvalid(f"{how!r} is not an acknowledgement; known: {', '.join(ACKNOWLEDGEMENTS)}")
        for instance in self.active():
            if str(instance.number) == number.strip() and instance.alarm.guid == alarm.guid:
                self.settle(instance, how, self._site.user(user).guid)
                return
        raise NotFoundInVms(f"alarm {alarm.name!r} has no active instance {number!r}")

    def active(self) -> Sequence[AlarmInstance]:
        """Instances that nobody acknowledged yet."""
        return [instance for instance in self.instances() if instance.is_active]

    def instances(self) -> Sequence[AlarmInstance]:
        """Every instance; those whose time ran out are acknowledged first."""
        now = self._clock.utc()
        for instance in self._instances:
            delay_s = seconds_of(str(instance.alarm.read("AutoAcknowledgmentDelay")))
            if instance.is_active and delay_s and now - instance.triggered_at >= delay_s:
                self.settle(instance, AUTOMATIC, NOBODY)
        return self._instances

    def settle(self, instance: AlarmInstance, how: str, by: str) -> None:
        """Acknowledges it, whoever asked."""
        instance.acknowledged, instance.acknowledged_at, instance.acknowledged_by = how, self._clock.utc(), by
        self._ledger.add("acknowledgement", alarm=instance.alarm.guid, instance=instance.number, how=how, by=by)
        self._sessions.stream(_EVENTS.get(how, "AlarmAcknowledged"), instance.alarm, instance.acknowledged_at, {})
        self._tell("AlarmAcknowledge", instance)

    def described(self, instance: AlarmInstance) -> dict[str, Json]:
        """As streams and ``/activealarms`` show it (unverified); of a terse site only its number and alarm."""
        fields: dict[str, Json] = {"InstanceId": instance.number, "AlarmGuid": instance.alarm.guid}
        if self._is_terse:
            return fields
        fields |= {
            "SourceGuid": instance.source,
            "TriggerTime": iso_utc(instance.triggered_at),
            "Message": instance.text,
        }
        if not instance.is_active:
            fields |= {"AckType": instance.acknowledged, "AckBy": instance.acknowledged_by}
        return fields

    def row(self, instance: AlarmInstance) -> dict[str, Json]:
        """As the report ``AlarmActivity`` shows it; of a terse site without the event's text and the kind of answer."""
        fields: dict[str, Json] = {
            "InstanceId": instance.number,
            "Alarm": instance.alarm.guid,
            "TriggerEntity": instance.source,
            "TriggerEvent": EVENT_TYPES[CUSTOM_EVENT] if instance.trigger_event == CUSTOM_EVENT else 0,
            "TriggerTime": iso_utc(instance.triggered_at),
            "State": "Active" if instance.is_active else "Acked",
            "Priority": instance.alarm.read("Priority"),
            "DynamicContext": "" if self._is_terse else instance.text,
        }
        if not instance.is_active:
            fields |= {"AckedTime": iso_utc(instance.acknowledged_at), "AckedBy": instance.acknowledged_by}
            fields |= {} if self._is_terse else {"AckReason": instance.acknowledged}
        return fields

    def _is_too_soon(self, alarm: Entity, now: UtcSeconds) -> bool:
        threshold_s = seconds_of(str(alarm.read("ReactivationThreshold")))
        times = [instance.triggered_at for instance in self._instances if instance.alarm.guid == alarm.guid]
        return bool(times) and now - times[-1] < threshold_s

    def _tell(self, message: str, instance: AlarmInstance) -> None:
        fields: dict[str, Json] = {**self.described(instance), "Timestamp": iso_utc(self._clock.utc())}
        self._sessions.tell_alarm_monitors({message: fields})
