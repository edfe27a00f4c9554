"""A data set of two made clips, for runs from end to end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from connectors.protocols.scene import CROSSINGS, LINE, STAYS, ZONE, write_scene

DWELL_S = 1.0
MISSED = (1.0, 2.0)
"""Nobody is in the zone then: an event that cannot be found."""


def write_dataset(folder: Path) -> Path:
    """Two clips of the same scene: ``busy`` with its truth, ``twin`` as a copy with one rule."""
    write_scene(folder / "busy.mp4", fps=10, size=(256, 144))
    shutil.copy(folder / "busy.mp4", folder / "twin.mp4")
    path = folder / "set.yaml"
    path.write_text(yaml.safe_dump(_content(), sort_keys=False), encoding="utf-8")
    return path


def _content() -> dict[str, Any]:
    zone, line = [list(point) for point in ZONE], [list(point) for point in LINE]
    presence = {"type": "zone_presence", "zone": zone, "dwell_s": DWELL_S, "classes": ["person", "object"]}
    crossing = {"line": line, "classes": ["person", "object"]}
    ways = [way for _, _, way in CROSSINGS]
    return {
        "version": 1,
        "name": "made",
        "scoring": {"max_delay_s": 10, "early_tolerance_s": 1},
        "clips": [
            {
                "id": "busy",
                "video": "busy.mp4",
                "conditions": ["made", "day"],
                "rules": [
                    {"id": "gate", "type": "line_crossing", **crossing},
                    {"id": "yard", **presence},
                    {"id": "calm", **presence},
                    {"id": "count", "type": "counting", **crossing},
                    {"id": "dream", "type": "levitation", "height_m": 2},
                ],
                "truth": [
                    *({"rule": "gate", "start_s": at, "end_s": at + 1} for _, at, _ in CROSSINGS),
                    *({"rule": "yard", "start_s": start + DWELL_S, "end_s": end} for _, start, end in STAYS),
                    {"rule": "yard", "start_s": MISSED[0], "end_s": MISSED[1]},
                    {"rule": "dream", "start_s": 3, "end_s": 4},
                ],
                "expected_counts": [{"rule": "count", "counts": {way: ways.count(way) for way in sorted(set(ways))}}],
            },
            {
                "id": "twin",
                "video": "twin.mp4",
                "rules": [{"id": "gate", "type": "line_crossing", **crossing}],
                "truth": [{"rule": "gate", "start_s": at, "end_s": at + 1} for _, at, _ in CROSSINGS],
            },
        ],
    }
