from __future__ import annotations

from connectors.genetec.control.camera_states import CameraStates
from connectors.genetec.control.event_kinds import SIGNAL_LOST, SIGNAL_RECOVERED, TRANSMISSION_LOST
from core.types import CameraReported


def told(report: CameraReported | None) -> tuple[bool, str] | None:
    return None if report is None else (report.is_lost, report.cause)


def test_a_camera_is_lost_while_anything_of_it_is() -> None:
    states = CameraStates()
    assert told(states.on_line("a", True, 1.0)) == (False, "")
    assert told(states.event("a", SIGNAL_LOST, 2.0)) == (True, "signal lost")
    assert told(states.on_line("a", False, 3.0)) == (True, "off line, signal lost")
    assert told(states.event("a", SIGNAL_RECOVERED, 4.0)) == (True, "off line")
    assert told(states.on_line("a", True, 5.0)) == (False, "")


def test_what_changes_nothing_is_not_told() -> None:
    states = CameraStates()
    assert states.event("a", SIGNAL_LOST, 2.0)
    assert states.event("a", SIGNAL_LOST, 3.0) is None
    assert states.event("a", SIGNAL_RECOVERED, 1.0) is None


def test_a_new_listener_is_told_everything_and_what_is_lost_stays_so() -> None:
    states = CameraStates()
    states.event("a", TRANSMISSION_LOST, 1.0)
    states.linked()
    assert told(states.on_line("a", True, 2.0)) == (True, "transmission lost")
