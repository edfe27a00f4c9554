from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.demo.truth import LEARNING_S, LOOP_S, SETTLING_S, SPREAD_S, Truth, compare_with_loop

BEGAN = 1_700_000_005.0
LOOPS = 5
PLACE = ("cam", "line")
MOMENTS = (3.0, 11.0, 23.8)
RAISED = [BEGAN + LOOP_S * loop + moment for loop in range(LOOPS) for moment in MOMENTS]


def held_against_the_loop(
    times: list[float], unwatched: Mapping[str, list[tuple[float, float]]] | None = None
) -> Truth:
    return compare_with_loop({PLACE: times}, unwatched or {}, (BEGAN, BEGAN + LOOPS * LOOP_S))


def test_an_undisturbed_run_raises_everything_once() -> None:
    truth = held_against_the_loop(RAISED)
    # The first comes while the start settles, the last as the run ends.
    assert (truth.expected, truth.missed, truth.repeated) == (LOOPS * len(MOMENTS) - 2, (), ())


def test_alerts_that_jitter_are_of_the_same_moment_even_over_the_seam_of_the_loop() -> None:
    offset = -(BEGAN % LOOP_S)
    times = [BEGAN + offset + LOOP_S * loop + (0.3 if loop % 2 else -0.3) for loop in range(1, LOOPS + 1)]
    truth = held_against_the_loop(times)
    assert (truth.missed, truth.repeated) == ((), ())
    assert truth.expected >= LOOPS - 2


def test_what_a_watched_camera_does_not_raise_is_missed() -> None:
    gone = RAISED[7]
    assert [due for _place, due in held_against_the_loop([t for t in RAISED if t != gone]).missed] == [
        pytest.approx(gone)
    ]


def test_what_comes_too_late_is_missed() -> None:
    truth = held_against_the_loop([time + 2.1 if time == RAISED[7] else time for time in RAISED])
    assert [due for _place, due in truth.missed] == [pytest.approx(RAISED[7])]


@pytest.mark.parametrize(("began_before_s", "is_learning"), [(SETTLING_S + 1.0, True), (LEARNING_S + 1.0, False)])
def test_what_a_detector_that_still_learns_the_scene_misses_is_told_apart(
    began_before_s: float, is_learning: bool
) -> None:
    gone = RAISED[10]
    began = gone - began_before_s
    truth = held_against_the_loop([t for t in RAISED if t != gone], {"cam": [(began - 1.0, began)]})
    assert (truth.missed_learning, len(truth.missed)) == ((1, 0) if is_learning else (0, 1))
    assert truth.expected_learning > 0


def test_what_a_camera_does_not_raise_while_nobody_watches_is_not_missed() -> None:
    gone = RAISED[7]
    truth = held_against_the_loop([t for t in RAISED if t != gone], {"cam": [(gone - 1.0, gone + 1.0)]})
    assert truth.missed == ()


def test_what_is_raised_twice_is_told() -> None:
    truth = held_against_the_loop([*RAISED, RAISED[4] + SPREAD_S / 2])
    assert truth.repeated == ((PLACE, RAISED[4] + SPREAD_S / 2),)


def test_a_single_alert_makes_no_moment() -> None:
    assert held_against_the_loop([*RAISED, BEGAN + 50.0]).expected == LOOPS * len(MOMENTS) - 2
