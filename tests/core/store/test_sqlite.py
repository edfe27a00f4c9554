"""What only concerns the SQLite file."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select

from core.clock import ManualClock
from core.errors import StoreError
from core.store import Store, queries
from tests.core.store.alerts import EVENT, NOW, alert, deliver_all

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "vigie.db"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{path}", clock=clock)
    yield opened
    opened.close()


def test_a_commit_reaches_the_disk_before_a_call_returns(store: Store) -> None:
    with store._backend.writer.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


def test_only_one_connection_can_write(store: Store) -> None:
    assert store._backend.writer.pool.size() == 1  # type: ignore[attr-defined]
    with (
        store._backend.reader.connect() as connection,
        pytest.raises(Exception, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM alerts")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_nobody_else_may_read_the_files(path: Path, clock: ManualClock) -> None:
    old = os.umask(0)
    try:
        store = Store.open(f"sqlite:///{path}", clock=clock)
        store.add_alert(alert(), EVENT)
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {"vigie.db": 0o600, "vigie.db-wal": 0o600, "vigie.db-shm": 0o600, "vigie.db.lock": 0o600}


def test_the_refusal_of_a_second_service_names_the_process(path: Path, store: Store, clock: ManualClock) -> None:
    with pytest.raises(StoreError, match=f"process {os.getpid()} holds"):
        Store.open(f"sqlite:///{path}", clock=clock)


def test_a_file_that_is_no_database_is_refused_untouched(path: Path, clock: ManualClock) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match="not a database") as refused:
        Store.open(f"sqlite:///{path}", clock=clock)
    assert "restore the last backup" in refused.value.remedy
    assert path.read_bytes().startswith(b"something else")


def test_damaged_pages_are_found_at_start(path: Path, clock: ManualClock) -> None:
    store = Store.open(f"sqlite:///{path}", clock=clock)
    for number in range(60):
        store.add_alert(alert(captured_at=NOW + number), EVENT)
    store.close()
    with sqlite3.connect(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'deliveries'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with pytest.raises(StoreError) as refused:
        Store.open(f"sqlite:///{path}", clock=clock)
    assert "restore the last backup" in refused.value.remedy


def test_a_refused_database_is_let_go_of(path: Path, clock: ManualClock) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"):
            Store.open(f"sqlite:///{path}", clock=clock)


def test_a_full_disk_is_named_and_nothing_is_half_written(store: Store) -> None:
    store.add_alert(alert("before"), EVENT)
    with store._backend.writer.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full") as full:
        store.add_alert(alert("after", snapshot=b"x" * 100_000), EVENT)
    assert "Free space" in full.value.remedy
    assert [found.camera_id for found in store.alerts()] == ["before"]
    with store._backend.writer.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages * 100}")
    assert store.add_alert(alert("after", snapshot=b"x" * 100_000), EVENT)
    assert len(deliver_all(store)) == 2


def test_a_database_held_by_another_program_is_named(path: Path, store: Store) -> None:
    with store._backend.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 10")
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as locked:
        store.add_alert(alert(), EVENT)
    assert "Another program" in locked.value.remedy
    assert store.alerts() == []
    intruder.execute("ROLLBACK")
    intruder.close()
    assert store.add_alert(alert(), EVENT)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be created") as refused:
        Store.open(f"sqlite:///{tmp_path / 'file' / 'vigie.db'}", clock=clock)
    assert "right to write" in refused.value.remedy


def test_erased_pictures_are_gone_from_the_file(path: Path, clock: ManualClock) -> None:
    picture = b"SECRET-PICTURE" * 1000
    store = Store.open(f"sqlite:///{path}", clock=clock)
    store.add_alert(alert(snapshot=picture), [])
    store.close()
    assert b"SECRET-PICTURE" in path.read_bytes()
    store = Store.open(f"sqlite:///{path}", clock=clock)
    assert store.purge(NOW + 1) == 1
    store.close()
    assert b"SECRET-PICTURE" not in path.read_bytes()


@pytest.mark.parametrize("question", [queries.select_next("vms", NOW), queries.select_next_due_at("vms")])
def test_choosing_the_next_delivery_costs_by_camera_not_by_backlog(store: Store, question: Select[Any]) -> None:
    with store._backend.reader.connect() as connection:
        options = {"literal_binds": True, "render_postcompile": True}
        statement = str(question.compile(connection.engine, compile_kwargs=options))
        plan = [str(step[3]) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert "SEARCH ahead USING INDEX ix_deliveries_waiting (lane_id=?)" in plan
    assert "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert not any(step.startswith("SCAN") and step != "SCAN heads" for step in plan), plan
