"""Alerts of one rule with verdicts, written short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from config.model import RuleSettings, State
from core.qualification.record import Judged, RuleRecord
from core.store.watches import Watch
from core.types import Alert, AlertObject, Answer, Box, RuleState
from tests.core.engine.sites import camera
from tests.core.store.alerts import NOW, alert

TRUE, FALSE, UNKNOWN = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN


def seen(score: float = 0.9, height: float = 0.5, track: int = 1) -> AlertObject:
    box = Box(left=0.1, top=0.2, right=0.3, bottom=0.2 + height)
    return AlertObject(track_id=track, label="person", score=score, box=box)


def observed(at_s: float = 0.0, *objects: AlertObject, **changed: Any) -> Alert:
    """An alert of camera ``a``, rule ``zone``, so many seconds after ``NOW``."""
    made = alert("a", NOW + at_s, rule_id="zone")
    fields = {"state": RuleState.OBSERVE, "zone": (), "objects": objects or (seen(),), **changed}
    return replace(made, **fields)


def judged(*answers: Answer | None, every_s: float = 100.0) -> list[Judged]:
    return [Judged(observed(place * every_s), answer) for place, answer in enumerate(answers)]


def rule(state: State = State.OBSERVE, **fields: Any) -> RuleSettings:
    return RuleSettings(id="zone", type="zone_presence", state=state, **fields)


def record(alerts: Sequence[Judged], settings: RuleSettings | None = None, *watches: Watch) -> RuleRecord:
    settings = settings or rule()
    return RuleRecord(
        camera=camera("a"),
        rule=settings,
        state=RuleState(settings.state.value),
        alerts=alerts,
        left_out=0,
        watches=watches,
    )


def watch(begun_s: float, ended_s: float, state: RuleState = RuleState.OBSERVE) -> Watch:
    return Watch(camera_id="a", rule_id="zone", state=state, begun_at=NOW + begun_s, ended_at=NOW + ended_s)
