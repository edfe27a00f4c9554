from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.protocols.worklist import Clash, Item, Outcome, Worklist
from core.errors import RightMissing, VmsError, VmsUnavailable

HAND = "Click here."


class Shelf:
    """What a VMS holds: makes a thing, or fails, or says that it did and does not."""

    def __init__(self, *, has_it: bool = False, failure: VmsError | None = None, lies: bool = False) -> None:
        self.has_it = has_it
        self.failure = failure
        self.lies = lies
        self.made = 0

    def is_there(self) -> bool:
        return self.has_it

    def make(self) -> None:
        if self.failure:
            raise self.failure
        self.made += 1
        self.has_it = not self.lies


def ensured(shelf: Shelf, work: Worklist) -> tuple[bool, Item]:
    is_there = work.ensure("event 'Vigie'", HAND, shelf.is_there, shelf.make)
    return is_there, work.items[-1]


def worklist(**more: bool) -> Worklist:
    return Worklist("vms", is_dry_run=more.pop("is_dry_run", False), **more)


@pytest.mark.parametrize(
    ("shelf", "work", "outcome", "made"),
    [
        (Shelf, worklist, Outcome.CREATED, 1),
        (lambda: Shelf(has_it=True), worklist, Outcome.THERE, 0),
        (Shelf, lambda: worklist(is_dry_run=True), Outcome.PLANNED, 0),
        (lambda: Shelf(has_it=True), lambda: worklist(is_dry_run=True), Outcome.THERE, 0),
        (Shelf, lambda: worklist(can_make=False), Outcome.BY_HAND, 0),
        (lambda: Shelf(failure=RightMissing("403 <html>")), worklist, Outcome.BY_HAND, 0),
        (lambda: Shelf(failure=VmsUnavailable("down")), worklist, Outcome.FAILED, 0),
        (lambda: Shelf(failure=Clash("another has this number")), worklist, Outcome.FAILED, 0),
        (lambda: Shelf(lies=True), lambda: worklist(looks_again=True), Outcome.BY_HAND, 1),
    ],
)
def test_what_becomes_of_a_thing(
    shelf: Callable[[], Shelf], work: Callable[[], Worklist], outcome: Outcome, made: int
) -> None:
    holds = shelf()
    is_there, item = ensured(holds, work())
    assert item.outcome is outcome
    assert holds.made == made
    assert is_there is (outcome in {Outcome.CREATED, Outcome.THERE})
    assert item.outcome.is_settled is (outcome not in {Outcome.BY_HAND, Outcome.FAILED})


def test_what_is_left_by_hand_says_how_and_why_without_the_servers_page() -> None:
    _, item = ensured(Shelf(failure=RightMissing("HTTP 403 <html>sorry</html>")), worklist())
    assert item.details == f"{HAND} (HTTP 403)"


def test_what_no_interface_can_make_is_only_looked_for() -> None:
    work = worklist()
    work.look("event-to-action", HAND, lambda: False)
    work.look("event-to-action", HAND, lambda: True)
    assert [item.outcome for item in work.items] == [Outcome.BY_HAND, Outcome.THERE]
    assert work.items[0].details == HAND
