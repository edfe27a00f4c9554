from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.recordings import CameraRecording, FeedRecording

NOW = 1_760_000_000.0


def recorded_clip(pictures: int = 25, gop: int = 10, fps: float = 10.0) -> Clip:
    packets = tuple(
        ClipPacket(data=bytes([index]), offset_s=index / fps, is_key=index % gop == 0, duration_s=1 / fps)
        for index in range(pictures)
    )
    return Clip(codec="h264", width=16, height=16, fps=fps, duration_s=pictures / fps, packets=packets)


@given(st.floats(0.5, 60.0), st.floats(0.0, 60.0), st.floats(0.0, 60.0))
def test_the_past_is_the_clip_played_round_and_round_up_to_now(reach_s: float, one: float, other: float) -> None:
    begin, end = max(one, other), min(one, other)
    gops = list(FeedRecording(recorded_clip(), NOW, reach_s, (begin, end)))
    assert all(NOW - reach_s <= gop.begin < NOW for gop in gops)
    assert not any(NOW - begin <= gop.begin < NOW - end for gop in gops)
    assert all(later.begin > earlier.end for earlier, later in pairwise(gops))
    for gop in gops:
        times = [gop.packet(index).captured_at for index in range(len(gop.pictures))]
        assert times == sorted(set(times))
        assert [gop.packet(index).is_key for index in range(len(times))] == [True] + [False] * (len(times) - 1)


def test_pictures_keep_their_number_and_data_in_the_past() -> None:
    gops = list(FeedRecording(recorded_clip(), NOW, 5.0, (0.0, 0.0)))
    packets = [gop.packet(index) for gop in gops for index in range(len(gop.pictures))]
    assert [packet.data[0] for packet in packets] == [*range(25)] * 2
    assert all(later.sequence == earlier.sequence + 1 for earlier, later in pairwise(packets))


def test_a_pause_ends_a_sequence() -> None:
    recording = CameraRecording(FeedRecording(recorded_clip(), NOW, 10.0, (6.0, 3.0)))
    [first, second] = recording.sequences()
    assert first[1].end < NOW - 5.0
    assert second[0].begin >= NOW - 3.0
    assert CameraRecording(None).sequences() == []


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        pytest.param(-20.0, 5.0, -9.0, -0.1, id="all of it"),
        pytest.param(-7.3, -6.95, -7.5, -7.0, id="from the key frame in front"),
        pytest.param(-4.0, -1.95, -3.0, -2.0, id="from the end of the gap"),
        pytest.param(-6.55, -6.15, -6.5, -6.2, id="between two groups"),
    ],
)
def test_the_pictures_of_an_interval_can_be_decoded(begin: float, end: float, first: float, last: float) -> None:
    pictures = list(
        CameraRecording(FeedRecording(recorded_clip(), NOW, 9.5, (6.0, 3.0))).pictures(NOW + begin, NOW + end)
    )
    assert pictures[0].is_key
    assert (pictures[0].captured_at, pictures[-1].captured_at) == pytest.approx((NOW + first, NOW + last), abs=0.001)


@pytest.mark.parametrize(("begin", "end"), [(-5.0, -3.5), (-30.0, -20.0), (1.0, 2.0), (-2.0, -3.0)])
def test_an_interval_without_any_recording_has_no_pictures(begin: float, end: float) -> None:
    recording = CameraRecording(FeedRecording(recorded_clip(), NOW, 9.5, (6.0, 3.0)))
    assert not list(recording.pictures(NOW + begin, NOW + end))


def test_a_camera_lost_or_reached_twice_leaves_one_hole() -> None:
    recording = CameraRecording(None)
    for at, is_lost in enumerate([False, True, True, False, False], start=1):
        recording.note_reach(float(at), is_lost=is_lost)
    assert recording.holes == [(2.0, 4.0)]
