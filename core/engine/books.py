"""What the service writes down every minute: which rules watched, and what people judged beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import structlog

from config.model import SiteSettings
from core.contracts import Clock
from core.errors import StoreError
from core.logs import OnceGate
from core.schedules import schedule_of
from core.store.feedback import Verdict
from core.store.slips import SlipBox
from core.store.store import Store
from core.store.watches import WatchedRule
from core.types import RuleState, UtcSeconds

EVERY_S = 60
"""How often ``keep`` is meant to be called; times of watching are right to that much."""

MIN_FPS = 1.0
"""Fewer analysed pictures per second than this, half of what rules need at least, are no watching."""

_ANALYSED = "frames_analysed"
_PAUSED = "paused"
"""With the rule's id: pictures analysed while the camera did not show what the rule is for."""
_LEAST_SHARE = 0.5
"""Of the pictures of a minute a rule must have been shown so many to have watched in it."""

_log = structlog.get_logger(component="books")


class Books:
    """``keep`` is called by one job of the calendar."""

    def __init__(self, site: SiteSettings, store: Store, clock: Clock) -> None:
        self.renew(site)
        self._store = store
        self._box = slip_box(site)
        self._clock = clock
        self._kept_at = clock.utc()
        self._kept_monotonic = clock.monotonic()
        self._told: Mapping[str, Mapping[str, float]] = {}
        self._gate = OnceGate(_log)

    def renew(self, site: SiteSettings) -> None:
        """Takes up a changed site; may be called from another thread."""
        self._rules = [
            (camera, rule, schedule_of(site, rule))
            for camera in site.cameras
            if camera.enabled
            for rule in camera.rules
        ]

    def keep(self, statistics: Mapping[str, Mapping[str, float]]) -> None:
        """Writes down what there is since the last time. ``statistics``: what workers last told, by camera."""
        try:
            self._note_watches(statistics)
            take_in(self._store, self._box)
        except StoreError as error:
            self._gate.lost("store", "what rules watched cannot be written down", cause=error.line())
        else:
            self._gate.recovered("store", "what rules watched is written down again")

    def _note_watches(self, told: Mapping[str, Mapping[str, float]]) -> None:
        begun_at, self._kept_at = self._kept_at, self._clock.utc()
        begun, self._kept_monotonic = self._kept_monotonic, self._clock.monotonic()
        before, self._told = self._told, told
        at_least = max(1.0, MIN_FPS * (self._kept_monotonic - begun))
        # A new worker counts from 0 again: its first minute is not counted.
        cameras = {name: _Counted(before.get(name, {}), values) for name, values in told.items()}
        analysed = {name: counted for name, counted in cameras.items() if counted.since(_ANALYSED) >= at_least}
        watched = list(self._watched(analysed, self._kept_at))
        if watched and self._kept_at > begun_at:  # unless the machine's clock was set back
            self._store.watches.extend(watched, begun_at, self._kept_at)

    def _watched(self, analysed: Mapping[str, _Counted], now: UtcSeconds) -> Iterator[WatchedRule]:
        switched = {(switch.camera_id, switch.rule_id): switch for switch in self._store.feedback.switches()}
        for camera, rule, schedule in self._rules:
            counted = analysed.get(camera.id)
            switch = switched.get((camera.id, rule.id))
            state = RuleState((switch or rule).state.value)
            if counted is None or state is RuleState.OFF or not schedule.is_active(now):
                continue
            if counted.since(f"{_PAUSED}/{rule.id}") <= (1.0 - _LEAST_SHARE) * counted.since(_ANALYSED):
                yield WatchedRule(camera.id, rule.id, state)


class _Counted(NamedTuple):
    """What a camera's worker had counted, and what it has counted by now."""

    before: Mapping[str, float]
    now: Mapping[str, float]

    def since(self, name: str) -> float:
        """How many there were in between."""
        return self.now.get(name, 0.0) - self.before.get(name, 0.0)


def slip_box(site: SiteSettings) -> SlipBox:
    """Where verdicts given to Vigie itself wait for the owner of the database."""
    return SlipBox(site.storage.dir / "verdicts")


def take_in(store: Store, box: SlipBox) -> list[Verdict]:
    """Keeps what people judged on slips, and says so in the log."""
    kept = store.feedback.take_in(box)
    for verdict in kept:
        _log.info(
            "verdict",
            alert=str(verdict.alert_id),
            camera=verdict.camera_id,
            rule=verdict.rule_id,
            answer=verdict.answer.value,
            by=verdict.said_by,
        )
    return kept
