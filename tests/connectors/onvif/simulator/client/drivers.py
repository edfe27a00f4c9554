"""How the tests run a driver against something."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.onvif.simulator.client.driver import Driver, DriverOptions, Play
from connectors.onvif.simulator.client.roles import ROLES, RoleName, StreamMethod
from connectors.onvif.simulator.client.soap import Account
from connectors.protocols.simulation import Ledger
from core.clock import SystemClock
from core.types import Json
from tests.connectors.onvif.simulator.client.scripted_device import PASSWORD, USER

WAIT_S = 10.0


class WatchedLedger(Ledger):
    """Tells when something was written."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self._changed = threading.Condition()

    def add(self, kind: str, **fields: Json) -> None:
        super().add(kind, **fields)
        with self._changed:
            self._changed.notify_all()

    def wait_for(
        self, kind: str, count: int = 1, where: Callable[[Any], bool] = lambda _: True
    ) -> list[dict[str, Any]]:
        """The records of a kind, once there are so many."""

        def found() -> list[dict[str, Any]]:
            return [record for record in self.records(kind) if where(record)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, WAIT_S), self.records()
        return found()


def options(url: str, role: str = "xprotect", **chosen: Any) -> DriverOptions:
    defaults: dict[str, Any] = {"play": Play.NONE, "pull_every_s": 0.1, "method": StreamMethod.TCP}
    account = Account(user=USER, password=chosen.pop("password", PASSWORD))
    return DriverOptions(
        url=f"{url}/onvif/device_service", role=ROLES[RoleName(role)], account=account, **{**defaults, **chosen}
    )


@contextmanager
def driving(url: str, role: str = "xprotect", **chosen: Any) -> Iterator[tuple[Driver, WatchedLedger]]:
    """A driver at work."""
    ledger = WatchedLedger()
    driver = Driver(options(url, role, **chosen), ledger, SystemClock())
    driver.start()
    try:
        yield driver, ledger
    finally:
        driver.stop()


def broken(driver: Driver) -> dict[str, list[str]]:
    """What was broken, by code."""
    expectations: Any = driver.report()["expectations"]
    return {one["code"]: list(one["violations"]) for one in expectations if one["violations"]}
