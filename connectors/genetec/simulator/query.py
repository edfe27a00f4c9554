r"""The mini-language of ``q=``: operations separated by commas, evaluated from left to right.

Tokens (public wiki page "web-sdk-endpoints"): ``Name=x`` sets or filters, a bare name reads, ``A.Method(x,y)`` calls,
``Name@x`` adds (``Name@x@y`` twice), ``Name-x`` removes, ``Name*`` clears, ``{x}`` delimits a value, ``\`` escapes the
next character, ``#`` is not allowed. Unverified, and strict here so that clients escape: a comma inside parentheses
that belong to a text ("Gate (north, left)") separates all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.errors import RequestInvalid

_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Kind(StrEnum):
    """What an operation does."""

    READ = "read"
    SET = "set"
    CALL = "call"
    ADD = "add"
    REMOVE = "remove"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; ``values`` are the value set or removed, the values added, or a call's arguments."""

    kind: Kind
    member: str
    values: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The only value; raises ``RequestInvalid`` when there is not exactly one."""
        if len(self.values) != 1:
            raise RequestInvalid(f"{self.member} takes one value, not {len(self.values)}")
        return self.values[0]


def parse_query(text: str) -> tuple[Operation, ...]:
    """The operations of a decoded ``q``. Raises ``RequestInvalid``."""
    if "#" in text:
        raise RequestInvalid("'#' is not allowed in a query")
    if not text.strip():
        raise RequestInvalid("the query is empty")
    return tuple(_operation(part.strip()) for part in _split(text, ","))


def group(text: str) -> tuple[str, ...]:
    """``(a,b)`` as its members; any other text as itself alone."""
    if text.startswith("(") and text.endswith(")"):
        return tuple(_value(part) for part in _split(text[1:-1], ","))
    return (text,)


def _operation(text: str) -> Operation:
    found = _MEMBER.match(text)
    if not found:
        raise RequestInvalid(f"{text!r} is not an operation")
    member, rest = found[0], text[found.end() :]
    if not rest:
        return Operation(kind=Kind.READ, member=member)
    if rest == "*":
        return Operation(kind=Kind.CLEAR, member=member)
    if rest[0] == "=":
        return Operation(kind=Kind.SET, member=member, values=(_value(rest[1:]),))
    if rest[0] == "-":
        return Operation(kind=Kind.REMOVE, member=member, values=(_value(rest[1:]),))
    if rest[0] == "@":
        return Operation(kind=Kind.ADD, member=member, values=tuple(_value(part) for part in _split(rest[1:], "@")))
    if rest[0] == "(" and _closing(rest) == len(rest) - 1:
        inner = rest[1:-1]
        arguments = tuple(_value(part) for part in _split(inner, ",")) if inner else ()
        return Operation(kind=Kind.CALL, member=member, values=arguments)
    raise RequestInvalid(f"{text!r} is not an operation")


def _value(text: str) -> str:
    if text.startswith("{") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return _ESCAPED.sub(r"\1", text)


@dataclass(frozen=True, slots=True)
class _Character:
    position: int
    text: str
    protects: bool
    """Whether it stands inside braces or the parentheses of a call or tuple, where separators do not separate."""
    depth: int
    """Brackets open after it."""


def _characters(text: str) -> Iterator[_Character]:
    """The characters that are not escaped."""
    brackets: list[bool] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character in "({":
            before = text[position - 1 : position]
            brackets.append(character == "{" or not before or before.isalnum() or before in "_@,")
        elif character in ")}" and brackets:
            brackets.pop()
        yield _Character(position, character, any(brackets), len(brackets))
        position += 1


def _split(text: str, separator: str) -> list[str]:
    cuts = [item.position for item in _characters(text) if item.text == separator and not item.protects]
    starts = [0, *(cut + 1 for cut in cuts)]
    return [text[start:end] for start, end in zip(starts, [*cuts, len(text)], strict=True)]


def _closing(text: str) -> int:
    """Position of the bracket that closes the one at the start; -1 when none does."""
    return next((item.position for item in _characters(text) if item.depth == 0), -1)
