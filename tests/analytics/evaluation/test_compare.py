from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.evaluation.compare import compare
from analytics.evaluation.document import as_json, read_document
from analytics.evaluation.results import Evaluation, NotInstalled
from core.errors import UsageError
from tests.analytics.evaluation.builders import counted, evaluation, judged, rule

RULES = [rule("door", [(10, 20), (10.6, 20)]), rule("calm", kind="fire")]


def of(**alerts: list[float]) -> Evaluation:
    return evaluation(judged(RULES, dict(alerts)))


def lines(before: Evaluation, after: Evaluation) -> list[str]:
    return [
        f"{'+' if change.is_gained else '-'} {change.outcome} {change.rule} {change.time_s:g}"
        for change in compare(before, after).alerts
    ]


def test_the_same_evaluation_shows_no_change() -> None:
    found = compare(of(door=[11.0]), of(door=[11.0]))
    assert not found.is_worse
    assert not any(change.is_change for change in found.types)
    assert (found.clips, found.alerts, dict(found.settings)) == ((), (), {})


@pytest.mark.parametrize(
    ("before", "after", "changes", "is_worse"),
    [
        pytest.param({"door": [11.0, 12.0]}, {"door": [11.0]}, ["- tp door 10.6"], True, id="an event is missed now"),
        pytest.param({"door": [11.0]}, {"door": [11.0, 12.0]}, ["+ tp door 10.6"], False, id="an event is found now"),
        pytest.param({}, {"calm": [30.0]}, ["+ fp calm 30"], True, id="a new false alarm"),
        pytest.param({"calm": [30.0]}, {}, ["- fp calm 30"], False, id="a false alarm is gone"),
        pytest.param({"calm": [30.0]}, {"calm": [30.8]}, [], False, id="the same false alarm a little later"),
        pytest.param(
            {"calm": [30.0]}, {"calm": [32.0]}, ["- fp calm 30", "+ fp calm 32"], False, id="another false alarm"
        ),
        pytest.param(
            {"door": [11.0, 12.0]},
            {"door": [11.0, 12.0, 15.0]},
            ["+ repeat door 15"],
            False,
            id="a repeat is no decline",
        ),
    ],
)
def test_single_alerts_gained_and_lost(
    before: dict[str, list[float]], after: dict[str, list[float]], changes: list[str], is_worse: bool
) -> None:
    assert lines(of(**before), of(**after)) == changes
    assert compare(of(**before), of(**after)).is_worse is is_worse


def test_false_alarms_that_moved_to_another_type_make_that_type_worse() -> None:
    found = compare(of(door=[50.0]), of(calm=[50.0]))
    assert {change.type: change.is_worse for change in found.types} == {"fire": True, "zone_presence": False}


def test_an_event_lost_where_truth_is_incomplete_is_worse_though_f1_cannot_be_told() -> None:
    partial = [rule("rush", [(1, 5)], exhaustive=False)]
    before, after = (evaluation(judged(partial, {"rush": times})) for times in ([2.0], []))
    assert compare(before, after).is_worse
    assert not compare(after, before).is_worse


def test_only_what_is_defined_alike_in_both_is_compared() -> None:
    before = evaluation(judged([rule("a", [(1, 2)]), rule("b", [(1, 2)])], {"a": [1.0], "b": [1.0]}))
    after = evaluation(judged([rule("a", [(1, 2)]), rule("b", [(5, 6)]), rule("new")], {"a": [1.0], "new": [3.0]}))
    found = compare(before, after)
    assert not found.is_worse
    assert found.only_before == (("clip", "b"),)
    assert found.only_after == (("clip", "b"), ("clip", "new"))


def test_a_type_that_is_no_longer_installed_is_worse() -> None:
    after = evaluation(judged(RULES[:1], {}), not_installed={"fire": NotInstalled(rules=1, intervals=0)})
    found = compare(of(), after)
    assert found.unmeasured == ("fire",)
    assert found.is_worse


def test_a_type_that_was_not_selected_is_not_worse() -> None:
    assert not compare(of(), evaluation(judged(RULES[:1], {}))).is_worse


@pytest.mark.parametrize(("before", "after", "is_worse"), [(6, 5, True), (5, 6, False), (5, 5, False), (5, 7, False)])
def test_counting_worse_is_worse(before: int, after: int, is_worse: bool) -> None:
    old, new = (evaluation(counted({"to_left": 6}, {"to_left": number})) for number in (before, after))
    assert compare(old, new).is_worse is is_worse


def test_what_it_was_measured_with_is_told_where_it_differs() -> None:
    clip = judged(RULES, {})
    found = compare(evaluation(clip), evaluation(clip, detector="yolox_nano.onnx"))
    assert dict(found.settings) == {"detector": ("motion", "yolox_nano.onnx")}


def test_evaluations_without_a_common_rule_are_refused() -> None:
    with pytest.raises(UsageError, match="no rule in common"):
        compare(of(), evaluation(judged([rule("other")], {})))


def test_a_document_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    written = evaluation(judged(RULES, {"door": [11.0, 30.0]}), counted({"to_left": 1}, {"to_left": 2}))
    path.write_text(json.dumps({**as_json(written), "cost": {"wall_s": 1}}), encoding="utf-8")
    assert read_document(path) == written


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"form": 2}', '{"alerts": []}'])
def test_a_file_that_is_no_evaluation_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="not an evaluation of form 1"):
        read_document(path)


def test_an_absent_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_document(tmp_path / "old.json")
