from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import CameraSettings, Kinds
from connectors.genetec.sdk.overlay import BOXES, ZONES, Surface, dotted, layer_id
from core import registry
from core.errors import RequestInvalid, VmsUnavailable
from core.types import Box, FrameBoxes, Track
from tests.connectors.genetec.sdk.center import CAMERA, Center, until
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S
from tests.connectors.genetec.sdk.test_bridge import KILL, answers, child_of

TOLERANCE_PX = 0.51
BOX = Box(left=0.25, top=0.1, right=0.5, bottom=0.6)
ZONE = [[0.3, 0.2], [0.8, 0.2], [0.8, 1.0]]
SHAPES: list[tuple[str, dict[str, Any], tuple[float, float, float, float], tuple[float, float]]] = [
    ("16:9", {}, (320, 72, 320, 360), (384, 144)),
    ("portrait", {"width": 720, "height": 1280}, (180, 128, 180, 640), (216, 256)),
    ("turned right", {"width": 720, "height": 1280, "rotation_deg": 90}, (288, 320, 360, 320), (576, 384)),
    ("upside down", {"rotation_deg": 180}, (640, 288, 320, 360), (896, 576)),
    ("turned left", {"width": 720, "height": 1280, "rotation_deg": 270}, (72, 640, 360, 320), (144, 896)),
]
"""Name, settings, where BOX lies (left, top, width, height) and where the zone's first corner."""


def watched_camera() -> CameraSettings:
    rule = {"id": "zone", "type": "zone_presence", "zone": ZONE}
    document = {**CAMERA.model_dump(), "rules": [rule]}
    return CameraSettings.model_validate(document, context=Kinds(rules=registry.kinds().rules))


def frame(*boxes: Box) -> FrameBoxes:
    tracks = (Track(track_id=7, label="person", score=0.9, box=box, first_seen=1.0) for box in boxes)
    return FrameBoxes(camera_id=CAMERA.id, captured_at=2.0, tracks=tuple(tracks))


def layers(center: Center, name: str) -> list[list[list[str]]]:
    """What each publication of a layer shows: shapes with their parts."""
    wanted = str(layer_id(CAMERA.device, name))
    texts = [row[4] for row in center.rows("layer") if row[1] == wanted]
    return [[shape.split(",") for shape in text.split("|")] if text else [] for text in texts]


@pytest.mark.slow
@pytest.mark.timeout(DOWNLOAD_S + 60)
@pytest.mark.parametrize(("_name", "settings", "box", "corner"), SHAPES, ids=[shape[0] for shape in SHAPES])
def test_what_is_drawn_lies_where_the_box_and_the_zone_are(
    center: Center,
    _name: str,
    settings: dict[str, Any],
    box: tuple[float, float, float, float],
    corner: tuple[float, float],
) -> None:
    connector = center.connector(publish=["metadata"], overlays=[{"camera": CAMERA.id, **settings}])
    connector.publish_boxes(frame(BOX), watched_camera())
    ((rectangle, text),) = layers(center, BOXES)
    assert rectangle[:2] == ["rectangle", "#FFFFB000"]
    assert [float(part) for part in rectangle[3:]] == pytest.approx(box, abs=TOLERANCE_PX)
    assert text[:2] == ["text", "person 7"]
    (dots,) = layers(center, ZONES)
    first = [float(part) + float(dots[0][4]) / 2 for part in dots[0][2:4]]
    assert first == pytest.approx(corner, abs=TOLERANCE_PX)
    assert len(dots) < 140
    surface = settings.get("height", 720), settings.get("width", 1280)
    assert center.rows("surface") == [[CAMERA.device, *map(str, surface)]]


@pytest.mark.slow
@pytest.mark.timeout(DOWNLOAD_S + 60)
def test_each_frame_replaces_the_boxes_and_an_empty_one_clears_them(each_center: Center) -> None:
    center = each_center
    connector, camera = center.connector(publish=["metadata"]), watched_camera()
    for boxes in ([BOX], [BOX, BOX], []):
        connector.publish_boxes(frame(*boxes), camera)
    assert [len(shown) for shown in layers(center, BOXES)] == [2, 4, 0]
    assert len(layers(center, ZONES)) == 1
    assert center.rows("overlay") == [[CAMERA.device, "Vigie"]]


@pytest.mark.slow
@pytest.mark.timeout(DOWNLOAD_S + 60)
def test_after_a_new_process_zones_are_drawn_again_in_the_same_layers(center: Center) -> None:
    connector, camera = center.connector(publish=["metadata"]), watched_camera()
    connector.publish_boxes(frame(BOX), camera)
    child = child_of(connector)
    child.send_signal(KILL)
    until(lambda: not child.is_running(), "the process ends")
    with pytest.raises(VmsUnavailable):
        connector.publish_boxes(frame(BOX), camera)
    until(lambda: answers(connector), "a new process answers")
    connector.publish_boxes(frame(BOX), camera)
    assert len(layers(center, ZONES)) == 2
    assert len({row[1] for row in center.rows("layer")}) == 2


@pytest.mark.slow
@pytest.mark.timeout(DOWNLOAD_S + 60)
def test_without_the_media_sdk_boxes_are_refused_and_the_rest_goes_on(
    center: Center, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("without-media")
    for path in center.sdk_folder.iterdir():
        if "Media" not in path.name:
            (folder / path.name).write_bytes(path.read_bytes())
    connector = center.connector(publish=["metadata"], sdk_folder=folder)
    with pytest.raises(RequestInvalid, match="Media"):
        connector.publish_boxes(frame(BOX), watched_camera())
    assert connector.list_cameras()


SHARES = st.floats(min_value=-0.5, max_value=1.5)


@given(x=SHARES, y=SHARES, quarter=st.integers(0, 3), width=st.floats(64, 8192), height=st.floats(64, 8192))
def test_no_point_leaves_the_surface_and_four_quarters_are_a_whole_turn(
    x: float, y: float, quarter: int, width: float, height: float
) -> None:
    surface = Surface(width, height, 90 * quarter)
    px, py = surface.point((x, y))
    assert 0 <= px <= width
    assert 0 <= py <= height
    turned = Surface(1.0, 1.0, 90 * quarter).point((x, y))
    back = Surface(1.0, 1.0, 90 * (4 - quarter) % 360).point(turned)
    assert back == pytest.approx((min(max(x, 0), 1), min(max(y, 0), 1)), abs=1e-9)


def test_an_outline_is_dotted_with_its_corners_and_an_empty_one_not_at_all() -> None:
    outline = [(0.0, 0.0), (100.0, 0.0), (100.0, 50.0)]
    points = dotted(outline)
    assert set(outline) <= set(points)
    assert len(points) <= 130
    assert dotted([]) == []
    assert dotted([(1.0, 1.0), (1.0, 1.0)]) == []
