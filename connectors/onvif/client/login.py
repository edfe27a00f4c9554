"""How we log in to a bridge: HTTP Digest, and WS-Security UsernameToken with a password digest.

Facts (research, A1): devices protect their services with HTTP Digest, MD5 (RFC 2617) and optionally SHA-256 (RFC 7616);
a UsernameToken must hold a nonce and its time of creation, and is the legacy way.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from lxml import etree
from requests.utils import parse_dict_header

from core.clock import iso_utc
from core.errors import ProtocolViolation
from core.types import UtcSeconds

_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}
_STRENGTH: Final = ("SHA-256", "MD5")
"""The strongest that is offered is taken."""
_CHALLENGE: Final = re.compile(
    r"\bDigest\s+(.*?)(?=,\s*[A-Za-z][\w-]*\s+[A-Za-z][\w-]*\s*=|$)", re.IGNORECASE | re.DOTALL
)
"""One challenge of a header that may hold several, up to the scheme of the next one."""

_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST_TYPE: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)
_BASE64_TYPE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_NONCE_BYTES: Final = 16


class DigestLogin:
    """Answers a server's challenges. Thread-safe; remembers the last challenge, so that it costs one exchange only."""

    def __init__(self, username: str, password: Callable[[], str]) -> None:
        self._username = username
        self._password = password
        self._lock = threading.Lock()
        self._challenge: dict[str, str] = {}
        self._count = 0

    def challenged(self, headers: Sequence[str], *, only_stale: bool = False) -> bool:
        """Takes the ``WWW-Authenticate`` values of a 401; False where none can be answered.

        ``only_stale``: the answer was refused once; it is worth another one where the server says that its challenge
        was too old, or, of several answers at a time, came in another order.
        """
        offers = {_algorithm(offer): offer for header in headers for offer in _challenges(header)}
        chosen = next((offers[name] for name in _STRENGTH if name in offers), {})
        with self._lock:
            if chosen.get("nonce") != self._challenge.get("nonce"):
                self._count = 0
            self._challenge = chosen
        return bool(chosen) and (not only_stale or chosen.get("stale", "").lower() == "true")

    def authorization(self, method: str, url: str) -> str:
        """The ``Authorization`` value; empty before the first challenge."""
        with self._lock:
            if not self._challenge:
                return ""
            self._count += 1
            challenge, count = dict(self._challenge), self._count
        return self._answer(challenge, f"{count:08x}", method, url)

    def _answer(self, challenge: dict[str, str], count: str, method: str, url: str) -> str:
        parts = urlsplit(url)
        uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        realm, nonce, algorithm = challenge.get("realm", ""), challenge["nonce"], _algorithm(challenge)

        def hashed(text: str) -> str:
            return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()

        account = hashed(f"{self._username}:{realm}:{self._password()}")
        request = hashed(f"{method}:{uri}")
        fields = {"username": self._username, "realm": realm, "nonce": nonce, "uri": uri}
        plain: dict[str, str] = {}
        if "auth" in _qualities(challenge):
            cnonce = secrets.token_hex(8)
            fields |= {"cnonce": cnonce, "response": hashed(f"{account}:{nonce}:{count}:{cnonce}:auth:{request}")}
            plain = {"qop": "auth", "nc": count}
        else:
            fields["response"] = hashed(f"{account}:{nonce}:{request}")
        if "opaque" in challenge:
            fields["opaque"] = challenge["opaque"]
        if "algorithm" in challenge:
            plain["algorithm"] = challenge["algorithm"]
        quoted = [f'{name}="{_escaped(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in plain.items())])


def username_token(username: str, password: str, created: UtcSeconds) -> etree._Element:
    """The WS-Security header. ``created`` is the bridge's own time, or it takes the token for an old one."""
    nonce, moment = secrets.token_bytes(_NONCE_BYTES), iso_utc(created)
    digest = hashlib.sha1(nonce + moment.encode() + password.encode(), usedforsecurity=False).digest()
    security = etree.Element(f"{{{_WSSE}}}Security", nsmap={"wsse": _WSSE, "wsu": _WSU})
    token = etree.SubElement(security, f"{{{_WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{_WSSE}}}Username").text = username
    etree.SubElement(token, f"{{{_WSSE}}}Password", Type=_DIGEST_TYPE).text = base64.b64encode(digest).decode()
    etree.SubElement(token, f"{{{_WSSE}}}Nonce", EncodingType=_BASE64_TYPE).text = base64.b64encode(nonce).decode()
    etree.SubElement(token, f"{{{_WSU}}}Created").text = moment
    return security


def _challenges(header: str) -> list[dict[str, str]]:
    """Those that can be answered: with a nonce, a known algorithm, and without or with ``auth`` quality."""
    found = [
        {name.lower(): value or "" for name, value in _fields(text).items()} for text in _CHALLENGE.findall(header)
    ]
    return [
        offer
        for offer in found
        if offer.get("nonce") and _algorithm(offer) in _HASHES and ("qop" not in offer or "auth" in _qualities(offer))
    ]


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_dict_header(text))  # type: ignore[no-untyped-call]
    except (ValueError, IndexError) as error:
        raise ProtocolViolation(f"the bridge's login challenge cannot be read ({type(error).__name__})") from error


def _qualities(challenge: dict[str, str]) -> set[str]:
    return {quality.strip().lower() for quality in challenge.get("qop", "").split(",")}


def _algorithm(challenge: dict[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
