from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation.scoring import Interval, Judgement, Outcome, judge
from tests.analytics.evaluation.builders import TOLERANCES, intervals

pytestmark = pytest.mark.slow

TP, REPEAT, FP, IGNORED = Outcome.TRUE_POSITIVE, Outcome.REPEAT, Outcome.FALSE_POSITIVE, Outcome.IGNORED

TIMES = st.lists(st.integers(0, 400).map(lambda tenths: tenths / 10), max_size=12)
TRUTH = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 200)).map(
        lambda pair: Interval(start_s=pair[0] / 10, end_s=(pair[0] + pair[1]) / 10)
    ),
    max_size=6,
)


def verdicts(
    times: list[float], truth: list[tuple[float, float]], *, exhaustive: bool = True
) -> list[tuple[Outcome, int | None]]:
    found = judge(times, intervals(*truth), TOLERANCES, exhaustive=exhaustive)
    return [(one.outcome, one.interval) for one in found]


@pytest.mark.parametrize(
    ("time_s", "expected"),
    [
        pytest.param(8.99, FP, id="too early"),
        pytest.param(9.0, TP, id="just within the early tolerance"),
        pytest.param(10.0, TP, id="at the start"),
        pytest.param(20.0, TP, id="at the largest delay"),
        pytest.param(21.0, TP, id="the tolerance holds after the largest delay too"),
        pytest.param(21.01, FP, id="too late, though the event still lasts"),
    ],
)
def test_an_alert_is_right_from_a_little_before_the_start_to_a_little_after_the_largest_delay(
    time_s: float, expected: Outcome
) -> None:
    assert verdicts([time_s], [(10.0, 40.0)]) == [(expected, 0 if expected is TP else None)]


@pytest.mark.parametrize(("time_s", "expected"), [(13.0, TP), (13.01, FP)])
def test_an_event_that_ends_before_the_largest_delay_ends_the_window(time_s: float, expected: Outcome) -> None:
    assert verdicts([time_s], [(10.0, 12.0)])[0][0] is expected


def test_sums_of_decimal_fractions_do_not_push_an_alert_over_the_bound() -> None:
    assert 8.8 - 1.0 > 7.8
    assert verdicts([7.8, 0.30000000000000004 + 19.8], [(8.8, 9.0), (9.1, 30.0)]) == [(TP, 0), (TP, 1)]


def test_further_alerts_within_a_matched_event_are_repeats_however_late() -> None:
    assert verdicts([12.0, 13.0, 35.0, 41.0, 41.1], [(10.0, 40.0)]) == [
        (TP, 0),
        (REPEAT, 0),
        (REPEAT, 0),
        (REPEAT, 0),
        (FP, None),
    ]


def test_a_late_alert_in_an_event_that_nothing_matched_is_false_and_the_event_missed() -> None:
    assert verdicts([35.0], [(10.0, 40.0)]) == [(FP, None)]


def test_of_overlapping_events_the_earliest_free_one_is_matched_first() -> None:
    truth = [(2.8, 17.5), (6.0, 17.5), (9.5, 17.5), (13.7, 17.5)]
    assert verdicts([3.5, 7.0, 10.0, 14.0], truth) == [(TP, 0), (TP, 1), (TP, 2), (TP, 3)]
    assert verdicts([3.5, 3.9], truth) == [(TP, 0), (REPEAT, 0)]
    assert verdicts([10.0, 10.5, 11.0], truth) == [(TP, 0), (TP, 1), (TP, 2)]


def test_a_free_event_is_preferred_to_repeating_a_matched_one() -> None:
    assert verdicts([10.0, 11.0], [(10.0, 20.0), (11.5, 20.0)]) == [(TP, 0), (TP, 1)]


def test_events_may_be_given_in_any_order() -> None:
    assert verdicts([3.0], [(2.5, 8.0), (2.0, 8.0)]) == [(TP, 1)]


def test_alerts_are_judged_in_order_of_time_and_told_in_the_order_given() -> None:
    assert verdicts([15.0, 11.0], [(10.0, 20.0)]) == [(REPEAT, 0), (TP, 0)]


def test_without_truth_every_alert_is_false() -> None:
    assert verdicts([1.0, 2.0], []) == [(FP, None), (FP, None)]


def test_where_the_truth_is_incomplete_unmatched_alerts_are_not_false() -> None:
    assert verdicts([1.0, 11.0, 12.0, 50.0], [(10.0, 20.0)], exhaustive=False) == [
        (IGNORED, None),
        (TP, 0),
        (REPEAT, 0),
        (IGNORED, None),
    ]


@given(TIMES, TRUTH, st.booleans())
def test_every_event_is_matched_at_most_once_and_only_by_an_alert_that_it_accepts(
    times: list[float], truth: list[Interval], exhaustive: bool
) -> None:
    found = judge(times, truth, TOLERANCES, exhaustive=exhaustive)
    assert len(found) == len(times)
    matched = [one.interval for one in found if one.outcome is TP]
    assert len(matched) == len(set(matched))
    for time_s, one in zip(times, found, strict=True):
        if one.outcome is TP:
            assert one.interval is not None
            assert TOLERANCES.accepts(time_s, truth[one.interval])
        elif one.outcome is REPEAT:
            assert one.interval in matched
        else:
            assert one == Judgement(outcome=FP if exhaustive else IGNORED)


@given(TIMES, TRUTH, st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_written_changes_no_count(
    times: list[float], truth: list[Interval], random: object
) -> None:
    shuffled = list(truth)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before = judge(times, truth, TOLERANCES, exhaustive=True)
    after = judge(times, shuffled, TOLERANCES, exhaustive=True)
    assert [one.outcome for one in before] == [one.outcome for one in after]
