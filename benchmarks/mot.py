"""Detections and ground truth in MOTChallenge text (one line per box: frame, id, left, top, width, height, score …)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from core.types import Box, Detection

SIZES: Final = {
    "ADL-Rundle-6": (1920, 1080, 30.0),
    "ADL-Rundle-8": (1920, 1080, 30.0),
    "ETH-Bahnhof": (640, 480, 14.0),
    "ETH-Pedcross2": (640, 480, 14.0),
    "ETH-Sunnyday": (640, 480, 14.0),
    "KITTI-13": (1242, 375, 10.0),
    "KITTI-17": (1224, 370, 10.0),
    "PETS09-S2L1": (768, 576, 7.0),
    "TUD-Campus": (640, 480, 25.0),
    "Venice-2": (1920, 1080, 30.0),
}
"""Width, height and frames per second, as MOT15 (arXiv 1504.01942, tables 2 and 3) gives them: the text has neither."""


class Entry(NamedTuple):
    """One box of one frame, in pixels."""

    identity: int
    left: float
    top: float
    width: float
    height: float
    score: float


Frames = dict[int, list[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One video, without its pictures. ``truth`` is empty where nobody may know it."""

    name: str
    width: int
    height: int
    fps: float
    detections: Frames
    truth: Frames

    @property
    def frames(self) -> range:
        """Numbers of all frames; those without a box count too."""
        return range(1, max((*self.detections, *self.truth), default=0) + 1)

    def seen(self, frame: int) -> list[Detection]:
        """What the detector saw, as people; scores of detectors that know no probability are cut at 1."""
        return [
            Detection(label="person", score=min(max(entry.score, 0.0), 1.0), box=self._box(entry))
            for entry in self.detections.get(frame, [])
        ]

    def _box(self, entry: Entry) -> Box:
        return Box(
            left=entry.left / self.width,
            top=entry.top / self.height,
            right=(entry.left + entry.width) / self.width,
            bottom=(entry.top + entry.height) / self.height,
        )


def read_sequences(folder: Path) -> list[Sequence]:
    """Every sequence of the folder whose size is known."""
    return [_read(folder / name) for name in sorted(SIZES) if (folder / name / "det.txt").is_file()]


def _read(folder: Path) -> Sequence:
    width, height, fps = SIZES[folder.name]
    truth = folder / "gt.txt"
    return Sequence(
        name=folder.name,
        width=width,
        height=height,
        fps=fps,
        detections=read_frames(folder / "det.txt"),
        truth=read_frames(truth) if truth.is_file() else {},
    )


def read_frames(path: Path) -> Frames:
    """Boxes by frame, in the file's order."""
    frames: Frames = {}
    with path.open(newline="", encoding="ascii") as lines:
        for row in csv.reader(lines):
            values = [float(value) for value in row[1:7]]
            frames.setdefault(int(float(row[0])), []).append(Entry(int(values[0]), *values[1:]))
    return frames
