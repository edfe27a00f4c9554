from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.model import SiteSettings
from core.clock import ManualClock, SystemClock
from core.contracts import Clock
from core.engine import child as child_module
from core.engine import pool as pool_module
from core.engine.child import Child, WorkerMain
from core.engine.costs import Budget
from core.engine.messages import FromWorker, Heartbeat, Ready, Released, StreamChanged, SwitchRules, ToWorker
from core.engine.pool import LONGEST_RESTART_S, QUICK_DEATH_S, SETTLED_S, WorkerPool
from core.engine.progress import STUCK_S
from core.errors import StoreError
from core.types import RuleState, StreamState
from tests.core.engine import fake_workers
from tests.core.engine.sites import camera, site

pytestmark = pytest.mark.slow

PATIENCE_S = 30.0
"""A spawned process imports the whole package first; on a busy machine that takes seconds."""


class Heard:
    def __init__(self) -> None:
        self.messages: queue.Queue[FromWorker] = queue.Queue()
        self.deaths: queue.Queue[tuple[str, ...]] = queue.Queue()
        self.hung: list[tuple[int, str, str]] = []
        self.refusals: dict[str, str] = {}
        self.closures: list[int] = []

    def said(self, worker_index: int, message: FromWorker) -> None:
        if isinstance(message, StreamChanged) and message.camera_id == "unlistened":
            raise KeyError(message.camera_id)
        self.messages.put(message)

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        self.deaths.put(tuple(camera_ids))

    def stuck(self, worker_index: int, camera_id: str, what: str) -> None:
        self.hung.append((worker_index, camera_id, what))

    def refused(self, camera_id: str, cause: str) -> None:
        self.refusals[camera_id] = cause

    def closed(self, worker_index: int) -> None:
        self.closures.append(worker_index)

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
    budget: Budget | None = None,
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
        budget=budget,
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


@pytest.mark.slow
def test_a_worker_gets_its_cameras_with_their_last_alerts_and_ends_when_told(tmp_path: Path) -> None:
    watched = site(camera("a"), camera("b"))
    with running(watched, tmp_path / "site.yaml", fake_workers.obedient, {"zone": 12.0}) as (pool, heard):
        assert isinstance(heard.messages.get(timeout=PATIENCE_S), Ready)
        assert {heard.next_stream().camera_id, heard.next_stream().camera_id} == {"a", "b"}
        assert list(pool.owners().values()) == [("a", "b")]
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
    assert not any(thread.name == "pool-child" for thread in threading.enumerate())
    assert heard.deaths.empty()


@pytest.mark.slow
def test_a_silent_worker_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "HANG_S", 0.1)
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
    assert not any(thread.name == "pool-child" for thread in threading.enumerate())


class FakeChild:
    """Stands for a process: keeps what it was told."""

    born: list[FakeChild]

    def __init__(self, parent: WorkerPool, *_arguments: object) -> None:
        self.seat: int | None = None
        self.is_ready = False
        self.failure = ""
        self.parent = parent
        self.thread = threading.Thread()
        self.orders: list[Callable[[], ToWorker]] = []
        self.is_ended = self.is_killed = False
        self.process_id: int | None = None
        self.born.append(self)

    def start(self) -> None:
        self.process_id = 1000 + len(self.born)

    def tell(self, order: Callable[[], ToWorker]) -> None:
        self.orders.append(order)

    def end(self) -> None:
        self.is_ended = True

    def kill(self) -> None:
        self.is_killed = True

    def told(self) -> list[str]:
        """What it was told since it was asked last, in short."""
        messages = [order() for order in self.orders]
        self.orders.clear()
        return [f"{type(message).__name__} {getattr(message, 'camera_id', '')}".strip() for message in messages]

    def says(self, message: FromWorker) -> None:
        self.parent.heard(self, message)  # type: ignore[arg-type]

    def dies(self) -> None:
        self.process_id = None
        self.parent.ended(self, -9)  # type: ignore[arg-type]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[FakeChild]:
    monkeypatch.setattr(FakeChild, "born", [], raising=False)
    monkeypatch.setattr(pool_module, "Child", FakeChild)
    monkeypatch.setattr(pool_module, "SPARE_REST_S", 0.0)
    return FakeChild.born


