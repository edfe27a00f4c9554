"""A small service that writes and delivers alerts until it is killed: ``python -m tests.core.outbox.victim FOLDER``.

Prints the id of every alert once the store has acknowledged it. Its VMS is a file, which outlives the process as a VMS
does; every fifth answer of that VMS is lost.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from config.model import CameraSettings
from core.clock import SystemClock
from core.contracts import Clock
from core.errors import ReplyLost
from core.fakes import FakeConnector
from core.outbox.relay import DeliveryRelay
from core.outbox.retry import RetryPolicy
from core.store import Store
from core.types import Alert, Delivery, Receipt
from tests.core.outbox.bench import CAMERAS, VMS, make_alert

ACTIONS = ("event", "bookmark")
SOON = RetryPolicy(first_s=0.05, cap_s=0.2)


def store_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'vigie.db'}"


class FileConnector(FakeConnector):
    """One line per accepted request: key, camera, capture time."""

    def __init__(self, folder: Path, *, loses_every: int = 0) -> None:
        super().__init__(actions=ACTIONS, askable=ACTIONS)
        self.ledger = folder / "vms"
        self.ledger.touch()
        self._loses_every = loses_every
        self._count = 0

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.ledger.read_text(encoding="ascii").splitlines()]

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        with self.ledger.open("a", encoding="ascii") as ledger:
            ledger.write(f"{delivery.key} {delivery.camera_id} {alert.captured_at!r}\n")
        self._count += 1
        if self._loses_every and self._count % self._loses_every == 0:
            raise ReplyLost("the connection broke before the answer")
        return Receipt()

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        return Receipt() if any(line[0] == str(delivery.key) for line in self.lines()) else None


def build_relay(store: Store, connector: FileConnector, clock: Clock) -> DeliveryRelay:
    return DeliveryRelay(
        vms=VMS,
        connector=connector,
        store=store,
        cameras=CAMERAS,
        clock=clock,
        rng=random.Random(3),
        policy=SOON,
    )


def main(folder: Path) -> None:
    clock = SystemClock()
    store = Store.open(store_url(folder), clock=clock)
    store.recover()
    relay = build_relay(store, FileConnector(folder, loses_every=5), clock)
    relay.start()
    cameras = sorted(CAMERAS)
    number = 0
    while True:
        alert = make_alert(cameras[number % len(cameras)], clock.utc())
        store.add_alert(alert, [("vms", action) for action in ACTIONS])
        sys.stdout.write(f"{alert.alert_id}\n")
        sys.stdout.flush()
        relay.wake()
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
