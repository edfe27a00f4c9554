"""Class names that Vigie knows, and which of them may stand for the same object."""

from __future__ import annotations

from typing import Final

PERSON: Final = "person"
CAR: Final = "car"
OBJECT: Final = "object"
"""Something that moves and is neither a person nor a vehicle."""

_GROUPS: Final = dict.fromkeys((CAR, "bus", "truck"), "vehicle")


def group_of(label: str) -> str:
    """Labels of one group are often confused for one another and may be the same object; others never are."""
    return _GROUPS.get(label, label)
