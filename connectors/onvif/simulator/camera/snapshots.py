"""Pictures of the moment as JPEG."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import cv2
import numpy as np

from connectors.onvif.simulator.camera.site import Profile, Site
from connectors.protocols.variants import newest_picture
from core.errors import CodecError


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Taken from what streams now."""

    site: Site

    async def take(self, token: str) -> bytes | None:
        """The picture of that profile; None when there is no such profile, or nothing to see."""
        found = self.site.profile(token) if self.site.has_snapshots else None
        if found is None or found[0].is_lost:
            return None
        return await asyncio.to_thread(_jpeg, found[1])


def _jpeg(profile: Profile) -> bytes | None:
    packets = [packet.data for packet in profile.feed.gop()]
    try:
        picture = newest_picture(packets, profile.feed.format.codec).to_ndarray(format="bgr24")
    except CodecError:
        return None
    return bytes(np.asarray(cv2.imencode(".jpg", picture)[1]))
