"""The same metrics under Prometheus's names: dots become underscores, and names carry unit and ``_total``.

Naming as OpenTelemetry's "Prometheus and OpenMetrics Compatibility" has it, so that a series has the same name whether
Prometheus reads it here or from a collector that we send to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as PrometheusFamily
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from core.metrics.family import Family, Kind, Metric
from core.metrics.histogram import HistogramReading

_UNITS = {"s": "_seconds"}
"""Units in braces only describe what is counted."""


def prometheus_name(metric: Metric) -> str:
    """Its name in Prometheus, as a query writes it; ``_bucket`` and so on are added to that of a histogram."""
    name = metric.name.replace(".", "_") + _UNITS.get(metric.unit, "")
    return f"{name}_total" if metric.kind is Kind.COUNTER else name


def registry_of(read: Callable[[], Iterable[Family]]) -> CollectorRegistry:
    """A registry of its own (the library's global one has collectors of the process) that reads at every scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(read))
    return registry


class _Collector(Collector):
    def __init__(self, read: Callable[[], Iterable[Family]]) -> None:
        self._read = read

    def collect(self) -> Iterator[PrometheusFamily]:
        return map(_translated, self._read())


def _translated(family: Family) -> PrometheusFamily:
    metric = family.metric
    name, labels = prometheus_name(metric), metric.labels
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, metric.help, labels=labels)
        for values, reading in sorted(family.distributions.items()):
            histogram.add_metric(values, _cumulative(reading), reading.sum)
        return histogram
    made = (CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily)(name, metric.help, labels=labels)
    for values, value in sorted(family.samples.items()):
        made.add_metric(values, value)
    return made


def _cumulative(reading: HistogramReading) -> list[tuple[str, float]]:
    """Each bucket holds those below it too; the last is all."""
    bounds = [*map(floatToGoString, reading.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(reading.counts)), strict=True))
