from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from connectors.onvif.device.capture_order import STEP_BACK_S
from connectors.onvif.device.relayed_video import (
    MAX_GOP_PICTURES,
    GroupOfPictures,
    RelayedPacket,
    RelayedVideo,
    WorkerLink,
)
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LiveListener, LivePacket
from connectors.protocols.rtsp.feeds import VideoFormat
from tests.connectors.onvif.device.streams import START


def format_of(codec: ClipCodec = "h264") -> VideoFormat:
    return VideoFormat(codec=codec, width=640, height=360, fps=12.5, parameter_sets=(b"sps", b"pps"))


def feed_with_worker() -> tuple[RelayedVideo, WorkerLink]:
    video = RelayedVideo()
    worker = video.attach()
    video.described(worker, format_of())
    return video, worker


def send(video: RelayedVideo, worker: WorkerLink, *pictures: tuple[float, bool], turn: int | None = None) -> None:
    for offset_s, is_key in pictures:
        packet = RelayedPacket(
            data=f"{offset_s}".encode(),
            captured_at=START + offset_s,
            is_key=is_key,
            turn=video.turn if turn is None else turn,
        )
        video.received(worker, packet)


async def waiting(listener: LiveListener) -> list[LivePacket]:
    found = []
    while True:
        try:
            async with asyncio.timeout(0):
                found.append(await anext(listener))
        except (TimeoutError, StopAsyncIteration):
            return found


async def offsets(listener: LiveListener) -> list[float]:
    return [round(packet.captured_at - START, 3) for packet in await waiting(listener)]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_pictures_are_wanted_only_while_somebody_listens() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        assert video.turn == 0
        worker.changed.clear()
        async with video.listen():
            assert worker.changed.is_set()
            first = video.turn
            async with video.listen():
                assert video.turn == first > 0
            worker.changed.clear()
        assert worker.changed.is_set()
        assert video.turn == 0
        async with video.listen():
            assert video.turn not in {0, first}

    run(work())


def test_turns_come_round_without_ever_being_none() -> None:
    async def work() -> None:
        video, _ = feed_with_worker()
        turns = set()
        for _ in range(600):
            async with video.listen():
                turns.add(video.turn)
        assert turns == set(range(1, 256))

    run(work())


def test_viewers_begin_at_a_key_frame() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen() as listener:
            send(video, worker, (0.1, False), (0.2, True), (0.3, False))
            assert await offsets(listener) == [0.2, 0.3]
            assert [packet.captured_at - START for packet in video.gop()] == pytest.approx([0.2, 0.3], abs=1e-3)

    run(work())


def test_nothing_old_is_kept_for_the_next_viewer() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen():
            send(video, worker, (0.2, True))
        assert not video.gop()
        assert video.format == format_of()

    run(work())


def test_pictures_of_an_earlier_request_are_passed_over() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen():
            old = video.turn
        async with video.listen() as listener:
            send(video, worker, (0.1, True), turn=old)
            send(video, worker, (0.0, True), (0.1, False))
            assert await offsets(listener) == [0.0, 0.1]
        assert video.statistics.pictures_unwanted == 1

    run(work())


def test_when_the_worker_dies_viewers_wait_and_go_on_at_the_next_newer_key_frame() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen() as listener:
            send(video, worker, (0.0, True), (0.1, False), (2.0, True), (2.1, False))
            video.detach(worker)
            assert await offsets(listener) == [0.0, 0.1, 2.0, 2.1]
            assert not video.gop()
            anew = video.attach()
            send(video, anew, (1.0, True), (1.1, False), (2.2, False), (3.0, True), (3.1, False))
            assert await offsets(listener) == [3.0, 3.1]

    run(work())


def test_a_worker_that_was_replaced_is_not_heard() -> None:
    async def work() -> None:
        video, old = feed_with_worker()
        new = video.attach()
        async with video.listen() as listener:
            send(video, old, (0.0, True))
            video.described(old, format_of("hevc"))
            video.detach(old)
            send(video, new, (0.1, True))
            assert await offsets(listener) == [0.1]
        assert video.format == format_of()

    run(work())


def test_frames_that_are_shown_out_of_their_decode_order_pass() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen() as listener:
            send(video, worker, (0.0, True), (0.3, False), (0.1, False), (0.2, False), (0.4, True))
            assert await offsets(listener) == [0.0, 0.3, 0.1, 0.2, 0.4]

    run(work())


def test_a_recorders_clock_that_was_set_back_ends_the_viewers() -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen() as listener:
            send(video, worker, (0.0, True), (-STEP_BACK_S - 1, True), (-STEP_BACK_S, True))
            assert await offsets(listener) == [0.0]
            with pytest.raises(StopAsyncIteration):
                await anext(listener)
            assert video.turn == 0
        async with video.listen() as listener:
            send(video, worker, (-STEP_BACK_S, True))
            assert await offsets(listener) == [-STEP_BACK_S]

    run(work())


@pytest.mark.parametrize(("codec", "goes_on"), [("h264", True), ("hevc", False)])
def test_another_codec_ends_the_viewers(codec: ClipCodec, goes_on: bool) -> None:
    async def work() -> None:
        video, worker = feed_with_worker()
        async with video.listen() as listener:
            video.described(worker, format_of(codec))
            send(video, worker, (0.0, True))
            assert await offsets(listener) == ([0.0] if goes_on else [])

    run(work())


def test_a_group_of_pictures_that_is_too_long_is_not_kept() -> None:
    group: GroupOfPictures[RelayedPacket] = GroupOfPictures()
    for number in range(MAX_GOP_PICTURES + 2):
        group.add(RelayedPacket(data=b"x", captured_at=START + number, is_key=number == 0, turn=1))
    assert not group.packets()
    group.add(RelayedPacket(data=b"x", captured_at=START, is_key=True, turn=1))
    assert len(group.packets()) == 1
