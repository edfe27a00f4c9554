from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import track_mot
from benchmarks.mot import read_sequences
from benchmarks.track_mot import TRACKERS, measure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One who walks through twelve frames; nobody knows the truth."""
    (tmp_path / "TUD-Campus").mkdir()
    lines = [f"{frame},-1,{100 + 4 * frame},100,40,120,0.9\n" for frame in range(1, 13)]
    (tmp_path / "TUD-Campus" / "det.txt").write_text("".join(lines), encoding="ascii")
    return tmp_path


@pytest.mark.parametrize("name", TRACKERS)
def test_either_tracker_follows_one_who_walks_in_pixels(name: str, folder: Path) -> None:
    (sequence,) = read_sequences(folder)
    told, _ = TRACKERS[name](sequence)
    assert len(told) == 12
    assert [len(frame) for frame in told[3:]] == [1] * 9
    (box,) = told[-1].values()
    assert box == pytest.approx(np.array([168.0, 160.0, 40.0, 120.0]), abs=4.0)


def test_without_truth_there_is_a_speed_and_no_figure(folder: Path) -> None:
    rows = measure(folder)
    assert [row["tracker"] for row in rows] == list(TRACKERS)
    assert all(row["boxes_per_frame"] == 1.0 and "hota" not in row for row in rows)


def test_the_table_has_a_line_for_each_sequence_and_tracker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["track_mot", str(folder)])
    assert track_mot.main() == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(TRACKERS)


def test_a_figure_of_zero_is_told_as_zero_and_an_unknown_one_as_a_dash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(track_mot, "measure", lambda _folder: [{"sequence": "TUD-Campus", "id_switches": 0}])
    monkeypatch.setattr(sys, "argv", ["track_mot", "."])
    track_mot.main()
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == ["TUD-Campus", *["-"] * 7, "0"]
