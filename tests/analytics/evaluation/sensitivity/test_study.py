from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from analytics.commands.evaluate import COMMAND
from core.cli.parsing import Parser
from tests.analytics.evaluation.made import write_dataset

pytestmark = pytest.mark.slow

CLEARLY = "rules.geometry.CLEARLY"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made")
    write_dataset(path)
    return path


def run(folder: Path, *arguments: object) -> int:
    parser = Parser(prog="vigie evaluate")
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(folder / "set.yaml"), "--sensitivity", *map(str, arguments)]))


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    with redirect_stdout(io.StringIO()) as out:
        run(folder, "--types", "line_crossing,zone_presence,counting", "--json", "--html", folder / "report.html")
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_every_threshold_of_every_type_that_raises_alerts_is_moved_both_ways(told: dict[str, Any]) -> None:
    assert list(told["sensitivity"]) == ["line_crossing", "zone_presence"]
    entry = next(one for one in told["sensitivity"]["line_crossing"] if one["threshold"] == "CLEARLY")
    assert (entry["module"], entry["value"]) == ("analytics.rules.geometry", 0.15)
    assert 0 <= entry["decides_in_clips"] <= 2
    assert (entry["low"]["value"], entry["high"]["value"]) == (0.12, 0.18)
    assert (entry["low"]["f1"], entry["low"]["fp"], entry["worst_drop"]) == (1.0, 0, 0.0)
    drops = [one["worst_drop"] for one in told["sensitivity"]["zone_presence"]]
    assert drops == sorted(drops, reverse=True)


def test_a_default_that_the_data_set_gives_otherwise_is_not_moved(told: dict[str, Any]) -> None:
    dwell = next(one for one in told["sensitivity"]["zone_presence"] if one["threshold"] == "dwell_s")
    assert dwell["decides_in_clips"] == 0


def test_the_plain_figures_are_those_of_an_evaluation_without_moves(told: dict[str, Any]) -> None:
    crossing = told["per_type"]["line_crossing"]
    assert (crossing["tp"], crossing["fn"], crossing["fp"], crossing["repeats"]) == (8, 0, 0, 0)
    assert told["leave_one_clip_out"]["line_crossing"]["plain"]["tp"] == 8
    assert [fold["clip"] for fold in told["leave_one_clip_out"]["line_crossing"]["folds"]] == ["busy", "twin"]
    assert "zone_presence" not in told["leave_one_clip_out"]


def test_numbers_that_are_not_moved_are_told_with_their_reason(told: dict[str, Any]) -> None:
    left_out = {one["threshold"]: one["reason"] for one in told["sensitivity_left_out"]["line_crossing"]}
    assert "rounding" in left_out["SMALLEST"]


def test_the_report_has_both_tables(told: dict[str, Any], folder: Path) -> None:
    page = html.fromstring((folder / "report.html").read_text(encoding="utf-8"))
    titles = [title.text for title in page.iterfind(".//h2")]
    assert titles.index("Each threshold moved by a fifth") < titles.index("Leave one clip out") < titles.index("Clips")
    assert told["sensitivity"]


@pytest.mark.slow
def test_the_text_tells_what_was_moved_and_what_each_clip_brought(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--types", "line_crossing") == 0
    output = capsys.readouterr()
    assert "line_crossing\t2\t1.00, 8 of 8, 0 false\t1.00, 8 of 8, 0 false\t1.00, 8 of 8, 0 false" in output.out
    assert "line_crossing: " in output.err
    assert "left out: SMALLEST (absorbs rounding errors" in output.err
