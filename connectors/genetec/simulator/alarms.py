"""Alarm instances: triggered, monitored, acknowledged by a client or by time.

Unverified: the fields of ``AlarmTriggered`` and ``AlarmAcknowledge`` messages and of ``/activealarms``, and that the
reactivation threshold counts per alarm (not per source). A trigger inside the threshold is answered Ok and ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.genetec.simulator.sessions import Sessions
from connectors.genetec.simulator.site import CustomEvent, Entity, Site, seconds_of
from connectors.protocols.backdoor import Ledger
from core.clock import iso_utc
from core.contracts import Clock
from core.errors import NotFoundInVms, RequestInvalid
from core.types import Json, UtcSeconds

ACKNOWLEDGEMENTS = ("Ack", "Nack")
"""Others exist; their names are not public."""


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

    @property
    def is_active(self) -> bool:
        """Whether nobody acknowledged it yet."""
        return not self.acknowledged


class AlarmDesk:
    """Every alarm instance since the start."""

    def __init__(self, site: Site, sessions: Sessions, ledger: Ledger, clock: Clock) -> None:
        self._site = site
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
            trigger_event="CustomEvent" if event else "None",
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

    def acknowledge(self, number: str, alarm: Entity, how: str) -> None:
        """Raises ``NotFoundInVms`` when there is no such active instance."""
        if how not in ACKNOWLEDGEMENTS:
            raise RequestInvalid(f"{how!r} is not an acknowledgement; known: {', '.join(ACKNOWLEDGEMENTS)}")
        for instance in self.active():
            if str(instance.number) == number.strip() and instance.alarm.guid == alarm.guid:
                self._acknowledge(instance, how)
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
                self._acknowledge(instance, "Auto")
        return self._instances

    def _acknowledge(self, instance: AlarmInstance, how: str) -> None:
        instance.acknowledged = how
        self._ledger.add("acknowledgement", alarm=instance.alarm.guid, instance=instance.number, how=how)
        self._tell("AlarmAcknowledge", instance)

    def _is_too_soon(self, alarm: Entity, now: UtcSeconds) -> bool:
        threshold_s = seconds_of(str(alarm.read("ReactivationThreshold")))
        times = [instance.triggered_at for instance in self._instances if instance.alarm.guid == alarm.guid]
        return bool(times) and now - times[-1] < threshold_s

    def _tell(self, message: str, instance: AlarmInstance) -> None:
        fields: dict[str, Json] = {**described(instance), "Timestamp": iso_utc(self._clock.utc())}
        for session in self._sessions.alive():
            if session.monitors_alarms:
                for stream in session.streams.values():
                    stream.put({message: fields})


def described(instance: AlarmInstance) -> dict[str, Json]:
    """An instance as streams and ``/activealarms`` show it (unverified)."""
    return {
        "InstanceId": instance.number,
        "AlarmGuid": instance.alarm.guid,
        "SourceGuid": instance.source,
        "TriggerTime": iso_utc(instance.triggered_at),
        "Message": instance.text,
    }