def names(text: str, *, workers: int) -> SiteSettings:
    return site(*(camera(name) for name in text), workers=workers)


def test_a_spare_is_started_once_the_workers_have_begun(children: list[FakeChild]) -> None:
    pool = a_pool(Heard(), watched=names("abc", workers=2))
    pool.start()
    assert [child.seat for child in children] == [0, 1]
    children[0].says(Ready())
    assert len(children) == 2
    children[1].says(Ready())
    assert [child.seat for child in children] == [0, 1, None]
    assert sorted(pool.owners().values()) == [("a", "c"), ("b",)]
    assert len(pool.process_ids()) == 3


def test_the_spare_takes_the_cameras_of_a_dead_worker_at_once_and_nobody_else_notices(
    children: list[FakeChild],
) -> None:
    heard = Heard()
    pool = a_pool(heard, watched=names("abc", workers=2))
    pool.start()
    for child in children[:2]:
        child.says(Ready())
        child.told()
    spare = children[2]
    spare.says(Ready())
    children[0].dies()
    assert heard.deaths.get_nowait() == ("a", "c")
    assert (spare.seat, spare.told()) == (0, ["Assign a", "Assign c"])
    assert children[1].told() == []
    assert children[3].seat is None


def test_while_there_is_no_spare_another_worker_stands_in_until_the_next_one_is_ready(
    children: list[FakeChild],
) -> None:
    clock = ManualClock()
    pool = a_pool(Heard(), watched=names("abc", workers=2), clock=clock)
    pool.start()
    first, second = children
    first.says(Ready())
    second.says(Ready())
    first.told()
    second.told()
    clock.advance(QUICK_DEATH_S + 1.0)
    first.dies()
    heir = children[2]
    assert (heir.seat, heir.told(), second.told()) == (0, [], ["Assign a", "Assign c"])
    heir.says(Ready())
    assert second.told() == ["Unassign a", "Unassign c"]
    second.says(Released(camera_id="c"))
    assert heir.told() == ["Assign c"]
    second.dies()
    assert heir.told() == ["Assign a", "Assign b"]
    assert sorted(pool.owners().values()) == [(), ("c", "a", "b")]


def test_no_worker_stands_in_for_cameras_that_kill_again_and_again(children: list[FakeChild]) -> None:
    pool = a_pool(Heard(), watched=names("ab", workers=2), clock=ManualClock())
    pool.start()
    first, second = children
    first.says(Ready())
    second.says(Ready())
    second.told()
    pool._seats[0].quick_deaths = 1
    first.dies()
    assert (children[2].told(), second.told()) == (["Assign a"], [])


def test_a_camera_that_does_harm_costs_one_stand_in_at_most(children: list[FakeChild]) -> None:
    clock = ManualClock()
    pool = a_pool(Heard(), watched=names("abc", workers=3), clock=clock)
    pool.start()
    first, second, third = children
    for child in (first, second, third):
        child.says(Ready())
        child.told()
    clock.advance(QUICK_DEATH_S + 1.0)
    first.dies()
    heir = children[3]
    assert (second.told(), third.told(), heir.told()) == (["Assign a"], [], [])
    second.dies()
    assert (third.told(), heir.told()) == (["Assign b"], ["Assign a"])


def test_a_spare_that_dies_costs_no_camera_and_is_replaced(children: list[FakeChild]) -> None:
    heard = Heard()
    pool = a_pool(heard)
    pool.start()
    children[0].says(Ready())
    children[1].dies()
    assert [child.seat for child in children] == [0, None, None]
    assert heard.deaths.empty()


