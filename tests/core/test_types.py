from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, cast

from core.types import Box, Tick, Track


def test_work_on_a_frame_is_done_once_for_all_who_ask() -> None:
    done = []

    def work(tick: Tick) -> str | None:
        done.append(tick.captured_at)
        return None

    tick = Tick(captured_at=3.0, tracks=())
    assert tick.once(work) is tick.once(work) is None
    assert done == [3.0]


def test_work_on_one_frame_is_not_that_on_another() -> None:
    def work(tick: Tick) -> float:
        return tick.captured_at

    first, second = Tick(captured_at=3.0, tracks=()), Tick(captured_at=4.0, tracks=())
    assert (first.once(work), second.once(work)) == (3.0, 4.0)


def test_frames_are_equal_whatever_was_worked_out_of_them() -> None:
    first, second = Tick(captured_at=3.0, tracks=()), Tick(captured_at=3.0, tracks=())
    first.once(lambda tick: tick.captured_at)
    assert first == second


def test_a_frame_shown_with_other_tracks_is_else_the_same() -> None:
    seen = Track(track_id=1, label="car", score=0.5, box=Box(0.1, 0.2, 0.3, 0.4), first_seen=1.0)
    whole = Tick(**{field.name: cast("Any", field.name) for field in fields(Tick) if field.init})
    assert whole.showing((seen,)) == replace(whole, tracks=(seen,)) != whole
