from __future__ import annotations

import asyncio
from typing import cast

import pytest

from connectors.protocols.rtsp.outlet import WAITING_BYTES, Outlet
from core.clock import ManualClock
from core.errors import VmsUnavailable

TIMEOUT_S = 10.0
PICTURE = b"x" * 100_000


class FakeWriter:
    """A connection whose client takes bytes when it is told to; its own transport."""

    def __init__(self) -> None:
        self.waiting = 0
        self.is_closed = False
        self.transport = self

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == WAITING_BYTES

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.is_closed

    def write(self, data: bytes) -> None:
        self.waiting += len(data)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture
def outlet(writer: FakeWriter, clock: ManualClock) -> Outlet:
    return Outlet(cast("asyncio.StreamWriter", writer), clock, TIMEOUT_S)


def test_what_waits_for_a_slow_client_is_bounded(outlet: Outlet, writer: FakeWriter) -> None:
    taken = [outlet.offer(PICTURE) for _ in range(100)]
    assert taken == sorted(taken, reverse=True)
    assert not taken[-1]
    assert writer.waiting <= WAITING_BYTES + len(PICTURE)
    writer.waiting = 0
    assert outlet.offer(PICTURE)


def test_who_joins_gets_a_whole_group_of_pictures_and_what_follows_it(outlet: Outlet, writer: FakeWriter) -> None:
    group = PICTURE * 50
    assert outlet.open_with(group)
    assert outlet.offer(PICTURE)
    writer.waiting = WAITING_BYTES
    assert outlet.offer(PICTURE)
    assert not outlet.offer(PICTURE)


def test_a_client_that_takes_nothing_is_told_from_one_that_is_slow(
    outlet: Outlet, writer: FakeWriter, clock: ManualClock
) -> None:
    assert outlet.offer(PICTURE)
    for _ in range(5):
        clock.advance(TIMEOUT_S - 1)
        writer.waiting -= 10
        assert outlet.offer(b"x")
    clock.advance(TIMEOUT_S + 1)
    with pytest.raises(VmsUnavailable, match="does not take"):
        outlet.offer(PICTURE)


def test_to_a_client_that_took_everything_silence_is_no_fault(
    outlet: Outlet, writer: FakeWriter, clock: ManualClock
) -> None:
    outlet.offer(PICTURE)
    writer.waiting = 0
    clock.advance(10 * TIMEOUT_S)
    assert outlet.offer(PICTURE)


def test_a_client_that_left_is_told(outlet: Outlet, writer: FakeWriter) -> None:
    writer.is_closed = True
    with pytest.raises(ConnectionError):
        outlet.offer(PICTURE)
    outlet.write(b"goodbye")
    assert writer.waiting == 0
