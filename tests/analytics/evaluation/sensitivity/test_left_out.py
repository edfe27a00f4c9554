from __future__ import annotations

from analytics.evaluation.sensitivity.left_out import left_out
from analytics.evaluation.sensitivity.thresholds import Side
from tests.analytics.evaluation.sensitivity.made import fired, move, study

LOW, HIGH = move(side=Side.LOW), move(side=Side.HIGH)


def test_a_move_is_chosen_only_where_it_is_better_on_the_other_clips() -> None:
    plain = {"one": fired(6.0, clip="one"), "two": fired(6.0, 26.0, clip="two")}
    better_on_one = {"one": fired(6.0, 26.0, clip="one"), "two": fired(6.0, clip="two")}
    found = left_out(study(plain, {LOW: better_on_one, HIGH: {}}))
    assert found is not None
    assert {fold.clip: fold.chosen for fold in found.folds} == {"one": None, "two": LOW}
    assert (found.plain.tp, found.chosen.tp) == (3, 2)


def test_the_unlucky_tuner_takes_the_worst_that_the_other_clips_do_not_speak_against() -> None:
    plain = {"one": fired(6.0, 26.0, clip="one"), "two": fired(6.0, 26.0, clip="two")}
    only_one_suffers = {"one": fired(6.0, clip="one")}
    both_suffer = {"one": fired(clip="one"), "two": fired(clip="two")}
    found = left_out(study(plain, {LOW: only_one_suffers, HIGH: both_suffer}))
    assert found is not None
    assert {fold.clip: fold.unlucky for fold in found.folds} == {"one": LOW, "two": None}
    assert [fold.candidates for fold in found.folds] == [1, 0]
    assert (found.plain.tp, found.chosen.tp, found.unlucky.tp) == (4, 4, 3)


def test_of_moves_that_find_as_much_the_one_with_fewer_false_alarms_is_chosen() -> None:
    plain = {"calm": fired(3.0, clip="calm", truth=()), "one": fired(6.0, 26.0, clip="one")}
    found = left_out(study(plain, {LOW: {"calm": fired(clip="calm", truth=())}}))
    assert found is not None
    assert {fold.clip: fold.chosen for fold in found.folds} == {"calm": None, "one": LOW}


def test_the_document_has_every_clip_with_the_moves_and_what_they_brought() -> None:
    plain = {"one": fired(6.0, 26.0, clip="one"), "two": fired(6.0, 26.0, clip="two")}
    found = left_out(study(plain, {LOW: {"one": fired(6.0, clip="one")}}))
    assert found is not None
    document = found.as_json()
    assert document["plain"] == {"tp": 4, "fn": 0, "fp": 0, "repeats": 0, "f1": 1.0}
    assert document["folds"][0]["chosen"]["move"] is None
    assert document["folds"][0]["unlucky"] == {
        "move": {"threshold": "rules.fire._X", "value": 0.8}, "tp": 1, "fn": 1, "fp": 0, "repeats": 0, "f1": 0.6667
    }  # fmt: skip


def test_with_one_clip_nothing_is_left_to_choose_by() -> None:
    assert left_out(study({"one": fired(6.0)}, {LOW: {}})) is None
