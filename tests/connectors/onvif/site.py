"""A whole site over ONVIF: a simulated bridge, our connector with its device, and a simulated driver that added it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.rules.zone_presence import ZonePresenceSettings
from config.model import CameraSettings
from connectors.onvif.connector import OnvifConnector
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.scene import write_scene
from core.clock import SystemClock
from core.errors import NotYetTaken
from core.services import Services
from tests.conformance.suite import a_delivery, an_alert
from tests.connectors.onvif.simulator.camera import running
from tests.connectors.onvif.simulator.client import scripted_device
from tests.connectors.onvif.simulator.client.drivers import WatchedLedger, driving

NOBODY = "https://127.0.0.1:1"
RULE = ZonePresenceSettings(id="zone", type="zone_presence", zone=((0.3, 0.2), (0.8, 0.2), (0.8, 1.0)))

_SECRETS = {"bridge": running.PASSWORD, "device": scripted_device.PASSWORD}


@dataclass(frozen=True, kw_only=True)
class OnvifSite:
    """``ledger`` is that of a driver which subscribed to the device of ``connector``."""

    connector: OnvifConnector
    unreachable: OnvifConnector
    """For a bridge that nobody answers for, with a device that nobody added."""
    camera: CameraSettings
    ledger: WatchedLedger
    ca: Path
    """The authority of the device's certificate."""

    @property
    def device(self) -> str:
        """``https://host:port`` of the device."""
        return _base(self.connector)

    def alert(self) -> str:
        """An alert becomes an event, as the delivery thread does it; its token."""
        alert = an_alert(self.camera)
        delivery = a_delivery(alert, "event")
        with suppress(NotYetTaken):
            self.connector.publish(delivery, alert, self.camera)
        return delivery.token

    def events(self) -> list[dict[str, Any]]:
        """The rising edges of our own topics: one for each alert, as soon as the driver wrote down what it was sent."""
        taken = int(self.connector.device_statistics()["alerts_taken"])
        return self.ledger.wait_for("event", taken, lambda row: "vigie:" in row["topic"] and row["edge"] == "rising")


@contextmanager
def onvif_site(folder: Path) -> Iterator[OnvifSite]:
    """Everything on free ports of this machine; encrypted throughout."""
    video = folder / "gate.mp4"
    write_scene(video, seconds=2.0, fps=12.5, size=(160, 96))
    authority = SiteAuthority.create(folder / "device")
    with running.run(video) as bridge:
        camera = CameraSettings(id="quai-1", name="Quai 1", vms="vms", device=bridge.camera, rules=(RULE,))
        url, ca = bridge.announced.url, Path(bridge.announced.ca)
        with (
            closing(_connector(authority, url, ca)) as connector,
            closing(_connector(authority, NOBODY, ca)) as unreachable,
        ):
            connector.start_front([camera])
            unreachable.start_front([camera])
            with driving(_base(connector), "generic", ca=authority.ca) as (_, ledger):
                ledger.wait_for("subscribed")
                yield OnvifSite(
                    connector=connector, unreachable=unreachable, camera=camera, ledger=ledger, ca=authority.ca
                )


def _connector(authority: SiteAuthority, url: str, ca: Path) -> OnvifConnector:
    certificate, key = authority.issue(("127.0.0.1",))
    settings = OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": url,
            "username": running.USERNAME,
            "password": {"secret": "bridge"},
            "ca": ca,
            "transport": "https",
            "device": {
                "listen": "127.0.0.1:0",
                "certificate": certificate,
                "key": key,
                "username": scripted_device.USER,
                "password": {"secret": "device"},
                "username_token": True,
            },
        }
    )
    services = Services(clock=SystemClock(), secrets=lambda asked: _SECRETS[_name_of(asked)], site_dir=Path())
    return OnvifConnector(settings, services)


def _name_of(reference: object) -> str:
    name: str = reference.secret  # type: ignore[attr-defined]
    return name


def _base(connector: OnvifConnector) -> str:
    return connector.device_url.removesuffix("/onvif/device_service")
