from __future__ import annotations

import numpy as np
import pytest

from analytics.rules.abandoned.attendance import Attendance
from analytics.rules.abandoned.leftovers import Leftovers
from analytics.rules.abandoned.patches import Patch
from core.types import Box, Point, Track
from tests.analytics.rules.walks import at

BOX = Box(left=0.52, top=0.7, right=0.56, bottom=0.8)
BESIDE: Point = (0.48, 0.8)
PATCH = Patch(box=BOX, mask=np.zeros((1, 1), np.bool_), area=1, rest_at=0.0, since=0.5)
STEP_S = 0.125


def owner(now: float) -> list[Track]:
    return [at(BESIDE, track_id=1, height=0.3, width=0.08)] if now < 1.0 else []


@pytest.mark.parametrize(("missing", "is_believed"), [((), True), ((10,), False), ((10, 11, 12), False)])
def test_a_thing_must_look_like_one_in_every_picture_for_a_while(missing: tuple[int, ...], is_believed: bool) -> None:
    attendance = Attendance()
    leftovers = Leftovers(attendance)
    believed = False
    for step in range(14):
        now = step * STEP_S
        present = attendance.update(owner(now), now, 1.0)
        patches = [PATCH] if step >= 8 and step not in missing else []
        for thing in leftovers.update(patches, present, now):
            assert thing is not None
            believed = thing.looks_like_a_thing(True, now)
    assert believed is is_believed
