from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.vps import camera as vps_camera
from connectors.milestone.vps.camera import MAX_OUTBOX, Block, BlockQueue, GroupOfPictures, VpsCamera
from connectors.milestone.vps.protocol import Configuration, Media, Metadata, decode, encode
from connectors.milestone.vps.statistics import VpsStatistics
from core.clock import ManualClock
from core.errors import VmsUnavailable
from tests.connectors.milestone.support import camera, video_packet

AT_MS = 1_700_000_000_000
NOW_S = 0.0


def block(number: int, *, is_key: bool = False, size: int = 10) -> Block:
    return Block(data=number.to_bytes(4, "big") + bytes(size), frames=1, is_key=is_key)


def number_of(taken: Block) -> int:
    return int.from_bytes(taken.data[:4], "big")


def drained(queue: BlockQueue) -> list[int]:
    async def drain() -> list[int]:
        taken = []
        while (item := await queue.take(NOW_S)) is not None:
            taken.append(number_of(item))
        return taken

    return asyncio.run(drain())


def joined(clock: ManualClock | None = None) -> VpsCamera:
    return VpsCamera(camera(), "dial us", clock or ManualClock(AT_MS / 1000 + 0.25))


def media(number: int, *, is_key: bool) -> bytes:
    return encode(Media(block=video_packet(b"\0\0\0\1\x67", at_ms=AT_MS + 80 * number, is_key=is_key)))


def test_a_group_of_pictures_begins_with_the_last_key_frame() -> None:
    group = GroupOfPictures()
    for number in range(8):
        group.add(block(number, is_key=number in {2, 5}))
    assert [number_of(kept) for kept in group.blocks()] == [5, 6, 7]


@pytest.mark.parametrize(("name", "limit"), [("MAX_GOP_BLOCKS", 3), ("MAX_GOP_BYTES", 50)])
def test_a_group_too_long_to_keep_is_forgotten_until_the_next_key_frame(
    monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(vps_camera, name, limit)
    group = GroupOfPictures()
    for number in range(5):
        group.add(block(number, is_key=number == 0))
    assert group.blocks() == ()
    group.add(block(9, is_key=True))
    assert [number_of(kept) for kept in group.blocks()] == [9]


@pytest.mark.parametrize(("name", "limit"), [("MAX_QUEUED_BLOCKS", 6), ("MAX_QUEUED_BYTES", 90)])
def test_for_a_slow_worker_the_newest_group_of_pictures_wins(
    monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(vps_camera, name, limit)
    statistics = VpsStatistics()
    queue = BlockQueue(statistics)
    for number in range(7):
        queue.offer(block(number, is_key=number in {0, 3, 5}))
    assert drained(queue) == [5, 6]
    assert statistics.frames_dropped == 5


def test_a_group_that_alone_is_too_much_is_dropped_up_to_the_next_key_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vps_camera, "MAX_QUEUED_BLOCKS", 3)
    statistics = VpsStatistics()
    queue = BlockQueue(statistics)
    for number in range(6):
        queue.offer(block(number, is_key=number == 0))
    queue.offer(block(6, is_key=True))
    assert drained(queue) == [6]
    assert statistics.frames_dropped == 6


@given(st.lists(st.sampled_from(["key", "delta", "delta", "delta", "take"]), max_size=80))
def test_whatever_is_dropped_each_picture_follows_the_one_it_needs(steps: list[str]) -> None:
    with patch.object(vps_camera, "MAX_QUEUED_BLOCKS", 4):
        statistics = VpsStatistics()
        queue = BlockQueue(statistics)
        taken = _played(queue, steps)
    offered = [step for step in steps if step != "take"]
    for before, after in zip([None, *taken], taken, strict=False):
        assert offered[after] == "key" or (before is not None and after == before + 1)
    assert len(taken) + statistics.frames_dropped == len(offered)


def _played(queue: BlockQueue, steps: list[str]) -> list[int]:
    async def play() -> list[int]:
        taken: list[int] = []
        number = 0
        for step in [*steps, *["take"] * 5]:
            if step == "take":
                item = await queue.take(NOW_S)
                taken.extend([] if item is None else [number_of(item)])
            else:
                queue.offer(block(number, is_key=step == "key"))
                number += 1
        return taken

    return asyncio.run(play())


def test_a_slow_driver_loses_the_oldest_metadata_and_it_is_counted() -> None:
    async def run() -> list[int]:
        known = joined()
        peer = known.attach_driver()
        for number in range(MAX_OUTBOX + 6):
            known.show(number, b"<x/>")
        assert known.statistics.metadata_dropped == 6
        return [note.milliseconds for note in peer.outbox]

    assert asyncio.run(run()) == list(range(6, MAX_OUTBOX + 6))


def test_metadata_that_waits_when_the_driver_leaves_counts_as_dropped() -> None:
    async def run() -> VpsCamera:
        known = joined()
        peer = known.attach_driver()
        known.show(1, b"<x/>")
        known.detach_driver(peer)
        return known

    known = asyncio.run(run())
    assert known.statistics.metadata_dropped == 1
    with pytest.raises(VmsUnavailable, match="no VPS driver") as refused:
        known.show(2, b"<x/>")
    assert refused.value.remedy == "dial us"


def test_metadata_waits_for_nobody_and_is_taken_in_order() -> None:
    async def run() -> list[int]:
        known = joined()
        peer = known.attach_driver()
        taking = asyncio.create_task(peer.next_note())
        await asyncio.sleep(0)
        await asyncio.to_thread(known.show, 1, b"<x/>")
        known.show(2, b"<x/>")
        first, second = await taking, await peer.next_note()
        assert first is not None
        assert second is not None
        assert decode(first.message) == Metadata(milliseconds=1, document=b"<x/>")
        peer.end()
        assert await peer.next_note() is None
        return [first.milliseconds, second.milliseconds]

    assert asyncio.run(run()) == [1, 2]


def test_lags_are_measured_from_capture_and_from_arrival() -> None:
    clock = ManualClock(AT_MS / 1000 + 0.25)

    async def run() -> VpsStatistics:
        known = joined(clock)
        peer = known.attach_driver()
        known.received(encode(Configuration(text="LANG=en")))
        known.received(media(0, is_key=True))
        clock.advance(0.1)
        for milliseconds in (AT_MS, AT_MS + 7):
            known.show(milliseconds, b"<x/>")
            note = await peer.next_note()
            assert note is not None
            known.sent(note)
        return known.statistics

    statistics = asyncio.run(run())
    assert statistics.metadata_sent == 2
    assert statistics.capture_to_sent.count == 2
    assert statistics.arrival_to_sent.count == 1, "a frame that never arrived has no arrival"
    assert statistics.arrival_to_sent.max_s == pytest.approx(0.1)
    assert statistics.capture_to_sent.max_s == pytest.approx(0.35)


def test_pictures_that_nobody_hears_are_counted() -> None:
    async def run() -> VpsStatistics:
        known = joined()
        known.attach_driver()
        for number in range(3):
            known.received(media(number, is_key=number == 0))
        return known.statistics

    statistics = asyncio.run(run())
    assert (statistics.frames_in, statistics.frames_unheard, statistics.frames_dropped) == (3, 3, 0)
