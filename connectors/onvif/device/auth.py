"""Who may ask: HTTP digest first, and WS-Security UsernameToken digests where they are taken.

Rules: SPEC:Core "Authentication over HTTP and HTTPS", "SHA-256 Support in HTTP and RTSP digest authentication",
"Username token profile". Nothing is kept for a client that has not proved to know the password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from connectors.onvif.device.xml import qualified, text_of
from connectors.protocols.digest import Algorithm, equal, is_response, parameters
from core.clock import parse_iso
from core.contracts import Clock
from core.types import UtcSeconds

NONCE_LIFE_S: Final = 300.0
"""After that a client gets a new nonce by ``stale=true``, which no person notices."""

MAX_NONCES: Final = 4_096
"""Nonces in use whose counts are known; far more than drivers need in ``NONCE_LIFE_S``."""

TOKEN_WINDOW_S: Final = 300.0
"""How far the clock of a UsernameToken's sender may be off; WSS 1.1 recommends five minutes."""

MAX_TOKENS: Final = 20_000
"""UsernameTokens remembered against replay: some 60 requests a second for the whole window."""

_COUNT_WINDOW: Final = 128
"""A client with several connections sends counts out of order; those further behind are taken for replays."""

_COUNT: Final = re.compile(r"[0-9a-fA-F]{8}")
_NONCE: Final = re.compile(r"([0-9a-f]{12})([0-9a-f]{16})([0-9a-f]{32})")
_PASSWORD_DIGEST: Final = "#PasswordDigest"  # noqa: S105 - the name of a type
_NO_ACCOUNT: Final = "\0"
"""Compared where the user is unknown, so that the answer takes as long."""


class Verdict(StrEnum):
    """What credentials are worth."""

    ACCEPTED = "accepted"
    ABSENT = "absent"
    STALE = "stale"
    """The password is right, but the nonce is old, unknown or was used before: another one is due."""
    REFUSED = "refused"


class HttpDigest:
    """HTTP digest with nonces that need no memory: they carry their time, signed; only counts of used ones are kept."""

    def __init__(self, accounts: Mapping[str, str], clock: Clock, realm: str) -> None:
        self._accounts = accounts
        self._clock = clock
        self._realm = realm.replace("\\", "").replace('"', "")
        self._secret = secrets.token_bytes(32)
        self._book = _CountBook()

    def challenges(self, *, is_stale: bool) -> tuple[str, ...]:
        """Values for ``WWW-Authenticate``: MD5 first and with the same nonce, as the example of SPEC:Core.

        Clients that know only the first, only the last or only one value of all then have a usable one.
        """
        nonce = self._new_nonce()
        stale = ", stale=true" if is_stale else ""
        return tuple(
            f'Digest realm="{self._realm}", qop="auth", nonce="{nonce}", algorithm={algorithm}{stale}'
            for algorithm in Algorithm
        )

    def judge(self, authorization: str, method: str, target: str) -> Verdict:
        """``target``: path and query as the request line has them."""
        if not authorization.strip():
            return Verdict.ABSENT
        kind, _, rest = authorization.strip().partition(" ")
        if kind.lower() != "digest":
            return Verdict.REFUSED
        given = parameters(rest)
        if not self._is_proved(given, method, target):
            return Verdict.REFUSED
        return Verdict.ACCEPTED if self._is_fresh(given) else Verdict.STALE

    def _is_proved(self, given: Mapping[str, str], method: str, target: str) -> bool:
        algorithm = Algorithm.named(given.get("algorithm", ""))
        is_form_known = given.get("qop", "auth") == "auth" and given.get("realm") == self._realm
        if algorithm is None or not is_form_known or not _is_of(given.get("uri", ""), target):
            return False
        known = self._accounts.get(given.get("username", ""))
        is_right = is_response(algorithm, given, method, self._realm, _NO_ACCOUNT if known is None else known)
        return is_right and known is not None

    def _is_fresh(self, given: Mapping[str, str]) -> bool:
        nonce = given.get("nonce", "")
        issued_ms = self._issued_ms(nonce)
        if issued_ms is None:
            return False
        if "qop" not in given:  # RFC 2069 counts nothing: such a nonce is good for one request
            return self._book.take_whole(nonce, issued_ms)
        count = given.get("nc", "")
        return bool(_COUNT.fullmatch(count)) and self._book.take(nonce, issued_ms, int(count, 16))

    def _new_nonce(self) -> str:
        text = f"{self._now_ms():012x}{secrets.token_hex(8)}"
        return text + self._signature(text)

    def _issued_ms(self, nonce: str) -> int | None:
        """When we issued it; None for what is not ours or too old."""
        match = _NONCE.fullmatch(nonce)
        if match is None or not equal(self._signature(match[1] + match[2]), match[3]):
            return None
        issued = int(match[1], 16)
        return issued if self._now_ms() - issued <= NONCE_LIFE_S * 1000 else None

    def _now_ms(self) -> int:
        return round(self._clock.monotonic() * 1000)

    def _signature(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode(), "sha256").hex()[:32]


