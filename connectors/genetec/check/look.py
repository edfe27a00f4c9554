"""What every part of the check is given, and how its failures are named."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from config.model import CameraSettings
from connectors.genetec.access.websdk import FORBIDDEN, NOT_FOUND, REMEDIES, UNAUTHORIZED, WebSdk
from connectors.genetec.control.event_stream import EventStreams
from connectors.genetec.inventory.inventory import Inventory
from connectors.genetec.publish.ask import Asker
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.findings import CERTIFICATE_UNTRUSTED, Findings, code_of
from connectors.protocols.rtsp_source import RtspSource
from core.contracts import ConnectorServices
from core.errors import CertificateRejected, VigieError

_CERTIFICATE_CODES = {
    10: "certificate_expired",
    18: "certificate_self_signed",
    62: "certificate_name",
    64: "certificate_name",
}
"""OpenSSL's verification errors: expired, self-signed, host name mismatch, address mismatch."""

_ACCOUNT_STEPS = frozenset({"web_sdk", "account"})
_ACCOUNT_CODES = {
    REMEDIES[UNAUTHORIZED]: "account_not_sent",
    REMEDIES[FORBIDDEN]: "account_refused",
    REMEDIES[NOT_FOUND]: "base_uri_refused",
}
"""By the remedy, as the class of the error is the same."""

_SDK_CODES = {
    ": invalidapplicationid:": "application_id_refused",
    ": missingclientcertificate:": "certificate_part_missing",
    ": invalidclientcertificate:": "certificate_part_missing",
    ": missingcertificate:": "certificate_part_missing",
    ": certificatecountexceeded:": "licence_used_up",
}
"""Names of ``SdkError``; where the role gives them is unverified."""

_TRY_AGAIN = "Try again; if it stays, look at the state of this role and of its server in Config Tool."


def genetec_code(step: str, error: VigieError) -> str:
    """The code of a step that failed; what concerns certificates, names and licences is the same at every step."""
    if isinstance(error, CertificateRejected):
        return next(filter(None, map(_certificate_code, _steps(error))), CERTIFICATE_UNTRUSTED)
    if any(isinstance(cause, socket.gaierror) for cause in _steps(error)):
        return "address_unknown"
    said = str(error).lower()
    named = next((code for name, code in _SDK_CODES.items() if name in said), None)
    if named is None and step in _ACCOUNT_STEPS:
        named = _ACCOUNT_CODES.get(error.remedy)
    return named or code_of(step, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one Security Center, which changes nothing in it. ``cameras`` are those of the site file."""

    settings: GenetecSettings
    services: ConnectorServices
    sdk: WebSdk
    asker: Asker
    streams: EventStreams
    open_video: Callable[[CameraSettings], RtspSource]
    cameras: Sequence[CameraSettings]
    findings: Findings = field(default_factory=lambda: Findings(genetec_code, remedy=_TRY_AGAIN))
    known: dict[str, CameraSettings] = field(default_factory=dict)
    """Cameras that Security Center shows, by GUID; filled by the step that looks at them."""

    @property
    def url(self) -> str:
        """The subject of what concerns the Web-based SDK role."""
        return self.settings.url

    @property
    def inventory(self) -> Inventory:
        """Reads entities."""
        return Inventory(self.sdk)


def _certificate_code(cause: BaseException) -> str | None:
    return _CERTIFICATE_CODES.get(cause.verify_code) if isinstance(cause, ssl.SSLCertVerificationError) else None


def _steps(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, one after the other."""
    step: BaseException | None = error
    while step is not None:
        yield step
        step = step.__cause__
