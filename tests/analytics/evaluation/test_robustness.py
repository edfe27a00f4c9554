from __future__ import annotations

import pytest

from analytics.evaluation.figures import Figures
from analytics.evaluation.robustness import Held


def figures_of(*, tp: int = 0, fn: int = 0, fp: int = 0) -> Figures:
    return Figures(
        intervals=tp + fn,
        exhaustive_intervals=tp + fn,
        tp=tp,
        exhaustive_tp=tp,
        fp=fp,
        repeats=0,
        ignored=0,
        camera_s=60.0,
        delays_s=(0.5,) * tp,
    )


def held(before: dict[str, Figures], after: dict[str, Figures]) -> Held:
    return Held(name="coarse", before=before, after=after)


def test_the_mean_is_over_the_types_that_have_events() -> None:
    before = {"fire": figures_of(tp=2), "loitering": figures_of(tp=2), "weapon": figures_of()}
    after = {"fire": figures_of(tp=2), "loitering": figures_of(tp=1, fn=1), "weapon": figures_of()}
    one = held(before, after)
    assert one.drops == pytest.approx({"fire": 0.0, "loitering": 1 - 2 / 3})
    assert one.mean_drop == pytest.approx(1 / 6)
    assert not one.holds


def test_a_type_that_finds_nothing_any_more_lost_all_of_its_f1() -> None:
    assert held({"fire": figures_of(tp=2)}, {"fire": figures_of(fn=2)}).mean_drop == 1.0


@pytest.mark.parametrize(
    ("before", "after", "holds"), [(0, 0, True), (0, 1, True), (0, 2, False), (1, 2, True), (1, 3, False), (3, 6, True)]
)
def test_false_alarms_may_not_more_than_double(before: int, after: int, holds: bool) -> None:
    one = held({"fire": figures_of(tp=100, fp=before)}, {"fire": figures_of(tp=100, fp=after)})
    assert one.holds is holds
    assert one.as_json()["false_alarms"] == {"fire": [before, after]}


def test_without_any_event_nothing_fell() -> None:
    one = held({"weapon": figures_of()}, {"weapon": figures_of()})
    assert (one.mean_drop, one.holds) == (0.0, True)
