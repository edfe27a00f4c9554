"""What every part of the check is given, and how its failures are named."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from config.model import CameraSettings
from connectors.milestone.access.logins import REMEDIES
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_service import AlarmService
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video.recorder import RecorderDialer
from connectors.protocols.findings import CERTIFICATE_UNTRUSTED, Findings, code_of
from core.contracts import ConnectorServices
from core.errors import CertificateRejected, VigieError

_CERTIFICATE_CODES = {10: "certificate_expired", 62: "certificate_name", 64: "certificate_name"}
"""OpenSSL's verification errors: expired, host name mismatch, address mismatch."""


_ACCOUNT_CODES = {
    REMEDIES[login][reason]: code
    for login in ("basic", "windows")
    for reason, code in (("LockedOut", "login_locked"), ("ChangePassword", "login_password_change"))
}
"""By the remedy, as the class of the error is that of a wrong password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one XProtect system, which changes nothing in it. ``cameras`` are those of the site file."""

    settings: MilestoneSettings
    services: ConnectorServices
    session: XProtectSession
    inventory: Inventory
    dialer: RecorderDialer
    alarm_service: AlarmService
    cameras: Sequence[CameraSettings]
    findings: Findings

    @property
    def url(self) -> str:
        """The subject of what concerns the management server."""
        return self.settings.url

    def publishes(self, *actions: str) -> bool:
        """Whether alerts become one of these."""
        return not frozenset(actions).isdisjoint(self.settings.publish)


def milestone_code(step: str, error: VigieError) -> str:
    """The code of a step that failed; what concerns certificates and names is the same at every step."""
    cause = error.__cause__
    if isinstance(error, CertificateRejected):
        number = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else 0
        return _CERTIFICATE_CODES.get(number, CERTIFICATE_UNTRUSTED)
    if isinstance(cause, socket.gaierror):
        return "address_unknown"
    return _ACCOUNT_CODES.get(error.remedy) or code_of(step, error)
