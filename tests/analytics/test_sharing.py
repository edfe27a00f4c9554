"""What rules share must not show: each decides as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from analytics.runner import rule_runners
from config.model import RuleSettings
from core import registry
from core.types import Tick, UtcSeconds
from tests.analytics.rules.walks import at, between

LINE = {"type": "line_crossing", "line": [[0.1, 0.5], [0.9, 0.5]], "classes": ["person"]}
ZONE = {"type": "zone_presence", "zone": [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]], "dwell_s": 0.5}
WALK = between((0.5, 0.2), (0.5, 0.8), 60)
INTERVAL_S = 0.1


def told(alone: bool, settings: Mapping[str, object], is_on_duty: Callable[[UtcSeconds], bool]) -> list[float]:
    """When a rule with a schedule fires, alone or beside one that is always on duty and otherwise the same."""
    rules: list[RuleSettings] = [
        registry.rule(str(settings["type"])).settings_model.model_validate({"id": name, **settings})
        for name in ("watched", "other")
    ]
    chosen = rules[:1] if alone else rules[::-1]
    runners = rule_runners(
        "gate", chosen, is_active=lambda rule: is_on_duty if rule.id == "watched" else lambda _at: True
    )
    found = []
    for number, place in enumerate(WALK):
        moment = number * INTERVAL_S
        # Half of the way on the track is lost, and another one continues it.
        tick = Tick(captured_at=moment, tracks=(at(place, track_id=1 + (number > len(WALK) // 2)),))
        for runner in runners:
            alerts = runner.update(tick)
            found += [alert.captured_at for alert in alerts if runner.rule_id == "watched"]
    return found


@pytest.mark.parametrize("settings", [LINE, ZONE], ids=["line", "zone"])
@pytest.mark.parametrize("rest", [(-1.0, -1.0), (1.0, 2.5), (2.5, 3.1), (2.5, 3.6), (4.0, 5.0)])
def test_a_rule_decides_the_same_beside_another_one(settings: Mapping[str, object], rest: tuple[float, float]) -> None:
    def is_on_duty(moment: UtcSeconds) -> bool:
        return not rest[0] <= moment < rest[1]

    assert told(True, settings, is_on_duty) == told(False, settings, is_on_duty)


def test_what_passes_the_line_while_a_rule_rests_is_not_told() -> None:
    assert told(True, LINE, lambda _at: True) != []
    assert told(True, LINE, lambda moment: not 1.0 <= moment < 4.5) == []
