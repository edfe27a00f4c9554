"""Reading beside whoever owns the database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from core.clock import ManualClock
from core.errors import StoreError
from core.store import Store
from tests.core.store.alerts import EVENT, NOW, alert

pytestmark = pytest.mark.slow

READ = """
import sys
from core.clock import SystemClock
from core.store import Store
store = Store.look(sys.argv[1], clock=SystemClock())
print(len(store.alerts()))
store.close()
"""


def test_another_process_reads_what_the_owner_writes(store: Store, url: str) -> None:
    store.add_alert(alert(), EVENT)
    done = subprocess.run([sys.executable, "-c", READ, url], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "1\n"
    assert store.add_alert(alert(captured_at=NOW + 1), EVENT)


def test_what_is_looked_at_cannot_be_written(store: Store, url: str, clock: ManualClock) -> None:
    looking = Store.look(url, clock=clock)
    with pytest.raises(StoreError, match=r"readonly|read-only"):
        looking.add_alert(alert(), EVENT)
    looking.close()
    assert store.alerts() == []


def test_looking_claims_nothing(url: str, clock: ManualClock) -> None:
    Store.open(url, clock=clock).close()
    looking = Store.look(url, clock=clock)
    owner = Store.open(url, clock=clock)
    owner.add_alert(alert(), EVENT)
    assert len(looking.alerts()) == 1
    looking.close()
    owner.close()


def test_a_database_that_nobody_made_yet_is_told(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "vigie.db"
    with pytest.raises(StoreError, match="there is no database") as refused:
        Store.look(f"sqlite:///{path}", clock=clock)
    assert "Start the service" in refused.value.remedy
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a file as a folder is not found there")
def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be read") as refused:
        Store.look(f"sqlite:///{tmp_path / 'file' / 'vigie.db'}", clock=clock)
    assert "service's account" in refused.value.remedy


def test_tables_of_another_version_are_told_and_left(url: str, clock: ManualClock) -> None:
    Store.open(url, clock=clock).close()
    engine = create_engine(url)
    for version, said in (("0002", "does not have the tables"), ("9999", "newer Vigie")):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
        with pytest.raises(StoreError, match=said):
            Store.look(url, clock=clock)
    engine.dispose()


def test_the_file_stays_as_it_is(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "with space & ?é" / "vigie.db"
    url = f"sqlite:///{path.as_posix()}".replace("?", "%3F")
    Store.open(url, clock=clock).close()
    before = path.read_bytes()
    Store.look(url, clock=clock).close()
    assert path.read_bytes() == before
