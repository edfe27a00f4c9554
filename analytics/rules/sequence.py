"""``sequence``: several other rules of the camera come true one after the other, within some time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, TypeAlias

from analytics.rules.composing import Part, composed
from config.model import CompositionSettings, RuleSettings
from core.contracts import Composition
from core.types import Occurrence, UtcSeconds

_Chain: TypeAlias = tuple[Part, ...]


class SequenceSettings(CompositionSettings):
    """Settings of ``sequence``. A rule may be named again: ``[gate, gate]`` is twice through the gate."""

    type: Literal["sequence"]


class InSequence(Composition):
    """Fires when the last member comes true after all others did in their order, the first at most ``within_s`` ago.

    Two in one picture are in the order in which they began. What was part of an alert is not part of another.
    """

    settings_model: ClassVar[type[CompositionSettings]] = SequenceSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, SequenceSettings):
            raise TypeError(f"InSequence takes SequenceSettings, not {type(settings).__name__}")
        self._rules = settings.rules
        self._within_s = settings.within_s
        self._chains: dict[int, _Chain] = {}
        """By how many steps are done: of all ways to get so far, the one that began last."""

    def update(self, captured_at: UtcSeconds, occurrences: Mapping[str, Sequence[Occurrence]]) -> list[Occurrence]:
        self._chains = {
            steps: chain
            for steps, chain in self._chains.items()
            if captured_at - chain[0].occurrence.captured_at <= self._within_s
        }
        made: list[Occurrence] = []
        told: Occurrence | None = None
        for step, seen in self._in_order(occurrences):
            if seen is not told and (whole := self._extended(step, seen)):
                made.append(composed(whole))
                told = seen
        return made

    def _in_order(self, occurrences: Mapping[str, Sequence[Occurrence]]) -> list[tuple[int, Occurrence]]:
        """By their beginning; of those that began together the later step first, so that none follows the other."""
        steps = [(step, seen) for step, rule in enumerate(self._rules) for seen in occurrences.get(rule, ())]
        return sorted(steps, key=lambda item: (item[1].captured_at, item[1].started_at, -item[0]))

    def _extended(self, step: int, seen: Occurrence) -> _Chain | None:
        """Takes one step; the whole chain where it was the last."""
        before = self._chains.get(step, ()) if step else ()
        if step and not before:
            return None
        chain = (*before, Part(self._rules[step], seen))
        if step + 1 < len(self._rules):
            self._chains[step + 1] = chain
            return None
        self._chains.clear()
        return chain
