"""What every part of the check is given, and how its failures are named."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.model import CameraSettings
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.client.faults import ActionNotSupported
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.findings import CERTIFICATE_UNTRUSTED, Findings, code_of
from core.contracts import ConnectorServices
from core.errors import CertificateRejected, VigieError

_CERTIFICATE_CODES = {
    10: "certificate_expired",
    18: "certificate_self_signed",
    62: "certificate_name",
    64: "certificate_name",
}
"""OpenSSL's verification errors: expired, self-signed, host name mismatch, address mismatch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one bridge, which changes nothing in it. ``cameras`` are those of the site file."""

    settings: OnvifSettings
    services: ConnectorServices
    client: OnvifClient
    cameras: Sequence[CameraSettings]
    findings: Findings

    @property
    def url(self) -> str:
        """The subject of what concerns the bridge."""
        return self.settings.url


def onvif_code(step: str, error: VigieError) -> str:
    """The code of a step that failed; what concerns certificates and names is the same at every step."""
    if isinstance(error, CertificateRejected):
        codes = (_CERTIFICATE_CODES.get(cause.verify_code) for cause in _certificate_errors(error))
        return next(filter(None, codes), CERTIFICATE_UNTRUSTED)
    if any(isinstance(cause, socket.gaierror) for cause in _steps(error)):
        return "address_unknown"
    return f"{step}_unsupported" if isinstance(error, ActionNotSupported) else code_of(step, error)


def _certificate_errors(error: BaseException) -> Iterator[ssl.SSLCertVerificationError]:
    return (cause for cause in _steps(error) if isinstance(cause, ssl.SSLCertVerificationError))


def _steps(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, one after the other."""
    step: BaseException | None = error
    while step is not None:
        yield step
        step = step.__cause__
