from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.capture_time import HOLD_S, Arrived, CaptureTimeline, TimeSource
from core.errors import VmsUnavailable
from core.types import Packet

START = 1_800_000_000.0
STEP = 0.04


def arrived(pts_s: float, recorder_utc: float | None = None, *, late_s: float = 0.02) -> Arrived:
    """A picture of a recorder whose clock and ours agree."""
    packet = Packet(
        codec="h264", data=b"x", captured_at=START + pts_s + late_s, is_key=False, received_at=pts_s + late_s
    )
    return Arrived(packet=packet, pts_s=pts_s, recorder_utc=recorder_utc)


def reported(count: int, offset_s: float = START) -> list[Arrived]:
    return [arrived(number * STEP, offset_s + number * STEP) for number in range(count)]


def stamps(timeline: CaptureTimeline, pictures: Iterable[Arrived]) -> list[float]:
    return [packet.captured_at - START for picture in pictures for packet in timeline.place(picture)]


def test_a_lone_sender_report_that_jumps_is_ignored() -> None:
    timeline = CaptureTimeline()
    pictures = reported(10)
    pictures[5] = arrived(5 * STEP, START + 5 * STEP + 6.0)
    assert stamps(timeline, pictures) == pytest.approx([number * STEP for number in range(10)])


def test_slow_drift_of_the_recorder_is_followed_at_once() -> None:
    timeline = CaptureTimeline()
    pictures = [arrived(number * STEP, START + number * STEP * 1.01) for number in range(100)]
    assert stamps(timeline, pictures)[-1] == pytest.approx(99 * STEP * 1.01)


@pytest.mark.parametrize("reordered", [[0, 3, 1, 2, 6, 4, 5]])
def test_b_frames_keep_their_own_times_in_decode_order(reordered: list[int]) -> None:
    timeline = CaptureTimeline()
    pictures = [arrived(number * STEP, START + number * STEP) for number in reordered]
    assert stamps(timeline, pictures) == pytest.approx([number * STEP for number in reordered])


def test_time_stands_still_for_a_small_step_back() -> None:
    timeline = CaptureTimeline()
    times = stamps(timeline, reported(20))
    times += stamps(timeline, [arrived(number * STEP, START + number * STEP - 1.0) for number in range(20, 60)])
    assert times == sorted(times)
    assert times[-1] == pytest.approx(59 * STEP - 1.0)


@pytest.mark.parametrize(
    "after",
    [
        [arrived(number * STEP, START + number * STEP - 10.0) for number in range(20, 40)],
        [arrived(19 * STEP - 5.0, START)],
    ],
    ids=["recorder-clock", "presentation-time"],
)
def test_a_great_step_back_ends_the_session(after: list[Arrived]) -> None:
    timeline = CaptureTimeline()
    stamps(timeline, reported(20))
    with pytest.raises(VmsUnavailable, match="went back"):
        stamps(timeline, after)


def test_nothing_is_stamped_before_the_recorder_had_its_time_to_speak() -> None:
    timeline = CaptureTimeline()
    count = int(HOLD_S / STEP)
    assert stamps(timeline, [arrived(number * STEP) for number in range(count)]) == []
    sources = [timeline.source]
    assert len(stamps(timeline, [arrived(HOLD_S + 0.01)])) == count + 1
    sources.append(timeline.source)
    assert sources == [TimeSource.UNKNOWN, TimeSource.ARRIVAL]


@given(st.lists(st.floats(0.0, 1.0), min_size=10, max_size=200))
def test_arrival_times_never_go_back_and_never_lie_in_the_future(lates: list[float]) -> None:
    timeline = CaptureTimeline()
    pictures = [arrived(number, late_s=late) for number, late in enumerate(lates)]
    placed = [packet for picture in pictures for packet in timeline.place(picture)]
    times = [packet.captured_at for packet in placed]
    assert times == sorted(times)
    assert all(stamped <= picture.packet.captured_at + 1e-3 for stamped, picture in zip(times, pictures, strict=False))


def test_arrival_times_catch_up_after_a_pause_of_the_stream() -> None:
    timeline = CaptureTimeline()
    stamps(timeline, [arrived(number * STEP) for number in range(200)])
    paused = [arrived(8.0 + number * STEP, late_s=30.0) for number in range(10)]
    assert stamps(timeline, paused)[0] == pytest.approx(38.0, abs=0.1)


@pytest.mark.parametrize("utc", [-2_208_988_800.0, 0.0, 1e12])
def test_nonsense_from_the_recorder_is_not_believed(utc: float) -> None:
    timeline = CaptureTimeline()
    stamps(timeline, [arrived(0.0, utc), arrived(STEP, utc + STEP)])
    assert timeline.source is TimeSource.ARRIVAL
    assert "from ours" in timeline.reason
