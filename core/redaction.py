"""The one place that knows what a credential looks like in text: logs, errors and exports all pass here.

Knows headers (Basic, Bearer, Digest, cookies), user info in URLs, keys with their values in forms, queries, JSON,
YAML, Python and XML, the tokens of Milestone and the application ids of Genetec. When in doubt it hides too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

HIDDEN = "***"

_Rule: TypeAlias = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_NAME = r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|api[_-]?key|private[_-]?key|auth[_-]?key)"
"""Names of secrets; anything may stand before them, as in ``xprotect_password`` and ``connectiontoken``."""

_HEADER = r"(?:(?:proxy-)?authorization|(?:set-)?cookie)"
"""Names whose values are secret to the end of the line."""

_QUOTED = r"[bBuU]?(?:\"(?:\\.|[^\"\\])*+(?:\"|\\?\Z)|'(?:\\.|[^'\\])*+(?:'|\\?\Z))(?=[\s,;:&<>()\[\]{}/?\\\"']|\Z)"
"""A quoted value, its closing quote missing where the text was cut."""

_ESCAPED = r"(?P<quote>\\+[\"']).*?(?:(?<!\\)(?P=quote)|$)"
"""A quoted value inside a quoted text, such as JSON in a log line."""

_BARE = r"(?![bBuU]?\\*[\"']?\*\*\*(?![^\s&<\"',;)\]}\\])|(?:null|none|true|false)\b)"
"""Before a value that is hidden up to where a bare one ends: not what is hidden already, nor what is no secret."""

_SEPARATOR = r"(?:\\*[\"'])?[ \t]*+(?:=>|=|:)[ \t]*+"

_LEADING_QUOTE = re.compile(r"[bBuU]?(\\*[\"'])")


def _hide_value(match: re.Match[str]) -> str:
    quote = _LEADING_QUOTE.match(match["value"])
    return f"{match['key']}{quote[1]}{HIDDEN}{quote[1]}" if quote else f"{match['key']}{HIDDEN}"


def _pair(key: str, bare: str, flags: int = 0) -> _Rule:
    """A key with its value: quoted, or bare as the pattern ``bare`` says."""
    value = rf"(?P<value>{_ESCAPED}|(?!.?[\"']\*\*\*[\"'])(?:{_QUOTED})|{_BARE}{bare})"
    return re.compile(rf"(?P<key>{key}{_SEPARATOR}){value}", re.IGNORECASE | flags), _hide_value


_RULES: tuple[_Rule, ...] = (
    # https://user:password@host
    (
        re.compile(r"(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+://)[^\s/@:\"'<>]*+:[^\s/\"<>]*@", re.IGNORECASE),
        rf"\g<scheme>{HIDDEN}@",
    ),
    # https://user:passw, where the text was cut
    (
        re.compile(r"(?P<user>://[^\s/@:\[\"'<>]++:)(?=[^\s/@]*[a-z%])[^\s/@\"'<>]++\Z", re.IGNORECASE),
        rf"\g<user>{HIDDEN}",
    ),
    # Authorization: Basic …, Cookie: …
    _pair(rf"\b{_HEADER}", bare=r"[^\r\n]+"),
    # Basic dXNlcjpw…, but not "Basic authentication"
    (
        re.compile(r"\b(?P<kind>Basic)[ \t]++(?![a-z]+\b(?![=+/;:~-])|realm=)[^\s\"',]{6,}", re.IGNORECASE),
        rf"\g<kind> {HIDDEN}",
    ),
    (
        re.compile(
            r"\b(?P<kind>Bearer|Negotiate|NTLM)[ \t]++(?!(?:token|auth\w*|scheme|challenge|realm=)\b)[^\s\"',]{6,}",
            re.IGNORECASE,
        ),
        rf"\g<kind> {HIDDEN}",
    ),
    (re.compile(r"\b(?P<kind>Digest)[ \t]++(?=\w+=)[^\r\n]+", re.IGNORECASE), rf"\g<kind> {HIDDEN}"),
    # user;application-id:password, Genetec's form before it is encoded
    (re.compile(r"(?P<user>(?<![\w.@\\-])[\w.@\\-]++);[A-Za-z0-9+/=-]{8,}+:\S+"), rf"\g<user>;{HIDDEN}"),
    # Milestone's corporate token; a JSON web token
    (re.compile(r"TOKEN#[^\s<\"'&]+"), f"TOKEN#{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    # <wsse:Password Type="…">value</wsse:Password>
    (
        re.compile(
            rf"(?P<open><(?:[\w.-]++:)?{_NAME}(?:\s[^<>]*)?>)(?!\*\*\*(?:<|\Z))(?:<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]+)",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\g<open>{HIDDEN}",
    ),
    # password: value of YAML, to the end of the line
    _pair(rf"^[ \t-]*+[\w-]*{_NAME}(?=:)", bare=r"[^\r\n]+", flags=re.MULTILINE),
    # password=value, "password": "value"
    _pair(rf"(?<![\w-])[\w-]*{_NAME}", bare=r"[^\s&<]+"),
)

_SECRET_NAME = re.compile(rf"(?:[\w-]*{_NAME}|{_HEADER})s?", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without passwords, tokens or credentials in URLs."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: object) -> object:
    """The same for any value: containers are searched, what stands under a secret's name is hidden whole."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes | bytearray):
        return redact(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {redact(str(key)): _hidden_or_redacted(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    return redact(str(value))


def _hidden_or_redacted(key: object, value: object) -> object:
    if value is not None and _SECRET_NAME.fullmatch(str(key)):
        return HIDDEN
    return redact_value(value)
