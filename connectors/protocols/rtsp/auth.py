"""Digest and Basic authentication as RTSP servers use them (RFC 2617, RFC 7616)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
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
            return self._digest_user(_parameters(rest), method, url)
        return None

    def _basic_user(self, encoded: str) -> str | None:
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name if name in self._users and _equal(password, self._users[name]) else None

    def _digest_user(self, given: Mapping[str, str], method: str, url: str) -> str | None:
        digest = self._digest_of(given.get("algorithm", Scheme.DIGEST_MD5))
        name = given.get("username", "")
        if digest is None or name not in self._users or given.get("nonce") != self._nonce:
            return None
        uri = given.get("uri", "")
        if not _covers(uri, url):
            return None
        first = digest(f"{name}:{self._realm}:{self._users[name]}")
        second = digest(f"{method}:{uri}")
        middle = self._nonce
        if qop := given.get("qop"):
            middle = f"{self._nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:{qop}"
        if not _equal(digest(f"{first}:{middle}:{second}"), given.get("response", "")):
            return None
        return name if not qop or self._is_fresh(given.get("nc", "")) else None

    def _digest_of(self, algorithm: str) -> Callable[[str], str] | None:
        for scheme in self._schemes:
            if scheme is not Scheme.BASIC and scheme.lower() == algorithm.lower():
                return _sha256 if scheme is Scheme.DIGEST_SHA256 else _md5
        return None

    def _is_fresh(self, count: str) -> bool:
        """With qop each request counts up: a smaller count is a replay."""
        if not re.fullmatch(r"[0-9a-fA-F]{8}", count) or int(count, 16) <= self._last_count:
            return False
        self._last_count = int(count, 16)
        return True

    def _is_stale(self, authorization: str) -> bool:
        kind, _, rest = authorization.partition(" ")
        return kind.lower() == "digest" and _parameters(rest).get("nonce") != self._nonce


def _parameters(text: str) -> dict[str, str]:
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(text)
    }


def _covers(uri: str, url: str) -> bool:
    """Clients sign the URL they ask, its path, or the presentation that a track belongs to."""
    try:
        signed, asked = urlsplit(uri).path.rstrip("/"), urlsplit(url).path.rstrip("/")
    except ValueError:
        return False
    return asked == signed or asked.startswith(f"{signed}/")


def _equal(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(), second.encode())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
