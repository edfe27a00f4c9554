from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.simulator.recorder.recordings import CameraRecording, FeedRecording, Recordings
from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed
from core.clock import ManualClock

NOW = 1_760_000_000.0


def _clip(pictures: int = 25, gop: int = 10, fps: float = 10.0) -> Clip:
    packets = tuple(
        ClipPacket(data=bytes([index]), offset_s=index / fps, is_key=index % gop == 0, duration_s=1 / fps)
        for index in range(pictures)
    )
    return Clip(codec="h264", width=16, height=16, fps=fps, duration_s=pictures / fps, packets=packets)


@given(st.floats(0.5, 60.0), st.floats(0.0, 60.0), st.floats(0.0, 60.0))
def test_the_past_is_the_clip_played_round_and_round_up_to_now(reach_s: float, one: float, other: float) -> None:
    begin, end = max(one, other), min(one, other)
    gops = list(FeedRecording(_clip(), NOW, reach_s, (begin, end)))
    assert all(NOW - reach_s <= gop.begin < NOW for gop in gops)
    assert not any(NOW - begin <= gop.begin < NOW - end for gop in gops)
    assert all(later.begin > earlier.end for earlier, later in pairwise(gops))
    for gop in gops:
        times = [gop.packet(index).captured_at for index in range(len(gop.pictures))]
        assert times == sorted(set(times))
        assert [gop.packet(index).is_key for index in range(len(times))] == [True] + [False] * (len(times) - 1)


def test_pictures_keep_their_number_and_data_in_the_past() -> None:
    gops = list(FeedRecording(_clip(), NOW, 5.0, (0.0, 0.0)))
    packets = [gop.packet(index) for gop in gops for index in range(len(gop.pictures))]
    assert [packet.data[0] for packet in packets] == [*range(25)] * 2
    assert all(later.sequence == earlier.sequence + 1 for earlier, later in pairwise(packets))


def test_a_pause_ends_a_sequence() -> None:
    recording = CameraRecording(FeedRecording(_clip(), NOW, 10.0, (6.0, 3.0)))
    [first, second] = recording.sequences()
    assert first[1].end < NOW - 5.0
    assert second[0].begin >= NOW - 3.0
    assert CameraRecording(None).sequences() == []


def test_what_was_lost_is_missing_from_one_cameras_recording_only() -> None:
    clock = ManualClock(utc=NOW)
    feed = LiveFeed(_clip(), clock)
    cameras = tuple(
        Camera(camera_id=name, name=name, hardware_id=name, address="", stream_id=name, feed=feed) for name in "ab"
    )
    site = Site(host="here", created_at=NOW, cameras=cameras)
    recordings = Recordings(site, clock, 10.0)
    site.lose_camera("a")
    clock.advance(5.0)
    site.return_camera("a")
    assert recordings.of(cameras[0]).holes == [(NOW, NOW + 5.0)]
    assert recordings.of(cameras[1]).holes == []
    assert len(recordings.of(cameras[0]).gops()) == len(recordings.of(cameras[1]).gops()) > 0


def test_nothing_is_followed_where_nothing_is_recorded() -> None:
    clock = ManualClock(utc=NOW)
    camera = Camera(camera_id="a", name="a", hardware_id="a", address="", stream_id="a", feed=LiveFeed(_clip(), clock))
    recordings = Recordings(Site(host="here", created_at=NOW, cameras=(camera,)), clock, 0.0)
    assert (recordings.work(), recordings.of(camera).gops()) == ([], [])
