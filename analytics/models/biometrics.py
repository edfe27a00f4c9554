"""The classes that no model may name: Vigie does no biometrics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_FACE = "it finds or reads faces"
_BODY = "it measures a trait of the body that tells people apart"
_IDENTITY = "it recognises who somebody is"
_CATEGORY = "it sorts people by personal traits"
_OWNER = "it leads from a vehicle to a person"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("face", "faces", "facial", "visage", "visages", "eye", "eyes", "mouth", "facemask"), _FACE),
        **dict.fromkeys(("iris", "retina", "retine", "fingerprint", "palmprint", "vein", "empreinte"), _BODY),
        **dict.fromkeys(("gait", "demarche", "voice", "voix", "ear", "ears", "biometric", "biometrics"), _BODY),
        **dict.fromkeys(("identity", "identite", "reid", "embedding", "appearance"), _IDENTITY),
        **dict.fromkeys(
            ("gender", "sex", "sexe", "age", "race", "ethnicity", "ethnie", "emotion", "emotions"), _CATEGORY
        ),
        **dict.fromkeys(("religion", "nationality", "skin", "man", "woman", "male", "female"), _CATEGORY),
        **dict.fromkeys(("owner", "proprietaire"), _OWNER),
    }
)
"""Refused words → why. A class is refused when one of its words, in lower case without accents, is here."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return [word.lower() for word in _WORD.findall(plain)]


def refusal(classes: Iterable[str]) -> str:
    """Why these classes are not permitted, naming the first offender; empty when they are."""
    for name in classes:
        words = _words(name)
        for word in (*words, "".join(words)):
            if word in REFUSED:
                return f"class {name!r} is biometric or personal: {REFUSED[word]}"
    return ""
