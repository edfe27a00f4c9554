"""The bridge's RTSP: what is under ``/live/<camera GUID>``, and what is ordered to go wrong with it (notes §3.4)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from connectors.onvif.simulator.camera.site import Camera, Site
from connectors.protocols.rtsp.connection import Incoming
from connectors.protocols.rtsp.mount import Flow, Mount, Mounts
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.simulation import FaultBoard
from connectors.protocols.variants import Picture

VIDEO_OUTCOMES: Final = frozenset({"drop", "freeze", "stall", "away", "refuse", *(set(Picture) - {Picture.OK})})
"""Of the fault plan ``video``; each but ``drop``, which is taken by each viewer, lasts while it is ordered."""

CAMERA_OUTCOMES: Final = (VIDEO_OUTCOMES | {Picture.OK}) - {"stall", "away", "refuse"}
"""Those that can be put on one camera alone; there ``drop`` lasts, too: nobody stays connected."""

_LOOK_EVERY_S: Final = 0.05


def mounts_of(site: Site) -> Mounts:
    """Finds a profile by its path. Of a camera that is lost nothing flows."""

    def mounts(path: str) -> Mount | None:
        found = site.profile_at(path)
        if found is None:
            return None
        camera, profile = found
        return Mount(
            video=profile.feed,
            name=profile.name,
            flow=partial(_flow, site, camera),
            multicast=site.multicast.get(profile.token),
        )

    return mounts


def is_stalled(faults: FaultBoard) -> bool:
    """Whether the stream service hangs: connections are taken and stay, nothing is answered and nothing sent."""
    return faults.current("video") == "stall"


def is_away(faults: FaultBoard) -> bool:
    """Whether the stream service is down: connections are dropped, and none is taken."""
    return faults.current("video") == "away"


class Accounts(Mapping[str, str]):
    """Names and passwords of the stream service; ``video=refuse`` makes every password wrong."""

    def __init__(self, users: Mapping[str, str], faults: FaultBoard) -> None:
        self._users = users
        self._faults = faults

    def __getitem__(self, name: str) -> str:
        password = self._users[name]
        return secrets.token_hex() if self._faults.current("video") == "refuse" else password

    def __iter__(self) -> Iterator[str]:
        return iter(self._users)

    def __len__(self) -> int:
        return len(self._users)


class BridgeRtspServer(RtspServer):
    """An RTSP server that hangs, or is down, when it is ordered."""

    is_stalled: Callable[[], bool] = staticmethod(lambda: False)
    is_away: Callable[[], bool] = staticmethod(lambda: False)

    async def serve(
        self, reader: Incoming, writer: asyncio.StreamWriter, *, is_private: bool, settled: Callable[[], None]
    ) -> None:
        if self.is_away():
            writer.transport.abort()
            return
        held = _HeldReader(reader, self.is_stalled)
        await super().serve(held, writer, is_private=is_private, settled=settled)


class _HeldReader:
    """Gives what was read only once the server no longer hangs."""

    def __init__(self, reader: Incoming, is_stalled: Callable[[], bool]) -> None:
        self._reader = reader
        self._is_stalled = is_stalled

    async def read(self, n: int) -> bytes:
        """Like a stream's reader."""
        data = await self._reader.read(n)
        while data and self._is_stalled():  # noqa: ASYNC110 - the fault board tells nobody when it changes
            await asyncio.sleep(_LOOK_EVERY_S)
        return data


def _flow(site: Site, camera: Camera) -> Flow:
    outcome = site.disturbance(camera)
    if outcome in {"drop", "away"}:
        if not camera.ordered and outcome == "drop":
            site.faults.next("video")
        return Flow.DROP
    return Flow.FREEZE if outcome in {"freeze", "stall"} or camera.is_lost else Flow.OK
