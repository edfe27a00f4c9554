"""``all_of``: several other rules of the camera come true within some time, in whatever order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from analytics.rules.composing import Part, composed
from config.model import CompositionSettings, RuleSettings
from core.contracts import Composition
from core.types import Occurrence, UtcSeconds


class AllOfSettings(CompositionSettings):
    """Settings of ``all_of``."""

    type: Literal["all_of"]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.rules)) < len(self.rules):
            raise ValueError("names a rule twice; name each once")
        return self


class AllOf(Composition):
    """Fires when the latest occurrences of all members lie within ``within_s``; each takes part in one alert only."""

    settings_model: ClassVar[type[CompositionSettings]] = AllOfSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, AllOfSettings):
            raise TypeError(f"AllOf takes AllOfSettings, not {type(settings).__name__}")
        self._rules = settings.rules
        self._within_s = settings.within_s
        self._latest: dict[str, Occurrence] = {}

    def update(self, captured_at: UtcSeconds, occurrences: Mapping[str, Sequence[Occurrence]]) -> list[Occurrence]:
        self._latest.update({rule: seen[-1] for rule, seen in occurrences.items() if seen})
        self._latest = {
            rule: seen for rule, seen in self._latest.items() if captured_at - seen.captured_at <= self._within_s
        }
        if len(self._latest) < len(self._rules):
            return []
        parts = [Part(rule, self._latest.pop(rule)) for rule in self._rules]
        return [composed(parts)]