def test_a_worker_whose_seat_rests_after_quick_deaths_is_not_replaced_early_by_another_change(
    children: list[FakeChild], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = a_pool(Heard(), watched=names("ab", workers=2), clock=ManualClock())
    pool.start()
    pool._seats[0].quick_deaths = 5
    rested: list[float] = []

    def rest(seconds: float) -> bool:
        rested.append(seconds)
        pool.apply(names("abc", workers=2))
        assert pool._seats[0].child is None
        return False

    monkeypatch.setattr(pool._stopping, "wait", rest)
    children[0].dies()
    assert rested == [8.0]
    assert pool._seats[0].child is not None


def test_cameras_come_go_and_change_and_the_others_are_not_told(children: list[FakeChild]) -> None:
    pool = a_pool(Heard(), watched=names("abcd", workers=2))
    pool.start()
    first, second = children
    assert first.told() == ["Assign a", "Assign c"]
    assert second.told() == ["Assign b", "Assign d"]
    pool.apply(names("bcde", workers=2), changed=["d"])
    assert first.told() == ["SettingsChanged", "Unassign a", "Assign e"]
    assert second.told() == ["SettingsChanged", "Assign d"]
    first.says(Released(camera_id="a"))
    assert sorted(pool.owners().values()) == [("b", "d"), ("c", "e")]
    assert first.told() == second.told() == []


def test_a_camera_that_returns_while_it_is_let_go_of_is_assigned_once_it_is_free(children: list[FakeChild]) -> None:
    pool = a_pool(Heard(), watched=names("ab", workers=1))
    pool.start()
    (only,) = children
    pool.apply(names("b", workers=1))
    pool.apply(names("ab", workers=1), changed=["a"])
    assert only.told() == ["Assign a", "Assign b", "SettingsChanged", "Unassign a", "SettingsChanged"]
    only.says(Released(camera_id="a"))
    assert only.told() == ["Assign a"]


def test_a_worker_without_cameras_ends_and_comes_back_with_the_next_camera(children: list[FakeChild]) -> None:
    heard = Heard()
    pool = a_pool(heard, watched=names("ab", workers=2))
    pool.start()
    pool.apply(names("a", workers=2))
    children[1].says(Released(camera_id="b"))
    assert children[1].is_ended
    assert heard.closures == [1]
    told = heard.messages.qsize()
    children[1].says(Heartbeat(statistics={}, dropped_boxes=0))
    assert heard.messages.qsize() == told
    children[1].dies()
    assert heard.deaths.empty()
    pool.apply(names("ac", workers=2))
    assert children[-1].told() == ["Assign c"]


def test_fewer_workers_move_the_cameras_of_those_that_end_and_no_others(children: list[FakeChild]) -> None:
    pool = a_pool(Heard(), watched=names("abc", workers=2))
    pool.start()
    first, second = children
    first.told()
    second.told()
    first.says(Ready())
    pool.apply(names("abc", workers=1))
    assert (first.told(), second.told()) == (["SettingsChanged"], ["SettingsChanged", "Unassign b"])
    second.says(Released(camera_id="b"))
    assert first.told() == ["Assign b"]
    assert second.is_ended


def told_cost(child: FakeChild, clock: ManualClock, spent: Mapping[str, float]) -> None:
    """Lets ten seconds pass in which each camera spent so many."""
    for share in (0.0, 1.0):
        statistics = {name: {"decode_s": share * seconds} for name, seconds in spent.items()}
        child.says(Heartbeat(statistics=statistics, dropped_boxes=0, processor_s=share * sum(spent.values())))
        if not share:
            clock.advance(10.0)


def test_a_camera_moves_off_a_worker_that_has_too_much_to_do(children: list[FakeChild]) -> None:
    clock = ManualClock()
    pool = a_pool(Heard(), watched=names("abcd", workers=2), clock=clock)
    pool.start()
    first, second = children
    first.told()
    second.told()
    first.says(Ready())
    second.says(Ready())
    told_cost(first, clock, {"a": 5.0, "c": 6.0})
    told_cost(second, clock, {"b": 1.0, "d": 1.0})
    pool.balance()
    assert (first.told(), second.told()) == (["Unassign a"], [])
    first.says(Released(camera_id="a"))
    assert second.told() == ["Assign a"]
    pool.balance()
    assert (first.told(), second.told()) == ([], [])


class FewCores:
    """Room for two cameras on each worker."""

    def estimate(self, *_arguments: object) -> float:
        return 0.4

    def per_worker(self) -> float:
        return 0.9


def test_a_camera_that_does_not_fit_is_refused_with_figures_and_admitted_when_there_is_room(
    children: list[FakeChild],
) -> None:
    heard = Heard()
    pool = a_pool(heard, watched=names("abc", workers=1), budget=FewCores())
    pool.start()
    (only,) = children
    assert only.told() == ["Assign a", "Assign b"]
    assert heard.refusals.keys() == {"c"}
    assert heard.refusals["c"].startswith("does not fit: it needs 0.40 cores, 0.10 are left on the only worker")
    pool.apply(names("bc", workers=1))
    assert only.told() == ["SettingsChanged", "Unassign a", "Assign c"]


def test_analysis_that_hangs_is_said_and_its_worker_killed(children: list[FakeChild]) -> None:
    clock, heard = ManualClock(), Heard()
    pool = a_pool(heard, clock=clock)
    pool.start()
    for second in range(int(STUCK_S) + 2):
        statistics = {"a": {"frames_analysed": 7.0, "frames_skipped": 8.0 * second}}
        children[0].says(Heartbeat(statistics=statistics, dropped_boxes=0))
        clock.advance(1.0)
    assert heard.hung == [(0, "a", "analysis")]
    assert children[0].is_killed


@pytest.mark.slow
def test_a_database_that_refuses_the_last_alerts_delays_a_camera_and_does_not_end_its_worker() -> None:
    refusals = [StoreError("the database hangs")]

    def last_alerts(_camera_id: str) -> Mapping[str, float]:
        if refusals:
            raise refusals.pop()
        return {"zone": 12.0}

    heard = Heard()
    pool = a_pool(heard, last_alerts=last_alerts)
    pool.start()
    try:
        assert heard.next_stream().cause == "zone=12"
        assert heard.deaths.empty()
    finally:
        pool.stop()


def test_a_crash_loop_of_any_length_is_slowed_down_to_a_bound_and_is_not_settled(children: list[FakeChild]) -> None:
    clock = ManualClock()
    pool = a_pool(Heard(), clock=clock)
    pool.start()
    seat = pool._seats[0]
    seat.taken_at = clock.monotonic()
    delays = [pool._restart_delay(seat) for _ in range(3000)]
    assert delays[:7] == [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, LONGEST_RESTART_S]
    assert delays[-1] == LONGEST_RESTART_S
    assert not pool.is_settled(0)
    clock.advance(SETTLED_S + 1)
    assert pool.is_settled(0)
    assert SETTLED_S > QUICK_DEATH_S
    assert pool._restart_delay(seat) == 0.0


def test_a_crash_loop_is_logged_once(children: list[FakeChild], monkeypatch: pytest.MonkeyPatch) -> None:
    pool = a_pool(Heard(), clock=ManualClock())
    monkeypatch.setattr(pool._stopping, "wait", lambda _seconds: False)
    pool.start()
    with capture_logs() as logs:
        for _ in range(4):
            next(child for child in children if child.seat == 0 and child.process_id).dies()
    assert [line["log_level"] for line in logs] == ["error", "debug", "debug", "debug"]


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


def test_a_switch_that_the_database_keeps_back_waits_and_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = [StoreError("the database is locked") for _ in range(3)]

    def states(_camera_id: str) -> Mapping[str, RuleState]:
        if refusals:
            raise refusals.pop()
        return {"zone": RuleState.OFF}

    child = Child(Heard(), None, None, None, ManualClock())  # type: ignore[arg-type]
    sent: list[ToWorker] = []
    monkeypatch.setattr(child, "_send", sent.append)
    child.tell(lambda: SwitchRules(camera_id="a", states=states("a")))
    with capture_logs() as logs:
        for _ in range(4):
            child._pass_orders()
    assert sent == [SwitchRules(camera_id="a", states={"zone": RuleState.OFF})]
    assert [line["log_level"] for line in logs] == ["warning", "info"]
