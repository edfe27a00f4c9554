"""The bridge itself: does it speak ONVIF, its clock, our account, what it offers."""

from __future__ import annotations

from typing import Final

from connectors.onvif.check.look import Look
from connectors.onvif.client.media import EVENTS, MEDIA, MEDIA2
from core.errors import VmsRefused

_NAMES: Final = {MEDIA2: "Media2", MEDIA: "Media", EVENTS: "events"}


def look_at_clock(look: Look) -> None:
    """The one question that needs no account. Raises ``VmsError`` where nobody speaks ONVIF."""
    ahead_s = look.client.measured_offset_s()
    look.findings.ok(look.url, "onvif_ok", "it speaks ONVIF")
    if ahead_s is None:
        remedy = "Look by hand: the VMS server and this machine need the same NTP time source."
        look.findings.ok(look.url, "clock_unseen", "it does not tell its time in UTC", remedy)
    else:
        look.findings.clock(look.url, "the bridge", ahead_s)


def look_at_login(look: Look) -> None:
    """Raises ``VmsError``."""
    look.findings.ok(look.url, "login_ok", f"{look.client.information()} lets {look.settings.username} in")


def look_at_services(look: Look) -> None:
    """Raises ``VmsError``."""
    addresses = look.client.addresses()
    offered = [name for namespace, name in _NAMES.items() if namespace in addresses]
    look.findings.ok(look.url, "services_ok", f"it offers {', '.join(offered) or 'none of the services that we use'}")
    for namespace, name in _NAMES.items():
        if namespace in addresses:
            _look_at_address(look, name, addresses[namespace])


def _look_at_address(look: Look, name: str, address: str) -> None:
    try:
        look.settings.require_declared(address, f"the {name} service")
    except VmsRefused as error:
        look.findings.fail(address, "service_undeclared", str(error), error.remedy)
