"""Tokens that renew themselves, behind one thread-safe object each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import requests

from core.contracts import Clock
from core.errors import AuthenticationRefused, VmsError, VmsUnavailable

_RENEWAL_RETRY_S = 30.0
"""A renewal that failed while the old token still holds is tried again after so long."""
_AHEAD = 0.9
"""Share of the time to a renewal on demand, after which the background renews."""
_REFUSAL_HOLD_S = 300.0
"""Refused credentials are not tried again sooner. Cameras of several processes go on asking, and usual policies lock an
account after five to ten refusals within a quarter of an hour."""
_WAIT_FOR_LOGIN_S = 60.0
"""Longest wait for another thread's login."""


class Grant(NamedTuple):
    """A token, and how long it holds."""

    token: str
    life_s: float


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    since: float
    due_at: float
    renew_at: float
    expires_at: float


class Lease:
    """A token that is fetched when first asked for, and again once ``share`` of its life is over.

    ``fetch`` gets the token to continue (empty for a fresh login). While the old token still holds, a failing
    renewal is not the caller's problem and only one thread waits for it. Threads that waited for a login that failed
    fail with it, instead of waiting for the same time-out one after the other. ``renewed`` is called with every new
    token; ``due_at`` and ``renew_ahead`` are for who renews in the background, a little before ``get`` would.
    """

    def __init__(
        self, fetch: Callable[[str], Grant], clock: Clock, *, share: float, renewed: Callable[[], None] = lambda: None
    ) -> None:
        self._fetch = fetch
        self._renewed = renewed
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
        if held is not None and now < min(held.renew_at, held.expires_at):
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

    @property
    def due_at(self) -> float | None:
        """When to renew in the background, on the monotonic clock; None while there is no token."""
        held = self._held
        return held.due_at if held is not None else None

    def renew_ahead(self) -> None:
        """Continues the token if that is due. A failure is tried again later, and is nobody's problem meanwhile."""
        held = self._held
        if held is None or self._clock.monotonic() < held.due_at or not self._lock.acquire(timeout=_WAIT_FOR_LOGIN_S):
            return
        try:
            if self._held is held:
                self._take(held.token, self._failures)
        except VmsError:
            again = self._clock.monotonic() + _RENEWAL_RETRY_S
            self._held = replace(held, due_at=again, renew_at=max(held.renew_at, again + _RENEWAL_RETRY_S))
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
        wait = self._share * grant.life_s
        self._held = _Held(grant.token, now, now + _AHEAD * wait, now + wait, now + grant.life_s)
        self._renewed()

    def _nobody_logged_in(self) -> str:
        raise VmsUnavailable(f"no login within {_WAIT_FOR_LOGIN_S:.0f} s: another thread is still waiting for the VMS")


class RefusalHold:
    """Keeps a refused password from being tried again at once; for calls that each carry the password itself."""

    def __init__(self, account: str, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._until = 0.0

    def begin(self) -> None:
        """The account was refused just now."""
        self._until = self._clock.monotonic() + _REFUSAL_HOLD_S

    def require_none(self) -> None:
        """Raises ``AuthenticationRefused`` while a refusal is young."""
        if self._clock.monotonic() < self._until:
            raise AuthenticationRefused(
                f"{self._account!r} was refused; it is tried again after {_REFUSAL_HOLD_S:.0f} s, lest it be locked",
                remedy="Check username and password.",
            )


def authorised(send: Callable[[str], requests.Response], authorise: Callable[[str], str]) -> requests.Response:
    """Sends with an ``Authorization`` value; when the answer is 401, once more with a renewed one if there is one."""
    header = authorise("")
    response = send(header)
    if response.status_code != requests.codes.unauthorized:
        return response
    renewed = authorise(header)
    return response if renewed == header else send(renewed)
