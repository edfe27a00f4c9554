from __future__ import annotations

import pytest

from core.store import Store
from core.store.watches import WatchedRule
from core.types import RuleState
from tests.core.store.alerts import NOW

pytestmark = pytest.mark.slow

GATE = WatchedRule("gate", "zone", RuleState.OBSERVE)
YARD = WatchedRule("yard", "zone", RuleState.ARMED)


def stretches(store: Store) -> list[tuple[str, str, float, float]]:
    return [
        (watch.camera_id, watch.state.value, watch.begun_at - NOW, watch.ended_at - NOW)
        for watch in store.watches.since()
    ]


def test_minutes_that_follow_each_other_are_one_stretch(store: Store) -> None:
    for minute in range(3):
        store.watches.extend([GATE, YARD], NOW + 60 * minute, NOW + 60 * minute + 60)
    assert stretches(store) == [("gate", "observe", 0, 180), ("yard", "armed", 0, 180)]


def test_a_minute_without_watching_begins_another_stretch(store: Store) -> None:
    store.watches.extend([GATE, YARD], NOW, NOW + 60)
    store.watches.extend([YARD], NOW + 60, NOW + 120)
    store.watches.extend([GATE, YARD], NOW + 120, NOW + 180)
    assert stretches(store) == [("gate", "observe", 0, 60), ("yard", "armed", 0, 180), ("gate", "observe", 120, 180)]


def test_another_state_begins_another_stretch(store: Store) -> None:
    store.watches.extend([GATE], NOW, NOW + 60)
    store.watches.extend([GATE._replace(state=RuleState.ARMED)], NOW + 60, NOW + 120)
    assert stretches(store) == [("gate", "observe", 0, 60), ("gate", "armed", 60, 120)]


def test_only_what_ended_after_a_moment_is_listed(store: Store) -> None:
    store.watches.extend([GATE], NOW, NOW + 60)
    store.watches.extend([YARD], NOW + 100, NOW + 160)
    assert [watch.camera_id for watch in store.watches.since(NOW + 60)] == ["yard"]


def test_times_of_watching_are_erased_with_the_alerts(store: Store) -> None:
    store.watches.extend([GATE], NOW, NOW + 60)
    store.watches.extend([YARD], NOW + 100, NOW + 160)
    assert store.purge(NOW + 120) == 0
    assert [watch.camera_id for watch in store.watches.since()] == ["yard"]
