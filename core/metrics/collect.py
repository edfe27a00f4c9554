"""Reads the service and says it in metrics. Nothing is kept here: the service's own figures are the only ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from core.errors import StoreError
from core.histogram import BOUNDS_S
from core.metrics import catalogue
from core.metrics.family import Family, Labels, Metric
from core.metrics.histogram import HistogramReading
from core.metrics.latency import LatencyReading
from core.types import CameraFault, Health, HealthLevel, UtcSeconds


class MetricsSource(Protocol):
    """What metrics are read from: the service. All may be called from any thread."""

    def statistics(self) -> Mapping[str, Mapping[str, float]]:
        """Counters by camera, VMS and worker, see ``docs/architecture.md``."""

    def report_health(self) -> Collection[Health]:
        """Health of every component, now."""

    def camera_faults(self) -> Mapping[str, Collection[CameraFault]]:
        """What is wrong with each camera's stream or picture now."""

    def latencies(self) -> Mapping[str, Mapping[str, LatencyReading]]:
        """How long the VMS took to accept, by VMS and action."""

    def backlogs(self) -> Mapping[str, tuple[int, UtcSeconds | None]]:
        """How many deliveries wait for each VMS, and the capture time of the oldest. Raises ``StoreError``."""


def collect(source: MetricsSource, *, version: str, started_at: UtcSeconds, now: UtcSeconds) -> list[Family]:
    """Every metric that has a sample now, in the order of the catalogue."""
    told = _Told()
    for component, values in source.statistics().items():
        told.statistics(component, values)
    for health in source.report_health():
        for level in HealthLevel:
            told.number(catalogue.HEALTH, (health.component, level.value), float(level is health.level))
        if health.fault:
            told.number(catalogue.FAULT, (health.component.removeprefix("camera/"), health.fault.value), 1.0)
    for camera_id, faults in source.camera_faults().items():
        for fault in faults:
            told.number(catalogue.FAULT, (camera_id, fault.value), 1.0)
    for vms_id, actions in source.latencies().items():
        told.latencies(vms_id, actions)
    told.backlogs(source, now)
    told.number(catalogue.BUILD, (version,), 1.0)
    told.number(catalogue.STARTED, (), started_at)
    return told.families(catalogue.ALL)


class _Told:
    """The samples so far, by metric."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}

    def families(self, metrics: Iterable[Metric]) -> list[Family]:
        return [family for metric in metrics if (family := self._families.get(metric.name))]

    def number(self, metric: Metric, labels: Labels, value: float) -> None:
        self._family(metric).samples[labels] = value

    def distribution(self, metric: Metric, labels: Labels, value: HistogramReading) -> None:
        self._family(metric).distributions[labels] = value

    def statistics(self, component: str, values: Mapping[str, float]) -> None:
        kind, _, name = component.partition("/")
        metrics = _METRICS.get(kind, {})
        for key, value in values.items():
            if key in metrics:
                self.number(metrics[key], (name,), value)
            elif metric := _METRICS_OF_MANY.get(key.partition("/")[0]):
                labels = key.split("/", len(metric.labels) - 1)[1:]
                self.number(metric, (name, *labels), value)
        if any(key.startswith(_ALERT_DELAY) for key in values):
            self.distribution(catalogue.ALERT_DELAY, (name,), _classes(values, _ALERT_DELAY))

    def latencies(self, vms_id: str, actions: Mapping[str, LatencyReading]) -> None:
        for action, reading in actions.items():
            self.distribution(catalogue.LATENCY, (vms_id, action), reading.since_capture)
            self.distribution(catalogue.SINCE_ALERT, (vms_id, action), reading.since_alert)

    def backlogs(self, source: MetricsSource, now: UtcSeconds) -> None:
        try:
            backlogs = source.backlogs()
        except StoreError:
            return  # health says what is wrong with the database; every other metric is wanted all the more
        for vms_id, (count, oldest) in backlogs.items():
            self.number(catalogue.BACKLOG, (vms_id,), float(count))
            self.number(catalogue.BACKLOG_AGE, (vms_id,), 0.0 if oldest is None else max(now - oldest, 0.0))

    def _family(self, metric: Metric) -> Family:
        return self._families.setdefault(metric.name, Family(metric=metric))


def _classes(values: Mapping[str, float], prefix: str) -> HistogramReading:
    """A histogram that came as statistics (``core.histogram``), classes without any value left out."""
    counts = (int(values.get(f"{prefix}{edge:g}", 0)) for edge in (*BOUNDS_S, math.inf))
    return HistogramReading(BOUNDS_S, tuple(counts), None)


_ALERT_DELAY = "alert_delay/"
_METRICS: Mapping[str, Mapping[str, Metric]] = {
    "camera": catalogue.CAMERA,
    "vms": catalogue.VMS,
    "worker": catalogue.WORKER,
}
_METRICS_OF_MANY: Mapping[str, Metric] = {
    "figures": catalogue.FIGURE,
    "faults": catalogue.FAULTS,
    "paused": catalogue.PAUSED,
}
"""Statistics of a camera whose name goes on with the other labels: ``faults/CODE``, ``figures/RULE/NAME``."""
