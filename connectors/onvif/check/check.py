"""Looks at an ONVIF bridge with the account given, and says what is wrong and where to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from config.model import CameraSettings
from connectors.onvif.check.bridge import look_at_clock, look_at_login, look_at_services
from connectors.onvif.check.cameras import look_at_cameras
from connectors.onvif.check.device import look_at_device
from connectors.onvif.check.events import look_at_events
from connectors.onvif.check.look import Look, onvif_code
from connectors.onvif.check.network import look_at_network
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.findings import Findings
from core.contracts import ConnectorServices
from core.types import Finding

_TRY_AGAIN: Final = "Try again; if it stays, look at the service of the VMS's ONVIF bridge and at its log."


class Check:
    """One look, which changes nothing in the VMS. Codes are listed in ``docs/onvif-findings.md``."""

    def __init__(self, settings: OnvifSettings, services: ConnectorServices, client: OnvifClient) -> None:
        self._settings = settings
        self._services = services
        self._client = client

    def run(self, cameras: Sequence[CameraSettings]) -> list[Finding]:
        """Every finding, in the order of looking; a part that needs one that failed is left out."""
        findings = Findings(onvif_code, remedy=_TRY_AGAIN)
        look = Look(
            settings=self._settings, services=self._services, client=self._client, cameras=cameras, findings=findings
        )
        if _bridge(look):
            findings.step("cameras", look.url, lambda: look_at_cameras(look))
            look_at_events(look)
        if self._settings.device is not None:
            look_at_device(look, self._settings.device)
        return findings.found


def _bridge(look: Look) -> bool:
    """Whether one can go on."""
    steps = (
        ("network", look_at_network),
        ("onvif", look_at_clock),
        ("login", look_at_login),
        ("services", look_at_services),
    )
    return all(look.findings.step(name, look.url, partial(action, look)) for name, action in steps)
