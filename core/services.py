"""What the service hands to connectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import SystemClock
from core.contracts import Clock
from core.secrets import SiteSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``core.contracts.ConnectorServices`` as plain values."""

    clock: Clock
    secrets: Callable[[object], str]
    site_dir: Path
    front: Mapping[str, str] = field(default_factory=dict)


def services_for(site_path: Path, clock: Clock | None = None) -> Services:
    """The services of the site whose file this is, on the machine's clock unless another is given."""
    site_dir = site_path.resolve().parent
    return Services(clock=clock or SystemClock(), secrets=SiteSecrets(site_dir).resolve, site_dir=site_dir)
