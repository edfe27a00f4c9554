"""Values in the bodies of bookmarks and evidence locks, refused in the form that their pages show (notes §5.1)."""

from __future__ import annotations

from connectors.milestone.simulator.web.rest import JsonObject, RestRefused, required_text
from core.clock import parse_iso
from core.types import UtcSeconds


def refused(text: str, property_name: str = "") -> RestRefused:
    """A bad request."""
    return RestRefused(400, text, property_name=property_name, wrapped=False)


def time_of(body: JsonObject, name: str) -> UtcSeconds:
    """A date-time with its offset: without one XProtect's reading is unverified, so it is refused."""
    text = required_text(body, name, wrapped=False)
    try:
        moment = parse_iso(text)
    except ValueError as error:
        raise refused(f"'{name}' is not a date-time", name) from error
    if not text.endswith("Z") and "+" not in text[10:] and "-" not in text[10:]:
        raise refused(f"'{name}' has no offset from UTC", name)
    return moment


def text_of(body: JsonObject, name: str) -> str:
    """A text, which may be empty or absent."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise refused(f"'{name}' must be text", name)
    return value
