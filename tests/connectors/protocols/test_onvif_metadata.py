from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.protocols.onvif_metadata import TT, MetadataWriter, onvif_corners
from core.types import Box, FrameBoxes, Track
from tests.shared import shared

AT = 1_763_632_923.456
NAMES = {"tt": TT}


def track(**changes: object) -> Track:
    values = {
        "track_id": 41,
        "label": "person",
        "score": 0.93,
        "box": Box(left=0.22, top=0.31, right=0.36, bottom=0.78),
        "first_seen": AT - 2.0,
    }
    return Track(**{**values, **changes})  # type: ignore[arg-type]


def written(*tracks: Track) -> etree._Element:
    return etree.fromstring(MetadataWriter().document(FrameBoxes(camera_id="c", captured_at=AT, tracks=tracks)))


def texts(root: etree._Element, path: str) -> list[str]:
    found = root.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    return [str(item) for item in found]


def attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.items()}


def test_the_frame_carries_the_capture_time_to_the_millisecond() -> None:
    assert texts(written(), "/tt:MetadataStream/tt:VideoAnalytics/tt:Frame/@UtcTime") == ["2025-11-20T10:02:03.456Z"]


def test_a_frame_without_objects_is_a_document_too() -> None:
    root = written()
    assert len(texts(root, "//tt:Frame/@UtcTime")) == 1
    assert root.find(".//tt:Object", NAMES) is None


def test_coordinates_are_normalised_to_one_around_the_centre_with_y_up() -> None:
    root = written(track())
    sides = root.find(".//tt:BoundingBox", NAMES)
    centre = root.find(".//tt:CenterOfGravity", NAMES)
    assert sides is not None
    assert centre is not None
    assert attributes(sides) == {"left": "-0.5600", "top": "0.3800", "right": "-0.2800", "bottom": "-0.5600"}
    assert attributes(centre) == {"x": "-0.4200", "y": "-0.0900"}


@pytest.mark.parametrize(
    ("label", "kind", "vehicle"),
    [
        ("person", "Human", []),
        ("car", "Vehicle", ["Car"]),
        ("truck", "Vehicle", ["Truck"]),
        ("bicycle", "Bicycle", ["Bicycle"]),
        ("object", "object", []),
        ("a\x00b\ufffe", "ab", []),
    ],
)
def test_labels_become_the_object_types_of_onvif(label: str, kind: str, vehicle: list[str]) -> None:
    root = written(track(label=label))
    assert texts(root, "//tt:Class/tt:Type/text()") == [kind]
    assert texts(root, "//tt:VehicleInfo/tt:Type/text()") == vehicle
    assert texts(root, "//tt:Class/tt:Type/@Likelihood") == ["0.93"]


def test_objects_keep_their_number_and_their_order() -> None:
    root = written(track(track_id=7), track(track_id=3))
    assert texts(root, "//tt:Object/@ObjectId") == ["7", "3"]


def test_an_object_outside_of_the_picture_is_left_out() -> None:
    outside = Box(left=1.2, top=0.1, right=1.4, bottom=0.3)
    assert texts(written(track(box=outside), track(track_id=2)), "//tt:Object/@ObjectId") == ["2"]


@given(st.tuples(*[st.floats(min_value=-3.0, max_value=3.0)] * 4))
def test_corners_stay_inside_the_picture_and_in_order(values: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = values
    corners = onvif_corners(Box(left=left, top=top, right=right, bottom=bottom))
    if corners is None:
        assert min(right, 1.0) - max(left, 0.0) < 0.001 or min(bottom, 1.0) - max(top, 0.0) < 0.001
    else:
        assert -1.0 <= corners.left < corners.right <= 1.0
        assert -1.0 <= corners.bottom < corners.top <= 1.0


XS = {"xs": "http://www.w3.org/2001/XMLSchema"}


def _schema() -> etree.XMLSchema:
    """ONVIF's schema of frames. Without wildcards, which libxml2 finds ambiguous, and what other schemas would define."""
    schema = etree.parse(str(shared("contracts/onvif/ver10/schema/metadatastream.xsd"))).getroot()
    schema.extend(etree.parse(str(shared("contracts/onvif/ver10/schema/common.xsd"))).getroot())
    elsewhere = "starts-with(@type, 'fc:') or starts-with(@type, 'bd:') or starts-with(@ref, 'wsnt:')"
    superfluous = schema.xpath(f"//xs:any | //xs:include | //xs:import | //xs:element[{elsewhere}]", namespaces=XS)
    assert isinstance(superfluous, list)
    for element in superfluous:
        assert isinstance(element, etree._Element)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return etree.XMLSchema(schema)


@pytest.mark.shared_data
def test_documents_are_valid_by_onvifs_own_schema() -> None:
    schema = _schema()
    labels = ("person", "car", "bicycle", "fire", "object")
    schema.assertValid(written(*(track(track_id=number, label=label) for number, label in enumerate(labels))))
    schema.assertValid(written())
