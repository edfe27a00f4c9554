from __future__ import annotations

from structlog.testing import capture_logs

from core.engine.held import Backoff, Held


class Counted:
    def __init__(self, *, fails: bool = False) -> None:
        self.closed = 0
        self.fails = fails

    def close(self) -> None:
        self.closed += 1
        if self.fails:
            raise RuntimeError("a defect in a connector")


def test_a_source_is_closed_once_however_often_it_is_let_go() -> None:
    held: Held[Counted] = Held("camera/a")
    source = held.hold(Counted())
    held.close()
    held.close()
    held.end()
    assert source.closed == 1


def test_a_source_that_comes_after_the_end_is_closed_at_once() -> None:
    held: Held[Counted] = Held("camera/a")
    held.end()
    assert held.stopping.is_set()
    assert held.hold(Counted()).closed == 1


def test_a_defect_in_closing_is_logged_and_goes_no_further() -> None:
    held: Held[Counted] = Held("camera/a")
    held.hold(Counted(fails=True))
    with capture_logs() as logs:
        held.close()
    assert [entry["source"] for entry in logs] == ["camera/a"]


def test_waits_double_up_to_the_bound_until_they_are_reset() -> None:
    backoff = Backoff(0.25, 2.0)
    assert [backoff.next() for _ in range(5)] == [0.25, 0.5, 1.0, 2.0, 2.0]
    assert backoff.is_grown
    backoff.reset()
    assert backoff.next() == 0.25
