"""HTTP Digest (RFC 2617, MD5, ``qop=auth``) as a driver of old does it: one algorithm, counted nonces, one retry."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
from requests.utils import parse_dict_header

_SCHEME = "digest "


def challenges(response: requests.Response) -> list[dict[str, str]]:
    """The digest challenges of a 401, in the order of its ``WWW-Authenticate`` headers."""
    headers: Sequence[str] = response.raw.headers.getlist("www-authenticate")
    texts = [header[len(_SCHEME) :] for header in headers if header.lower().startswith(_SCHEME)]
    return [_fields(text) for text in texts]


def usable(offered: Sequence[dict[str, str]]) -> dict[str, str] | None:
    """The first MD5 challenge with ``qop=auth`` or none: SHA-256 came later, and is optional (SPEC:Core)."""
    for challenge in offered:
        qops = {word.strip() for word in challenge.get("qop", "").split(",")}
        if challenge.get("algorithm", "MD5").upper() == "MD5" and challenge.get("nonce") and qops & {"", "auth"}:
            return challenge
    return None


class DigestLogin:
    """The credentials of one account, and the nonce that it uses now. Thread-safe."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._challenge: dict[str, str] | None = None
        self._count = 0
        self._lock = threading.Lock()

    def take(self, challenge: dict[str, str]) -> None:
        """From now on this nonce is used."""
        with self._lock:
            self._challenge, self._count = challenge, 0

    def header(self, method: str, url: str) -> dict[str, str]:
        """``Authorization`` for a request; nothing before the first challenge."""
        with self._lock:
            if self._challenge is None:
                return {}
            self._count += 1
            challenge, count = self._challenge, f"{self._count:08x}"
        parts = urlsplit(url)
        uri = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        return {"Authorization": self._authorization(challenge, method, uri, count)}

    def _authorization(self, challenge: dict[str, str], method: str, uri: str, count: str) -> str:
        realm, nonce = challenge.get("realm", ""), challenge["nonce"]
        account = _md5(f"{self._user}:{realm}:{self._password}")
        asked = _md5(f"{method}:{uri}")
        fields = {"username": self._user, "realm": realm, "nonce": nonce, "uri": uri}
        if challenge.get("qop"):
            own = secrets.token_hex(8)
            response = _md5(f"{account}:{nonce}:{count}:{own}:auth:{asked}")
            bare = f", qop=auth, nc={count}"
            fields["cnonce"] = own
        else:
            response, bare = _md5(f"{account}:{nonce}:{asked}"), ""
        fields["response"] = response
        if "opaque" in challenge:
            fields["opaque"] = challenge["opaque"]
        quoted = ", ".join(f'{name}="{_escaped(value)}"' for name, value in fields.items())
        return f"Digest {quoted}, algorithm=MD5{bare}"


def _fields(text: str) -> dict[str, str]:
    parsed: dict[str, str | None] = parse_dict_header(text)  # type: ignore[no-untyped-call]
    return {key.lower(): value or "" for key, value in parsed.items()}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
