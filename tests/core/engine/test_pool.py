from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.model import SiteSettings
from core.clock import ManualClock, SystemClock
from core.contracts import Clock
from core.engine import pool as pool_module
from core.engine.messages import FromWorker, Ready, StreamChanged, SwitchRules
from core.engine.pool import LONGEST_RESTART_S, QUICK_DEATH_S, WorkerMain, WorkerPool, shares
from core.errors import StoreError
from core.types import RuleState, StreamState
from tests.core.engine import fake_workers
from tests.core.engine.sites import camera, site

PATIENCE_S = 30.0
"""A spawned process imports the whole package first; on a busy machine that takes seconds."""


class Heard:
    def __init__(self) -> None:
        self.messages: queue.Queue[FromWorker] = queue.Queue()
        self.deaths: queue.Queue[tuple[str, ...]] = queue.Queue()

    def said(self, worker_index: int, message: FromWorker) -> None:
        if isinstance(message, StreamChanged) and message.camera_id == "unlistened":
            raise KeyError(message.camera_id)
        self.messages.put(message)

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        self.deaths.put(tuple(camera_ids))

    def next_stream(self) -> StreamChanged:
        while True:
            message = self.messages.get(timeout=PATIENCE_S)
            if isinstance(message, StreamChanged):
                return message


def a_pool(
    heard: Heard,
    *,
    watched: SiteSettings | None = None,
    path: Path = Path("site.yaml"),
    target: WorkerMain = fake_workers.obedient,
    last_alerts: Callable[[str], Mapping[str, float]] = lambda _camera: {},
    states: Callable[[str], Mapping[str, RuleState]] = lambda _camera: {},
    clock: Clock | None = None,
) -> WorkerPool:
    return WorkerPool(
        watched or site(camera("a")),
        path,
        events=heard,
        last_alerts=last_alerts,
        states=states,
        clock=clock or SystemClock(),
        log_level="error",
        target=target,
    )


@contextmanager
def running(
    watched: SiteSettings, path: Path, target: WorkerMain, last_alerts: Mapping[str, float]
) -> Iterator[tuple[WorkerPool, Heard]]:
    heard = Heard()
    pool = a_pool(heard, watched=watched, path=path, target=target, last_alerts=lambda _camera: last_alerts)
    pool.start()
    try:
        yield pool, heard
    finally:
        pool.stop()


@pytest.mark.parametrize(
    ("workers", "expected"),
    [(1, [("a", "b", "c")]), (2, [("a", "c"), ("b",)]), (8, [("a",), ("b",), ("c",)])],
)
def test_enabled_cameras_are_dealt_to_workers_and_no_worker_is_idle(
    workers: int, expected: list[tuple[str, ...]]
) -> None:
    cameras = [camera("a"), camera("b"), camera("off", enabled=False), camera("c")]
    assert shares(site(*cameras, workers=workers)) == expected


@pytest.mark.slow
def test_a_worker_gets_its_cameras_with_their_last_alerts_and_ends_when_told(tmp_path: Path) -> None:
    watched = site(camera("a"), camera("b"))
    with running(watched, tmp_path / "site.yaml", fake_workers.obedient, {"zone": 12.0}) as (pool, heard):
        assert isinstance(heard.messages.get(timeout=PATIENCE_S), Ready)
        assert {heard.next_stream().camera_id, heard.next_stream().camera_id} == {"a", "b"}
        assert len(pool.process_ids()) == 1
    assert pool.process_ids() == []
    assert heard.deaths.empty()


@pytest.mark.slow
def test_a_killed_worker_is_heard_to_its_last_word_and_replaced_with_its_cameras(tmp_path: Path) -> None:
    watched = site(camera("a"), camera("b"))
    with running(watched, tmp_path / "site.yaml", fake_workers.dies_once, {"zone": 12.0}) as (_pool, heard):
        assert heard.next_stream().camera_id == "last-words"
        assert heard.deaths.get(timeout=PATIENCE_S) == ("a", "b")
        after = {heard.next_stream(), heard.next_stream()}
    assert {(message.camera_id, message.cause) for message in after} == {("a", "zone=12"), ("b", "zone=12")}


@pytest.mark.slow
def test_a_message_that_cannot_be_read_or_taken_costs_only_itself(tmp_path: Path) -> None:
    with running(site(camera("a")), tmp_path / "site.yaml", fake_workers.talks_nonsense, {}) as (_pool, heard):
        assert heard.next_stream().camera_id == "a"
    assert heard.deaths.empty()


