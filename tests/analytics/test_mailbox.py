from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.mailbox import Mailbox, PacketQueue, QueuedPacket
from core.types import Packet


def packet(number: int, *, is_key: bool = False) -> Packet:
    return Packet(codec="h264", data=b"x", captured_at=float(number), is_key=is_key, received_at=0.0)


def queue_of(keys: str, most: int = 8) -> PacketQueue:
    """``K`` is a key frame, ``.`` is not."""
    queue = PacketQueue(most)
    for number, key in enumerate(keys):
        queue.put(packet(number, is_key=key == "K"))
    return queue


def drained(queue: PacketQueue) -> list[QueuedPacket]:
    items = [queue.take() for _ in range(len(queue))]
    return [item for item in items if item is not None]


def numbers(queue: PacketQueue) -> list[int]:
    return [int(item.packet.captured_at) for item in drained(queue)]


def test_packets_come_out_as_they_went_in() -> None:
    items = drained(queue_of("K..K.."))
    assert [item.packet.captured_at for item in items] == [0, 1, 2, 3, 4, 5]
    assert {(item.stream, item.follows_gap) for item in items} == {(0, False)}


@pytest.mark.parametrize(
    ("keys", "kept", "dropped"),
    [
        ("K...K....", [4, 5, 6, 7, 8], 4),
        ("K.K.K....", [4, 5, 6, 7, 8], 4),
        ("K.......K", [8], 8),
        ("KKKKKKKKK", [7, 8], 7),
        ("K........", [8], 8),
    ],
)
def test_a_full_queue_drops_what_is_older_than_the_newest_key_frame(keys: str, kept: list[int], dropped: int) -> None:
    queue = queue_of(keys)
    assert queue.dropped == dropped
    assert numbers(queue) == kept


@pytest.mark.parametrize("keys", ["K...K....", "K........", "K.......K"])
def test_the_first_packet_after_a_drop_says_that_others_are_missing(keys: str) -> None:
    first, *others = drained(queue_of(keys))
    assert first.follows_gap
    assert not any(item.follows_gap for item in others)


def test_a_new_stream_begins_with_a_gap_though_its_first_packet_makes_the_queue_overflow() -> None:
    queue = queue_of("K...K...")
    queue.begin_stream()
    queue.put(packet(8, is_key=True))
    assert [(item.stream, item.follows_gap) for item in drained(queue)] == [(0, True), *[(0, False)] * 3, (1, True)]


def test_a_new_stream_is_told_from_the_old_one() -> None:
    queue = queue_of("K.")
    queue.begin_stream()
    queue.put(packet(2, is_key=True))
    queue.put(packet(3))
    assert [(item.stream, item.follows_gap) for item in drained(queue)] == [
        (0, False),
        (0, False),
        (1, True),
        (1, False),
    ]


@given(st.text("K.", max_size=100), st.integers(1, 10))
def test_a_queue_never_holds_more_than_its_bound_and_counts_every_packet(keys: str, most: int) -> None:
    queue = queue_of(keys, most)
    assert len(queue) <= most
    assert len(queue) + queue.dropped == len(keys)
    assert numbers(queue) == list(range(queue.dropped, len(keys)))


def test_closing_ends_a_waiting_take_and_ignores_what_comes_after() -> None:
    queue, results = PacketQueue(), []
    waiter = threading.Thread(target=lambda: results.append(queue.take()))
    waiter.start()
    queue.close()
    waiter.join(5)
    queue.put(packet(1))
    assert results == [None]
    assert (len(queue), queue.take()) == (0, None)


def test_in_the_mailbox_the_newest_wins_and_the_others_are_counted() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for number in range(5):
        mailbox.put(number)
    assert (mailbox.take(), mailbox.skipped) == (4, 4)
    mailbox.put(5)
    assert (mailbox.take(), mailbox.skipped) == (5, 4)


def test_closing_the_mailbox_ends_a_waiting_take() -> None:
    mailbox: Mailbox[int] = Mailbox()
    results: list[int | None] = []
    waiter = threading.Thread(target=lambda: results.append(mailbox.take()))
    waiter.start()
    mailbox.close()
    waiter.join(5)
    assert results == [None]


def test_what_was_not_taken_before_the_end_is_not_taken_after_it() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.take() is None
