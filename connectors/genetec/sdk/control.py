"""What Security Center tells back through the SDK: custom events on one channel, operators' verdicts on another."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import structlog

from connectors.genetec.access.spans import TooManyRows, whole_answers
from connectors.genetec.control.alarm_tokens import token_in
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.frames import Frame
from connectors.genetec.sdk.publisher import alarm_report
from connectors.genetec.sdk.settings import GenetecSdkSettings
from connectors.genetec.settings import Acknowledgement, AcknowledgementSettings
from connectors.protocols.mailbox import Mailbox
from core.contracts import Clock, ControlSource
from core.errors import RequestInvalid, VmsError
from core.types import Answer, ControlMessage, EventSeen, Linked, UtcSeconds, VerdictGiven

EVENTS: Final = "events"
VERDICTS: Final = "verdicts"

_KINDS: Final[Mapping[str, Acknowledgement]] = {"Ack": "default", "Nack": "alternate"}
"""By name of ``AcknowledgementType``; it has others, which are not public: a name with "Force" is taken for forced."""

_TRIGGERED_BEFORE_S: Final = 24 * 3600.0
"""Reports go by when an alarm was triggered: one acknowledged later than so long after is missed if nobody listened."""

_CLOCKS_APART_S: Final = 600.0
_SINCE_MARGIN_S: Final = 5.0
_LOOK_S: Final = 60.0

_log = structlog.get_logger(component="genetec-sdk")


def open_control(
    channel: str, since: UtcSeconds, settings: GenetecSdkSettings, bridge: Bridge, clock: Clock
) -> ControlSource:
    """A fresh, unconnected source of one channel."""
    if channel == EVENTS:
        return EventSource(settings, bridge)
    if channel == VERDICTS:
        return VerdictSource(settings, bridge, clock, since)
    raise RequestInvalid(f"the SDK has no control channel {channel!r}", remedy=f"Known: {EVENTS}, {VERDICTS}.")


class _BridgeSource(ControlSource):
    """Listens to one kind of event. ``close`` takes effect at once, or when the log-on under way ends."""

    event: str

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._closed = threading.Event()
        self._mailbox: Mailbox[Frame] | None = None

    def messages(self) -> Iterator[ControlMessage]:
        try:
            yield from self._linked()
        except VmsError:
            if not self._closed.is_set():
                raise
        finally:
            self.close()

    def close(self) -> None:
        self._closed.set()
        if self._mailbox is not None:
            self._bridge.unlisten(self._mailbox)

    def _linked(self) -> Iterator[ControlMessage]:
        if self._closed.is_set():
            return
        mailbox = self._mailbox = self._bridge.listen(self.event)
        if self._closed.is_set():  # meanwhile, and it did not see the mailbox
            return
        yield from self._begun()
        while not self._closed.is_set():
            try:
                frame = mailbox.take(_LOOK_S)
            except TimeoutError:
                continue
            if frame is None:
                return
            yield from self._told(frame)

    def _begun(self) -> Iterator[ControlMessage]:
        """``Linked``, and what is known to have happened before."""
        yield Linked()

    @abstractmethod
    def _told(self, frame: Mapping[str, Any]) -> Iterator[ControlMessage]:
        """What one event of the SDK says."""


class EventSource(_BridgeSource):
    """Custom events that the settings name. What was raised while nobody listened cannot be asked for [U]."""

    event = "custom_event"

    def __init__(self, settings: GenetecSdkSettings, bridge: Bridge) -> None:
        super().__init__(bridge)
        self._wanted = frozenset(control.event for control in settings.control)

    def _begun(self) -> Iterator[ControlMessage]:
        known = set(self._bridge.ask("list custom events").values())
        for name in sorted(self._wanted - known):
            _log.warning(
                "control_event_unknown", event_name=name, remedy="Config Tool → System → General settings → Events."
            )
        yield Linked()

    def _told(self, frame: Mapping[str, Any]) -> Iterator[ControlMessage]:
        if frame["name"] in self._wanted:
            event_id = f"{frame['name']}@{frame['source']}@{frame['at']:.6f}"
            yield EventSeen(event=frame["name"], at=frame["at"], event_id=event_id)


class VerdictSource(_BridgeSource):
    """Acknowledgements of our alarm: the event says that there is one, the report what it says.

    Before 5.14 the event does not tell which instance; then every acknowledged one of late is looked at.
    """

    event = "acknowledged"

    def __init__(self, settings: GenetecSdkSettings, bridge: Bridge, clock: Clock, since: UtcSeconds) -> None:
        super().__init__(bridge)
        self._settings = settings
        self._clock = clock
        self._since = since
        self._told_at: dict[int, UtcSeconds] = {}
        self._names: dict[str, str] = {}

    def _begun(self) -> Iterator[ControlMessage]:
        yield Linked()
        yield from self._verdicts(0)

    def _told(self, frame: Mapping[str, Any]) -> Iterator[ControlMessage]:
        if frame["alarm"] == str(self._settings.alarm):
            yield from self._verdicts(max(0, frame["instance"]))

    def _verdicts(self, instance: int) -> Iterator[VerdictGiven]:
        now = self._clock.utc()
        begin = self._since - _TRIGGERED_BEFORE_S if not instance else now - self._settings.max_age_h * 3600.0
        end = now + _CLOCKS_APART_S
        report = partial(alarm_report, self._bridge, self._settings, instance=instance, acknowledged=True)
        try:
            for answer in whole_answers(report, begin, end):
                for row in answer.rows:
                    yield from self._verdict(row)
        except TooManyRows as error:
            _log.warning("not every acknowledgement could be read", why=str(error))

    def _verdict(self, row: Mapping[str, Any]) -> Iterator[VerdictGiven]:
        token = token_in([str(row["text"])])
        at = row["acknowledged_at"] or self._clock.utc()
        is_news = at >= self._since - _SINCE_MARGIN_S and self._told_at.get(row["instance"]) != at
        if not token or not is_news:
            return
        self._told_at[row["instance"]] = at
        answer = answer_of(row["acknowledgement"], self._settings.verdicts)
        yield VerdictGiven(token=token, answer=answer, at=at, by=self._name_of(row["acknowledged_by"]))

    def _name_of(self, guid: str | None) -> str:
        if guid is None:
            return ""
        if guid not in self._names:
            entity = self._bridge.ask("look up an entity", guid=guid)
            self._names[guid] = entity["name"] if entity else guid
        return self._names[guid]


def answer_of(acknowledgement: str, meaning: AcknowledgementSettings) -> Answer:
    """What an acknowledgement of that type says of the alert."""
    kind = "forced" if "Force" in acknowledgement else _KINDS.get(acknowledgement)
    if kind in meaning.is_true:
        return Answer.TRUE
    return Answer.FALSE if kind in meaning.is_false else Answer.UNKNOWN
