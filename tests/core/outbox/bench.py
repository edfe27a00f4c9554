"""A relay between a real store and a fake VMS, on a clock turned by hand."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from config.model import CameraSettings, SecretRef, VmsSettings
from core.clock import ManualClock
from core.fakes import FakeConnector, FakeServices, Outcome
from core.outbox.relay import DeliveryRelay
from core.store import Store
from core.types import Alert, Delivery, DeliveryState, Priority, RuleState

ENOUGH_STEPS = 20_000
VMS = VmsSettings(id="vms", type="fake", url="https://vms.test", username="vigie", password=SecretRef(env="VIGIE_TEST"))
CAMERAS = {name: CameraSettings(id=name, vms="vms", device=f"device-{name}") for name in ("a", "b", "c")}


def make_alert(camera_id: str, captured_at: float) -> Alert:
    return Alert(
        alert_id=Alert.derive_id(camera_id, "rule", captured_at, ()),
        camera_id=camera_id,
        rule_id="rule",
        rule_type="zone_presence",
        rule_name="",
        priority=Priority.MEDIUM,
        state=RuleState.ARMED,
        captured_at=captured_at,
        started_at=captured_at,
    )


class Bench:
    """``restart`` is what a new process does after the old one died."""

    def __init__(
        self,
        folder: Path,
        *,
        script: Iterable[Outcome] = (),
        askable: Iterable[str] = ("event",),
        vms: VmsSettings = VMS,
    ) -> None:
        self.clock = ManualClock()
        self.store = Store.open(f"sqlite:///{folder / 'vigie.db'}", clock=self.clock)
        with self.store._backend.writer.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA synchronous = OFF")  # the disk is not what is tested here
        self.connector = FakeConnector(vms, FakeServices(clock=self.clock), script=script, askable=askable)
        self.vms = vms
        self.cameras = dict(CAMERAS)
        self.added = 0
        self.relay = self.new_relay()

    def new_relay(self) -> DeliveryRelay:
        return DeliveryRelay(
            vms=self.vms,
            connector=self.connector,
            store=self.store,
            cameras=self.cameras,
            clock=self.clock,
            rng=random.Random(7),
        )

    def restart(self) -> None:
        self.store.recover()
        self.relay = self.new_relay()

    def add(self, camera_id: str = "a", *, age_s: float = 0.0, actions: Sequence[str] = ("event",)) -> Alert:
        """Each alert is a millisecond younger than the one before, so that all have their own id."""
        self.added += 1
        alert = make_alert(camera_id, self.clock.utc() - age_s + self.added / 1000)
        assert self.store.add_alert(alert, [("vms", action) for action in actions])
        return alert

    def step_until(self, moment: float) -> None:
        """Steps and lets time pass up to this moment of the monotonic clock."""
        for _ in range(ENOUGH_STEPS):
            wait_s = self.relay.step()
            if self.clock.monotonic() + wait_s >= moment:
                self.clock.advance(moment - self.clock.monotonic())
                return
            self.clock.advance(wait_s)
        raise AssertionError("the relay never rests")

    def drain(self) -> float:
        """Steps until nothing waits; returns how much time passed."""
        began = self.clock.monotonic()
        for _ in range(ENOUGH_STEPS):
            wait_s = self.relay.step()
            if self.store.backlog("vms")[0] == 0:
                return self.clock.monotonic() - began
            self.clock.advance(wait_s)
        raise AssertionError("deliveries never end")

    def accepted(self) -> list[tuple[str, str]]:
        """(Camera, action) in the order in which the VMS took them."""
        return [(taken.delivery.camera_id, taken.delivery.action) for taken in self.connector.accepted]

    def only(self) -> Delivery:
        [delivery] = self.store.deliveries()
        return delivery

    def states(self) -> list[DeliveryState]:
        """Oldest first."""
        return [delivery.state for delivery in reversed(self.store.deliveries(limit=None))]


def aged(vms: VmsSettings, hours: float) -> VmsSettings:
    return vms.model_copy(update={"max_age_h": hours})
