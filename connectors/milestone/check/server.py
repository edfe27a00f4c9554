"""The management server: network, certificate, API Gateway, clock."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from connectors.milestone.access.discovery import Version
from connectors.milestone.check.look import Look
from connectors.milestone.video.recorder import dial, tls_context
from connectors.protocols.findings import HTTP_DATE_STEP_S
from core.errors import NotFoundInVms
from core.types import UtcSeconds

EXPIRY_WARNING_DAYS = 30
DAY_S = 86400.0

_GATEWAY_SINCE: Version = (22, 1)
_GATEWAY_ALWAYS_SINCE: Version = (23, 3)
_INSTALL_GATEWAY = "Run the XProtect installer on the management server and add the API Gateway."


def look_at_server(look: Look) -> None:
    """Raises ``VmsUnavailable`` or ``CertificateRejected``."""
    parts = urlsplit(look.url)
    has_tls = parts.scheme == "https"
    tls = tls_context(look.settings.ca_file(look.services.site_dir)) if has_tls else None
    with dial(parts.hostname or "", parts.port or (443 if has_tls else 80), tls, look.settings.timeout_s) as link:
        look.findings.ok(look.url, "network_ok", "the management server answers")
        if isinstance(link, ssl.SSLSocket):
            _look_at_expiry(look, link)
        else:
            look.findings.warn(
                look.url,
                "network_not_encrypted",
                "passwords, tokens and alarms travel in clear",
                "Enable encryption in Server Configurator, write https:// and remove allow_http.",
            )


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
        f"the management server's certificate ends in {max(0, int(days))} days",
        "Renew it and select the new one in Server Configurator → Encryption.",
    )


def look_at_gateway(look: Look) -> None:
    """Before 2022 R1 there is none, and SOAP does. Raises ``NotFoundInVms`` where there should be one."""
    before = look.services.clock.utc()
    addresses = look.session.rediscover()
    now = (before + look.services.clock.utc()) / 2
    if addresses.has_gateway:
        look.findings.ok(look.url, "gateway_ok", f"XProtect {addresses.product_version}, API Gateway present")
    else:
        _look_without_gateway(look)
    _look_at_clock(look, addresses.server_date, now)


def _look_without_gateway(look: Look) -> None:
    version = look.session.routes.version()
    told = ".".join(map(str, version)) or "of unknown release"
    if version >= _GATEWAY_ALWAYS_SINCE:
        raise NotFoundInVms(
            f"{look.url} is XProtect {told} without an API Gateway, or is not its management server",
            remedy=f"Check 'url'. {_INSTALL_GATEWAY} It is part of every installation since 2023 R3.",
        )
    if version >= _GATEWAY_SINCE:
        look.findings.warn(
            look.url,
            "gateway_not_installed",
            f"XProtect {told} has no API Gateway here: the older SOAP services are used",
            f"{_INSTALL_GATEWAY} Until then disabled cameras are not told from unknown ones.",
        )
    else:
        look.findings.ok(
            look.url, "gateway_absent", f"XProtect {told} has no API Gateway: the older SOAP services are used"
        )


def _look_at_clock(look: Look, server_date: UtcSeconds | None, now: float) -> None:
    if server_date is not None:
        look.findings.clock(look.url, "the management server", server_date + HTTP_DATE_STEP_S / 2 - now)
