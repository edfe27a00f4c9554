"""The way to the bridge: name, port, TLS, certificate."""

from __future__ import annotations

import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

from connectors.onvif.check.look import Look
from core.errors import CertificateRejected, VmsUnavailable

EXPIRY_WARNING_DAYS: Final = 30
DAY_S: Final = 86_400.0

_PORTS: Final = {"https": 443, "http": 80}
_REACH: Final = (
    "Check the address, the port and the firewall, and that the ONVIF bridge's service runs (Milestone Open Network Bridge:"
    " port 580 by default)."
)


def look_at_network(look: Look) -> None:
    """Raises ``VmsUnavailable`` or ``CertificateRejected``."""
    parts = urlsplit(look.url)
    tls = _context(look) if parts.scheme == "https" else None
    with _dial(parts.hostname or "", parts.port or _PORTS[parts.scheme], tls, look.settings.timeout_s) as link:
        look.findings.ok(look.url, "network_ok", "somebody listens on the bridge's port")
        if isinstance(link, ssl.SSLSocket):
            _look_at_expiry(look, link)
            return
    remedy = "Enable HTTPS in the bridge, write https:// and remove allow_http."
    look.findings.warn(look.url, "network_not_encrypted", "events and video travel in clear", remedy)


def _dial(host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    where = f"ONVIF bridge {host}:{port}"
    try:
        plain = socket.create_connection((host, port), timeout_s)
    except (OSError, UnicodeError) as error:  # a host name that cannot be one is a UnicodeError
        raise VmsUnavailable(f"{where}: cannot connect ({error})", remedy=_REACH) from error
    if tls is None:
        return plain
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise CertificateRejected(
            f"{where}: the TLS certificate does not verify ({error.verify_message})",
            remedy="Give the site's CA (or the bridge's own self-signed certificate) with 'ca:', and connect by the name"
            " that the certificate carries.",
        ) from error
    except OSError as error:
        plain.close()
        raise VmsUnavailable(
            f"{where}: no TLS ({error})", remedy="Enable HTTPS in the bridge; is it its port?"
        ) from error


def _context(look: Look) -> ssl.SSLContext:
    ca = look.settings.ca_file(look.services.site_dir)
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:  # no such file; SSLError is one too
        raise CertificateRejected(
            f"the CA file cannot be used ({error})", remedy="Set 'ca:' to the PEM file of the site's authority."
        ) from error


def _look_at_expiry(look: Look, link: ssl.SSLSocket) -> None:
    ends = ssl.cert_time_to_seconds(str((link.getpeercert() or {})["notAfter"]))
    days = (ends - look.services.clock.utc()) / DAY_S
    if days >= EXPIRY_WARNING_DAYS:
        look.findings.ok(look.url, "certificate_ok", "the bridge's certificate can be used")
        return
    message = f"the bridge's certificate ends in {max(0, int(days))} days"
    look.findings.warn(look.url, "certificate_expires_soon", message, "Renew it at the site's certificate authority.")
