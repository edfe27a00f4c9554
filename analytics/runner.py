"""Runs one rule: what is the same for every rule, so that a rule only knows its own condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import structlog

from analytics.composed import Composed
from analytics.snapshot import snapshot
from analytics.view.watch import Facing
from config.model import CompositionSettings, RuleSettings
from core import registry
from core.contracts import Composition, Rule
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

_Result = TypeVar("_Result")

_log = structlog.get_logger(component="analysis")


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """The classes, sizes and scores that some rules let count: made by ``_counted``, so that equal ones are one."""

    classes: tuple[str, ...]
    least: float
    smallest: float
    largest: float

    def __call__(self, tick: Tick) -> Tick:
        """A frame with only those tracks."""
        return tick.showing(self.of(tick.tracks))

    def of(self, tracks: Iterable[Track]) -> tuple[Track, ...]:
        """Those of some tracks."""
        classes, least, smallest, largest = self.classes, self.least, self.smallest, self.largest
        return tuple(
            [
                track
                for track in tracks
                if (not classes or track.label in classes)
                and track.score >= least
                and smallest <= track.box.bottom - track.box.top <= largest
            ]
        )


_counted = lru_cache(maxsize=1024)(_Counted)
"""Rules that let the same count share their work (``Tick.once``)."""


class RuleRunner:
    """One rule of one camera: what it sees, when it is asked, and what its occurrences become."""

    def __init__(
        self,
        camera_id: str,
        settings: RuleSettings,
        *,
        is_active: Callable[[UtcSeconds], bool],
        last_alert_at: UtcSeconds | None = None,
        members: Mapping[str, RuleRunner] | None = None,
        rule: type[Rule | Composition] | None = None,
    ) -> None:
        """``is_active``: the rule's schedule. ``last_alert_at``: keeps the cooldown across restarts.

        ``members``: of a composition, the runners of its rules; they are asked before it in each frame. Its state is
        that of the settings until ``switch``. ``rule``: what is run instead of what is installed as the settings' type.
        """
        self._class = rule or registry.rule(settings.type)
        self._members = members or {}
        self._camera_id = camera_id
        self._settings = settings
        self.rule_id = settings.id
        """Its id in the camera's settings."""
        self._counted = _counted(
            tuple(getattr(settings, "classes", ())), settings.min_confidence, settings.min_size, settings.max_size
        )
        self._zone: Polygon = getattr(settings, "zone", None) or ()
        self._line: Polygon = getattr(settings, "line", None) or ()
        self._is_active = is_active
        self._state = RuleState(settings.state.value)
        self._last_alert_at = last_alert_at
        self._defects_in_a_row = 0
        self.defects = 0
        """How often the rule failed unexpectedly."""
        self.is_paused = False
        """Whether the camera does not show the view that the rule is for."""
        self._has_forgotten = False
        self.restart()

    @property
    def is_off(self) -> bool:
        """Whether it is not asked at all, by its settings or by an operator."""
        return self._state is RuleState.OFF

    def restart(self) -> None:
        """Forgets what the rule saw and counted (the recorder's clock was set back); the cooldown stays."""
        self._is_fresh = True
        condition = self._class(self._settings)
        self._rule: Rule | Composed = (
            Composed(condition, self._members, self._counted.of) if isinstance(condition, Composition) else condition
        )
        self._counted_before: Mapping[str, int] = {}
        self.occurrences: Sequence[Occurrence] = ()
        """What came true in the last frame, also what the cooldown keeps from becoming an alert."""
        self.figures: Mapping[str, int] = self._rule.figures()
        """What the rule has counted, up to the last frame."""

    def switch(self, state: RuleState | None) -> None:
        """What operators make of the rule; None for what the settings say. One switched on again starts afresh."""
        before, self._state = self._state, state or RuleState(self._settings.state.value)
        if before is RuleState.OFF and self._state is not RuleState.OFF:
            self.restart()

    def face(self, facing: Facing) -> None:
        """Where the camera looks from the next frame on.

        A rule that is not for that pauses and, once that is sure, forgets what it saw; what it has counted stays.
        """
        self.is_paused = self._settings.preset not in facing.presets
        if not self.is_paused:
            self._has_forgotten = False
        elif facing.is_sure and not self._has_forgotten:
            self._has_forgotten = True
            self._forget()

    def _forget(self) -> None:
        """What the rule saw; what it has counted stays."""
        counted = self.figures
        self.restart()
        self._counted_before = self.figures = counted

    def is_for(self, settings: RuleSettings, members: Mapping[str, RuleRunner]) -> bool:
        """Whether it runs just that."""
        return self._settings == settings and self._members == members

    def reschedule(self, is_active: Callable[[UtcSeconds], bool]) -> None:
        """Another schedule from now on; what the rule saw stays."""
        self._is_active = is_active

    def follow(self, earlier: RuleRunner) -> None:
        """Takes the place of a runner of other settings: its cooldown goes on."""
        self._last_alert_at = earlier._last_alert_at

    def update(self, tick: Tick) -> list[Alert]:
        """Shows the rule one frame, if it is on duty; what it fires."""
        return self._contained(tick, self._alerts) or []

    def watch(self, tick: Tick) -> Sequence[Occurrence]:
        """Shows the rule one frame like ``update``; what came true in it, without making alerts of it."""
        return self._contained(tick, self._asked) or ()

    def _contained(self, tick: Tick, work: Callable[[Tick], _Result]) -> _Result | None:
        """None where the rule is not on duty, or fails."""
        self.occurrences = ()
        if not self._is_asked:
            return None
        if not self._is_active(tick.captured_at):
            self._rest()
            return None
        self._is_fresh = False
        try:
            result = work(tick)
        except Exception:  # noqa: BLE001 - a rule may be anybody's plug-in; its defect must not stop the other rules
            self._note_defect()
            self.occurrences = ()
            return None
        self._defects_in_a_row = 0
        return result

    def _asked(self, tick: Tick) -> Sequence[Occurrence]:
        self.occurrences = self._rule.update(tick if isinstance(self._rule, Composed) else tick.once(self._counted))
        counted, before = self._rule.figures(), self._counted_before
        self.figures = {name: before.get(name, 0) + value for name, value in counted.items()} if counted else counted
        return self.occurrences

    def _alerts(self, tick: Tick) -> list[Alert]:
        return [self._alert(seen, tick) for seen in self._asked(tick) if self._starts_cooldown(seen)]

    def _rest(self) -> None:
        """Off duty by its schedule: what it saw is stale when it is asked again."""
        if not self._is_fresh:
            self._forget()

    @property
    def _is_asked(self) -> bool:
        """Whether it is asked at all while its schedule lasts."""
        is_sound = self._defects_in_a_row < DEFECTS_IN_A_ROW
        return is_sound and self._state is not RuleState.OFF and not self.is_paused

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


