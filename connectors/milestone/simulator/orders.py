"""What the acts of the admin port are ordered with: members that are known and of their kind (``Simulation.acts``)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from connectors.milestone.simulator.site import Camera, Site
from core.errors import UsageError
from core.types import Json


def require_known(order: Mapping[str, Json], *known: str) -> None:
    """Raises ``UsageError`` for a member that the act does not have."""
    if unknown := sorted(set(order) - set(known)):
        raise UsageError(f"unknown: {', '.join(unknown)}", remedy=f"Known: {', '.join(sorted(known))}.")


def text(order: Mapping[str, Json], name: str) -> str:
    """Empty when absent. Raises ``UsageError``."""
    value = order.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name!r} must be text")
    return value


def flag(order: Mapping[str, Json], name: str) -> bool:
    """False when absent. Raises ``UsageError``."""
    value = order.get(name, False)
    if not isinstance(value, bool):
        raise UsageError(f"{name!r} must be true or false")
    return value


def seconds(order: Mapping[str, Json], name: str, default: float) -> float:
    """A span of 0 or more. Raises ``UsageError``."""
    value = order.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UsageError(f"{name!r} must be a number of seconds, 0 or more")
    return float(value)


def camera(order: Mapping[str, Json], site: Site) -> Camera:
    """The camera whose id or name is given. Raises ``UsageError``."""
    named = text(order, "camera")
    found = site.camera_named(named)
    if found is None:
        raise UsageError(f"unknown camera {named!r}", remedy="Give its id or its name.")
    return found
