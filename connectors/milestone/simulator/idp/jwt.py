"""Access tokens in the form that XProtect's identity provider issues: RS256 JWTs (notes §1.2)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from core.types import Json

_KEY_ID = "simulator"
_PARTS = 3


@cache
def _key_of_this_process() -> rsa.RSAPrivateKey:
    """Made once: it takes a tenth of a second, and tests start many simulators."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class JwtSigner:
    """Signs and verifies with a key of this run. Which tokens a site gave out is the site's to know."""

    def __init__(self) -> None:
        self._key = _key_of_this_process()

    def sign(self, claims: dict[str, Json]) -> str:
        """The compact form of a token with these claims."""
        header: dict[str, Json] = {"alg": "RS256", "kid": _KEY_ID, "typ": "at+jwt"}
        signed = f"{_encode_json(header)}.{_encode_json(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"

    def verify(self, token: str) -> dict[str, Json] | None:
        """The claims of a token that this signer made; None for anything else. Expiry is the caller's to judge."""
        parts = token.split(".")
        if len(parts) != _PARTS:
            return None
        signed = f"{parts[0]}.{parts[1]}"
        try:
            self._key.public_key().verify(_decode(parts[2]), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return None
        return cast("dict[str, Json]", json.loads(_decode(parts[1])))

    def jwks(self) -> dict[str, Json]:
        """The public key as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key: dict[str, Json] = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": _KEY_ID,
            "n": _encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": _encode(numbers.e.to_bytes(3, "big")),
        }
        return {"keys": [key]}


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_json(value: dict[str, Json]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
