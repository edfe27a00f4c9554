"""Sending with a Windows account: NTLM, which authenticates a connection rather than a request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from requests_ntlm import HttpNtlmAuth
from spnego.exceptions import SpnegoError

from connectors.milestone.access.tokens import RefusalHold
from connectors.protocols.http import HttpSession
from core.errors import ProtocolViolation, VmsUnavailable
from core.redaction import redact

_WAIT_FOR_CONNECTION_S = 60.0
"""Longest wait for another thread's request."""


class NtlmSession:
    """Sends one request at a time over connections of its own, so that no other request comes between NTLM's legs."""

    def __init__(
        self, *, ca: Path | None, timeout_s: float, username: str, password: Callable[[], str], hold: RefusalHold
    ) -> None:
        self._http = HttpSession(ca=ca, timeout_s=timeout_s)
        self._username = username
        self._password = password
        self._hold = hold
        self._lock = threading.Lock()

    def request(self, method: str, url: str, *, what: str, **options: Any) -> requests.Response:
        """Sends and returns whatever status comes back: 401 is a refused account, which is not tried again soon."""
        if not self._lock.acquire(timeout=_WAIT_FOR_CONNECTION_S):
            raise VmsUnavailable(f"{what}: another request of this account is still waiting for the VMS")
        try:
            self._hold.require_none()  # those who waited must not send what was refused meanwhile
            authentication = _Ntlm(self._username, self._password(), what)
            response = self._http.request(method, url, what=what, auth=authentication, **options)
            if response.status_code == requests.codes.unauthorized:
                self._hold.begin()
        finally:
            self._lock.release()
        return response

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()


class _Ntlm(HttpNtlmAuth):
    """The handshake; what it raises when the server does not play its part becomes ours."""

    def __init__(self, username: str, password: str, what: str) -> None:
        super().__init__(username, password)
        self._what = what

    def response_hook(self, r: requests.Response, **kwargs: Any) -> requests.Response:
        try:
            answered: requests.Response = super().response_hook(r, **kwargs)
        except (PermissionError, KeyError, ValueError, AttributeError, SpnegoError) as error:
            # KeyError, AttributeError: the package looks for headers and a socket that a strange answer lacks.
            raise ProtocolViolation(
                f"{self._what}: the server does not answer as NTLM asks ({redact(str(error))})",
                remedy="Check in IIS that Windows Authentication with the provider NTLM is enabled.",
            ) from error
        return answered
