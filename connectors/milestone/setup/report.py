"""What a set-up did and what it leaves, one item for each thing that must be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.errors import VmsError, VmsRefused


class Outcome(StrEnum):
    """What became of one thing."""

    CREATED = "created"
    PLANNED = "would be created"
    THERE = "already there"
    BY_HAND = "by hand"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to a person."""
        return self not in {Outcome.BY_HAND, Outcome.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing. ``details``: where to click and what to type, or what went wrong."""

    vms: str
    what: str
    outcome: Outcome
    details: str = ""


class Worklist:
    """Makes what is missing. ``is_dry_run`` only looks; without ``has_gateway`` everything is left by hand."""

    def __init__(self, vms: str, *, has_gateway: bool, is_dry_run: bool) -> None:
        self._vms = vms
        self._has_gateway = has_gateway
        self._is_dry_run = is_dry_run
        self.items: list[Item] = []

    def ensure(self, what: str, by_hand: str, is_there: Callable[[], bool], make: Callable[[], None]) -> bool:
        """Whether the thing is there now. What XProtect refuses is left ``by_hand``."""
        try:
            outcome, details = self._made(is_there, make), ""
        except VmsRefused as error:
            outcome, details = Outcome.BY_HAND, f"{by_hand} ({_without_page(error)})"
        except VmsError as error:
            outcome, details = Outcome.FAILED, error.line()
        self.add(what, outcome, by_hand if outcome is Outcome.BY_HAND and not details else details)
        return outcome in {Outcome.CREATED, Outcome.THERE}

    def add(self, what: str, outcome: Outcome, details: str = "") -> None:
        """Notes what became of a thing."""
        self.items.append(Item(vms=self._vms, what=what, outcome=outcome, details=details))

    def _made(self, is_there: Callable[[], bool], make: Callable[[], None]) -> Outcome:
        if not self._has_gateway:
            return Outcome.BY_HAND
        if is_there():
            return Outcome.THERE
        if self._is_dry_run:
            return Outcome.PLANNED
        make()
        return Outcome.CREATED


def _without_page(error: VmsError) -> str:
    """What a refusal says, without the HTML page that a proxy or IIS put around it."""
    return str(error).partition("<")[0].strip()
