"""Members of streamed events and report rows whose names or forms public sources leave open: read leniently."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from core.clock import parse_iso
from core.types import UtcSeconds

_MOST_DIGITS = 12


def first_of(row: Mapping[str, Any], names: Collection[str]) -> Any:
    """The first of these members that holds something."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def guid_in(value: Any) -> str:
    """As Security Center writes GUIDs; empty for what is none."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return ""


def number_in(value: Any) -> int | None:
    """A whole number from 0, as such or as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def moment_in(value: Any) -> UtcSeconds | None:
    """A time in ISO 8601."""
    try:
        return parse_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def texts_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Its members that are texts."""
    return tuple(value for value in row.values() if isinstance(value, str))


def mappings(rows: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Those that have members."""
    return [row for row in rows if isinstance(row, Mapping)]


def scalars_in(value: Any) -> Iterator[str]:
    """Every scalar anywhere in a JSON value, as text."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from scalars_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars_in(inner)
    elif value is not None:
        yield str(value)
