"""One login into XProtect, kept alive: the bearer token for REST and the corporate token for recorders.

XProtect has two token systems and neither takes the other's. Both are behind this object, renewed ahead of their end
in the background and after a 401, so that nobody else needs to know.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import requests
import structlog

from connectors.milestone.access.discovery import (
    OAUTH_SINCE,
    Addresses,
    IdentityProvider,
    discover,
    find_identity_provider,
)
from connectors.milestone.access.logins import REMEDIES, client_grant, password_grant, windows_grant
from connectors.milestone.access.ntlm import NtlmSession
from connectors.milestone.access.renewal import Renewal
from connectors.milestone.access.rest import without_effect
from connectors.milestone.access.routes import Routes
from connectors.milestone.access.soap import BASIC_PATH, NTLM_PATH, OAUTH_PATH, ServerCommands
from connectors.milestone.access.tokens import Grant, RefusalHold, authorised
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.http import HttpSession
from core.contracts import ConnectorServices
from core.errors import AuthenticationRefused, CertificateRejected, SecretError, VmsError, VmsRefused, VmsUnavailable

_log = structlog.get_logger(component="milestone")

_Result = TypeVar("_Result")

_BEARER_SHARE = 0.8
_CORPORATE_SHARE = 0.5
"""Shares of a token's life after which it is renewed."""
_ADDRESSES_KEEP_S = 3600.0
_NO_GATEWAY_KEEP_S = 60.0
"""A VMS without API Gateway is asked again after so long: it may have been starting, or was updated."""
_WINDOWS_REMEDY = REMEDIES["windows"]["InvalidCredentials"]


@dataclass(frozen=True, slots=True)
class _SoapWay:
    """How SOAP is spoken; ``name`` is for people."""

    commands: ServerCommands
    name: str
    takes_bearer: bool


