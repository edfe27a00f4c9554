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


class Clash(VmsRefused):
    """Something else stands where ours should: the site file, or the VMS, has to be corrected."""


class Worklist:
    """Makes what is missing. ``is_dry_run`` only looks; without ``can_make`` everything is left by hand.

    ``looks_again``: for a VMS that may say yes and do nothing; what was made is then looked for.
    """

    def __init__(self, vms: str, *, is_dry_run: bool, can_make: bool = True, looks_again: bool = False) -> None:
        self._vms = vms
        self._is_dry_run = is_dry_run
        self._can_make = can_make
        self._looks_again = looks_again
        self.items: list[Item] = []

    def ensure(self, what: str, by_hand: str, is_there: Callable[[], bool], make: Callable[[], None]) -> bool:
        """Makes what is missing; whether it is there now. What is refused is left ``by_hand``."""
        outcome = self._note(what, by_hand, lambda: self._made(is_there, make))
        return outcome in {Outcome.CREATED, Outcome.THERE}

    def look(self, what: str, by_hand: str, is_there: Callable[[], bool]) -> None:
        """As ``ensure``, of what no interface can make."""
        self._note(what, by_hand, lambda: Outcome.THERE if is_there() else Outcome.BY_HAND)

    def add(self, what: str, outcome: Outcome, details: str = "") -> None:
        """Notes what became of a thing."""
        self.items.append(Item(vms=self._vms, what=what, outcome=outcome, details=details))

    def _note(self, what: str, by_hand: str, settle: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = settle()
            details = by_hand if outcome is Outcome.BY_HAND else ""
        except Clash as error:
            outcome, details = Outcome.FAILED, error.line()
        except VmsRefused as error:
            outcome, details = Outcome.BY_HAND, f"{by_hand} ({_without_page(error)})"
        except VmsError as error:
            outcome, details = Outcome.FAILED, error.line()
        self.add(what, outcome, details)
        return outcome

    def _made(self, is_there: Callable[[], bool], make: Callable[[], None]) -> Outcome:
        if not self._can_make:
            return Outcome.BY_HAND
        if is_there():
            return Outcome.THERE
        if self._is_dry_run:
            return Outcome.PLANNED
        make()
        if self._looks_again and not is_there():
            raise VmsRefused("the VMS said that it was made, but does not show it")
        return Outcome.CREATED


def _without_page(error: VmsError) -> str:
    """What a refusal says, without the HTML page that a proxy or a web server put around it."""
    return str(error).partition("<")[0].strip()
