"""Boxes as XProtect Smart Client draws them: ONVIF metadata with Milestone's extensions.

The extensions (``BoundingBoxAppearance``, ``Description``) stand without namespace in ``tt:Extension``, and the class
is a ``ClassCandidate``, as Milestone's own samples write them. Only rectangles and text are drawn, no polygons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lxml import etree

from connectors.protocols.onvif_metadata import (
    OBJECT_TYPES,
    TT,
    Corners,
    MetadataWriter,
    likelihood,
    number,
    object_type,
    printable,
)
from core.types import Track

_COLOURS: Final[Mapping[str, str]] = {
    "Human": "FFB000",
    "Vehicle": "2E9BFF",
    "Bicycle": "2E9BFF",
    "Fire": "FF3030",
    "Smoke": "FF3030",
}
"""RRGGBB by class."""

_OTHER_COLOUR: Final = "40C060"
_LINE_ALPHA: Final = "FF"
_FILL_ALPHA: Final = "20"
_LINE_PIXELS: Final = "2"
_PREDICTED_LINE_PIXELS: Final = "1"
_TEXT_COLOUR: Final = "#FFFFFFFF"
_TEXT_SIZE: Final = 0.05
_TEXT_GAP: Final = 0.04
"""The text stands so far above its box, in ONVIF units."""

_CLASS: Final = f"{{{TT}}}Class"
_CANDIDATE: Final = f"{{{TT}}}ClassCandidate"
_TYPE: Final = f"{{{TT}}}Type"
_LIKELIHOOD: Final = f"{{{TT}}}Likelihood"


class XProtectMetadata(MetadataWriter):
    """A colour by class, a thinner line where the box is only predicted, and the track's number as text."""

    def class_of(self, track: Track) -> etree._Element:
        described = etree.Element(_CLASS)
        candidate = etree.SubElement(described, _CANDIDATE)
        etree.SubElement(candidate, _TYPE).text = object_type(track)
        etree.SubElement(candidate, _LIKELIHOOD).text = likelihood(track)
        return described

    def shape_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        colour = _COLOURS.get(OBJECT_TYPES.get(track.label, ""), _OTHER_COLOUR)
        appearance = etree.Element("BoundingBoxAppearance")
        etree.SubElement(appearance, "Fill", color=f"#{_FILL_ALPHA}{colour}")
        thickness = _LINE_PIXELS if track.is_measured else _PREDICTED_LINE_PIXELS
        etree.SubElement(
            appearance, "Line", {"color": f"#{_LINE_ALPHA}{colour}", "displayedThicknessInPixels": thickness}
        )
        return [appearance]

    def appearance_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:
        place = {"x": number(corners.left), "y": number(min(1.0, corners.top + _TEXT_GAP))}
        style = {"size": str(_TEXT_SIZE), "bold": "true", "italic": "false", "fontFamily": "Helvetica"}
        text = etree.Element("Description", {**place, **style, "color": _TEXT_COLOUR})
        text.text = f"{printable(track.label).capitalize()} {track.track_id}"
        return [text]
