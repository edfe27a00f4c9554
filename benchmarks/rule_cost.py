"""``python -m benchmarks.rule_cost``: what tracking and ten rules cost in a busy scene, in milliseconds a frame.

Garbage is collected as in a worker. Of several rounds the quietest counts, as with ``timeit``: what else runs on the
machine, or beside a virtual one, only ever adds; all rounds are told.
The rules are those that decide by boxes; rules that look at pixels cost what their pictures cost (``docs/rules.md``).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.commands.options import rule_kinds
from analytics.runner import RuleRunner, rule_runners
from analytics.track.tracker import Tracker
from config.model import RuleSettings
from core.engine.worker import spare_what_stays
from core.types import Box, Detection, Tick, Track

_ZONE: Final = [[0.2, 0.3], [0.8, 0.3], [0.8, 0.9], [0.5, 0.95], [0.2, 0.9]]
_LINE: Final = [[0.1, 0.6], [0.9, 0.6]]
RULES: Final[tuple[dict[str, Any], ...]] = (
    {"id": "zone", "type": "zone_presence", "zone": _ZONE, "dwell_s": 2.0},
    {"id": "strip", "type": "zone_presence", "zone": [[0, 0.7], [1, 0.7], [1, 0.8], [0, 0.8]], "dwell_s": 1.0},
    {"id": "line", "type": "line_crossing", "line": _LINE},
    {"id": "back", "type": "line_crossing", "line": [[0.5, 0.2], [0.5, 1]], "direction": "to_left"},
    {"id": "count", "type": "counting", "line": _LINE},
    {"id": "inside", "type": "counting", "zone": _ZONE},
    {"id": "flow", "type": "wrong_direction", "zone": _ZONE, "expected": [1, 0], "max_angle_deg": 90},
    {"id": "linger", "type": "loitering", "zone": _ZONE, "dwell_s": 20.0},
    {"id": "parked", "type": "stopped_vehicle", "zone": _ZONE, "dwell_s": 10.0},
    {"id": "either", "type": "any_of", "rules": ["line", "zone"]},
)
_FPS: Final = 8.0
_WARM_UP: Final = 40
"""Frames before the measured ones, until every object has its track."""
_SEED: Final = 11
_WEAK_SHARE, _LOST_SHARE = 0.1, 0.1
_WEAK, _STRONG = 0.2, 0.8
"""Scores."""


def scene(objects: int, frames: int) -> Iterator[tuple[float, list[Detection]]]:
    """People and cars on straight ways that bounce at the picture's edges; one sighting in ten is weak, one is lost."""
    chance = np.random.default_rng(_SEED)
    place, speed = chance.random((objects, 2)), chance.normal(0.0, 0.06, (objects, 2))
    for number in range(frames):
        now = number / _FPS
        unfolded = place + speed * now
        folded = np.abs((unfolded + 1.0) % 2.0 - 1.0)
        luck = chance.random(objects)
        noise = chance.normal(0.0, 0.002, (objects, 2))
        yield (
            now,
            [
                _sighting(index, folded[index] + noise[index], _WEAK if luck[index] < _WEAK_SHARE else _STRONG)
                for index in range(objects)
                if luck[index] < 1.0 - _LOST_SHARE
            ],
        )


def _sighting(index: int, ground_point: NDArray[np.float64], score: float) -> Detection:
    x, y = (float(share) for share in ground_point)
    width, height = (0.03, 0.1) if index % 2 else (0.08, 0.06)
    left, bottom = min(max(x, 0.0), 1.0 - width), min(max(y, height), 1.0)
    box = Box(left=left, top=bottom - height, right=left + width, bottom=bottom)
    return Detection(label="person" if index % 2 else "car", score=score, box=box)


def measure(objects: int, frames: int) -> dict[str, Any]:
    """Processor milliseconds a frame, tracking and rules apart."""
    tracker, runners = Tracker(), _runners()
    spare_what_stays()
    costs: dict[str, list[float]] = {"tracking": [], **{runner.rule_id: [] for runner in runners}}
    tracked = 0
    for number, (now, detections) in enumerate(scene(objects, _WARM_UP + frames)):
        started = time.thread_time()
        tracks = tracker.update(detections, now)
        tracking = time.thread_time() - started
        rules = _asked(runners, now, tracks)
        if number >= _WARM_UP:
            tracked += len(tracks)
            costs["tracking"].append(tracking)
            for name, cost in rules.items():
                costs[name].append(cost)
    means = {name: statistics.fmean(values) * 1000 for name, values in costs.items()}
    totals = [math.fsum(frame) * 1000 for frame in zip(*costs.values(), strict=True)]
    return {
        "objects": objects,
        "tracks_per_frame": round(tracked / frames, 1),
        "rules": len(runners),
        "frames": frames,
        "ms_per_frame": round(statistics.fmean(totals), 4),
        "ms_p95": round(statistics.quantiles(totals, n=20)[-1], 4),
        "tracking_ms": round(means.pop("tracking"), 4),
        "rule_ms": {name: round(cost, 4) for name, cost in means.items()},
    }


def _runners() -> list[RuleRunner]:
    kinds = rule_kinds().rules
    settings: list[RuleSettings] = [kinds[rule["type"]].model_validate(rule) for rule in RULES]
    return rule_runners("bench", settings, is_active=lambda _rule: lambda _at: True)


def _asked(runners: list[RuleRunner], now: float, tracks: tuple[Track, ...]) -> dict[str, float]:
    tick = Tick(captured_at=now, tracks=tracks)
    costs = {}
    for runner in runners:
        started = time.thread_time()
        runner.watch(tick)
        costs[runner.rule_id] = time.thread_time() - started
    return costs


def main() -> int:
    """Prints the figures; 1 where they cost more than allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rule_cost", description=__doc__)
    parser.add_argument("--objects", type=int, default=50, help="in every frame (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=1000, help="measured in a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the quietest counts (default: %(default)s)")
    parser.add_argument("--most-ms", type=float, default=1.0, help="allowed for a frame (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    rounds = [measure(arguments.objects, arguments.frames) for _ in range(arguments.rounds)]
    found = min(rounds, key=lambda one: float(one["ms_per_frame"]))
    found["rounds_ms"] = [one["ms_per_frame"] for one in rounds]
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        lines = [f"{name}: {value}" for name, value in found.items() if name != "rule_ms"]
        lines += [f"  {name}: {cost} ms" for name, cost in found["rule_ms"].items()]
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if found["ms_per_frame"] <= arguments.most_ms else 1


if __name__ == "__main__":
    raise SystemExit(main())
