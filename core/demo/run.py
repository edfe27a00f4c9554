"""Runs the true service between two simulators, for a while or until told, and holds the result against both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config.load import load_site
from core import registry
from core.demo.result import DemoResult, compare
from core.demo.simulators import SimulatorProcess
from core.demo.site import DemoSite, write_site
from core.engine.service import Service
from core.errors import UsageError
from core.services import services_for
from core.store.store import Store

XPROTECT = "xprotect"
SECURITY_CENTER = "security-center"
FREE_PORTS = {XPROTECT: (), SECURITY_CENTER: ("--port", "0", "--stream-port", "0", "--rtsp-port", "0")}
"""A simulator started by hand uses the product's own ports; the demo must not meet another one there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBench:
    """Two announced simulators and the site file that ties the service to them."""

    site: DemoSite
    xprotect: SimulatorProcess
    security_center: SimulatorProcess

    def service(self) -> Service:
        """A service for the site, not started."""
        site = load_site(self.site.path, registry.kinds())
        return Service(site, self.site.path, services_for(self.site.path), log_level="error")

    def compare(self, store: Store) -> DemoResult:
        """What the store meant against what the simulators accepted."""
        return compare(
            store,
            milestone=(self.site.milestone, self.xprotect.ledger()),
            genetec=(self.site.genetec, self.security_center.ledger()),
        )


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    """The folder to ``keep``, which must be new or empty, or one that goes with the context."""
    if keep is None:
        with TemporaryDirectory(prefix="vigie-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        is_empty = not any(keep.iterdir())
    except OSError as error:
        raise UsageError(f"{keep} cannot be used: {error.strerror}", remedy="Name another folder.") from error
    if not is_empty:
        raise UsageError(f"{keep} is not empty", remedy="Name a new folder: what an earlier run left would count.")
    yield keep.resolve()


def started(name: str, folder: Path, arguments: Sequence[str], say: Callable[[str], None]) -> SimulatorProcess:
    """A simulator that is not ready yet, its certificates and log in ``folder``."""
    say(f"starting the {name} simulator")
    certificates = ["--certs", str(folder / f"{name}-certs")]
    return SimulatorProcess(name, [*certificates, *FREE_PORTS[name], *arguments], log=folder / f"{name}.log")


@contextmanager
def demo_bench(
    folder: Path,
    *,
    rules: Sequence[dict[str, Any]],
    simulator_arguments: Sequence[str] = (),
    say: Callable[[str], None],
) -> Iterator[DemoBench]:
    """Starts both simulators side by side and writes the site; ends them with the context."""
    with ExitStack() as stack:
        simulators = [
            stack.enter_context(started(name, folder, simulator_arguments, say)) for name in (XPROTECT, SECURITY_CENTER)
        ]
        for simulator in simulators:
            simulator.wait_ready()
            say(f"{simulator.name} is ready at {simulator.announced['url']}")
        xprotect, security_center = simulators
        site = write_site(folder, simulators, rules=rules)
        yield DemoBench(site=site, xprotect=xprotect, security_center=security_center)
