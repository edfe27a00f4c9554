"""What stands in the way of delivery: logged once when it begins, once when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import structlog

from core.logs import OnceGate

_log = structlog.get_logger(component="delivery")


class Kind(StrEnum):
    """Sorts of trouble, worst first."""

    STORE = "the database fails"
    BLOCKED = "the VMS refuses us"
    FAULTY = "a delivery is stuck"
    SILENT = "the VMS does not answer"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble. ``cause`` says what and, where known, what to do; ``since`` is ``Clock.monotonic()``."""

    kind: Kind
    cause: str
    since: float


class Troubles:
    """The present troubles of one relay. Written by its thread, read by any: a change replaces the whole tuple."""

    def __init__(self, vms_id: str) -> None:
        self._vms_id = vms_id
        self._gate = OnceGate(_log)
        self._present: tuple[Trouble, ...] = ()

    def worst(self) -> Trouble | None:
        """The one to show."""
        order = list(Kind)
        return min(self._present, key=lambda trouble: order.index(trouble.kind), default=None)

    def begin(self, kind: Kind, cause: str, now: float) -> None:
        """Something is wrong; says so in the log unless it is known already."""
        if self._gate.lost(kind, "delivery disturbed", vms=self._vms_id, what=kind.value, cause=cause):
            self._present = (*self._present, Trouble(kind, cause, now))

    def end(self, *kinds: Kind) -> None:
        """It is over; says so in the log if it was there."""
        for kind in kinds:
            if self._gate.recovered(kind, "delivery restored", vms=self._vms_id, what=kind.value):
                self._present = tuple(trouble for trouble in self._present if trouble.kind is not kind)