class UsernameTokens:
    """UsernameToken digests (WS-UsernameToken): each is good once, and only around its own time."""

    def __init__(self, accounts: Mapping[str, str], clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._used: OrderedDict[bytes, UtcSeconds] = OrderedDict()
        self._floor: UtcSeconds = 0.0
        """Tokens created up to then are no longer remembered, hence not taken."""

    def judge(self, token: etree._Element) -> Verdict:
        """``token``: a ``wsse:UsernameToken``. One without nonce or time of creation is refused (SPEC:Core)."""
        name, created = text_of(token, "wsse:Username"), text_of(token, "wsu:Created")
        nonce = _decoded(text_of(token, "wsse:Nonce"))
        known = self._accounts.get(name)
        expected = hashlib.sha1(  # noqa: S324 - the profile's own hash
            nonce + created.encode() + (_NO_ACCOUNT if known is None else known).encode()
        ).digest()
        given = _password_digest(token)
        is_right = equal(base64.b64encode(expected).decode(), given) and known is not None
        if not is_right or not nonce or not self._is_timely(created):
            return Verdict.REFUSED
        return Verdict.ACCEPTED if self._take(expected, parse_iso(created)) else Verdict.REFUSED

    def _is_timely(self, created: str) -> bool:
        try:
            at = parse_iso(created)
        except (ValueError, OverflowError):
            return False
        return at > self._floor and abs(at - self._clock.utc()) <= TOKEN_WINDOW_S

    def _take(self, digest: bytes, created: UtcSeconds) -> bool:
        oldest = self._clock.utc() - TOKEN_WINDOW_S
        while self._used and (next(iter(self._used.values())) < oldest or len(self._used) >= MAX_TOKENS):
            _, at = self._used.popitem(last=False)
            self._floor = max(self._floor, at)
        if digest in self._used or created <= self._floor:
            return False
        self._used[digest] = created
        return True


@dataclass(slots=True)
class _Counts:
    issued_ms: int
    highest: int = 0
    seen: int = 0
    """Bit n: the count ``highest - n`` was seen."""
    is_spent: bool = False


class _CountBook:
    """The counts seen with each nonce; bounded, because a nonce older than one forgotten is worth nothing any more."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Counts] = OrderedDict()
        self._floor_ms = -1

    def take(self, nonce: str, issued_ms: int, count: int) -> bool:
        """False when that count was seen, or is too far behind to know."""
        known = self._of(nonce, issued_ms)
        if known is None or known.is_spent:
            return False
        ahead = count - known.highest
        if ahead > 0:
            known.seen = (known.seen << min(ahead, _COUNT_WINDOW) | 1) & ((1 << _COUNT_WINDOW) - 1)
            known.highest = count
            return True
        if -ahead >= _COUNT_WINDOW or known.seen >> -ahead & 1 or count < 1:
            return False
        known.seen |= 1 << -ahead
        return True

    def take_whole(self, nonce: str, issued_ms: int) -> bool:
        """For a request without count: True once, if the nonce was never used."""
        known = self._of(nonce, issued_ms)
        if known is None or known.is_spent or known.highest:
            return False
        known.is_spent = True
        return True

    def _of(self, nonce: str, issued_ms: int) -> _Counts | None:
        if nonce not in self._counts:
            while len(self._counts) >= MAX_NONCES:
                _, forgotten = self._counts.popitem(last=False)
                self._floor_ms = max(self._floor_ms, forgotten.issued_ms)
            if issued_ms <= self._floor_ms:
                return None
            self._counts[nonce] = _Counts(issued_ms)
        return self._counts[nonce]


def _is_of(uri: str, target: str) -> bool:
    """Clients sign what stands in the request line; some sign the whole address."""
    return uri == target or (uri.partition("://")[2].partition("/")[2] == target[1:] and "://" in uri)


def _decoded(text: str) -> bytes:
    """Genetec's client names no encoding of the nonce (research, A4): it is always Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _password_digest(token: etree._Element) -> str:
    """Only digests: a password in clear is refused whatever it is."""
    password = token.find(qualified("wsse:Password"))
    if password is None or not password.get("Type", "").endswith(_PASSWORD_DIGEST):
        return ""
    return "".join((password.text or "").split())
