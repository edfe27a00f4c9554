"""What the store knows of one rule: its alerts with their verdicts, and when it watched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from config.model import CameraSettings, RuleSettings, SiteSettings
from core.store.slips import SlipBox
from core.store.store import Store
from core.store.watches import Watch
from core.types import Alert, Answer, RuleState, UtcSeconds

_HOUR_S = 3600.0

_TICK_S = 60.0
"""Times of watching are written down once a minute: an alert may be so much older than the first of them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An alert and what the last word of an operator on it is; None where nobody said anything."""

    alert: Alert
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """Everything that a rule's qualification is made from."""

    camera: CameraSettings
    rule: RuleSettings
    state: RuleState
    """As operators switched it, else as the settings say."""
    alerts: Sequence[Judged]
    """By capture time, oldest first."""
    left_out: int
    """Alerts up to the last one that was raised with another type, zone or line than the rule has now."""
    watches: Sequence[Watch]

    def hours(self, state: RuleState | None = None) -> float:
        """Hours in which the rule watched, in that state or in any."""
        wanted = (watch for watch in self.watches if state in {None, watch.state})
        return sum((watch.ended_at - watch.begun_at for watch in wanted), 0.0) / _HOUR_S

    @property
    def alerts_per_hour(self) -> float | None:
        """Alerts since the times of watching are known, over those hours; None where they are not known."""
        hours = self.hours()
        if hours <= 0.0:
            return None
        begun = self.watches[0].begun_at - _TICK_S
        return sum(item.alert.captured_at >= begun for item in self.alerts) / hours


def read_records(
    site: SiteSettings,
    store: Store,
    box: SlipBox,
    *,
    camera_id: str | None = None,
    rule_id: str | None = None,
    since: UtcSeconds | None = None,
) -> list[RuleRecord]:
    """The rules of a site that can fire, as the settings have them now, in their order."""
    judged = read_judged(store, box, camera_id=camera_id, since=since)
    by_rule: dict[tuple[str, str], list[Judged]] = {}
    for item in judged:
        by_rule.setdefault((item.alert.camera_id, item.alert.rule_id), []).append(item)
    watches = store.watches.since(since)
    return [
        _record(camera, rule, by_rule.get((camera.id, rule.id), []), _of(watches, camera, rule), store, since)
        for camera, rule in rules_of(site, camera_id, rule_id)
    ]


def rules_of(
    site: SiteSettings, camera_id: str | None, rule_id: str | None
) -> Iterator[tuple[CameraSettings, RuleSettings]]:
    """The rules that raise alerts, of that camera and of that id where one is given."""
    for camera in site.cameras:
        for rule in camera.rules:
            if rule.fires and camera_id in {None, camera.id} and rule_id in {None, rule.id}:
                yield camera, rule


def read_judged(
    store: Store, box: SlipBox, *, camera_id: str | None = None, since: UtcSeconds | None = None
) -> list[Judged]:
    """Alerts, oldest first, with what was said of each, also on slips that are not taken in yet."""
    said = _answers(store, box)
    alerts = store.alerts(camera_id=camera_id, since=since, limit=None)
    return [Judged(alert, said.get(alert.alert_id)) for alert in reversed(alerts)]


def _answers(store: Store, box: SlipBox) -> Mapping[UUID, Answer]:
    latest = {item.alert_id: (item.said_at, item.answer) for item in store.feedback.verdicts(limit=None)}
    for given in box.waiting().values():
        if given.at >= latest.get(given.alert_id, (-math.inf, None))[0]:
            latest[given.alert_id] = (given.at, given.answer)
    return {alert_id: answer for alert_id, (_, answer) in latest.items()}


def _of(watches: Iterable[Watch], camera: CameraSettings, rule: RuleSettings) -> list[Watch]:
    return [watch for watch in watches if (watch.camera_id, watch.rule_id) == (camera.id, rule.id)]


def _record(
    camera: CameraSettings,
    rule: RuleSettings,
    judged: Sequence[Judged],
    watches: Sequence[Watch],
    store: Store,
    since: UtcSeconds | None,
) -> RuleRecord:
    others = [place for place, item in enumerate(judged) if not _is_of(item.alert, rule)]
    left_out = others[-1] + 1 if others else 0
    begun = judged[left_out - 1].alert.captured_at if left_out else -math.inf
    return RuleRecord(
        camera=camera,
        rule=rule,
        state=store.feedback.states(camera.id).get(rule.id, RuleState(rule.state.value)),
        alerts=judged[left_out:],
        left_out=left_out,
        watches=list(_clipped(watches, max(begun, -math.inf if since is None else since))),
    )


def _is_of(alert: Alert, rule: RuleSettings) -> bool:
    """Whether the settings that an alert carries are those that the rule has now."""
    return (
        alert.rule_type == rule.type
        and alert.zone == _polygon(getattr(rule, "zone", None))
        and alert.line == _polygon(getattr(rule, "line", None))
    )


def _polygon(points: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points or ())


def _clipped(watches: Iterable[Watch], begun: UtcSeconds) -> Iterator[Watch]:
    for watch in watches:
        if watch.ended_at > begun:
            yield Watch(
                camera_id=watch.camera_id,
                rule_id=watch.rule_id,
                state=watch.state,
                begun_at=max(watch.begun_at, begun),
                ended_at=watch.ended_at,
            )
