"""What the recorder has of each camera of the site."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.live import LiveFeed
from connectors.protocols.recordings import CameraRecording, FeedRecording
from core.contracts import Clock


class Recordings:
    """Every camera's recording. Nothing is recorded where the reach is 0."""

    def __init__(self, site: Site, clock: Clock, reach_s: float, gap_s: tuple[float, float] = (0.0, 0.0)) -> None:
        self._site = site
        self._clock = clock
        feeds = {id(camera.feed): camera.feed for camera in site.cameras if camera.feed} if reach_s > 0 else {}
        now = clock.utc()
        self._feeds: Mapping[int, tuple[LiveFeed, FeedRecording]] = {
            key: (feed, FeedRecording(feed.clip, now, reach_s, gap_s)) for key, feed in feeds.items()
        }
        self._cameras: dict[str, CameraRecording] = {}
        site.reach_observers.append(self._reached)

    def of(self, camera: Camera) -> CameraRecording:
        """The recording of a camera; empty where there is none."""
        if camera.camera_id not in self._cameras:
            known = self._feeds.get(id(camera.feed))
            self._cameras[camera.camera_id] = CameraRecording(known[1] if known else None)
        return self._cameras[camera.camera_id]

    def work(self) -> list[tuple[LiveFeed, FeedRecording]]:
        """Whom to follow: each feed with its recording."""
        return list(self._feeds.values())

    def _reached(self, camera_id: str, is_lost: bool) -> None:
        camera = self._site.camera(camera_id)
        if camera is not None:
            self.of(camera).note_reach(self._clock.utc(), is_lost=is_lost)
