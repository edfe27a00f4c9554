from __future__ import annotations

from pathlib import Path

import pytest

from analytics.commands.options import rule_kinds
from analytics.evaluation.clip import ClipRun
from analytics.evaluation.dataset import load_dataset
from analytics.evaluation.measure import measure
from analytics.evaluation.sensitivity.thresholds import Move, Side, thresholds_of
from config.model import AnalysisSettings
from tests.analytics.evaluation.made import write_dataset

pytestmark = pytest.mark.slow


def ignore(_run: ClipRun) -> None:
    """Nobody watches the progress."""


def move(type_: str, name: str, value: float) -> Move:
    threshold = next(one for one in thresholds_of(type_) if one.full_name == name)
    return Move(threshold=threshold, side=Side.HIGH, value=value, is_clipped=False)


AS_IT_IS = move("line_crossing", "rules.geometry.CLEARLY", 0.15)
NEVER_CLEAR = move("line_crossing", "rules.geometry.CLEARLY", 50.0)
OTHER_TYPE = move("loitering", "rules.loitering._SHORT", 0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ClipRun:
    dataset = load_dataset(write_dataset(tmp_path_factory.mktemp("made")), rule_kinds())
    only = dataset.selected(types=["line_crossing"], clips=["busy"])
    moves = [AS_IT_IS, NEVER_CLEAR, OTHER_TYPE]
    measured = measure(
        only, AnalysisSettings(), workers=1, skip_missing=False, wants_stills=False, done=ignore, moves=moves
    )
    return measured.runs["busy"]


def test_a_rule_fires_as_ever_where_its_number_is_what_it_was(run: ClipRun) -> None:
    before = [alert.time_s for alert in run.alerts if alert.rule == "gate"]
    assert before
    assert list(run.tried[AS_IT_IS].times_s["gate"]) == before


def test_a_rule_fires_otherwise_with_another_number(run: ClipRun) -> None:
    assert run.tried[NEVER_CLEAR].times_s == {"gate": ()}
    assert run.tried[NEVER_CLEAR].defects == 0


def test_moves_of_types_that_the_clip_does_not_have_are_left_away(run: ClipRun) -> None:
    assert OTHER_TYPE not in run.tried


def test_moves_change_nothing_of_what_is_measured(run: ClipRun) -> None:
    assert {alert.rule for alert in run.alerts} == {"gate"}
    assert len(run.alerts) == 4
    assert run.defects == 0


@pytest.mark.slow
def test_the_same_trials_come_out_of_several_processes(run: ClipRun, tmp_path: Path) -> None:
    dataset = load_dataset(write_dataset(tmp_path), rule_kinds()).selected(types=["line_crossing"], clips=[])
    found = measure(
        dataset, AnalysisSettings(), workers=2, skip_missing=False, wants_stills=False, done=ignore, moves=[NEVER_CLEAR]
    )
    assert found.runs["busy"].tried == {NEVER_CLEAR: run.tried[NEVER_CLEAR]}
    assert found.runs["twin"].tried == {NEVER_CLEAR: run.tried[NEVER_CLEAR]}
