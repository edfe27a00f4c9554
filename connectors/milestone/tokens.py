"""Tokens that renew themselves, behind one thread-safe object each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import requests

from connectors.milestone.rest import json_object, succeeded, without_effect
from connectors.protocols.http import HttpSession
from core.contracts import Clock
from core.errors import AuthenticationRefused, ProtocolViolation, VmsError, VmsUnavailable
from core.redaction import redact

_RENEWAL_RETRY_S = 30.0
"""A renewal that failed while the old token still holds is tried again after so long."""
_REFUSAL_HOLD_S = 30.0
"""Refused credentials are not tried again sooner: many cameras retrying at once would lock the account."""
_WAIT_FOR_LOGIN_S = 60.0
"""Longest wait for another thread's login."""
_DEFAULT_LIFE_S = 3600.0
"""Life of a bearer token when the identity provider does not say."""
_PASSWORD_CLIENT = "GrantValidatorClient"  # noqa: S105 - XProtect's public client id, no secret

_REMEDIES = {
    "InvalidCredentials": "Check username and password: Management Client → Security → Basic Users.",
    "LockedOut": "The account is locked: Management Client → Security → Basic Users, clear its lockout.",
    "ChangePassword": "The account must change its password first: log in once with a Smart Client and choose a new one.",
}
_SPELLINGS = {"invalid_username_or_password": "InvalidCredentials"}


class Grant(NamedTuple):
    """A token, and how long it holds."""

    token: str
    life_s: float


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    since: float
    renew_at: float
    expires_at: float


class Lease:
    """A token that is fetched when first asked for, and again once ``share`` of its life is over.

    ``fetch`` gets the token to continue (empty for a fresh login). While the old token still holds, a failing
    renewal is not the caller's problem and only one thread waits for it. Threads that waited for a login that failed
    fail with it, instead of waiting for the same time-out one after the other.
    """

    def __init__(self, fetch: Callable[[str], Grant], clock: Clock, *, share: float) -> None:
        self._fetch = fetch
        self._clock = clock
        self._share = share
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._failure: VmsError | None = None
        self._failures = 0
        self._refused_until = 0.0

    def get(self) -> str:
        """A token that holds. Raises ``VmsError`` when none can be had."""
        failures, held, now = self._failures, self._held, self._clock.monotonic()
        if held is not None and now < held.renew_at:
            return held.token
        still_good = held.token if held is not None and now < held.expires_at else ""
        if not self._lock.acquire(timeout=0.0 if still_good else _WAIT_FOR_LOGIN_S):
            return still_good or self._nobody_logged_in()
        try:
            return self._continued(held, still_good, failures)
        finally:
            self._lock.release()

    def renew(self, rejected: str, *, unless_younger_s: float = 0.0) -> str:
        """A token other than ``rejected``, which a peer did not take; ``rejected`` itself where it is that young."""
        failures = self._failures
        if not self._lock.acquire(timeout=_WAIT_FOR_LOGIN_S):
            return self._nobody_logged_in()
        try:
            held, oldest = self._held, self._clock.monotonic() - unless_younger_s
            if held is None or (held.token == rejected and held.since <= oldest):
                self._take("", failures)
            assert self._held is not None
            return self._held.token
        finally:
            self._lock.release()

    def _continued(self, seen: _Held | None, still_good: str, failures: int) -> str:
        if self._held is seen:
            try:
                self._take(seen.token if seen is not None else "", failures)
            except VmsError:
                if seen is None or not still_good:
                    raise
                self._held = replace(seen, renew_at=self._clock.monotonic() + _RENEWAL_RETRY_S)
        assert self._held is not None
        return self._held.token

    def _take(self, current: str, failures: int) -> None:
        """Fetches, unless that failed since the caller counted ``failures``, or the credentials were just refused."""
        known = self._failure
        if known is not None and (failures != self._failures or self._clock.monotonic() < self._refused_until):
            raise type(known)(str(known), remedy=known.remedy) from known
        try:
            grant = self._fetch(current)
        except VmsError as error:
            self._failure, self._failures = error, self._failures + 1
            if isinstance(error, AuthenticationRefused):
                self._refused_until = self._clock.monotonic() + _REFUSAL_HOLD_S
            raise
        now = self._clock.monotonic()
        self._failure, self._refused_until = None, 0.0
        self._held = _Held(grant.token, now, now + self._share * grant.life_s, now + grant.life_s)

    def _nobody_logged_in(self) -> str:
        raise VmsUnavailable(f"no login within {_WAIT_FOR_LOGIN_S:.0f} s: another thread is still waiting for the VMS")


def authorised(send: Callable[[str], requests.Response], authorise: Callable[[str], str]) -> requests.Response:
    """Sends with an ``Authorization`` value; when the answer is 401, once more with a renewed one if there is one."""
    header = authorise("")
    response = send(header)
    if response.status_code != requests.codes.unauthorized:
        return response
    renewed = authorise(header)
    return response if renewed == header else send(renewed)


def password_grant(http: HttpSession, identity_provider: str, username: str, password: str) -> Grant:
    """A bearer token for a basic user, by the OAuth 2 password grant.

    There is no refresh token with this client id: renewing is posting the credentials again.
    """
    what = f"login of {username!r} at {identity_provider}"
    form = {"grant_type": "password", "username": username, "password": password, "client_id": _PASSWORD_CLIENT}
    with without_effect():
        response = http.request(
            "POST", f"{identity_provider}/connect/token", what=what, data=form, allow_redirects=False
        )
        if response.status_code in {requests.codes.bad_request, requests.codes.unauthorized}:
            raise _refusal(response, what)
        body = json_object(succeeded(response, what), what)
    token = body.get("access_token")
    if not isinstance(token, str) or not token:
        raise ProtocolViolation(f"{what}: the answer has no access_token")
    return Grant(token, _life(body))


def _life(body: dict[str, Any]) -> float:
    try:
        return max(1.0, float(body.get("expires_in", _DEFAULT_LIFE_S)))
    except (TypeError, ValueError):
        return _DEFAULT_LIFE_S


def _refusal(response: requests.Response, what: str) -> AuthenticationRefused:
    try:
        body = response.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    words = [str(told.get(key) or "") for key in ("error_code", "error", "error_description")]
    said = redact(" ".join(filter(None, words))) or f"HTTP {response.status_code}"
    return AuthenticationRefused(f"{what} is refused: {said}", remedy=_REMEDIES[_reason(" ".join(words))])


def _reason(words: str) -> str:
    folded = words.replace(" ", "").lower()
    for spelling, reason in (*_SPELLINGS.items(), *((name, name) for name in _REMEDIES)):
        if spelling.lower() in folded:
            return reason
    return "InvalidCredentials"
