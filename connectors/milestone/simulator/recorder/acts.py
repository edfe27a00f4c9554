"""What befalls the recorder and its cameras, on order of the admin port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.milestone.simulator import orders
from connectors.milestone.simulator.recorder.port import RecorderPort
from connectors.milestone.simulator.site import Site
from connectors.protocols.simulation import Act
from core.types import Json

_RESTART_S = 5.0


@dataclass(slots=True, kw_only=True)
class RecorderActs:
    """The acts; ``second`` is the failover recorder's port, closed until it stands in."""

    site: Site
    first: RecorderPort
    second: RecorderPort
    second_url: str

    def acts(self) -> Mapping[str, Act]:
        """By name."""
        return {
            "lose-camera": self._lose,
            "return-camera": self._return,
            "recorder-restart": self._restart,
            "recorder-failover": self._fail_over,
        }

    async def _lose(self, order: Mapping[str, Json]) -> Json:
        """``{camera}``: its id or name; the recorder no longer reaches it."""
        orders.require_known(order, "camera")
        self.site.lose_camera(orders.camera(order, self.site).camera_id)
        return [*sorted(self.site.lost_cameras)]

    async def _return(self, order: Mapping[str, Json]) -> Json:
        """``{camera}``: the recorder reaches it again."""
        orders.require_known(order, "camera")
        self.site.return_camera(orders.camera(order, self.site).camera_id)
        return [*sorted(self.site.lost_cameras)]

    async def _restart(self, order: Mapping[str, Json]) -> Json:
        """``{seconds}``: every connection to the recorder drops, and none is taken for so long."""
        orders.require_known(order, "seconds")
        seconds = orders.seconds(order, "seconds", _RESTART_S)
        (self.second if self.site.failover_url else self.first).close(seconds)
        return {"seconds": seconds}

    async def _fail_over(self, order: Mapping[str, Json]) -> Json:
        """The second recorder stands in for the first; with ``{back: true}`` the first one serves again."""
        orders.require_known(order, "back")
        is_back = orders.flag(order, "back")
        serving, resting = (self.first, self.second) if is_back else (self.second, self.first)
        resting.close()
        serving.open()
        self.site.failover_url = "" if is_back else self.second_url
        self.site.changed("recordingServers", self.site.recorder_id)
        return {"activeWebServerUri": self.site.active_recorder_url}
