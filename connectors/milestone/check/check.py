"""Looks at an XProtect system with the account given, and says what is wrong and where to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from config.model import CameraSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.check.account import look_at_edition, look_at_login, look_at_routes, look_at_soap_login
from connectors.milestone.check.alarms import look_at_alarms, look_at_verdicts
from connectors.milestone.check.bridge import look_at_bridge
from connectors.milestone.check.cameras import look_at_cameras
from connectors.milestone.check.control import look_at_control
from connectors.milestone.check.events import look_at_event_server, look_at_events
from connectors.milestone.check.look import Look, milestone_code
from connectors.milestone.check.server import look_at_gateway, look_at_server
from connectors.milestone.check.vps import look_at_vps
from connectors.milestone.check.vps_front import look_at_vps_front
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_service import AlarmService
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video.recorder import RecorderDialer
from connectors.protocols.findings import Findings
from core.contracts import ConnectorServices
from core.types import Finding

_TRY_AGAIN = "Try again; if it stays, look at the services of XProtect in Server Manager and at their logs."


class Check:
    """One look, which changes nothing in the VMS. Codes are listed in ``docs/xprotect-findings.md``."""

    def __init__(
        self,
        settings: MilestoneSettings,
        services: ConnectorServices,
        session: XProtectSession,
        inventory: Inventory,
        dialer: RecorderDialer,
    ) -> None:
        self._settings = settings
        self._services = services
        self._session = session
        self._inventory = inventory
        self._dialer = dialer

    def run(self, cameras: Sequence[CameraSettings]) -> list[Finding]:
        """Every finding, in the order of looking; a part that needs one that failed is left out."""
        look = Look(
            settings=self._settings,
            services=self._services,
            session=self._session,
            inventory=self._inventory,
            dialer=self._dialer,
            alarm_service=AlarmService(self._session, self._settings),
            cameras=cameras,
            findings=Findings(milestone_code, remedy=_TRY_AGAIN),
        )
        if _management_server(look):
            _site(look)
        _own_connections(look)
        return look.findings.found


def _management_server(look: Look) -> bool:
    """Whether one can go on."""
    steps = (("network", look_at_server), ("gateway", look_at_gateway), ("login", look_at_login))
    return all(look.findings.step(name, look.url, partial(action, look)) for name, action in steps)


def _site(look: Look) -> None:
    """What is asked of the management server and of what it announces."""
    step, url = look.findings.step, look.url
    step("routes", url, lambda: look_at_routes(look))
    has_soap = step("soap", url, lambda: look_at_soap_login(look))
    step("edition", url, lambda: look_at_edition(look, has_soap=has_soap))
    step("cameras", url, lambda: look_at_cameras(look, has_soap=has_soap))
    if look.publishes("event"):
        look_at_events(look)
    if look.publishes("alarm"):
        step("alarms", url, lambda: look_at_alarms(look))
    if look.publishes("event", "alarm"):
        look_at_verdicts(look)
    look_at_control(look)
    if look.settings.video == "vps":
        look_at_vps(look)


def _own_connections(look: Look) -> None:
    """What needs no management server."""
    host, port = look.settings.event_server_address
    if look.publishes("event") and look.settings.event_route == "xml":
        look.findings.step("event_server", f"{host}:{port}", lambda: look_at_event_server(look))
    if look.settings.video == "vps":
        look_at_vps_front(look)
    if look.settings.video == "rtsp":
        look_at_bridge(look)
