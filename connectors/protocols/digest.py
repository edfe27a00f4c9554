"""Digest access authentication (RFC 7616, and RFC 2617 before it): HTTP and RTSP alike."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_ESCAPED = re.compile(r"\\(.)")


class Algorithm(StrEnum):
    """The hash functions, as ``algorithm`` names them."""

    MD5 = "MD5"
    SHA256 = "SHA-256"

    @classmethod
    def named(cls, name: str) -> Algorithm | None:
        """By its name in any case; MD5 where none was given; None for those that we do not know."""
        wanted = name.upper() or cls.MD5
        return next((algorithm for algorithm in cls if algorithm == wanted), None)

    def digest(self, text: str) -> str:
        """Hexadecimal. Header bytes that are no UTF-8 come as surrogates, and go back to what they were."""
        data = text.encode("utf-8", "surrogateescape")
        if self is Algorithm.SHA256:
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()


def parameters(text: str) -> dict[str, str]:
    """What follows ``Digest`` in an ``Authorization`` header, by lower-case name, unquoted; the first of each name."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(text):
        value = _ESCAPED.sub(r"\1", match[2]) if match[2] is not None else match[3]
        found.setdefault(match[1].lower(), value)
    return found


def is_response(algorithm: Algorithm, given: Mapping[str, str], method: str, realm: str, password: str) -> bool:
    """Whether the credentials ``given`` prove that their sender knows the password. Says nothing about the nonce."""
    expected = response_of(algorithm, given, method, realm, password)
    return equal(expected, given.get("response", "").lower())


def response_of(algorithm: Algorithm, given: Mapping[str, str], method: str, realm: str, password: str) -> str:
    """What ``response`` has to be beside the other parameters ``given``."""
    first = algorithm.digest(f"{given.get('username', '')}:{realm}:{password}")
    second = algorithm.digest(f"{method}:{given.get('uri', '')}")
    middle = given.get("nonce", "")
    if qop := given.get("qop"):
        middle = f"{middle}:{given.get('nc', '')}:{given.get('cnonce', '')}:{qop}"
    return algorithm.digest(f"{first}:{middle}:{second}")


def equal(first: str, second: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(first.encode("utf-8", "surrogateescape"), second.encode("utf-8", "surrogateescape"))
