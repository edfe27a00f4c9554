from __future__ import annotations

import json

import pytest

from config.model import State
from core.qualification.record import Judged
from core.qualification.report import Qualification
from core.types import Answer
from tests.core.qualification.samples import FALSE, TRUE, judged, observed, record, rule, seen, watch


def qualification(state: State, *answers: Answer | None) -> Qualification:
    return Qualification(record(judged(*answers), rule(state)))


def separable(*, false: int, true: int, state: State = State.OBSERVE) -> Qualification:
    """The false ones are those that the detector was less sure of."""
    sides = [(0.5, FALSE)] * false + [(0.9, TRUE)] * true
    alerts = [Judged(observed(100.0 * place, seen(score)), answer) for place, (score, answer) in enumerate(sides)]
    return Qualification(record(alerts, rule(state)))


@pytest.mark.parametrize(("state", "said"), [(State.OBSERVE, "it may be armed"), (State.ARMED, "it may stay armed")])
def test_a_proven_rule_may_be_armed(state: State, said: str) -> None:
    found = qualification(state, *[TRUE] * 35)
    assert (found.advice(), found.is_finding) == (said, False)


def test_too_few_verdicts_say_how_many_more_and_that_alerts_wait() -> None:
    assert qualification(State.OBSERVE, *[TRUE] * 20, *[None] * 7).advice() == (
        "not enough verdicts (7 wait for one): 15 more that are true would prove that under 10% are false"
    )
    assert "34 more" not in qualification(State.OBSERVE).advice()
    assert "35 more" in qualification(State.OBSERVE).advice()


@pytest.mark.parametrize(("state", "is_finding"), [(State.OBSERVE, False), (State.ARMED, True), (State.OFF, False)])
def test_only_an_armed_rule_with_too_many_false_alerts_is_a_finding(state: State, is_finding: bool) -> None:
    assert qualification(state, *[TRUE] * 8, *[FALSE] * 2).is_finding is is_finding


def test_the_threshold_that_helps_is_named_with_what_it_costs() -> None:
    found = separable(false=5, true=40)
    assert found.advice() == (
        "do not arm it: 5 of 45 judged are false; with min_confidence: 0.55 0 of 40 judged would be false,"
        " 0 true ones would be lost; set it, observe on, and qualify again since then"
    )
    assert "which is too few to prove it" in separable(false=5, true=12).advice()
    assert separable(false=5, true=12, state=State.ARMED).advice().startswith("set it to observe: ")


def test_where_no_threshold_helps_that_is_said() -> None:
    found = qualification(State.OBSERVE, *[TRUE] * 8, *[FALSE] * 8)
    assert "no stricter threshold brings that under 10%" in found.advice()
    assert found.as_json()["suggestion"] is None


def test_a_rule_that_is_right_often_enough_is_offered_no_threshold() -> None:
    assert separable(false=1, true=20).suggestion is None


def test_the_document_is_json_and_has_every_figure() -> None:
    alerts = judged(TRUE, FALSE, None, every_s=100.0)
    document = Qualification(record(alerts, rule(), watch(0, 7200))).as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["verdicts"] == {"true": 1, "false": 1, "unknown": 0, "none": 1}
    assert (document["alerts"], document["alerts_observed"], document["judged"]) == (3, 3, 2)
    assert document["watched_h"] == {"observe": 2.0, "armed": 0.0}
    assert (document["alerts_per_hour"], document["standing"], document["needed"]) == (1.5, "not_enough_verdicts", 53)
    assert document["false_share"] == {
        "share": 0.5,
        "low": pytest.approx(0.0945, abs=1e-4),
        "high": pytest.approx(0.9055, abs=1e-4),
    }
