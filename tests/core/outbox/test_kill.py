"""Guarantee 1 against the real thing: a process killed without warning, again and again."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.clock import ManualClock, SystemClock
from core.store import Store
from tests.core.outbox.bench import ENOUGH_STEPS
from tests.core.outbox.victim import ACTIONS, FileConnector, build_relay, store_url

LIVES = 3
ROOT = Path(__file__).resolve().parents[3]


def live_and_die(folder: Path, acknowledgements: int) -> list[str]:
    """Ids that the victim reported as stored before it was killed."""
    command = [sys.executable, "-m", "tests.core.outbox.victim", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout
        seen = [victim.stdout.readline() for _ in range(acknowledgements)]
        victim.kill()
        seen += victim.stdout.readlines()
        victim.wait(10)
    # The last line may have been cut off.
    return [line.strip() for line in seen if line.endswith("\n")]


def drain(folder: Path) -> list[list[str]]:
    """The last life: on a clock that needs no waiting. Returns what the VMS holds."""
    clock = ManualClock(SystemClock().utc())
    store = Store.open(store_url(folder), clock=clock)
    store.recover()
    connector = FileConnector(folder)
    relay = build_relay(store, connector, clock)
    for _ in range(ENOUGH_STEPS):
        clock.advance(relay.step())
        if store.backlog("vms")[0] == 0:
            break
    store.close()
    return connector.lines()


@pytest.mark.slow
def test_kill_9_loses_nothing_doubles_nothing_and_keeps_order(tmp_path: Path) -> None:
    rng = random.Random(20)
    acknowledged: list[str] = []
    stored: set[str] = set()
    for _ in range(LIVES):
        acknowledged += live_and_die(tmp_path, rng.randrange(20, 60))
        with sqlite3.connect(tmp_path / "vigie.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            pairs = database.execute(
                "SELECT alert_id, count(deliveries.seq) FROM alerts"
                " LEFT JOIN deliveries ON deliveries.alert_seq = alerts.seq GROUP BY alert_id"
            ).fetchall()
        database.close()
        assert {number for _, number in pairs} == {len(ACTIONS)}
        stored = {alert_id for alert_id, _ in pairs}
        assert {alert_id.replace("-", "") for alert_id in acknowledged} <= stored
    held = drain(tmp_path)
    counts = Counter(key for key, _, _ in held)
    assert len(counts) == len(stored) * len(ACTIONS)
    assert set(counts.values()) == {1}
    for camera_id in {camera_id for _, camera_id, _ in held}:
        moments = [float(moment) for _, of, moment in held if of == camera_id]
        assert moments == sorted(moments)
