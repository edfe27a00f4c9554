from __future__ import annotations

from connectors.milestone.simulator.recorder.recordings import Recordings
from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.live import LiveFeed
from core.clock import ManualClock
from tests.connectors.protocols.test_recordings import NOW, recorded_clip


def test_what_was_lost_is_missing_from_one_cameras_recording_only() -> None:
    clock = ManualClock(utc=NOW)
    feed = LiveFeed(recorded_clip(), clock)
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
    camera = Camera(
        camera_id="a", name="a", hardware_id="a", address="", stream_id="a", feed=LiveFeed(recorded_clip(), clock)
    )
    recordings = Recordings(Site(host="here", created_at=NOW, cameras=(camera,)), clock, 0.0)
    assert (recordings.work(), recordings.of(camera).gops()) == ([], [])
