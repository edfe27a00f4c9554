"""What operators choose from in Alarm Manager: states, priorities, categories, reasons for closing (notes §4.2).

Levels, default categories and default reasons are *unverified*; sites define their own beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.milestone.simulator.alarms.definitions import PRIORITIES
from connectors.milestone.simulator.site import stable_id
from connectors.milestone.simulator.web.rest import JsonObject

_STATE_LEVELS: Mapping[str, int] = {"New": 1, "In progress": 4, "On hold": 9, "Closed": 11}
_CATEGORIES = ("Intrusion", "Safety")
_REASONS = ("False alarm", "True alarm", "Test")


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry. REST names it by ``choice_id``, the SOAP alarm service by ``level``."""

    choice_id: str
    name: str
    level: int

    def as_json(self) -> JsonObject:
        """As alarms refer to it."""
        return {"id": self.choice_id, "name": self.name}


class Words:
    """One of the lists, in the order of its levels."""

    def __init__(self, kind: str, choices: Iterable[Choice]) -> None:
        self._kind = kind
        self._choices = list(choices)

    @classmethod
    def of(cls, kind: str, levels: Mapping[str, int]) -> Words:
        """A list of these names, with stable ids."""
        return cls(kind, (Choice(stable_id(kind, name), name, level) for name, level in levels.items()))

    def __iter__(self) -> Iterator[Choice]:
        return iter(self._choices)

    @property
    def first(self) -> Choice:
        """What an alarm begins with."""
        return self._choices[0]

    def by_id(self, choice_id: str) -> Choice | None:
        """The entry of that id, any case."""
        return next((choice for choice in self._choices if choice.choice_id == choice_id.lower()), None)

    def by_level(self, level: int) -> Choice | None:
        """The entry of that level."""
        return next((choice for choice in self._choices if choice.level == level), None)

    def named(self, name: str) -> Choice:
        """The entry of that name, any case; one that is not there is added, as an administrator may at any time."""
        known = next((choice for choice in self._choices if choice.name.lower() == name.lower()), None)
        if known is None:
            level = 1 + max((choice.level for choice in self._choices), default=0)
            known = Choice(stable_id(self._kind, name), name, level)
            self._choices.append(known)
        return known

    def as_json(self) -> list[JsonObject]:
        """As Alarms REST lists them."""
        return [{**choice.as_json(), "level": choice.level} for choice in self._choices]


def states() -> Words:
    """States of a fresh installation."""
    return Words.of("alarm state", _STATE_LEVELS)


def priorities() -> Words:
    """Priorities of a fresh installation."""
    return Words("alarm priority", (Choice(key, name, 1 + at) for at, (key, name) in enumerate(PRIORITIES.items())))


def categories() -> Words:
    """Categories."""
    return Words.of("alarm category", {name: 1 + at for at, name in enumerate(_CATEGORIES)})


def reasons() -> Words:
    """Reasons for closing."""
    return Words.of("close reason", {name: 1 + at for at, name in enumerate(_REASONS)})
