"""Where the parts of one XProtect system are: two documents of the management server that need no token.

``GET /api/.well-known/uris`` (2022 R1) tells gateways and version, ``/IDP/.well-known/openid-configuration`` (2021 R1) the
identity provider. Releases before have neither: only SOAP at fixed paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import structlog

from connectors.milestone.access.rest import json_object, succeeded, without_effect
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.http import HttpSession
from core.errors import NotFoundInVms, ProtocolViolation, RequestInvalid, VmsRefused
from core.types import UtcSeconds

_log = structlog.get_logger(component="milestone")

Version = tuple[int, ...]

OAUTH_SINCE: Version = (21, 1)
"""2021 R1, from which there is an identity provider, whose tokens SOAP takes too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Base addresses of the parts, without a slash at the end. ``version`` is empty when the VMS does not tell."""

    gateway: str
    server: str = ""
    version: Version = ()
    product_version: str = ""
    has_gateway: bool = True
    server_date: UtcSeconds | None = None
    plain_server: str = ""
    """The management server's own address without TLS, as announced; empty where it has none."""

    def is_before(self, release: Version) -> bool:
        """Whether the VMS is known to be older than ``release``."""
        return bool(self.version) and self.version < release

    @property
    def rest(self) -> str:
        """Root of the REST resources."""
        return f"{self.gateway}/rest/v1"

    @property
    def identity_provider(self) -> str:
        """The identity provider as the gateway passes it on; the management server's own where there is no gateway."""
        return f"{self.gateway}/IDP" if self.has_gateway else f"{self.server}/IDP"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """What the identity provider says of itself; empty where it does not."""

    version: Version = ()
    token_endpoint: str = ""


def discover(http: HttpSession, settings: MilestoneSettings) -> Addresses:
    """Asks the management server; a VMS too old to answer gets the default addresses."""
    what = f"discovery at {settings.url}"
    default = f"{settings.url}/API"
    with without_effect():
        response = http.request("GET", f"{settings.url}/api/.well-known/uris", what=what, allow_redirects=False)
        try:
            body = json_object(succeeded(response, what), what)
        except (NotFoundInVms, RequestInvalid, ProtocolViolation):
            return Addresses(
                gateway=default, server=settings.url, has_gateway=False, server_date=_server_date(response)
            )
    product = str(body.get("ProductVersion") or "")
    return Addresses(
        gateway=_gateway(body, settings) or default,
        server=settings.url,
        version=parse_version(product),
        product_version=product,
        server_date=_server_date(response),
        plain_server=str(body.get("UnsecureManagementServer") or ""),
    )


def find_identity_provider(http: HttpSession, settings: MilestoneSettings) -> IdentityProvider | None:
    """The identity provider; None where this release has none."""
    what = f"identity provider at {settings.url}"
    with without_effect():
        response = http.request(
            "GET", f"{settings.url}/IDP/.well-known/openid-configuration", what=what, allow_redirects=False
        )
        try:
            body = json_object(succeeded(response, what), what)
        except (VmsRefused, ProtocolViolation):
            return None
    return IdentityProvider(
        version=parse_version(str(body.get("server_version") or "")),
        token_endpoint=str(body.get("token_endpoint") or ""),
    )


def parse_version(text: str) -> Version:
    """``25.2.0.1`` as numbers; empty for a text that does not begin like a version."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match.group().split("."))) if match else ()


def _gateway(body: dict[str, Any], settings: MilestoneSettings) -> str:
    """The first announced gateway that may be contacted, else empty: the management server passes calls on."""
    announced = body.get("ApiGateways")
    for url in announced if isinstance(announced, list) else ():
        try:
            settings.require_declared(str(url), "the API gateway")
        except (VmsRefused, ProtocolViolation) as error:
            _log.info("api_gateway_not_used", url=str(url), reason=str(error))
            continue
        return str(url).rstrip("/")
    return ""


def _server_date(response: requests.Response) -> UtcSeconds | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        return None
