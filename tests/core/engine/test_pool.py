from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.model import SiteSettings
from core.clock import SystemClock
from core.engine.messages import FromWorker, Ready, StreamChanged
from core.engine.pool import WorkerMain, WorkerPool, shares
from tests.core.engine import fake_workers
from tests.core.engine.sites import camera, site

PATIENCE_S = 30.0
"""A spawned process imports the whole package first; on a busy machine that takes seconds."""


class Heard:
    def __init__(self) -> None:
        self.messages: queue.Queue[FromWorker] = queue.Queue()
        self.deaths: queue.Queue[tuple[str, ...]] = queue.Queue()

    def said(self, worker_index: int, message: FromWorker) -> None:
        self.messages.put(message)

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        self.deaths.put(tuple(camera_ids))

    def next_stream(self) -> StreamChanged:
        while True:
            message = self.messages.get(timeout=PATIENCE_S)
            if isinstance(message, StreamChanged):
                return message


@contextmanager
def running(
    watched: SiteSettings, path: Path, target: WorkerMain, last_alerts: Mapping[str, float]
) -> Iterator[tuple[WorkerPool, Heard]]:
    heard = Heard()
    pool = WorkerPool(
        watched,
        path,
        events=heard,
        last_alerts=lambda _camera: last_alerts,
        clock=SystemClock(),
        log_level="error",
        target=target,
    )
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
