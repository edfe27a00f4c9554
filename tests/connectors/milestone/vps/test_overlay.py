from __future__ import annotations

import pytest
from lxml import etree

from connectors.milestone.vps.overlay import XProtectMetadata
from connectors.protocols.onvif_metadata import TT
from core.types import Box, FrameBoxes, Track

AT = 1_763_632_923.456
NAMES = {"tt": TT}


def drawn(label: str = "person", *, top: float = 0.31, is_measured: bool = True) -> etree._Element:
    box = Box(left=0.22, top=top, right=0.36, bottom=0.78)
    track = Track(track_id=41, label=label, score=0.93, box=box, first_seen=AT, is_measured=is_measured)
    return etree.fromstring(XProtectMetadata().document(FrameBoxes(camera_id="c", captured_at=AT, tracks=(track,))))


def one(root: etree._Element, path: str) -> etree._Element:
    found = root.findall(path, NAMES)
    assert len(found) == 1, path
    return found[0]


def attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.items()}


def test_the_class_is_a_candidate_with_its_likelihood() -> None:
    candidate = one(drawn(), ".//tt:Appearance/tt:Class/tt:ClassCandidate")
    assert [child.text for child in candidate] == ["Human", "0.93"]


def test_boxes_have_milestones_appearance_without_namespace() -> None:
    root = drawn()
    line = one(root, ".//tt:Shape/tt:Extension/BoundingBoxAppearance/Line")
    fill = one(root, ".//tt:Shape/tt:Extension/BoundingBoxAppearance/Fill")
    assert attributes(line) == {"color": "#FFFFB000", "displayedThicknessInPixels": "2"}
    assert attributes(fill) == {"color": "#20FFB000"}


@pytest.mark.parametrize(
    ("label", "colour"), [("car", "#FF2E9BFF"), ("bus", "#FF2E9BFF"), ("fire", "#FFFF3030"), ("object", "#FF40C060")]
)
def test_the_colour_tells_the_class(label: str, colour: str) -> None:
    assert one(drawn(label), ".//Line").get("color") == colour


def test_a_predicted_box_has_a_thinner_line() -> None:
    assert one(drawn(is_measured=False), ".//Line").get("displayedThicknessInPixels") == "1"


def test_the_text_names_the_track_above_its_box() -> None:
    text = one(drawn(), ".//tt:Appearance/tt:Extension/Description")
    assert text.text == "Person 41"
    assert (text.get("x"), text.get("y"), text.get("color")) == ("-0.5600", "0.4200", "#FFFFFFFF")


def test_the_text_of_a_box_at_the_upper_edge_stays_in_the_picture() -> None:
    assert one(drawn(top=0.0), ".//Description").get("y") == "1.0000"


def test_the_centre_of_gravity_is_always_there() -> None:
    assert attributes(one(drawn("object"), ".//tt:Shape/tt:CenterOfGravity")) == {"x": "-0.4200", "y": "-0.0900"}
