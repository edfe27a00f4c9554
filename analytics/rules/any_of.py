"""``any_of``: one of several other rules of the camera comes true; one alert where several see the same event."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from analytics.rules.composing import Part, composed
from config.model import CompositionSettings, RuleSettings
from core.contracts import Composition
from core.types import Occurrence, UtcSeconds

_MOST_OPEN = 256
"""Told events that are remembered: many times what a camera that anybody looks at raises within the longest time."""


class AnyOfSettings(CompositionSettings):
    """Settings of ``any_of``."""

    needs_every_member: ClassVar[bool] = False

    type: Literal["any_of"]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.rules)) < len(self.rules):
            raise ValueError("names a rule twice; name each once")
        return self


@dataclass(slots=True, kw_only=True)
class _Event:
    """What was told, and which members have seen it."""

    told_at: UtcSeconds
    seen_by: set[str] = field(default_factory=set)


class AnyOf(Composition):
    """Fires with the first member that sees an event; the others' first occurrences within ``within_s`` are the same.

    A second occurrence of one member is always another event: that rule itself tells events apart.
    """

    settings_model: ClassVar[type[CompositionSettings]] = AnyOfSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, AnyOfSettings):
            raise TypeError(f"AnyOf takes AnyOfSettings, not {type(settings).__name__}")
        self._rules = settings.rules
        self._within_s = settings.within_s
        self._told: deque[_Event] = deque(maxlen=_MOST_OPEN)

    def update(self, captured_at: UtcSeconds, occurrences: Mapping[str, Sequence[Occurrence]]) -> list[Occurrence]:
        while self._told and captured_at - self._told[0].told_at > self._within_s:
            self._told.popleft()
        return list(self._events(captured_at, occurrences))

    def _events(self, captured_at: UtcSeconds, occurrences: Mapping[str, Sequence[Occurrence]]) -> Iterator[Occurrence]:
        for rule in self._rules:
            for seen in occurrences.get(rule, ()):
                event = next((event for event in self._told if rule not in event.seen_by), None)
                if event is None:
                    event = _Event(told_at=captured_at)
                    self._told.append(event)
                    yield composed([Part(rule, seen)])
                event.seen_by.add(rule)
