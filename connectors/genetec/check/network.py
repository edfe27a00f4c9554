"""The way to the Web-based SDK role: name, port, TLS, certificate."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from connectors.genetec.check.look import Look
from connectors.genetec.menus import ROLES, WEB_SDK
from core.errors import CertificateRejected, VmsUnavailable

EXPIRY_WARNING_DAYS = 30
DAY_S = 86400.0

_PORTS = {"https": 443, "http": 80}
_REACH = (
    f"{ROLES}: is there a Web-based SDK role, and is it active? {WEB_SDK}: does 'url' have its port (4590 by default)?"
    " Then the firewall."
)


def look_at_network(look: Look) -> None:
    """Raises ``VmsUnavailable`` or ``CertificateRejected``."""
    parts = urlsplit(look.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    tls = _tls_context(look) if parts.scheme == "https" else None
    with dial(host, port, tls, look.settings.timeout_s) as link:
        look.findings.ok(look.url, "network_ok", "somebody listens on the role's port")
        if isinstance(link, ssl.SSLSocket):
            _look_at_expiry(look, link)
            return
    remedy = f"{WEB_SDK}: enable 'Use SSL connection', write https:// and remove allow_http."
    look.findings.warn(look.url, "network_not_encrypted", "the password travels in clear", remedy)


def dial(host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    """A connected socket, with TLS verified if asked. Raises ``VmsUnavailable`` or ``CertificateRejected``."""
    where = f"Security Center {host}:{port}"
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
            remedy="Give the site's CA (or the role's own self-signed certificate) with 'ca:', and connect by the name"
            " that the certificate carries.",
        ) from error
    except OSError as error:
        plain.close()
        raise VmsUnavailable(
            f"{where}: no TLS ({error})", remedy=f"{WEB_SDK}: enable 'Use SSL connection'; is it this role's port?"
        ) from error


def _tls_context(look: Look) -> ssl.SSLContext:
    ca = look.settings.ca_file(look.services.site_dir)
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:  # no such file; SSLError is one too
        raise CertificateRejected(
            f"the CA file cannot be used ({error})", remedy="Set 'ca:' to the PEM file of the site's authority."
        ) from error


def _look_at_expiry(look: Look, link: ssl.SSLSocket) -> None:
    certificate = link.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends - look.services.clock.utc()) / DAY_S
    if days >= EXPIRY_WARNING_DAYS:
        look.findings.ok(look.url, "certificate_ok", "the certificate verifies")
        return
    look.findings.warn(
        look.url,
        "certificate_expires_soon",
        f"the role's certificate ends in {max(0, int(days))} days",
        "Renew it in Server Admin of the role's server, and give its authority with 'ca:' if that changes.",
    )
