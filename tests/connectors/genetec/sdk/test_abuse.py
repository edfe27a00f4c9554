"""Kills, disconnects and failing handlers, in short; ``vigie bench sdk-bridge`` does it for minutes."""

from __future__ import annotations

import os
import random
import threading
from functools import partial
from pathlib import Path

import pytest

from connectors.genetec.sdk import bench_stub
from connectors.genetec.sdk.bench_abuse import CAMERA, Abuse, Plan, an_alert
from core.clock import SystemClock
from core.outbox.relay import DeliveryRelay
from core.store import Store
from core.types import Delivery
from tests.connectors.genetec.sdk.center import Center, sdk_settings, until
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S
from tests.connectors.genetec.sdk.test_bridge import KILL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 120)]

ALERTS = 20
KILLS = 2
ACTIONS = ("event", "alarm", "bookmark")


def test_nothing_is_lost_doubled_or_stuck_under_abuse(each_center: Center) -> None:
    each_center.cameras(CAMERA.device)
    plan = Plan(seconds=3.0, kills=KILLS, events=1000, disconnect_s=1.2, acknowledge_s=0.3)
    result = Abuse(bench_stub.StubCenter(each_center.folder), each_center.connector(), plan).run()
    assert result.is_good, result
    assert result.deliveries > KILLS * len(ACTIONS)
    assert result.verdicts > 0
    # The last one may be killed too late to see the next life, and the Directory may go away from one that logs on.
    assert KILLS <= result.lives <= KILLS + 1 + result.disconnects


def test_the_outbox_delivers_each_alert_once_although_the_process_is_killed_again_and_again(
    center: Center, tmp_path: Path
) -> None:
    clock, connector = SystemClock(), center.connector()
    center.cameras(CAMERA.device)
    store = Store.open(f"sqlite:///{tmp_path / 'vigie.db'}", clock=clock)
    relay = DeliveryRelay(
        vms=sdk_settings(),
        connector=connector,
        store=store,
        cameras={CAMERA.id: CAMERA.model_copy(update={"vms": "sc"})},
        clock=clock,
        rng=random.Random(7),
    )
    alerts = [an_alert(clock.utc() - number) for number in range(ALERTS)]
    for alert in alerts:
        assert store.add_alert(alert, [("sc", action) for action in ACTIONS])
    relay.start()
    try:
        for kill in range(KILLS):
            done = (kill + 1) * ALERTS // 2
            until(partial(has_delivered, relay, done), "deliveries go on")
            life = connector.bridge.life
            if life is not None and life.is_alive:
                os.kill(life.pid, KILL)
                threading.Event().wait(0.1)
        until(partial(has_delivered, relay, ALERTS * len(ACTIONS)), "everything is delivered")
    finally:
        relay.stop(20)
        store.close()
    texts = [" ".join(row) for kind in ACTIONS for row in center.rows(kind)]
    tokens = [
        Delivery.token_of(Delivery.derive_key(alert.alert_id, "sc", kind)) for alert in alerts for kind in ACTIONS
    ]
    assert len(texts) == len(tokens)
    assert {token: sum(token in text for text in texts) for token in tokens} == dict.fromkeys(tokens, 1)
    assert connector.bridge.lives > 1


def has_delivered(relay: DeliveryRelay, count: int) -> bool:
    return relay.statistics()["delivered"] >= count
