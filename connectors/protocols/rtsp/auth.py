"""Digest and Basic authentication as RTSP servers use them (RFC 2617, RFC 7616)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from connectors.protocols.digest import Algorithm, equal, is_response, parameters

_NONCE_BYTES = 16


class Scheme(StrEnum):
    """What a server offers. FFmpeg takes the last Digest offered and knows MD5 only, so MD5 goes after SHA-256."""

    DIGEST_SHA256 = "SHA-256"
    DIGEST_MD5 = "MD5"
    BASIC = "Basic"


DIGESTS = (Scheme.DIGEST_SHA256, Scheme.DIGEST_MD5)


class Authenticator:
    """Checks the credentials of one connection: its nonce is worth nothing on another one.

    No users means that nobody has to authenticate.
    """

    def __init__(self, users: Mapping[str, str], realm: str, schemes: Sequence[Scheme] = DIGESTS) -> None:
        self._users = users
        self._realm = realm
        self._schemes = schemes
        self._nonce = secrets.token_hex(_NONCE_BYTES)
        self._last_count = 0

    def challenges(self, authorization: str) -> tuple[str, ...]:
        """Values for ``WWW-Authenticate``; says ``stale`` when the credentials used another nonce."""
        stale = ", stale=true" if self._is_stale(authorization) else ""
        return tuple(
            f'Basic realm="{self._realm}"'
            if scheme is Scheme.BASIC
            else f'Digest realm="{self._realm}", nonce="{self._nonce}", algorithm={scheme}{stale}'
            for scheme in self._schemes
        )

    def user_of(self, authorization: str, method: str, url: str) -> str | None:
        """The user that an ``Authorization`` value proves, or None."""
        kind, _, rest = authorization.partition(" ")
        if not self._users:
            return ""
        if kind.lower() == "basic" and Scheme.BASIC in self._schemes:
            return self._basic_user(rest.strip())
        if kind.lower() == "digest":
            return self._digest_user(parameters(rest), method, url)
        return None

    def _basic_user(self, encoded: str) -> str | None:
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name if name in self._users and equal(password, self._users[name]) else None

    def _digest_user(self, given: Mapping[str, str], method: str, url: str) -> str | None:
        algorithm = self._algorithm_of(given.get("algorithm", ""))
        name = given.get("username", "")
        if algorithm is None or name not in self._users or given.get("nonce") != self._nonce:
            return None
        if not _covers(given.get("uri", ""), url):
            return None
        if not is_response(algorithm, given, method, self._realm, self._users[name]):
            return None
        return name if not given.get("qop") or self._is_fresh(given.get("nc", "")) else None

    def _algorithm_of(self, name: str) -> Algorithm | None:
        algorithm = Algorithm.named(name)
        return algorithm if algorithm is not None and Scheme(algorithm) in self._schemes else None

    def _is_fresh(self, count: str) -> bool:
        """With qop each request counts up: a smaller count is a replay."""
        if not re.fullmatch(r"[0-9a-fA-F]{8}", count) or int(count, 16) <= self._last_count:
            return False
        self._last_count = int(count, 16)
        return True

    def _is_stale(self, authorization: str) -> bool:
        kind, _, rest = authorization.partition(" ")
        return kind.lower() == "digest" and parameters(rest).get("nonce") != self._nonce


def _covers(uri: str, url: str) -> bool:
    """Clients sign the URL they ask, its path, or the presentation that a track belongs to."""
    try:
        signed, asked = urlsplit(uri).path.rstrip("/"), urlsplit(url).path.rstrip("/")
    except ValueError:
        return False
    return asked == signed or asked.startswith(f"{signed}/")
