"""Runs one rule: what is the same for every rule, so that a rule only knows its own condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from analytics.snapshot import snapshot
from config.model import RuleSettings
from core import registry
from core.types import (
    Alert,
    AlertObject,
    Occurrence,
    Polygon,
    Priority,
    RuleState,
    Tick,
    Track,
    UtcSeconds,
)

DEFECTS_IN_A_ROW = 3
"""A rule that fails so often in a row is not asked again."""

_log = structlog.get_logger(component="analysis")


class RuleRunner:
    """One rule of one camera: what it sees, when it is asked, and what its occurrences become."""

    def __init__(
        self,
        camera_id: str,
        settings: RuleSettings,
        *,
        is_active: Callable[[UtcSeconds], bool],
        last_alert_at: UtcSeconds | None = None,
    ) -> None:
        """``is_active``: the rule's schedule. ``last_alert_at``: keeps the cooldown across restarts.

        Its state is that of the settings until ``switch``.
        """
        self._camera_id = camera_id
        self._settings = settings
        self.rule_id = settings.id
        """Its id in the camera's settings."""
        self._classes: tuple[str, ...] = getattr(settings, "classes", ())
        self._zone: Polygon = getattr(settings, "zone", None) or ()
        self._line: Polygon = getattr(settings, "line", None) or ()
        self._is_active = is_active
        self._state = RuleState(settings.state.value)
        self._last_alert_at = last_alert_at
        self._defects_in_a_row = 0
        self.defects = 0
        """How often the rule failed unexpectedly."""
        self.restart()

    @property
    def is_off(self) -> bool:
        """Whether it is not asked at all, by its settings or by an operator."""
        return self._state is RuleState.OFF

    def restart(self) -> None:
        """Forgets what the rule saw and counted (the recorder's clock was set back); the cooldown stays."""
        self._rule = registry.rule(self._settings.type)(self._settings)
        self.figures: Mapping[str, int] = self._rule.figures()
        """What the rule has counted, up to the last frame."""

    def switch(self, state: RuleState | None) -> None:
        """What operators make of the rule; None for what the settings say. One switched on again starts afresh."""
        before, self._state = self._state, state or RuleState(self._settings.state.value)
        if before is RuleState.OFF and self._state is not RuleState.OFF:
            self.restart()

    def update(self, tick: Tick) -> list[Alert]:
        """Shows the rule one frame, if it is on duty; what it fires."""
        if not self._is_on_duty(tick.captured_at):
            return []
        try:
            occurrences = self._rule.update(replace(tick, tracks=tuple(filter(self._counts, tick.tracks))))
            self.figures = self._rule.figures()
            alerts = [self._alert(occurrence, tick) for occurrence in occurrences if self._starts_cooldown(occurrence)]
        except Exception:  # noqa: BLE001 - a rule may be anybody's plug-in; its defect must not stop the other rules
            self._note_defect()
            return []
        self._defects_in_a_row = 0
        return alerts

    def _is_on_duty(self, moment: UtcSeconds) -> bool:
        is_sound = self._defects_in_a_row < DEFECTS_IN_A_ROW
        return is_sound and self._state is not RuleState.OFF and self._is_active(moment)

    def _counts(self, track: Track) -> bool:
        settings = self._settings
        is_of_class = not self._classes or track.label in self._classes
        is_of_size = settings.min_size <= track.box.height <= settings.max_size
        return is_of_class and is_of_size and track.score >= settings.min_confidence

    def _starts_cooldown(self, occurrence: Occurrence) -> bool:
        """Whether the cooldown is over, in capture time; it then starts anew."""
        if self._last_alert_at is not None:
            elapsed = occurrence.captured_at - self._last_alert_at
            if 0.0 <= elapsed < self._settings.cooldown_s:
                return False
        self._last_alert_at = occurrence.captured_at
        return True

    def _alert(self, occurrence: Occurrence, tick: Tick) -> Alert:
        settings = self._settings
        track_ids = tuple(track.track_id for track in occurrence.tracks)
        return Alert(
            alert_id=Alert.derive_id(self._camera_id, settings.id, occurrence.captured_at, track_ids),
            camera_id=self._camera_id,
            rule_id=settings.id,
            rule_type=settings.type,
            rule_name=settings.name or settings.id,
            priority=Priority(settings.priority),
            state=self._state,
            captured_at=occurrence.captured_at,
            started_at=occurrence.started_at,
            objects=tuple(_object(track) for track in occurrence.tracks),
            zone=self._zone,
            line=self._line,
            details=occurrence.details,
            snapshot_jpeg=b"" if tick.pixels is None else snapshot(tick.pixels),
        )

    def _note_defect(self) -> None:
        self.defects += 1
        self._defects_in_a_row += 1
        place = {"camera": self._camera_id, "rule": self._settings.id}
        if self.defects == 1:
            _log.exception("defect: a rule failed unexpectedly", **place)
        if self._defects_in_a_row == DEFECTS_IN_A_ROW:
            _log.error("the rule is switched off until the next start: it keeps failing", **place)


def _object(track: Track) -> AlertObject:
    return AlertObject(track_id=track.track_id, label=track.label, score=track.score, box=track.box)
