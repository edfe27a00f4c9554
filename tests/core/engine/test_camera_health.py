from __future__ import annotations

import pytest

from core.engine.camera_health import CameraHealth
from core.engine.messages import FaultChanged, StreamChanged
from core.health import HealthBoard
from core.types import CameraFault, Health, HealthLevel, StreamState


@pytest.fixture
def board() -> HealthBoard:
    return HealthBoard()


@pytest.fixture
def cameras(board: HealthBoard) -> CameraHealth:
    cameras = CameraHealth(board)
    cameras.stream_changed(StreamChanged(camera_id="quay", state=StreamState.STREAMING))
    return cameras


def came(fault: CameraFault, cause: str = "look at it") -> FaultChanged:
    return FaultChanged(camera_id="quay", fault=fault, is_present=True, cause=cause)


def over(fault: CameraFault) -> FaultChanged:
    return FaultChanged(camera_id="quay", fault=fault, is_present=False)


def light(board: HealthBoard) -> Health:
    (health,) = board.all()
    return health


def test_a_picture_that_shows_nothing_is_red_until_it_shows_something(
    cameras: CameraHealth, board: HealthBoard
) -> None:
    cameras.fault_changed(came(CameraFault.BLACK, "switch on the light"))
    assert light(board) == Health(component="camera/quay", level=HealthLevel.RED, cause="black: switch on the light")
    cameras.fault_changed(over(CameraFault.BLACK))
    assert light(board) == Health(component="camera/quay", level=HealthLevel.GREEN)


def test_damaged_packets_are_yellow(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.fault_changed(came(CameraFault.CORRUPT))
    assert light(board).level is HealthLevel.YELLOW


def test_of_several_faults_the_gravest_gives_the_colour_and_speaks_first(
    cameras: CameraHealth, board: HealthBoard
) -> None:
    cameras.fault_changed(came(CameraFault.CLOCK_JUMPED, "set the recorder's clock"))
    cameras.fault_changed(came(CameraFault.COVERED, "free the lens"))
    assert light(board).level is HealthLevel.RED
    assert light(board).cause == "covered: free the lens; clock_jumped: set the recorder's clock"
    cameras.fault_changed(over(CameraFault.COVERED))
    assert light(board).level is HealthLevel.YELLOW


def test_a_lost_stream_speaks_before_what_its_picture_showed(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.fault_changed(came(CameraFault.FROZEN))
    cameras.stream_changed(StreamChanged(camera_id="quay", state=StreamState.LOST, cause="nobody answers"))
    assert light(board) == Health(component="camera/quay", level=HealthLevel.YELLOW, cause="nobody answers")
    cameras.stream_changed(StreamChanged(camera_id="quay", state=StreamState.STREAMING))
    assert light(board).level is HealthLevel.RED


def test_what_a_lost_worker_saw_counts_no_more(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.fault_changed(came(CameraFault.FROZEN))
    cameras.worker_lost("quay", "a new one takes it over")
    assert cameras.faults("quay") == {}
    cameras.stream_changed(StreamChanged(camera_id="quay", state=StreamState.STREAMING))
    assert light(board).level is HealthLevel.GREEN


def test_a_camera_that_is_stopped_leaves_the_board(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.fault_changed(came(CameraFault.FROZEN))
    cameras.stream_changed(StreamChanged(camera_id="quay", state=StreamState.STOPPED))
    assert board.all() == []
    assert cameras.faults("quay") == {}


def test_a_fault_that_was_not_there_ends_without_effect(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.fault_changed(over(CameraFault.FROZEN))
    assert light(board).level is HealthLevel.GREEN
