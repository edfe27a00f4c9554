from __future__ import annotations

import threading

import pytest

from connectors.protocols.mailbox import Mailbox


def test_what_was_put_before_a_failure_is_still_taken() -> None:
    mailbox: Mailbox[int] = Mailbox(4)
    mailbox.put(1, 1.0)
    mailbox.put(2, 1.0)
    mailbox.fail(ValueError("gone"))
    assert [mailbox.take(1.0), mailbox.take(1.0)] == [1, 2]
    with pytest.raises(ValueError, match="gone"):
        mailbox.take(1.0)


def test_a_full_mailbox_makes_the_giver_wait_until_there_is_room() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    mailbox.put(1, 1.0)
    giver = threading.Thread(target=mailbox.put, args=(2, 5.0))
    giver.start()
    assert mailbox.take(1.0) == 1
    giver.join(5)
    assert mailbox.take(1.0) == 2


@pytest.mark.parametrize("is_full", [True, False])
def test_waiting_is_bounded_on_both_sides(is_full: bool) -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    if is_full:
        mailbox.put(1, 1.0)
        with pytest.raises(TimeoutError):
            mailbox.put(2, 0.01)
    else:
        with pytest.raises(TimeoutError):
            mailbox.take(0.01)


def test_closing_wakes_giver_and_taker_and_drops_what_is_left() -> None:
    full: Mailbox[int] = Mailbox(1)
    full.put(1, 1.0)
    empty: Mailbox[int] = Mailbox(1)
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(full.put(2, 10.0))),
        threading.Thread(target=lambda: results.append(empty.take(10.0))),
    ]
    for thread in threads:
        thread.start()
    full.close()
    empty.close()
    for thread in threads:
        thread.join(5)
    assert sorted(map(str, results)) == ["False", "None"]
    assert full.take(1.0) is None
    assert full.is_closed
