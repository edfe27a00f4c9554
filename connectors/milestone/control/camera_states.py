"""Which cameras XProtect has lost, as told by pushes and by ``getState``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from core.clock import parse_iso
from core.contracts import Clock
from core.errors import ProtocolViolation
from core.types import CameraReported, UtcSeconds

STARTED = "dd3e6464-7dc0-405a-a92f-6150587563e8"
STOPPED = "0ee90664-2924-42a0-a816-4129d0ecabdc"
ERROR = "a334af1c-4b4b-4957-9e5f-ab8ca07feab6"
"""Event types of a camera's communication."""

CAUSES: Mapping[str, str] = {STARTED: "", STOPPED: "communication stopped", ERROR: "communication error"}
"""What each means, in XProtect's words; all but the first are a loss."""

_COLLECTION = "cameras"


class CameraStates:
    """The last word on each camera of one connection.

    A subscription can fall silent unnoticed: what ``getState`` says must agree with what was pushed. As a push may
    overtake an answer that was a minute in the making, a camera must be found wrong twice in a row.
    """

    def __init__(self, cameras: Collection[str], clock: Clock) -> None:
        self._cameras = frozenset(cameras)
        self._clock = clock
        self._known: dict[str, CameraReported] = {}
        self._suspects: frozenset[str] = frozenset()
        self._was_asked = False

    @property
    def are_doubtful(self) -> bool:
        """Whether the last answer did not agree: the next one is to be asked for soon."""
        return bool(self._suspects)

    def pushed(self, event: Mapping[str, Any]) -> CameraReported | None:
        """What a pushed event says of a camera; None where it is of something else, or older than what is known."""
        report = self._report(event)
        if report is None or self._is_outdated(report):
            return None
        self._known[report.device] = report
        return report

    def answered(self, states: Sequence[Mapping[str, Any]]) -> Iterator[CameraReported]:
        """What an answer to ``getState`` adds: everything the first time, later only cameras that are new.

        Raises ``ProtocolViolation`` when a change was never pushed.
        """
        reports = [report for report in map(self._report, states) if report is not None]
        wrong = {report.device for report in reports if self._was_asked and self._contradicts(report)}
        if silent := wrong & self._suspects:
            raise ProtocolViolation(
                f"Events & State of XProtect: {len(silent)} cameras changed without a push: the subscription is silent"
            )
        self._suspects = frozenset(wrong)
        for report in reports:
            if not self._is_outdated(report) and (not self._was_asked or report.device not in self._known):
                self._known[report.device] = report
                yield report
        self._was_asked = True

    def _is_outdated(self, report: CameraReported) -> bool:
        known = self._known.get(report.device)
        return known is not None and report.at < known.at

    def _contradicts(self, report: CameraReported) -> bool:
        known = self._known.get(report.device)
        return known is not None and known.is_lost != report.is_lost and report.at >= known.at

    def _report(self, event: Mapping[str, Any]) -> CameraReported | None:
        kind = str(event.get("type") or "").lower()
        collection, _, device = str(event.get("source") or "").lower().partition("/")
        if kind not in CAUSES or collection != _COLLECTION or (self._cameras and device not in self._cameras):
            return None
        return CameraReported(
            device=device, is_lost=kind != STARTED, at=event_time(event, self._clock.utc()), cause=CAUSES[kind]
        )


def event_time(event: Mapping[str, Any], otherwise: UtcSeconds) -> UtcSeconds:
    """The event's own time; ``otherwise`` where it has none that can be read."""
    try:
        return parse_iso(str(event.get("time") or ""))
    except ValueError:
        return otherwise
