"""The true service beside one simulated VMS: what the benches of faults and of control have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.load import load_site
from core import registry
from core.contracts import Clock
from core.demo.run import started
from core.demo.simulators import SimulatorProcess
from core.demo.site import write_site
from core.demo.tally import Meant, Tally, tally
from core.engine.service import Service
from core.errors import VigieError
from core.services import services_for
from core.store.store import Store
from core.types import Delivery, DeliveryState

TICK_S = 0.02
"""How often something awaited is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneVms:
    """An announced simulator and the site file that ties the service to it."""

    site_path: Path
    simulator: SimulatorProcess

    @property
    def vms_id(self) -> str:
        """As the site file calls it."""
        return self.simulator.name

    def service(self) -> Service:
        """A service for the site, not started."""
        site = load_site(self.site_path, registry.kinds())
        return Service(site, self.site_path, services_for(self.site_path), log_level="error")

    def tally(self, store: Store) -> Tally:
        """What the store meant against what the simulator accepted."""
        alerts = {alert.alert_id: alert for alert in store.alerts(limit=None)}
        meant = [
            Meant(delivery=delivery, captured_at=alerts[delivery.alert_id].captured_at)
            for delivery in store.deliveries(limit=None)
        ]
        return tally(meant, self.simulator.ledger())

    def delivered(self, service: Service, action: str) -> list[Delivery]:
        """Deliveries of one action that the VMS took, newest first."""
        done = service.store.deliveries(vms_id=self.vms_id, state=DeliveryState.DELIVERED, limit=None)
        return [delivery for delivery in done if delivery.action == action]


@contextmanager
def one_vms(
    folder: Path,
    name: str,
    *,
    rules: Sequence[Mapping[str, Any]],
    arguments: Sequence[str],
    settings: Mapping[str, Any],
    say: Callable[[str], None],
) -> Iterator[OneVms]:
    """Starts the simulator and writes the site, ``settings`` added to the VMS's; ends it with the context."""
    with started(name, folder, arguments, say) as simulator:
        simulator.wait_ready()
        site = write_site(folder, [simulator], rules=rules, more=settings)
        yield OneVms(site_path=site.path, simulator=simulator)


def await_it(what: str, is_there: Callable[[], bool], clock: Clock, timeout_s: float) -> float:
    """Seconds until ``is_there``. Raises ``VigieError`` when it takes too long."""
    started_at = clock.monotonic()
    while not is_there():
        if clock.monotonic() - started_at > timeout_s:
            raise VigieError(f"{what} did not happen within {timeout_s:.0f} s")
        threading.Event().wait(TICK_S)
    return clock.monotonic() - started_at
