from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mot import read_frames, read_sequences

DETECTIONS = "1,-1,64,48,128,96,0.9\n3,-1,64,48,128,96,7.5\n3,-1,0,0,64,48,-2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("TUD-Campus", "Unknown-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "det.txt").write_text(DETECTIONS, encoding="ascii")
    return tmp_path


def test_boxes_are_read_by_frame_in_the_order_of_the_file(folder: Path) -> None:
    frames = read_frames(folder / "TUD-Campus" / "det.txt")
    assert {frame: [entry.score for entry in boxes] for frame, boxes in frames.items()} == {1: [0.9], 3: [7.5, -2.0]}


def test_only_sequences_of_a_known_size_are_read_and_truth_may_be_absent(folder: Path) -> None:
    (sequence,) = read_sequences(folder)
    assert (sequence.name, sequence.width, sequence.truth) == ("TUD-Campus", 640, {})


def test_a_frame_without_a_box_is_a_frame(folder: Path) -> None:
    (sequence,) = read_sequences(folder)
    assert list(sequence.frames) == [1, 2, 3]
    assert sequence.seen(2) == []


def test_a_single_frame_is_a_sequence_too(folder: Path) -> None:
    (folder / "TUD-Campus" / "det.txt").write_text("1,-1,64,48,128,96,0.9\n", encoding="ascii")
    (sequence,) = read_sequences(folder)
    assert list(sequence.frames) == [1]


def test_detections_are_normalised_and_their_scores_cut(folder: Path) -> None:
    (sequence,) = read_sequences(folder)
    first, second = sequence.seen(3)
    assert (first.score, second.score) == (1.0, 0.0)
    assert (first.box.left, first.box.top) == pytest.approx((0.1, 0.1))
    assert (first.box.right, first.box.bottom) == pytest.approx((0.3, 0.3))
