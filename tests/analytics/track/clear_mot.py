"""CLEAR-MOT and identity figures of a tracker's output (Bernardin 2008, Ristani 2016), small and slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.track.assignment import assign
from analytics.track.overlap import overlaps

Frame = Mapping[int, tuple[float, float, float, float]]
"""Object id → centre x, centre y, width, height."""

_SAME = 0.5


@dataclass(frozen=True)
class Figures:
    truths: int
    misses: int
    false_positives: int
    switches: int
    identity_hits: int
    outputs: int

    @property
    def mota(self) -> float:
        return 1 - (self.misses + self.false_positives + self.switches) / self.truths

    @property
    def idf1(self) -> float:
        return 2 * self.identity_hits / (self.truths + self.outputs)


def compare(truth: Sequence[Frame], output: Sequence[Frame]) -> Figures:
    """Frame by frame; an earlier pairing is kept while it still holds."""
    held: dict[int, int] = {}
    together: Counter[tuple[int, int]] = Counter()
    misses = false_positives = switches = 0
    for real, found in zip(truth, output, strict=True):
        pairs, close = _pair(real, found, held)
        together.update(close)
        switches += sum(held.get(one, other) != other for one, other in pairs)
        held.update(pairs)
        misses += len(real) - len(pairs)
        false_positives += len(found) - len(pairs)
    return Figures(
        truths=sum(map(len, truth)),
        misses=misses,
        false_positives=false_positives,
        switches=switches,
        identity_hits=_identity_hits(together),
        outputs=sum(map(len, output)),
    )


def _pair(real: Frame, found: Frame, held: Mapping[int, int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs of ids, and all ids that overlap enough to be a pair."""
    ids, others = list(real), list(found)
    costs = 1 - overlaps(_rows(real), _rows(found))
    close = [(ids[row], others[column]) for row, column in np.argwhere(costs <= _SAME)]
    kept = [pair for pair in close if held.get(pair[0]) == pair[1]]
    for one, other in kept:
        costs[ids.index(one)], costs[:, others.index(other)] = np.inf, np.inf
    fresh = [(ids[row], others[column]) for row, column in assign(costs, _SAME + 1e-9)]
    return kept + fresh, close


def _identity_hits(together: Counter[tuple[int, int]]) -> int:
    """Most frames that a one-to-one mapping of true to found identities explains."""
    ids, others = sorted({one for one, _ in together}), sorted({other for _, other in together})
    gains = np.array([[together[one, other] for other in others] for one in ids], dtype=float)
    return int(sum(gains[pair] for pair in assign(-gains, 0.0))) if together else 0


def _rows(frame: Frame) -> NDArray[np.float64]:
    return np.array(list(frame.values()), dtype=float).reshape(-1, 4)


def read_mot(path: Path) -> dict[int, list[tuple[int, tuple[float, float, float, float], float]]]:
    """MOTChallenge text: frame → (id, centre and size in pixels, score)."""
    frames: dict[int, list[tuple[int, tuple[float, float, float, float], float]]] = {}
    for line in path.read_text().splitlines():
        frame, identity, left, top, width, height, score = (float(value) for value in line.split(",")[:7])
        box = (left + width / 2, top + height / 2, width, height)
        frames.setdefault(int(frame), []).append((int(identity), box, score))
    return frames
