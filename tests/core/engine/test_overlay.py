from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from config.model import CameraSettings
from core.engine.overlay import OverlayPump
from core.errors import VmsUnavailable
from core.fakes import FakeConnector
from core.types import FrameBoxes
from tests.core.engine.sites import camera

PATIENCE_S = 5.0


class BoxConnector(FakeConnector):
    def __init__(self, *, fails: int = 0, error: Exception | None = None) -> None:
        super().__init__()
        self.shown: list[float] = []
        self.fails = fails
        self.error = error or VmsUnavailable("no one answers")
        self.changed = threading.Condition()

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        with self.changed:
            self.changed.notify_all()
            if self.fails:
                self.fails -= 1
                raise self.error
            self.shown.append(boxes.captured_at)

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.shown) >= count, PATIENCE_S)


def frame(captured_at: float, camera_id: str = "a") -> FrameBoxes:
    return FrameBoxes(camera_id=camera_id, captured_at=captured_at, tracks=())


def test_boxes_arrive_in_capture_order_and_late_ones_are_dropped_and_counted() -> None:
    connector = BoxConnector()
    pump = OverlayPump(connector)
    for captured_at in (1.0, 2.0, 1.5, 2.0, 3.0):
        pump.show(frame(captured_at), camera("a"))
    pump.start()
    connector.wait_for(3)
    pump.stop(PATIENCE_S)
    assert connector.shown == [1.0, 2.0, 3.0]
    assert pump.dropped == 2


def test_order_is_kept_per_camera() -> None:
    connector = BoxConnector()
    pump = OverlayPump(connector)
    pump.show(frame(5.0, "a"), camera("a"))
    pump.show(frame(1.0, "b"), camera("b"))
    pump.start()
    connector.wait_for(2)
    pump.stop(PATIENCE_S)
    assert pump.dropped == 0


@pytest.mark.parametrize("error", [VmsUnavailable("no one answers"), RuntimeError("a defect in a connector")])
def test_a_vms_that_fails_costs_frames_and_nothing_else(error: Exception) -> None:
    connector = BoxConnector(fails=1, error=error)
    pump = OverlayPump(connector)
    pump.start()
    pump.show(frame(1.0), camera("a"))
    pump.show(frame(2.0), camera("a"))
    connector.wait_for(1)
    pump.stop(PATIENCE_S)
    assert connector.shown == [2.0]
    assert (pump.dropped, pump.sent) == (1, 1)


def test_a_camera_that_fails_beside_one_that_works_is_logged_once() -> None:
    class OneCamera(BoxConnector):
        def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
            if boxes.camera_id == "b":
                raise VmsUnavailable("no such source")
            super().publish_boxes(boxes, camera)

    connector = OneCamera()
    pump = OverlayPump(connector)
    with capture_logs() as logs:
        for number in range(5):
            pump.show(frame(float(number), "a"), camera("a"))
            pump.show(frame(float(number), "b"), camera("b"))
        pump.show(frame(5.0, "a"), camera("a"))
        pump.start()
        connector.wait_for(6)
        pump.stop(PATIENCE_S)
    assert [line["camera"] for line in logs] == ["b"]


def test_a_recorder_whose_clock_is_set_back_has_boxes_again_at_once() -> None:
    connector = BoxConnector()
    pump = OverlayPump(connector)
    for captured_at in (3600.0, 3595.0, 0.0, 1.0, 0.5):
        pump.show(frame(captured_at), camera("a"))
    pump.start()
    connector.wait_for(3)
    pump.stop(PATIENCE_S)
    assert connector.shown == [3600.0, 0.0, 1.0]
    assert pump.dropped == 2
