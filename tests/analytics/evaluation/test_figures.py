from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation.document import as_json
from analytics.evaluation.figures import by_condition, by_type, figures, measured
from analytics.evaluation.results import ClipResult
from tests.analytics.evaluation.builders import counted, evaluation, judged, rule

TENTHS = st.integers(0, 600).map(lambda tenths: tenths / 10)
SPANS = st.lists(st.tuples(TENTHS, TENTHS).map(lambda pair: (min(pair), max(pair))), max_size=5)


def test_the_figures_of_a_hand_made_clip() -> None:
    clip = judged(
        [rule("a", [(10, 20), (30, 40)]), rule("b")], {"a": [11.0, 12.0, 29.5, 50.0], "b": []}, duration_s=90.0
    )
    of = by_type(measured([clip]))["zone_presence"]
    assert (of.intervals, of.tp, of.fn, of.fp, of.repeats) == (2, 2, 0, 1, 1)
    assert of.precision == pytest.approx(2 / 3)
    assert of.recall == 1.0
    assert of.f1 == pytest.approx(0.8)
    assert of.camera_s == 180.0
    assert of.false_alarms_per_camera_hour == pytest.approx(20.0)
    assert of.delay_p50_s == pytest.approx(0.25)
    assert of.delay_p95_s == pytest.approx(0.925)


def test_an_early_alert_has_a_negative_delay() -> None:
    of = figures(list(measured([judged([rule("a", [(10, 20)])], {"a": [9.2]})])))
    assert of.delay_p50_s == pytest.approx(-0.8)


def test_a_rule_with_incomplete_truth_counts_for_recall_only() -> None:
    rules = [rule("partial", [(10, 20), (40, 50)], exhaustive=False), rule("calm")]
    of = figures(list(measured([judged(rules, {"partial": [5.0, 11.0], "calm": [1.0]})])))
    assert (of.intervals, of.tp, of.fn, of.fp, of.ignored) == (2, 1, 1, 1, 1)
    assert (of.recall, of.precision, of.f1) == (0.5, 0.0, 0.0)
    assert of.camera_s == 60.0
    assert of.f1_range is None


def test_where_nothing_fired_and_nothing_was_there_only_the_rate_can_be_told() -> None:
    of = figures(list(measured([judged([rule("calm")], {})])))
    assert (of.precision, of.recall, of.f1, of.delay_p50_s) == (None, None, None, None)
    assert of.false_alarms_per_camera_hour == 0.0


def test_a_condition_gets_figures_where_it_has_enough_events() -> None:
    many = rule("many", [(second, second + 1) for second in range(0, 50, 10)])
    day = judged([many], {}, clip="one", conditions=("day", "fixed"))
    night = judged([rule("one", [(1, 2)])], {"one": [1.0]}, clip="two", conditions=("night", "fixed"))
    found = by_condition([day, night])
    assert list(found) == ["day", "fixed"]
    assert (found["day"]["zone_presence"].intervals, found["fixed"]["zone_presence"].intervals) == (5, 6)


def test_counting_has_errors_instead_of_alerts() -> None:
    document = as_json(evaluation(counted({"to_left": 6, "to_right": 2}, {"to_left": 5, "to_right": 3, "inside": 9})))
    assert document["per_type"] == {}
    (one,) = document["counting"]
    assert one["absolute_error"] == {"to_left": 1, "to_right": 1}
    assert one["relative_error"] == 0.25
    assert document["camera_hours"] == 0.0


def test_an_error_where_nothing_is_expected_has_no_share() -> None:
    document = as_json(evaluation(counted({"to_left": 0}, {"to_left": 1})))
    assert document["counting"][0]["relative_error"] is None


@given(st.lists(st.tuples(SPANS, st.lists(TENTHS, max_size=6), st.booleans()), max_size=5), st.randoms())
def test_hits_and_misses_add_up_and_the_order_of_rules_changes_nothing(
    drawn: list[tuple[list[tuple[float, float]], list[float], bool]], random: object
) -> None:
    rules = [rule(f"r{i}", truth, exhaustive=complete) for i, (truth, _, complete) in enumerate(drawn)]
    alerts = {f"r{i}": times for i, (_, times, _) in enumerate(drawn)}
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def totals(clip: ClipResult) -> dict[str, object]:
        return {name: of.as_json() for name, of in by_type(measured([clip])).items()}

    before, after = judged(rules, alerts), judged(shuffled, alerts)
    assert totals(before) == totals(after)
    of = figures(list(measured([before])))
    assert of.tp + of.fn == of.intervals == sum(len(truth) for truth, _, _ in drawn)
    assert of.tp + of.fp + of.repeats + of.ignored == sum(len(times) for _, times, _ in drawn)
