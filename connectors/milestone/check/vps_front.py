"""Our own end of the Video Processing Service, with ``video: vps``: the port to listen on, and its certificate."""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from connectors.milestone.check.look import Look
from connectors.milestone.check.server import DAY_S, EXPIRY_WARNING_DAYS
from connectors.milestone.vps.front import driver_url
from connectors.protocols.certificate_names import fits, names_of
from core.errors import VmsRefused

_PEM = "Give PEM files under 'vps:': the certificate with its chain, and its key without passphrase."


def look_at_vps_front(look: Look) -> None:
    """Each part is a step of its own; needs no VMS."""
    listen = look.settings.vps.listen
    _look_at_port(look, listen)
    certificate, key = look.settings.vps.certificate, look.settings.vps.key
    if certificate is None or key is None:
        look.findings.warn(
            listen,
            "vps_not_encrypted",
            "video and boxes travel in clear between the recording servers and this machine",
            "Give vps: {certificate, key}.",
        )
        return
    site_dir = look.services.site_dir
    look.findings.step(
        "vps_certificate", listen, lambda: _look_at_certificate(look, site_dir / certificate, site_dir / key)
    )


def _look_at_port(look: Look, listen: str) -> None:
    host, port = look.settings.vps.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = "something listens there: Vigie itself, if it runs, else another program"
            look.findings.warn(listen, "vps_port_taken", message, "If Vigie does not run now, choose another port.")
        else:
            why = error.strerror or str(error)
            look.findings.fail(listen, "vps_port_unusable", f"cannot listen there: {why}", "Correct 'vps: listen'.")
    else:
        look.findings.ok(listen, "vps_port_ok", "the port for the recording servers' VPS driver is free")


def _look_at_certificate(look: Look, certificate: Path, key: Path) -> None:
    """Raises ``VmsRefused`` where it cannot be used at all."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        message = f"the certificate {certificate.name} or its key cannot be used: {error}"
        raise VmsRefused(message, remedy=_PEM) from error
    _look_at_expiry(look, leaf)
    _look_at_name(look, leaf)


def _look_at_expiry(look: Look, leaf: x509.Certificate) -> None:
    days = (leaf.not_valid_after_utc.timestamp() - look.services.clock.utc()) / DAY_S
    listen, remedy = look.settings.vps.listen, "Renew it at the site's certificate authority."
    if days < 0:
        look.findings.fail(listen, "vps_certificate_expired", "the VPS certificate has ended", remedy)
    elif days < EXPIRY_WARNING_DAYS:
        message = f"the VPS certificate ends in {int(days)} days"
        look.findings.warn(listen, "vps_certificate_expires_soon", message, remedy)
    else:
        look.findings.ok(listen, "vps_certificate_ok", f"the VPS certificate is good for {int(days)} days")


def _look_at_name(look: Look, leaf: x509.Certificate) -> None:
    """The driver's Windows compares it with the host in the address that the administrator wrote."""
    host = urlsplit(driver_url(look.settings, "")).hostname or ""
    names = names_of(leaf)
    listen = look.settings.vps.listen
    if any(fits(name, host) for name in names):
        look.findings.ok(listen, "vps_certificate_name_ok", f"the VPS certificate names {host}")
    else:
        look.findings.warn(
            listen,
            "vps_certificate_name",
            f"the VPS certificate names {', '.join(names) or 'no host'}, but not {host}",
            "Write one of its names in DriverParameters, or have one issued for this machine's name.",
        )
