from __future__ import annotations

from core.qualification.record import Judged
from core.qualification.what_if import Trial, best, try_thresholds
from core.types import Answer
from tests.core.qualification.samples import FALSE, TRUE, judged, observed, rule, seen


def scored(*scores: tuple[float, Answer | None]) -> list[Judged]:
    return [Judged(observed(100.0 * place, seen(score)), answer) for place, (score, answer) in enumerate(scores)]


def of(parameter: str, trials: list[Trial]) -> list[tuple[float, int, int]]:
    return [(trial.value, trial.fires.all, trial.silent.all) for trial in trials if trial.parameter == parameter]


def test_the_present_value_comes_first_and_lets_everything_through() -> None:
    alerts = scored((0.9, TRUE), (0.5, FALSE))
    first, *_ = try_thresholds(rule(min_confidence=0.4), alerts)
    assert (first.parameter, first.value, first.is_present, first.is_exact, first.fires.all) == (
        "min_confidence",
        0.4,
        True,
        True,
        2,
    )


def test_only_stricter_confidences_that_change_something_are_told_up_to_where_nothing_fires() -> None:
    alerts = scored((0.9, TRUE), (0.52, FALSE), (0.61, FALSE))
    assert of("min_confidence", try_thresholds(rule(min_confidence=0.4), alerts)) == [
        (0.4, 3, 0),
        (0.55, 2, 1),
        (0.65, 1, 2),
    ]


def test_what_would_be_lost_is_told_by_verdict() -> None:
    alerts = scored((0.9, TRUE), (0.52, FALSE), (0.53, TRUE))
    trial = try_thresholds(rule(), alerts)[1]
    assert (trial.fires.true, trial.silent.true, trial.silent.false) == (1, 1, 1)
    assert not trial.is_exact


def test_sizes_are_those_of_the_boxes() -> None:
    alerts = [Judged(observed(0, seen(height=0.3)), TRUE), Judged(observed(100, seen(height=0.05)), FALSE)]
    assert of("min_size", try_thresholds(rule(), alerts)) == [(0.0, 2, 0), (0.06, 1, 1)]


def test_an_alert_that_keeps_some_of_its_objects_is_undecided() -> None:
    alerts = [Judged(observed(0, seen(0.9), seen(0.5, track=2)), TRUE), *scored((0.95, TRUE))]
    trial = next(trial for trial in try_thresholds(rule(), alerts) if trial.undecided)
    assert (trial.value, trial.fires.all, trial.silent.all, trial.undecided) == (0.55, 1, 0, 1)


def test_of_a_rule_that_looks_at_pixels_only_the_cooldown_is_tried() -> None:
    alerts = [Judged(observed(place, objects=()), TRUE) for place in range(3)]
    assert {trial.parameter for trial in try_thresholds(rule(), alerts)} == {"cooldown_s"}


def test_a_longer_cooldown_counts_from_the_last_alert_that_fired() -> None:
    alerts = judged(*[TRUE] * 7, every_s=4.0)  # 0, 4 … 24 s
    trials = try_thresholds(rule(), alerts)
    assert of("cooldown_s", trials) == [(0.0, 7, 0), (5.0, 4, 3), (10.0, 3, 4), (20.0, 2, 5), (30.0, 1, 6)]


def test_a_cooldown_is_exact_only_where_none_swallowed_anything() -> None:
    alerts = judged(TRUE, TRUE, TRUE, every_s=12.0)
    cooldowns = [trial for trial in try_thresholds(rule(cooldown_s=10), alerts) if trial.parameter == "cooldown_s"]
    assert [(trial.value, trial.is_exact) for trial in cooldowns] == [(10, True), (20, False), (30, False)]
    assert all(trial.is_exact for trial in try_thresholds(rule(), alerts) if trial.parameter == "cooldown_s")


def test_alerts_from_before_a_threshold_was_raised_are_silent_at_its_present_value() -> None:
    first = try_thresholds(rule(min_confidence=0.6), scored((0.9, TRUE), (0.5, FALSE)))[0]
    assert (first.is_present, first.is_exact, first.fires.all, first.silent.all) == (True, False, 1, 1)


def test_the_best_threshold_is_proven_if_any_is_and_else_loses_the_fewest_true_ones() -> None:
    few = scored(*[(0.9, TRUE)] * 12, *[(0.7, TRUE)] * 5, *[(0.5, FALSE)] * 4)
    found = best(try_thresholds(rule(), few))
    assert found is not None
    assert (found.parameter, found.value, found.fires.true, found.silent.true) == ("min_confidence", 0.55, 17, 0)
    many = scored(*[(0.9, TRUE)] * 40, *[(0.7, TRUE)] * 30, *[(0.7, FALSE)] * 6, *[(0.5, FALSE)] * 30)
    proven = best(try_thresholds(rule(), many))
    assert proven is not None
    assert (proven.value, proven.fires.true, proven.fires.false) == (0.75, 40, 0)


def test_without_a_threshold_that_helps_there_is_no_best_one() -> None:
    assert best(try_thresholds(rule(), judged(*[TRUE] * 10, *[FALSE] * 10))) is None
    assert best(try_thresholds(rule(), scored(*[(0.9, TRUE)] * 5, *[(0.5, FALSE)] * 5))) is None
    assert best([]) is None
