"""Says what pydantic found in words for the person who wrote the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.model import IDENTIFIER_PATTERN, UNKNOWN_KIND, SecretRef
from config.shape import fields_by_key

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_LONGEST_QUOTE = 60
_CONFIDENTIAL = re.compile(r"pass(word|wd|phrase|code)?$|pwd|secret|token|credential|api_?key", re.IGNORECASE)
_CREDENTIALS = re.compile(r"[^\s/'\"]+:[^\s/'\"]+@")
"""User and password in an address, which a message might repeat."""

SECRET_REMEDY = "Write {secret: name}, {env: NAME} or {file: path}; docs/settings.md says where the value goes."  # noqa: S105


@dataclass(frozen=True, slots=True)
class Place:
    """Where an error stands: the models around it (outermost first) and the key itself."""

    models: tuple[type[BaseModel], ...]
    key: str

    @property
    def is_confidential(self) -> bool:
        """Whether what was written there may be a secret."""
        return any(issubclass(model, SecretRef) for model in self.models) or bool(_CONFIDENTIAL.search(self.key))


@dataclass(frozen=True, slots=True)
class Wording:
    """What is wrong, and what to do."""

    message: str
    remedy: str = ""


def word(error: ErrorDetails, place: Place) -> Wording:
    """One pydantic error in plain words; never shows a value that may be a secret."""
    wording = _WORDINGS.get(error["type"])
    if wording is None:
        return Wording(_as_pydantic_says(error, place))
    return wording(error, place)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? `` with its blank, or nothing."""
    nearest = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {nearest[0]!r}? " if nearest else ""


def got(error: ErrorDetails, place: Place) -> str:
    """What was written, in parentheses, when it may be shown."""
    value = error["input"]
    if place.is_confidential:
        return ""
    if isinstance(value, str):
        quoted = _CREDENTIALS.sub("***@", repr(value))
        return f" (got {quoted if len(quoted) <= _LONGEST_QUOTE else quoted[:_LONGEST_QUOTE] + '…'})"
    if isinstance(value, bool | int | float):
        return f" (got {str(value).lower()})"
    names = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return f" (got {names.get(type(value), 'something else')})"


def _context(error: ErrorDetails, name: str) -> str:
    value = error.get("ctx", {}).get(name, "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_pydantic_says(error: ErrorDetails, place: Place) -> str:
    if place.is_confidential:
        return "is not valid"
    return error["msg"][:1].lower() + error["msg"][1:] + got(error, place)


def _must_be(what: str, remedy: str = "") -> Callable[[ErrorDetails, Place], Wording]:
    return lambda error, place: Wording(f"must be {what}{got(error, place)}", remedy)


def _bound(words: str, name: str) -> Callable[[ErrorDetails, Place], Wording]:
    return lambda error, place: Wording(f"must be {words} {_context(error, name)}{got(error, place)}")


def _text(error: ErrorDetails, place: Place) -> Wording:
    value = error["input"]
    is_plain = isinstance(value, bool | int | float) and not place.is_confidential
    return Wording(f"must be text{got(error, place)}", f"Put it in quotes: '{str(value).lower()}'." if is_plain else "")


def _missing(error: ErrorDetails, place: Place) -> Wording:
    if error["loc"] and isinstance(error["loc"][-1], int):
        return Wording(f"needs a value number {error['loc'][-1] + 1}")
    field = fields_by_key(place.models[-1]).get(place.key) if place.models else None
    description = " ".join((field.description or "").replace("``", "").split()) if field else ""
    return Wording("is missing", f"Add '{place.key}:'. {description}".rstrip())


def _unknown_key(_error: ErrorDetails, place: Place) -> Wording:
    known = sorted(fields_by_key(place.models[-1])) if place.models else []
    guess = did_you_mean(place.key, known)
    return Wording("is not a known key", guess.strip() or f"Known keys: {', '.join(known)}.")


def _choice(error: ErrorDetails, place: Place) -> Wording:
    expected = _context(error, "expected")
    if place.key == "version":
        message = f"this Vigie reads version {expected} of the settings{got(error, place)}"
        return Wording(message, "Install the Vigie that this file was written for, or write the file anew.")
    choices = re.findall(r"'([^']*)'", expected)
    guess = did_you_mean(str(error["input"]), choices) if not place.is_confidential else ""
    return Wording(f"must be one of {', '.join(choices) or expected}{got(error, place)}", guess.strip())


def _unknown_kind(error: ErrorDetails, place: Place) -> Wording:
    known = _context(error, "known")
    guess = did_you_mean(str(error["input"]), known.split(", "))
    return Wording(f"is not a known {_context(error, 'noun')} type{got(error, place)}", f"{guess}Known: {known}.")


def _pattern(error: ErrorDetails, place: Place) -> Wording:
    if _context(error, "pattern") == IDENTIFIER_PATTERN:
        shape = "1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit"
        return Wording(f"must be {shape}{got(error, place)}")
    return Wording(f"does not have the expected form{got(error, place)}")


def _length(words: str, name: str) -> Callable[[ErrorDetails, Place], Wording]:
    def wording(error: ErrorDetails, _place: Place) -> Wording:
        has = f" (has {len(error['input'])})" if isinstance(error["input"], Sized) else ""
        unit = "entry" if _context(error, name) == "1" else "entries"
        return Wording(f"must have {words} {_context(error, name)} {unit}{has}")

    return wording


def _group(error: ErrorDetails, place: Place) -> Wording:
    if place.models and issubclass(place.models[-1], SecretRef):
        return Wording("must say where the secret is found, never the secret itself", SECRET_REMEDY)
    return Wording(f"must be a group of 'key: value' lines{got(error, place)}")


def _own_words(error: ErrorDetails, _place: Place) -> Wording:
    return Wording(_CREDENTIALS.sub("***@", error["msg"].removeprefix("Value error, ")))


_NUMBER = _must_be("a number")
_WHOLE = _must_be("a whole number")
_BOOLEAN = _must_be("true or false")
_LIST = _must_be("a list")
_GUID = _must_be("a GUID such as 6d2b1f5e-0000-4000-8000-000000000001")

_WORDINGS: dict[str, Callable[[ErrorDetails, Place], Wording]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    UNKNOWN_KIND: _unknown_kind,
    "string_type": _text,
    "path_type": _text,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _error, _place: Wording("must not be empty"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "literal_error": _choice,
    "enum": _choice,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "too_short": _length("at least", "min_length"),
    "too_long": _length("at most", "max_length"),
    "uuid_type": _GUID,
    "uuid_parsing": _GUID,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _group,
    "model_type": _group,
    "model_attributes_type": _group,
    "value_error": _own_words,
}
