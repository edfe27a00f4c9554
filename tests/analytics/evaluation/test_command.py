from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from analytics.commands.evaluate import COMMAND, EvaluateCommand
from core import registry
from core.cli.parsing import Parser
from core.errors import ModelError, UsageError
from tests.analytics.detect.onnx_file import density_file
from tests.analytics.evaluation.made import MISSED, write_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("made"))


def run(*arguments: object) -> int:
    parser = Parser(prog="vigie evaluate")
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(argument) for argument in arguments]))


def document(*arguments: object) -> dict[str, Any]:
    with redirect_stdout(io.StringIO()) as out:
        assert run(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.fixture(scope="module")
def baseline(dataset: Path) -> dict[str, Any]:
    return document(dataset)


@pytest.fixture
def earlier(baseline: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(baseline), encoding="utf-8")
    return path


def test_it_is_a_command_of_vigie() -> None:
    assert isinstance(registry.command(registry.Group.COMMANDS, "evaluate"), EvaluateCommand)


def test_json_tells_the_figures_of_made_clips(baseline: dict[str, Any]) -> None:
    crossing, presence = baseline["per_type"]["line_crossing"], baseline["per_type"]["zone_presence"]
    assert (crossing["tp"], crossing["fn"], crossing["fp"], crossing["repeats"]) == (8, 0, 0, 0)
    assert (crossing["precision"], crossing["recall"], crossing["f1"]) == (1.0, 1.0, 1.0)
    assert 0.0 <= crossing["delay_p50_s"] <= crossing["delay_p95_s"] <= 0.6
    assert (presence["tp"], presence["fn"], presence["fp"], presence["repeats"]) == (2, 1, 2, 0)
    assert presence["camera_minutes"] == pytest.approx(0.8, abs=0.01)
    assert presence["false_alarms_per_camera_hour"] == pytest.approx(2 / (48 / 3600), rel=0.01)
    assert baseline["camera_hours"] == pytest.approx(96 / 3600, rel=0.01)
    assert baseline["false_alarms_per_camera_hour"] == pytest.approx(75.0, rel=0.01)
    assert baseline["counting"][0]["relative_error"] == 0.0
    assert baseline["not_installed"] == {"levitation": {"rules": 1, "intervals": 1}}
    assert "levitation" not in baseline["per_type"]
    missed = [
        (span["start_s"], span["end_s"])
        for clip in baseline["clips"]
        for rule in clip["rules"]
        for span in rule["intervals"]
        if span["found_s"] is None
    ]
    assert missed == [MISSED]


@pytest.mark.slow
def test_the_same_input_gives_the_same_document_in_one_process_or_two(
    dataset: Path, baseline: dict[str, Any], earlier: Path
) -> None:
    found = document(dataset, "--workers", 2, "--compare", earlier)
    change = found.pop("compare")
    assert (change["is_worse"], change["alerts"], change["clips"]) == (False, [], [])
    assert found.pop("cost")["workers"] == 2
    assert found == {key: value for key, value in baseline.items() if key != "cost"}
    assert [clip["clip"] for clip in found["clips"]] == ["busy", "twin"]
    assert str(dataset.parent) not in json.dumps(found)


def test_without_json_there_is_a_line_for_each_type_and_what_was_not_measured(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(dataset, "--clips", "busy", "--types", "zone_presence,levitation") == 0
    output = capsys.readouterr()
    lines = [line.split("\t") for line in output.out.splitlines()]
    assert lines[0][:8] == ["zone_presence", "3", "2", "1", "2", "0", "0.500", "0.667"]
    assert lines[1][0] == "all types"
    assert "busy: 4 alerts in 24.0 s of video" in output.err
    assert "not installed: levitation (1 rules, 1 events were not measured)" in output.err


def test_a_decline_since_an_earlier_evaluation_is_a_finding(
    dataset: Path, baseline: dict[str, Any], earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    better = copy.deepcopy(baseline)
    calm = next(rule for rule in better["clips"][0]["rules"] if rule["rule"] == "calm")
    calm["alerts"] = calm["alerts"][:1]
    earlier.write_text(json.dumps(better), encoding="utf-8")
    assert run(dataset, "--types", "zone_presence", "--compare", earlier) == 1
    output = capsys.readouterr().err
    assert "WORSE zone_presence: F1 0.667 → 0.571" in output
    assert "gained false alarm: busy / calm (zone_presence) at 14." in output
    assert output.endswith("worse than before\n")


def test_absent_videos_are_named_or_left_out(dataset: Path, tmp_path: Path) -> None:
    alone = tmp_path / "set.yaml"
    shutil.copy(dataset, alone)
    with pytest.raises(UsageError, match="absent: busy, twin"):
        run(alone)
    with pytest.raises(UsageError, match="nothing to measure"):
        run(alone, "--skip-missing")
    shutil.copy(dataset.with_name("twin.mp4"), tmp_path)
    found = document(alone, "--skip-missing", "--fps", 2)
    assert found["skipped"] == ["busy"]
    assert [clip["clip"] for clip in found["clips"]] == ["twin"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--types", "zone_presence,teleport"), "no rule type teleport"),
        (("--clips", "bussy"), "no clip bussy"),
        (("--clips", "twin", "--types", "zone_presence"), "no clip selected has a rule"),
        (("--clips", "busy", "--types", "levitation"), "nothing to measure"),
        (("--workers", "0"), "--workers: must be a whole number from 1"),
        (("--fps", "0"), "--fps"),
        (("--compare", "absent.json"), "cannot be read"),
        (("--html", "."), "cannot be written"),
    ],
)
def test_wrong_use_is_named(dataset: Path, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(dataset, "--clips", "twin", *options)


def test_a_model_that_cannot_be_used_fails_before_any_clip(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError):
        run(dataset, "--model", dataset.parent / "absent.onnx")
    assert capsys.readouterr().err == ""


def test_model_and_detector_exclude_each_other(dataset: Path) -> None:
    with pytest.raises(UsageError, match="not allowed with"):
        run(dataset, "--model", "m.onnx", "--detector", "motion")


def test_the_parser_takes_what_the_documentation_says() -> None:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    arguments = parser.parse_args(["set.yaml", "--types", "fire, weapon", "--clips", "a,b", "--workers", "2"])
    assert (arguments.types, arguments.clips, arguments.workers) == (["fire", "weapon"], ["a", "b"], 2)


def test_altered_clips_are_measured_beside_the_plain_ones(dataset: Path) -> None:
    found = document(dataset, "--types", "line_crossing", "--clips", "busy", "--perturb", "mirrored,brighter")
    assert [one["alteration"] for one in found["perturb"]] == ["mirrored", "brighter"]
    assert all(one["holds"] for one in found["perturb"])
    assert found["perturb"][0]["per_type"]["line_crossing"]["tp"] == 4


def test_an_alteration_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="no alteration is called foggy; known: mirrored"):
        run("set.yaml", "--perturb", "foggy")


def test_the_density_map_model_is_part_of_what_was_measured_with(
    dataset: Path, baseline: dict[str, Any], tmp_path: Path
) -> None:
    model = density_file(tmp_path)
    measured = document(dataset, "--types", "zone_presence", "--density-model", model)["measured"]
    assert measured["density_model"] == "crowd.onnx"
    assert measured["density_model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert baseline["measured"]["density_model"] is None
    with pytest.raises(ModelError, match="cannot be read"):
        run(dataset, "--density-model", tmp_path / "absent.onnx")
