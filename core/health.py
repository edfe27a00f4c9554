"""One board of traffic lights (C-25): every component's colour and cause, logged when the colour changes."""

from __future__ import annotations

import threading

import structlog

from core.types import Health, HealthLevel

_log = structlog.get_logger(component="health")
_SEVERITY = {HealthLevel.GREEN: 0, HealthLevel.YELLOW: 1, HealthLevel.RED: 2}


class HealthBoard:
    """The present health of every component. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._components: dict[str, Health] = {}

    def report(self, health: Health, *, is_logged: bool = True) -> None:
        """Takes the latest word of a component; logs a change of colour, for causes may alternate without end.

        ``is_logged``: False where who reports logs what happened itself.
        """
        with self._lock:
            before = self._components.get(health.component)
            self._components[health.component] = health
        if not is_logged or health.level is (before.level if before else HealthLevel.GREEN):
            return
        recovered = health.level is HealthLevel.GREEN
        log = _log.info if recovered else _log.warning
        log("recovered" if recovered else "degraded", of=health.component, level=health.level.value, cause=health.cause)

    def forget(self, component: str) -> None:
        """The component no longer exists."""
        with self._lock:
            self._components.pop(component, None)

    def all(self) -> list[Health]:
        """Every component by name."""
        with self._lock:
            return [self._components[name] for name in sorted(self._components)]

    def worst(self) -> HealthLevel:
        """Colour of the whole."""
        return max((health.level for health in self.all()), key=_SEVERITY.__getitem__, default=HealthLevel.GREEN)
