"""The client's half of RTSP authentication: Digest MD5 and SHA-256 (RFC 7616), and Basic over TLS alone."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from connectors.protocols.digest import Algorithm, parameters, response_of

_STRONGEST_FIRST: Final = (Algorithm.SHA256, Algorithm.MD5)


class Credentials:
    """Answers the challenges of one connection."""

    def __init__(self, username: str, password: str, *, allow_basic: bool) -> None:
        self._username = username
        self._password = password
        self._allow_basic = allow_basic
        self._challenge: tuple[Algorithm, Mapping[str, str]] | None = None
        self._is_basic = False
        self._count = 0

    def challenged(self, challenges: Iterable[str]) -> bool:
        """Takes what ``WWW-Authenticate`` says; False when it asks for nothing that we can or may answer."""
        split = [text.strip().partition(" ") for text in challenges]
        digests = [parameters(rest) for kind, _, rest in split if kind.lower() == "digest"]
        by_algorithm = {Algorithm.named(given.get("algorithm", "")): given for given in digests}
        known = ((algorithm, by_algorithm[algorithm]) for algorithm in _STRONGEST_FIRST if algorithm in by_algorithm)
        self._challenge = next(known, None)
        self._is_basic = (
            self._allow_basic and not self._challenge and any(kind.lower() == "basic" for kind, *_ in split)
        )
        self._count = 0
        return bool(self._username) and (self._challenge is not None or self._is_basic)

    def header(self, method: str, url: str) -> str:
        """Value of ``Authorization``; empty before a challenge."""
        if self._is_basic:
            text = f"{self._username}:{self._password}"
            return f"Basic {base64.b64encode(text.encode()).decode()}"
        return self._digest(*self._challenge, method, url) if self._challenge else ""

    def _digest(self, algorithm: Algorithm, challenge: Mapping[str, str], method: str, url: str) -> str:
        realm = challenge.get("realm", "")
        given = {"username": self._username, "realm": realm, "nonce": challenge.get("nonce", ""), "uri": url}
        if "opaque" in challenge:
            given["opaque"] = challenge["opaque"]
        bare = {"algorithm": challenge["algorithm"]} if "algorithm" in challenge else {}
        if "auth" in challenge.get("qop", "").replace(",", " ").split():
            self._count += 1
            given["cnonce"] = secrets.token_hex(8)
            bare |= {"qop": "auth", "nc": f"{self._count:08x}"}
        given["response"] = response_of(algorithm, given | bare, method, realm, self._password)
        quoted = [f'{name}="{_escaped(value)}"' for name, value in given.items()]
        return f"Digest {', '.join([*quoted, *(f'{name}={value}' for name, value in bare.items())])}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
