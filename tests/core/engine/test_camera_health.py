from __future__ import annotations

import pytest
from structlog.testing import capture_logs

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
    assert light(board) == Health(
        component="camera/quay", level=HealthLevel.RED, cause="black: switch on the light", fault=CameraFault.BLACK
    )
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


def stream(state: StreamState, cause: str = "", fault: CameraFault | None = None) -> StreamChanged:
    return StreamChanged(camera_id="quay", state=state, cause=cause, fault=fault)


def test_a_lost_stream_is_told_with_its_code(cameras: CameraHealth, board: HealthBoard) -> None:
    cameras.stream_changed(stream(StreamState.LOST, "nothing comes", CameraFault.STALLED))
    assert light(board).fault is CameraFault.STALLED
    assert light(board).cause == "stalled: nothing comes"
    assert set(cameras.faults("quay")) == {CameraFault.STALLED}
    cameras.stream_changed(stream(StreamState.STREAMING))
    assert cameras.faults("quay") == {}


def test_an_outage_is_logged_and_counted_once_however_often_it_is_tried_and_under_whatever_code(
    cameras: CameraHealth,
) -> None:
    with capture_logs() as logs:
        for fault in (CameraFault.ENDED, CameraFault.UNREACHABLE, CameraFault.TIMED_OUT, CameraFault.UNREACHABLE):
            cameras.stream_changed(stream(StreamState.LOST, "gone", fault))
            cameras.stream_changed(stream(StreamState.RETRYING))
        cameras.stream_changed(stream(StreamState.STREAMING))
    assert [(log["event"], log["code"]) for log in logs] == [
        ("stream is lost", "ended"),
        ("stream is back", "unreachable"),
    ]
    assert cameras.statistics("quay") == {"faults/ended": 1.0}


def test_a_fault_is_logged_and_counted_once_each_way(cameras: CameraHealth) -> None:
    with capture_logs() as logs:
        cameras.fault_changed(came(CameraFault.CORRUPT, "3 of 10 packets"))
        cameras.fault_changed(came(CameraFault.CORRUPT, "4 of 10 packets"))
        cameras.fault_changed(over(CameraFault.CORRUPT))
        cameras.fault_changed(over(CameraFault.CORRUPT))
    assert [log["event"] for log in logs] == ["camera fault", "camera fault is over"]
    assert {log["code"] for log in logs} == {"corrupt"}
    assert cameras.statistics("quay") == {"faults/corrupt": 1.0}
    assert cameras.statistics("gate") == {}
