"""``python -m benchmarks.track_mot FOLDER``: Vigie's tracker and SORT on the same detections, and how fast they are.

HOTA, IDF1 and MOTA are computed by trackeval, where a sequence has its truth. It is not in the ``dev`` extra: its
declared dependencies bring ``opencv-python``, which overwrites the product's ``opencv-python-headless``. It needs only
scipy of them here: ``pip install --no-deps trackeval && pip install scipy``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.track.overlap import overlaps
from analytics.track.tracker import Tracker
from benchmarks.mot import Sequence, read_sequences
from benchmarks.sort import Sort
from core.types import Track

Boxes = Mapping[int, NDArray[np.float64]]
"""Id → centre x, centre y, width, height in pixels."""

_MIN_SCORE = 0.35
"""Both trackers start tracks from detections of at least this score, as the product does; SORT has no use for others."""


def vigie(sequence: Sequence) -> tuple[list[Boxes], float]:
    """What the product tells of each frame, and the processor seconds that it took. Predicted boxes are left out, as in rules."""
    tracker = Tracker(min_score=_MIN_SCORE, aspect=sequence.width / sequence.height)
    seen = [(sequence.seen(frame), frame / sequence.fps) for frame in sequence.frames]
    started = time.thread_time()
    told = [tracker.update(*moment) for moment in seen]
    elapsed = time.thread_time() - started
    return [
        {track.track_id: _pixels(track, sequence) for track in frame if track.is_measured} for frame in told
    ], elapsed


def sort(sequence: Sequence) -> tuple[list[Boxes], float]:
    """The same of SORT."""
    tracker = Sort()
    seen = [
        [
            (entry.left + entry.width / 2, entry.top + entry.height / 2, entry.width, entry.height)
            for entry in sequence.detections.get(frame, [])
            if entry.score >= _MIN_SCORE
        ]
        for frame in sequence.frames
    ]
    started = time.thread_time()
    told = [tracker.update(boxes) for boxes in seen]
    return list(told), time.thread_time() - started


TRACKERS: Mapping[str, Callable[[Sequence], tuple[list[Boxes], float]]] = {"vigie": vigie, "sort": sort}


def figures(sequence: Sequence, told: list[Boxes]) -> dict[str, float]:
    """HOTA (mean over its thresholds), IDF1, MOTA and id switches, by trackeval."""
    metrics = importlib.import_module("trackeval.metrics")
    data = _compared(sequence, told)
    hota = metrics.HOTA().eval_sequence(data)
    clear = metrics.CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = metrics.Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return {
        "hota": round(float(np.mean(hota["HOTA"])), 4),
        "idf1": round(float(identity["IDF1"]), 4),
        "mota": round(float(clear["MOTA"]), 4),
        "id_switches": int(clear["IDSW"]),
    }


def _compared(sequence: Sequence, told: list[Boxes]) -> dict[str, Any]:
    """What trackeval's metrics read: ids from 0, and the overlap of every true with every told box of a frame."""
    truth: list[Boxes] = [
        {
            entry.identity: np.array(
                [entry.left + entry.width / 2, entry.top + entry.height / 2, entry.width, entry.height]
            )
            for entry in sequence.truth.get(frame, [])
        }
        for frame in sequence.frames
    ]
    real, found = _numbered(truth), _numbered(told)
    return {
        "num_timesteps": len(truth),
        "num_gt_ids": len({identity for frame in truth for identity in frame}),
        "num_tracker_ids": len({identity for frame in told for identity in frame}),
        "num_gt_dets": sum(map(len, truth)),
        "num_tracker_dets": sum(map(len, told)),
        "gt_ids": real,
        "tracker_ids": found,
        "similarity_scores": [overlaps(_rows(one), _rows(other)) for one, other in zip(truth, told, strict=True)],
    }


def _numbered(frames: list[Boxes]) -> list[NDArray[np.intp]]:
    numbers: dict[int, int] = {}
    return [np.array([numbers.setdefault(id_, len(numbers)) for id_ in frame], dtype=np.intp) for frame in frames]


def _rows(frame: Boxes) -> NDArray[np.float64]:
    return np.array(list(frame.values()), dtype=float).reshape(-1, 4)


def _pixels(track: Track, sequence: Sequence) -> NDArray[np.float64]:
    x, y = track.box.centre
    width, height = track.box.width * sequence.width, track.box.height * sequence.height
    return np.array([x * sequence.width, y * sequence.height, width, height])


def measure(folder: Path) -> list[dict[str, Any]]:
    """One entry for each sequence and tracker."""
    rows = []
    for sequence in read_sequences(folder):
        for name, run in TRACKERS.items():
            told, elapsed = run(sequence)
            count = len(sequence.frames)
            row: dict[str, Any] = {"sequence": sequence.name, "tracker": name, "frames": count}
            row["boxes_per_frame"] = round(sum(map(len, sequence.detections.values())) / count, 1)
            row["frames_per_s"] = round(count / elapsed)
            rows.append({**row, **(figures(sequence, told) if sequence.truth else {})})
    return rows


def main() -> int:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.track_mot", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="sequences in MOTChallenge text, a folder each")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    try:
        rows = measure(arguments.folder)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error}. Install it: pip install --no-deps trackeval && pip install scipy\n")
        return 2
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    columns = (
        "sequence",
        "tracker",
        "frames",
        "boxes_per_frame",
        "frames_per_s",
        "hota",
        "idf1",
        "mota",
        "id_switches",
    )
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        cells = [str(row.get(column, "-")) for column in columns]
        sys.stdout.write(
            "  ".join(cell.rjust(max(len(column), 13)) for cell, column in zip(cells, columns, strict=True)) + "\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