@pytest.mark.slow
def test_a_worker_that_does_not_end_when_told_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "STOP_S", 0.1)
    heard = Heard()
    pool = a_pool(heard, target=fake_workers.deaf)
    pool.start()
    assert isinstance(heard.messages.get(timeout=PATIENCE_S), Ready)
    pool.stop()
    assert pool.process_ids() == []
    assert not any(slot.thread and slot.thread.is_alive() for slot in pool._slots)
    assert heard.deaths.empty()


@pytest.mark.slow
def test_a_silent_worker_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "HANG_S", 0.1)
    heard = Heard()
    pool = a_pool(heard, target=fake_workers.deaf)
    pool.start()
    assert heard.deaths.get(timeout=PATIENCE_S) == ("a",)
    pool.stop()
    assert pool.process_ids() == []


@pytest.mark.slow
def test_a_stop_while_a_worker_is_being_replaced_leaves_no_process() -> None:
    heard = Heard()
    pool = a_pool(heard, target=fake_workers.dies_at_once)
    pool.start()
    assert heard.deaths.get(timeout=PATIENCE_S) == ("a",)
    pool.stop()
    pool.stop()
    assert pool.process_ids() == []
    assert not any(slot.thread and slot.thread.is_alive() for slot in pool._slots)


@pytest.mark.slow
def test_a_database_that_refuses_the_last_alerts_delays_a_worker_and_does_not_end_it() -> None:
    refusals = [StoreError("the database hangs")]

    def last_alerts(_camera_id: str) -> Mapping[str, float]:
        if refusals:
            raise refusals.pop()
        return {"zone": 12.0}

    heard = Heard()
    pool = a_pool(heard, last_alerts=last_alerts)
    pool.start()
    try:
        assert heard.deaths.get(timeout=PATIENCE_S) == ("a",)
        assert heard.next_stream().cause == "zone=12"
    finally:
        pool.stop()


def test_a_crash_loop_of_any_length_is_slowed_down_to_a_bound_and_is_not_settled() -> None:
    clock = ManualClock()
    pool = a_pool(Heard(), clock=clock)
    slot = pool._slots[0]
    delays = [pool._restart_delay(slot) for _ in range(3000)]
    assert delays[:6] == [0.0, 1.0, 2.0, 4.0, 8.0, LONGEST_RESTART_S]
    assert delays[-1] == LONGEST_RESTART_S
    assert not pool.is_settled(0)
    clock.advance(QUICK_DEATH_S + 1)
    assert pool.is_settled(0)
    assert pool._restart_delay(slot) == 0.0


def test_a_crash_loop_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = a_pool(Heard(), clock=ManualClock())
    lives = iter(range(5))

    def life(_slot: object) -> int:
        if next(lives) == 4:
            pool._stopping.set()
        return -11

    monkeypatch.setattr(pool, "_one_life", life)
    monkeypatch.setattr(pool, "_restart_delay", _count)
    with capture_logs() as logs:
        pool._keep_alive(pool._slots[0])
    assert [line["log_level"] for line in logs] == ["error", "debug", "debug", "debug"]


def _count(slot: pool_module._Slot) -> float:
    slot.quick_deaths += 1
    return 0.0


def test_a_switched_camera_is_told_to_its_worker_and_to_the_next_one(tmp_path: Path) -> None:
    heard = Heard()
    states = {"zone": RuleState.OFF}
    pool = a_pool(heard, path=tmp_path / "site.yaml", states=lambda _camera: states)
    pool.start()
    try:
        assert heard.next_stream().state is StreamState.STREAMING
        pool.switch("a")
        pool.switch("somebody else's")
        told = heard.next_stream()
        assert (told.state, told.cause) == (StreamState.RETRYING, "zone=off")
    finally:
        pool.stop()


def test_a_switch_that_the_database_keeps_back_waits_and_is_logged_once() -> None:
    refusals = [StoreError("the database is locked") for _ in range(3)]

    def states(_camera_id: str) -> Mapping[str, RuleState]:
        if refusals:
            raise refusals.pop()
        return {"zone": RuleState.OFF}

    pool = a_pool(Heard(), states=states)
    pool.switch("a")
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs, capture_logs() as logs:
        for _ in range(4):
            pool._pass_switches(pool._slots[0], ours)
        assert theirs.poll(PATIENCE_S)
        assert theirs.recv() == SwitchRules(camera_id="a", states={"zone": RuleState.OFF})
    assert [line["log_level"] for line in logs] == ["warning", "info"]
