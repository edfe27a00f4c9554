from __future__ import annotations

import threading
from collections import Counter

import pytest

from analytics.detect.turns import Turns

WAIT_S = 20.0


def wait_for(turns: Turns, count: int) -> None:
    pause = threading.Event()
    for _ in range(round(WAIT_S / 0.002)):
        if turns.waiting == count:
            return
        pause.wait(0.002)
    raise AssertionError("did not happen in time")


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order, threads = Turns(), [], []

    def ask(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        for number in range(5):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            wait_for(turns, number + 1)
    for thread in threads:
        thread.join(WAIT_S)
    assert order == [0, 1, 2, 3, 4]
    assert turns.waiting == 0


def test_at_overload_every_camera_gets_as_many_turns_as_any_other() -> None:
    turns, served, is_over = Turns(), Counter[int](), threading.Event()
    leads: list[int] = []
    cameras = range(4)

    def run(camera: int) -> None:
        while not is_over.is_set():
            with turns:
                served[camera] += 1
                leads.append(max(served.values()) - min(served[other] for other in cameras))
                if sum(served.values()) >= 400:
                    is_over.set()

    threads = [threading.Thread(target=run, args=(camera,)) for camera in cameras]
    with turns:  # all of them ask before the first is served
        for thread in threads:
            thread.start()
        wait_for(turns, len(cameras))
    for thread in threads:
        thread.join(WAIT_S)
    assert max(leads) <= len(cameras)  # a thread that was served may miss a round before it asks again
    assert min(served.values()) >= 60


def test_a_failure_gives_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="bad"), turns:
        raise ValueError("bad")
    with turns:
        assert turns.waiting == 0
