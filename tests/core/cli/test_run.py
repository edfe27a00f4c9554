from __future__ import annotations

import threading

import pytest

from core.cli import run as run_module
from core.cli.run import wait


class Waits(threading.Event):
    """Notes how long it is waited for, without waiting; set at the given turn."""

    def __init__(self, set_at: int) -> None:
        super().__init__()
        self.seen: list[float] = []
        self._set_at = set_at

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seen.append(timeout)
        return len(self.seen) >= self._set_at


@pytest.mark.parametrize("seconds", [None, 3600.0])
def test_every_wait_is_short_so_that_ctrl_c_works_on_windows_too(seconds: float | None) -> None:
    stopping = Waits(set_at=3)
    wait(stopping, seconds)
    assert stopping.seen == [run_module.WAKE_S] * 3


def test_something_is_done_between_the_waits_and_not_after_the_last() -> None:
    done: list[int] = []
    wait(Waits(set_at=3), None, lambda: done.append(1))
    assert len(done) == 2


def test_it_ends_by_itself_when_the_time_is_up() -> None:
    stopping = Waits(set_at=100)
    wait(stopping, 0.0)
    assert not stopping.is_set()
