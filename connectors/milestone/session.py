"""One login into XProtect, kept alive: the bearer token for REST and the corporate token for recorders.

XProtect has two token systems and neither takes the other's. Both are behind this object, renewed ahead of their end
and after a 401, so that nobody else needs to know.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from connectors.milestone.discovery import Addresses, discover, takes_bearer_in_soap
from connectors.milestone.rest import without_effect
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.soap import BASIC_PATH, OAUTH_PATH, ServerCommands
from connectors.milestone.tokens import Grant, Lease, authorised, password_grant
from connectors.protocols.http import HttpSession
from core.contracts import ConnectorServices
from core.errors import AuthenticationRefused, CertificateRejected, SecretError, VmsRefused

_Result = TypeVar("_Result")

_BEARER_SHARE = 0.8
_CORPORATE_SHARE = 0.5
"""Shares of a token's life after which it is renewed."""


class XProtectSession:
    """Tokens, REST and SOAP of one management server. Constructing does no I/O; thread-safe."""

    def __init__(self, settings: MilestoneSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._services = services
        self._http = HttpSession(ca=settings.ca_file(services.site_dir), timeout_s=settings.timeout_s)
        self._instance_id = uuid4()
        self._addresses: Addresses | None = None
        self._commands: ServerCommands | None = None
        self.bearer = Lease(self._log_in, services.clock, share=_BEARER_SHARE)
        """The OAuth token of REST calls."""
        self.corporate = Lease(self._log_in_by_soap, services.clock, share=_CORPORATE_SHARE)
        """The SOAP token that recorders take."""

    def addresses(self) -> Addresses:
        """Where the parts are; asked once, and again while no API Gateway was found."""
        known = self._addresses
        if known is not None and known.has_gateway:
            return known
        return self.rediscover()

    def rediscover(self) -> Addresses:
        """Asks the management server again."""
        require_ca(self._settings.ca_file(self._services.site_dir))
        self._addresses = discover(self._http, self._settings)
        return self._addresses

    def rest(self, method: str, path: str, *, what: str, **options: Any) -> requests.Response:
        """Calls a REST resource such as ``/cameras`` with the bearer token; returns whatever status comes back."""
        with without_effect():
            url = f"{self.addresses().rest}{path}"

        def send(authorization: str) -> requests.Response:
            headers = {"Authorization": authorization, "Accept": "application/json"}
            return self._http.request(method, url, what=what, headers=headers, allow_redirects=False, **options)

        return authorised(send, self._bearer_header)

    def commands(self) -> ServerCommands:
        """The SOAP operations: with the bearer token where the VMS takes it there, else with HTTP Basic over TLS."""
        if self._commands is None:
            self._commands = self._connect_soap()
        return self._commands

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
        """Closes the connections. Tokens end by themselves."""
        self._http.close()

    def _connect_soap(self) -> ServerCommands:
        url = self._settings.url
        if takes_bearer_in_soap(self._http, self._settings, self.addresses()):
            return ServerCommands(self._http, f"{url}{OAUTH_PATH}", self._bearer_header)
        if urlsplit(url).scheme != "https":
            raise VmsRefused(
                f"{url} is an older XProtect without TLS: its SOAP service takes a password over TLS only",
                remedy="Enable encryption in Server Configurator, and write https:// in 'url'.",
            )
        return ServerCommands(self._http, f"{url}{BASIC_PATH}", self._basic_header)

    def _bearer_header(self, rejected: str) -> str:
        token = self.bearer.renew(rejected.removeprefix("Bearer ")) if rejected else self.bearer.get()
        return f"Bearer {token}"

    def _basic_header(self, _rejected: str) -> str:
        pair = f"{self._settings.username}:{self._password()}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def _log_in(self, _current: str) -> Grant:
        provider = self.addresses().identity_provider
        return password_grant(self._http, provider, self._settings.username, self._password())

    def _log_in_by_soap(self, current: str) -> Grant:
        with without_effect():
            commands = self.commands()
            try:
                return commands.login(self._instance_id, current)
            except VmsRefused:
                if not current:
                    raise
            return commands.login(self._instance_id, "")

    def _password(self) -> str:
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