def rule_runners(
    camera_id: str,
    rules: Sequence[RuleSettings],
    *,
    is_active: Callable[[RuleSettings], Callable[[UtcSeconds], bool]],
    last_alerts: Mapping[str, UtcSeconds] | None = None,
    running: Sequence[RuleRunner] = (),
) -> list[RuleRunner]:
    """One runner for each rule of a camera, in their order, but members before what is composed of them.

    ``is_active``: the schedule of each rule. A member that is not among the rules never comes true. ``running``: those
    that have run until now; one whose settings and members are the same is among the result, with all that it saw.
    """
    kept = {runner.rule_id: runner for runner in running}
    settings = {rule.id: rule for rule in rules}
    built: dict[str, RuleRunner] = {}

    def build(rule: RuleSettings) -> None:
        names = [name for name in _members_of(rule) if name in settings]
        for name in names:
            if name not in built:
                build(settings[name])
        members = {name: built[name] for name in names}
        if (runner := kept.get(rule.id)) and runner.is_for(rule, members):
            runner.reschedule(is_active(rule))
        else:
            last_alert_at = (last_alerts or {}).get(rule.id)
            runner = RuleRunner(
                camera_id, rule, is_active=is_active(rule), last_alert_at=last_alert_at, members=members
            )
        built[rule.id] = runner

    for rule in rules:
        if rule.id not in built:
            build(rule)
    return list(built.values())


def _members_of(rule: RuleSettings) -> tuple[str, ...]:
    return rule.rules if isinstance(rule, CompositionSettings) else ()


def _object(track: Track) -> AlertObject:
    return AlertObject(track_id=track.track_id, label=track.label, score=track.score, box=track.box)
