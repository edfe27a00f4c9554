"""Which numbers of the rules' modules are no thresholds, and between which bounds the others stay: all of it, in one place.

Every named number of a module that is not here is moved. Names are ``module.NAME``, without the leading package of the
product's own modules; of a constant with several numbers its name alone stands for all, or ``NAME[0]`` for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ROUNDING = "absorbs rounding errors or keeps a quotient finite; far below anything measured"
_WINDOW = (
    "an odd number of pixels of a filter's window; its next values are 20 to 70 % away, and it scales with the picture"
)
_STRIDE = "of how many values a sample is taken: precision and cost, no decision"
_MEMORY = "bounds memory"
_OUTSIDE = "of the closer look, which the scene takes and not the rule"
_FORM = "what a picture, a byte or the calculation is made of"

_NO_THRESHOLDS: Final = {
    _ROUNDING: (
        "rules.abandoned_object._ROUNDING_S",
        "rules.crowd_density._ROUNDING_S",
        "rules.crowds.ground._SMALLEST_DEPTH",
        "rules.directions._ROUNDING",
        "rules.fires.flames._LEAST",
        "rules.fires.flicker._TINY",
        "rules.fires.places._ROUNDING_S",
        "rules.fires.smoke._LEAST",
        "rules.geometry.SMALLEST",
        "rules.geometry.ROUNDING",
        "rules.person_down._ROUNDING_S",
        "rules.stays._ROUNDING_S",
        "rules.stopped_vehicle._ROUNDING_S",
        "rules.weapon._ROUNDING_S",
    ),
    _WINDOW: (
        "detect.texture._WINDOW",
        "rules.abandoned.appearance._BAND",
        "rules.abandoned.appearance._RING",
        "rules.abandoned.appearance._WINDOW",
        "rules.abandoned.patches._CLOSING",
        "rules.abandoned.patches._OPENING",
        "rules.abandoned.standing_changes._BLUR",
        "rules.falls.backdrop._SHAKE",
        "rules.fires.flames._SQUARE_3",
        "rules.fires.flames._SQUARE_5",
        "rules.fires.smoke._SMOOTH",
        "rules.fires.smoke._SQUARE_3",
        "rules.steadying._LIGHT",
    ),
    _STRIDE: (
        "detect.levelling._STEP",
        "rules.abandoned.appearance._SAMPLES",
        "rules.falls.backdrop._SPARSE",
        "rules.fires.flames._PLACES",
    ),
    _MEMORY: (
        "rules.abandoned.attendance._MEMORY_S",
        "rules.abandoned.attendance._REMEMBERED_S",
        "rules.any_of._MOST_OPEN",
        "rules.crowds.normal._MOST",
    ),
    _OUTSIDE: ("detect.closer._CUT", "detect.closer._MOST_WIDTH"),
    _FORM: (
        "detect.levelling._VALUES",
        "rules.abandoned.standing_changes._UNSET",
        "rules.crowd_density._GRIDS",
        "rules.crowds.ground._METRES",
        "rules.crowds.headcount._CROWDING",
        "rules.fires.flames._THIRD",
        "rules.fires.smoke._FULL_SCALE",
    ),
    "no bound unless a rule's settings give one": ("max_size",),
}

LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for reason, names in _NO_THRESHOLDS.items() for name in names}
)
"""Why each of these numbers is not moved."""

_PERCENTILE: Final = (0.0, 100.0)

BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "rules.crowds.normal._USUAL": _PERCENTILE,
        "rules.fires.flames._WHITE_SHARE": _PERCENTILE,
        "rules.steadying._STILL": _PERCENTILE,
    }
)
"""Least and greatest value of numbers whose bounds do not follow from their value."""

SHARE: Final = (0.0, 1.0)
"""Bounds of what lies between them: shares, correlations and cosines."""
LEAST_WHOLE: Final = 1
"""Whole numbers count something, and there is at least one of it."""
