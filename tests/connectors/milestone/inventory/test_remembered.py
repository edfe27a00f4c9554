from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from connectors.milestone.inventory.remembered import Remembered
from core.clock import ManualClock
from core.errors import AuthenticationRefused, VmsError, VmsUnavailable
from tests.connectors.milestone.support import WAIT_S


class Source:
    """Counts how often it is asked, and can be made to fail."""

    def __init__(self) -> None:
        self.got: list[int | None] = []
        self.fails_with: VmsError | None = None

    def __call__(self, known: int | None) -> int:
        self.got.append(known)
        if self.fails_with is not None:
            raise self.fails_with
        return len(self.got)


def remembered(source: Source, clock: ManualClock) -> Remembered[int]:
    return Remembered("thing", source, clock, keep_s=60.0)


def test_a_value_is_asked_for_once_and_again_when_it_is_old() -> None:
    clock, source = ManualClock(), Source()
    value = remembered(source, clock)
    assert (value.known, value.age_s) == (None, None)
    assert value.get() == value.get() == value.known == 1
    clock.advance(59.0)
    assert (value.get(), value.age_s) == (1, 59.0)
    clock.advance(1.0)
    assert value.get() == 2
    assert source.got == [None, 1]


def test_while_asking_fails_the_old_value_is_used_and_told_once() -> None:
    clock, source = ManualClock(), Source()
    value = remembered(source, clock)
    value.get()
    with capture_logs() as logs:
        source.fails_with = VmsUnavailable("down")
        for _ in range(3):
            clock.advance(60.0)
            assert value.get() == 1
            assert value.get() == 1, "asking is tried again later only"
        assert len(source.got) == 4
        assert value.age_s == 180.0
        source.fails_with = None
        clock.advance(60.0)
        assert value.get() == 5
    assert [entry["event"] for entry in logs] == ["old_knowledge_is_used", "knowledge_is_fresh_again"]


def test_where_nothing_is_known_the_failure_is_the_callers() -> None:
    source = Source()
    source.fails_with = AuthenticationRefused("no", remedy="mend")
    value = remembered(source, ManualClock())
    for _ in range(2):
        with pytest.raises(AuthenticationRefused):
            value.get()
    source.fails_with = None
    assert value.get() == 3


def test_threads_that_waited_for_a_first_value_share_its_failure() -> None:
    entered, release = threading.Event(), threading.Event()
    asked: list[None] = []

    def hang(_: int | None) -> int:
        asked.append(None)
        entered.set()
        assert release.wait(WAIT_S)
        raise VmsUnavailable("down", remedy="look")

    value = Remembered("thing", hang, ManualClock(), keep_s=60.0)
    failures: list[str] = []

    def get() -> None:
        try:
            value.get()
        except VmsUnavailable as error:
            failures.append(error.line())

    first = threading.Thread(target=get)
    first.start()
    assert entered.wait(WAIT_S)
    others = [threading.Thread(target=get) for _ in range(3)]
    for thread in others:
        thread.start()
    release.set()
    for thread in (first, *others):
        thread.join(WAIT_S)
    assert failures == ["down. look"] * 4


def test_nobody_waits_for_a_refresh_while_an_old_value_is_there() -> None:
    clock = ManualClock()
    entered, release = threading.Event(), threading.Event()

    def slow(known: int | None) -> int:
        if known is None:
            return 1
        entered.set()
        assert release.wait(WAIT_S)
        return 2

    value = Remembered("thing", slow, clock, keep_s=60.0)
    value.get()
    clock.advance(60.0)
    thread = threading.Thread(target=value.get)
    thread.start()
    assert entered.wait(WAIT_S)
    assert value.get() == 1
    release.set()
    thread.join(WAIT_S)
    assert value.get() == 2


def test_a_refresh_by_hand_asks_now_unless_the_value_is_very_young() -> None:
    clock, source = ManualClock(), Source()
    value = remembered(source, clock)
    assert value.refresh(lambda: 10) == 10
    assert value.refresh(lambda: 11, unless_younger_s=5.0) == 10
    clock.advance(5.0)
    assert value.refresh(lambda: 11, unless_younger_s=5.0) == 11

    def fails() -> int:
        raise VmsUnavailable("down")

    with pytest.raises(VmsUnavailable):
        value.refresh(fails)
    assert value.known == 11


def test_a_change_alters_what_is_known_and_not_its_age() -> None:
    clock = ManualClock()
    value = remembered(Source(), clock)
    value.change(lambda known: known + 1)
    assert value.get() == 1, "there was nothing to change"
    clock.advance(5.0)
    value.change(lambda known: known + 1)
    assert value.get() == 2
    assert value.age_s == 5.0
