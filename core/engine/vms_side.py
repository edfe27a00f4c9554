"""What the supervisor keeps for one VMS: its connector, deliveries, boxes, control links and front."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from config.model import CameraSettings, SiteSettings, VmsSettings
from core.contracts import Capability, Clock, VmsConnector
from core.engine.control import Answers, ControlLink
from core.engine.overlay import OverlayPump
from core.errors import VmsError
from core.health import HealthBoard
from core.outbox.relay import DeliveryRelay
from core.store.store import Store
from core.types import Health, HealthLevel

STOP_S = 8.0
"""Longest wait for one delivery thread: a request in flight ends within its own time-out."""

_log = structlog.get_logger(component="service")


@dataclass(frozen=True, slots=True)
class VmsSide:
    """One VMS, with the threads that serve it."""

    connector: VmsConnector
    actions: tuple[str, ...]
    relay: DeliveryRelay
    overlay: OverlayPump | None
    answers: Answers
    links: tuple[ControlLink, ...]

    def statistics(self) -> dict[str, float]:
        """Counters since start, see ``docs/architecture.md``."""
        overlay = self.overlay
        boxes = {"boxes_sent": float(overlay.sent), "boxes_dropped": float(overlay.dropped)} if overlay else {}
        return {**self.relay.statistics(), **boxes}


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBuilder:
    """What the sides of all VMS have in common."""

    site: SiteSettings
    store: Store
    cameras: Mapping[str, CameraSettings]
    health: HealthBoard
    clock: Clock
    switch: Callable[[str], None]

    def build(self, connector: VmsConnector, settings: VmsSettings) -> VmsSide:
        """The threads of one VMS, not started."""
        relay = DeliveryRelay(
            vms=settings,
            connector=connector,
            store=self.store,
            cameras=self.cameras,
            clock=self.clock,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )
        shows_boxes = Capability.BOXES in connector.capabilities and "metadata" in settings.publish
        overlay = OverlayPump(connector) if shows_boxes else None
        answers = Answers(self.site, settings, feedback=self.store.feedback, health=self.health, switch=self.switch)
        links = tuple(self._link(settings.id, channel, connector, answers) for channel in connector.control_channels())
        return VmsSide(connector, connector.actions(), relay, overlay, answers, links)

    def _link(self, vms_id: str, channel: str, connector: VmsConnector, answers: Answers) -> ControlLink:
        return ControlLink(
            vms_id,
            channel,
            connector=connector,
            answers=answers,
            feedback=self.store.feedback,
            health=self.health,
            clock=self.clock,
        )


def open_fronts(
    sides: Mapping[str, VmsSide], cameras: Iterable[CameraSettings], health: HealthBoard
) -> dict[str, Mapping[str, str]]:
    """Opens what each VMS dials into. One that cannot listen leaves its own cameras without video, not the others'."""
    watched = [camera for camera in cameras if camera.enabled]
    fronts: dict[str, Mapping[str, str]] = {}
    for name, side in sides.items():
        try:
            fronts[name] = side.connector.start_front([camera for camera in watched if camera.vms == name])
        except VmsError as error:
            _log.error("the VMS cannot dial in", vms=name, cause=error.line())
            health.report(Health(component=f"front/{name}", level=HealthLevel.RED, cause=error.line()))
    return fronts


def start_deliveries(sides: Collection[VmsSide]) -> None:
    """Starts what goes to the VMS."""
    for side in sides:
        side.relay.start()
        if side.overlay:
            side.overlay.start()


def stop_deliveries(sides: Mapping[str, VmsSide]) -> None:
    """Ends what goes to the VMS; what is undelivered waits in the store."""
    for side in sides.values():  # all together: each may have a request under way
        side.relay.stop(0.0)
    for name, side in sides.items():
        if side.overlay:
            side.overlay.stop(STOP_S)
        if not side.relay.stop(STOP_S):
            _log.warning("a delivery is cut off: the next start asks the VMS for it", vms=name)


def stop_links(links: Sequence[ControlLink]) -> None:
    """Ends what comes from the VMS."""
    for link in links:  # all together: each may be in the middle of a wait
        link.end()
    for link in links:
        if not link.stop(STOP_S):
            _log.warning("a control channel is cut off in the middle of a request")