class XProtectSession:
    """Tokens, REST and SOAP of one management server. Constructing does no I/O; thread-safe."""

    def __init__(self, settings: MilestoneSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._services = services
        self._clock = services.clock
        ca = settings.ca_file(services.site_dir)
        self._http = HttpSession(ca=ca, timeout_s=settings.timeout_s)
        self._hold = RefusalHold(settings.username, services.clock)
        self._ntlm = NtlmSession(
            ca=ca,
            timeout_s=settings.timeout_s,
            username=settings.username,
            password=self.password,
            hold=self._hold,
        )
        self._instance_id = uuid4()
        self._addresses: Addresses | None = None
        self._discover_again_at = 0.0
        self._identity: tuple[IdentityProvider | None] | None = None
        self._soap: _SoapWay | None = None
        self._is_integration_failure_told = False
        self._renewal = Renewal(services.clock)
        self.bearer = self._renewal.lease(self._log_in, share=_BEARER_SHARE)
        """The OAuth token of REST calls."""
        self.corporate = self._renewal.lease(self._log_in_by_soap, share=_CORPORATE_SHARE)
        """The SOAP token that recorders take."""
        self.routes = Routes(self)
        """Which way each kind of call takes in this release."""

    @property
    def name(self) -> str:
        """The id of this VMS in the site file."""
        return self._settings.id

    @property
    def http(self) -> HttpSession:
        """The HTTP session with the site's CA, for services of this VMS that have an address of their own."""
        return self._http

    def addresses(self) -> Addresses:
        """Where the parts are; asked again now and then, more often while no API Gateway was found."""
        known = self._addresses
        if known is not None and self._clock.monotonic() < self._discover_again_at:
            return known
        try:
            return self.rediscover()
        except VmsUnavailable:
            if known is None:
                raise
            self._discover_again_at = self._clock.monotonic() + _NO_GATEWAY_KEEP_S
            return known

    def rediscover(self) -> Addresses:
        """Asks the management server again."""
        require_ca(self._settings.ca_file(self._services.site_dir))
        before, found = self._addresses, discover(self._http, self._settings)
        if before is None or (before.version, before.has_gateway) != (found.version, found.has_gateway):
            self._soap = None
        self._identity = None
        keep_s = _ADDRESSES_KEEP_S if found.has_gateway else _NO_GATEWAY_KEEP_S
        self._discover_again_at = self._clock.monotonic() + keep_s
        self._addresses = found
        return found

    def identity_provider(self) -> IdentityProvider | None:
        """The identity provider; None in releases before 2021 R1. Asked once per discovery."""
        self.addresses()
        known = self._identity
        if known is None:
            known = self._identity = (find_identity_provider(self._http, self._settings),)
        return known[0]

    def rest(self, method: str, path: str, *, what: str, **options: Any) -> requests.Response:
        """Calls a REST resource such as ``/cameras`` with the bearer token; returns whatever status comes back."""
        with without_effect():
            url = f"{self.addresses().rest}{path}"
        return self._authorised(method, url, what, options)

    def gateway(self, method: str, path: str, *, what: str, **options: Any) -> requests.Response:
        """Calls what stands beside the REST resources on the API Gateway, such as ``/ws/events/v1``."""
        with without_effect():
            url = f"{self.addresses().gateway}{path}"
        return self._authorised(method, url, what, options)

    def commands(self) -> ServerCommands:
        """The SOAP operations, logged in as the settings say and the release allows."""
        return self._soap_way().commands

    def soap_login(self) -> str:
        """How SOAP is logged in to: for people."""
        return self._soap_way().name

    def with_corporate_token(self, call: Callable[[ServerCommands, str], _Result]) -> _Result:
        """Carries out ``call`` with the SOAP operations and their token; once more with a fresh one when it is refused.

        A VMS that restarted knows no token of before, and says so in words that are unverified. A refused call had no
        effect, hence may be repeated.
        """
        with without_effect():
            commands, token = self.commands(), self.corporate.get()
        try:
            return call(commands, token)
        except VmsRefused:
            with without_effect():
                token = self.corporate.renew(token)
        return call(commands, token)

    def close(self) -> None:
        """Ends the renewals and closes the connections. Tokens end by themselves."""
        self._renewal.close()
        self._ntlm.close()
        self._http.close()

    def _authorised(self, method: str, url: str, what: str, options: dict[str, Any]) -> requests.Response:
        def send(authorization: str) -> requests.Response:
            headers = {"Authorization": authorization, "Accept": "application/json"}
            return self._http.request(method, url, what=what, headers=headers, allow_redirects=False, **options)

        return authorised(send, self._bearer_header)

    def _soap_way(self) -> _SoapWay:
        known = self._soap
        if known is None:
            known = self._soap = self._connect_soap()
        return known

    def _connect_soap(self) -> _SoapWay:
        url, login = self._settings.url, self._settings.login
        if self._soap_takes_bearer():
            commands = ServerCommands(self._http, f"{url}{OAUTH_PATH}", self._bearer_header)
            return _SoapWay(commands, "OAuth endpoint with the bearer token", takes_bearer=True)
        if login == "client":
            raise VmsRefused(
                f"{url} is an XProtect before 2021 R1, which knows no OAuth clients",
                remedy="Write a basic user or a Windows account, and 'login: basic' or 'login: windows'.",
            )
        if login == "windows":
            commands = ServerCommands(
                self._ntlm, f"{url}{NTLM_PATH}", lambda _: "", account_remedy=_WINDOWS_REMEDY, is_asmx=True
            )
            return _SoapWay(commands, "older endpoint with NTLM", takes_bearer=False)
        if urlsplit(url).scheme != "https":
            raise VmsRefused(
                f"{url} is an older XProtect without TLS: its SOAP service takes a password over TLS only",
                remedy="Enable encryption in Server Configurator, and write https:// in 'url'; or use a Windows account.",
            )
        commands = ServerCommands(self._http, f"{url}{BASIC_PATH}", self._basic_header)
        return _SoapWay(commands, "older endpoint with HTTP Basic over TLS", takes_bearer=False)

    def _soap_takes_bearer(self) -> bool:
        """From 2021 R1 on; where no version is told, an identity provider that answers is as good."""
        identity = self.identity_provider()
        version = (identity.version if identity else ()) or self.addresses().version
        return version[:1] >= OAUTH_SINCE[:1] if version else identity is not None

    def _bearer_header(self, rejected: str) -> str:
        token = self.bearer.renew(rejected.removeprefix("Bearer ")) if rejected else self.bearer.get()
        return f"Bearer {token}"

    def _basic_header(self, rejected: str) -> str:
        """``rejected`` means that the password itself was just refused: it is not sent again soon."""
        if rejected:
            self._hold.begin()
            return rejected
        self._hold.require_none()
        pair = f"{self._settings.username}:{self.password()}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def _log_in(self, _current: str) -> Grant:
        username = self._settings.username
        match self._settings.login:
            case "windows":
                return windows_grant(self._ntlm, f"{self._settings.url}/IDP", username)
            case "client":
                return client_grant(self._http, self._token_endpoint(), username, self.password())
            case "basic":
                return password_grant(self._http, self.addresses().identity_provider, username, self.password())

    def _token_endpoint(self) -> str:
        identity = self.identity_provider()
        endpoint = identity.token_endpoint if identity else ""
        if not endpoint:
            raise VmsRefused(
                f"{self._settings.url} names no token endpoint: it has no identity provider, or an older one",
                remedy="OAuth clients need XProtect 2021 R1 or later; check that 'url' is the management server.",
            )
        self._settings.require_declared(endpoint, "the identity provider")
        return endpoint

    def _log_in_by_soap(self, current: str) -> Grant:
        with without_effect():
            way = self._soap_way()
            if current:
                try:
                    return way.commands.login(self._instance_id, current)
                except VmsRefused:
                    pass  # a VMS that restarted does not know the token; a refused password is on hold below
            grant = way.commands.login(self._instance_id, "")
        self._register(way, grant.token)
        return grant

    def _register(self, way: _SoapWay, token: str) -> None:
        """Tells who we are, which nothing depends on; the OAuth endpoint takes an empty token there."""
        try:
            way.commands.register_integration("" if way.takes_bearer else token, self._instance_id)
        except VmsError as error:
            if not self._is_integration_failure_told:
                self._is_integration_failure_told = True
                _log.info("integration_not_registered", vms=self._settings.id, reason=str(error))

    def password(self) -> str:
        try:
            return self._services.secrets(self._settings.password)
        except SecretError as error:
            raise AuthenticationRefused(str(error), remedy=error.remedy) from error


def require_ca(ca: Path | None) -> None:
    """Refuses a CA file that is not there, before a library fails on it with an error of its own."""
    if ca is not None and not ca.is_file():
        raise CertificateRejected(
            f"the CA file {ca.name} of the site file is not there", remedy="Export the site's CA as PEM to that path."
        )
