"""Who may ask: HTTP Digest first, then a WS-Security UsernameToken (SPEC:Core "Authentication over HTTP and HTTPS").

A request without credentials gets 401 with a challenge, or where only tokens are taken 400 with a fault; so do wrong ones.
Unverified: which of the two Milestone's bridge takes, its realm, and how long its nonces live.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar
from urllib.request import parse_http_list, parse_keqv_list

from connectors.onvif.simulator.camera.soap import NAMESPACES, Element, SoapFault
from core.clock import parse_iso
from core.contracts import Clock

_K = TypeVar("_K")
_V = TypeVar("_V")

REALM: Final = "onvifbridge"

_DIGESTS: Final[Mapping[str, Callable[[bytes], hashlib._Hash]]] = {
    "SHA-256": hashlib.sha256,
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
}
"""MD5 last: clients that know only it take the last challenge."""
_MAX_REMEMBERED: Final = 4096
_TOKEN_WINDOW_S: Final = 300.0
_TOKEN_TYPE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"  # noqa: S105 - a name


class Login(StrEnum):
    """How a client may prove who it is."""

    BOTH = "both"
    DIGEST = "digest"
    USERNAME_TOKEN = "username-token"  # noqa: S105 - a name


class Challenged(Exception):
    """401: ``challenges`` are the values of ``WWW-Authenticate``."""

    def __init__(self, reason: str, challenges: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.challenges = challenges


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request shows. ``target`` is the request target of its first line."""

    method: str
    target: str
    authorization: str
    security: Element | None

    @property
    def has_any(self) -> bool:
        """Whether it shows something at all."""
        return bool(self.authorization) or self.security is not None


class Gate:
    """Lets requests in by either way; remembers nonces so that none counts twice."""

    def __init__(self, users: Mapping[str, str], login: Login, clock: Clock, nonce_s: float) -> None:
        self._users = users
        self._login = login
        self._clock = clock
        self._nonce_s = nonce_s
        self._nonces: OrderedDict[str, _Nonce] = OrderedDict()
        self._tokens: OrderedDict[bytes, float] = OrderedDict()

    def require(self, shown: Credentials) -> str:
        """How the client got in: ``digest`` or ``username-token``. Raises ``Challenged`` or ``SoapFault``."""
        kind, _, rest = shown.authorization.partition(" ")
        if kind.lower() == "digest" and self._login is not Login.USERNAME_TOKEN:
            return self._by_digest(rest, shown)
        if shown.security is not None and self._login is not Login.DIGEST:
            return self._by_token(shown.security)
        raise self.refusal("credentials are missing", is_by_token=False)

    def refusal(self, reason: str, *, is_by_token: bool, is_stale: bool = False) -> Challenged | SoapFault:
        """What to answer to somebody who is not let in."""
        if is_by_token or self._login is Login.USERNAME_TOKEN:
            return SoapFault("Sender", ("ter:NotAuthorized",), reason)
        nonce = secrets.token_hex(16)
        _remember(self._nonces, nonce, _Nonce(self._clock.monotonic()))
        stale = ", stale=true" if is_stale else ""
        return Challenged(
            reason,
            tuple(f'Digest realm="{REALM}", qop="auth", nonce="{nonce}", algorithm={name}{stale}' for name in _DIGESTS),
        )

    def forget(self) -> None:
        """As after a restart: every nonce given out is void."""
        self._nonces.clear()

    def _by_digest(self, text: str, shown: Credentials) -> str:
        given = _parameters(text)
        nonce = self._nonces.get(given.get("nonce", ""))
        if nonce is None or self._clock.monotonic() - nonce.issued_at > self._nonce_s:
            raise self.refusal("the nonce is unknown or too old", is_by_token=False, is_stale=True)
        if not self._is_proven(given, shown):
            raise self.refusal("user, password or request do not fit", is_by_token=False)
        if not nonce.takes(given["nc"]):
            raise self.refusal("the nonce was used with this count before", is_by_token=False, is_stale=True)
        return "digest"

    def _is_proven(self, given: Mapping[str, str], shown: Credentials) -> bool:
        """RFC 7616 §3.4.1 with ``qop=auth``, which is asked for; the signed address is the one that is asked."""
        name, digest = given.get("username", ""), _DIGESTS.get(given.get("algorithm", "MD5"))
        if digest is None or given.get("realm") != REALM or given.get("qop") != "auth" or given["uri"] != shown.target:
            return False
        if name not in self._users or not re.fullmatch(r"[0-9a-fA-F]{8}", given["nc"]):
            return False

        def hexed(text: str) -> str:
            return digest(text.encode()).hexdigest()

        first, second = hexed(f"{name}:{REALM}:{self._users[name]}"), hexed(f"{shown.method}:{given['uri']}")
        response = hexed(f"{first}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{second}")
        return hmac.compare_digest(response.encode(), given["response"].encode())

    def _by_token(self, security: Element) -> str:
        """SPEC:Core "Username token profile": digest only, with nonce and creation time, each nonce once."""
        token = security.find("wsse:UsernameToken", NAMESPACES)
        if token is None:
            raise self.refusal("the security header has no UsernameToken", is_by_token=True)
        name, created, nonce, password = (
            (token.findtext(path, namespaces=NAMESPACES) or "").strip()
            for path in ("wsse:Username", "wsu:Created", "wsse:Nonce", "wsse:Password")
        )
        kind = next((item.get("Type") for item in token.findall("wsse:Password", NAMESPACES)), None)
        if kind != _TOKEN_TYPE or not created or not nonce:
            raise self.refusal("a password digest with nonce and creation time is needed", is_by_token=True)
        self._require_fresh(created)
        raw = _decoded(nonce)
        secret = self._users.get(name)
        # The profile says SHA-1; it proves knowledge of the password, nothing more.
        digest = hashlib.sha1(raw + created.encode() + (secret or "").encode(), usedforsecurity=False).digest()
        if secret is None or not hmac.compare_digest(digest, _decoded(password)):
            raise self.refusal("user or password is wrong", is_by_token=True)
        if not raw or raw in self._tokens:
            raise self.refusal("the nonce is none, or was used before", is_by_token=True)
        _remember(self._tokens, raw, self._clock.monotonic())
        return "username-token"

    def _require_fresh(self, created: str) -> None:
        try:
            age_s = abs(self._clock.utc() - parse_iso(created))
        except ValueError as error:
            raise self.refusal("the creation time is none", is_by_token=True) from error
        if age_s > _TOKEN_WINDOW_S:
            raise self.refusal("the creation time is too far from this clock", is_by_token=True)


@dataclass(slots=True)
class _Nonce:
    issued_at: float
    highest: int = 0

    def takes(self, count: str) -> bool:
        """Counts only rise."""
        if int(count, 16) <= self.highest:
            return False
        self.highest = int(count, 16)
        return True


def _parameters(text: str) -> dict[str, str]:
    """All that a digest with ``qop`` needs; what is absent is empty."""
    pairs = [item for item in parse_http_list(text) if "=" in item]
    return dict.fromkeys(("uri", "nc", "cnonce", "nonce", "response"), "") | parse_keqv_list(pairs)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _remember(book: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    book[key] = value
    while len(book) > _MAX_REMEMBERED:
        book.popitem(last=False)
