"""Groups of labels as small numbers, so that those of many boxes are compared at once."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Final

from analytics.detect.labels import CAR, OBJECT, PERSON, group_of

_MOVING: Final = (OBJECT, PERSON, "bicycle", "motorcycle", group_of(CAR))
"""Groups of what moves by itself: these have the least numbers."""
FIRST_STILL: Final = len(_MOVING)
"""Groups from this number on are of what does not move by itself."""
INDEFINITE: Final = 0
"""The group of ``object``, which may turn out to be of any other."""

_codes = {group: code for code, group in enumerate(_MOVING)}
_next_code = count(FIRST_STILL)


@cache
def code_of(label: str) -> int:
    """The number of a label's group; the same for as long as the process runs, in every thread."""
    return _codes.setdefault(group_of(label), next(_next_code))
