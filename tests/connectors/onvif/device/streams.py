"""Cameras, boxes and readers of documents for the tests of the channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lxml import etree

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from config.model import CameraSettings
from connectors.protocols.rtsp.feeds import Document, MetadataFeed, MetadataListener
from core.types import Box, FrameBoxes, Track

START = 1_700_000_000.0
NAMESPACES = {
    "tt": "http://www.onvif.org/ver10/schema",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "vigie": "urn:vigie:metadata",
}
WAIT_S = 5.0

ZONE = ZonePresenceSettings.model_validate(
    {
        "id": "platform",
        "type": "zone_presence",
        "name": "Quai <1> & voie\x07",
        "zone": [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0]],
    }
)
LINE = LineCrossingSettings.model_validate({"id": "door", "type": "line_crossing", "line": [[0.0, 0.5], [1.0, 0.5]]})


def camera(camera_id: str = "quai-1") -> CameraSettings:
    return CameraSettings(id=camera_id, vms="site", device=f"token-{camera_id}", rules=(ZONE, LINE))


def boxes(offset_s: float, *track_ids: int, left: float = 0.2, camera_id: str = "quai-1") -> FrameBoxes:
    box = Box(left=left, top=0.2, right=left + 0.1, bottom=0.6)
    tracks = tuple(Track(track_id=number, label="person", score=0.9, box=box, first_seen=START) for number in track_ids)
    return FrameBoxes(camera_id=camera_id, captured_at=START + offset_s, tracks=tracks)


async def taken(listener: MetadataListener) -> list[Document]:
    """What waits for the listener now."""
    found = []
    while True:
        try:
            async with asyncio.timeout(0):
                found.append(await anext(listener))
        except (TimeoutError, StopAsyncIteration):
            return found


async def during(feed: MetadataFeed, act: Callable[[], None]) -> list[Document]:
    """What a listener gets that joined before ``act``, the greeting left out."""
    async with feed.listen() as listener:
        await taken(listener)
        act()
        return await taken(listener)


def find(document: Document, path: str) -> list[etree._Element]:
    return list(etree.fromstring(document.data).iterfind(path, NAMESPACES))


def utc_times(documents: list[Document]) -> list[str]:
    return [str(frame.get("UtcTime")) for document in documents for frame in find(document, ".//tt:Frame")]
