"""Metrics as OTLP/JSON: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding", of ``ExportMetricsServiceRequest``.

Written by hand because the OpenTelemetry SDK cannot do what is needed here. It has no instrument that takes a histogram
as it is, so that every latency would be counted twice; its exporter reads two dozen ``OTEL_*`` variables and the proxy
settings of the environment, which would decide where a site's metrics go; and it brings eight packages. What remains
is this mapping, which tests decode with OpenTelemetry's own protobuf messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from core.metrics.family import Family, Kind, Labels
from core.metrics.histogram import HistogramReading
from core.types import Json, UtcSeconds

_CUMULATIVE: Final = 2
"""``AGGREGATION_TEMPORALITY_CUMULATIVE``; enums are numbers in OTLP/JSON."""


class Encoder:
    """Encodes what is collected, one time after the other.

    Remembers the last value of each series, only to tell when one began anew (a worker process was replaced), as
    OpenTelemetry's data model asks ("Resets and Gaps").
    """

    def __init__(self, *, site: str, version: str, started_at: UtcSeconds) -> None:
        self._resource: Json = {
            "attributes": [
                _attribute("service.name", "vigie"),
                _attribute("service.version", version),
                _attribute("service.instance.id", site),
            ]
        }
        self._scope: Json = {"name": "vigie", "version": version}
        self._began = self._told_at = started_at
        self._series: dict[tuple[str, Labels], tuple[float, UtcSeconds]] = {}

    def encode(self, families: Iterable[Family], now: UtcSeconds) -> dict[str, Any]:
        """The request that tells these."""
        before, self._series = self._series, {}
        metrics = [self._metric(family, before, now) for family in families]
        self._told_at = now
        return {
            "resourceMetrics": [
                {"resource": self._resource, "scopeMetrics": [{"scope": self._scope, "metrics": metrics}]}
            ]
        }

    def _metric(
        self, family: Family, before: dict[tuple[str, Labels], tuple[float, UtcSeconds]], now: UtcSeconds
    ) -> dict[str, Any]:
        metric = family.metric
        head = {"name": metric.name, "description": metric.help, "unit": metric.unit}
        moments = {"timeUnixNano": _nanoseconds(now)}
        if metric.kind is Kind.GAUGE:
            points = [_number(metric.labels, labels, value) | moments for labels, value in family.samples.items()]
            return head | {"gauge": {"dataPoints": points}}
        told = {**family.samples, **{labels: float(one.count) for labels, one in family.distributions.items()}}
        began = {labels: self._began_at((metric.name, labels), value, before) for labels, value in told.items()}
        starts = {labels: moments | {"startTimeUnixNano": _nanoseconds(moment)} for labels, moment in began.items()}
        if metric.kind is Kind.HISTOGRAM:
            points = [
                _distribution(metric.labels, labels, reading) | starts[labels]
                for labels, reading in family.distributions.items()
            ]
            return head | {"histogram": {"dataPoints": points, "aggregationTemporality": _CUMULATIVE}}
        points = [_number(metric.labels, labels, value) | starts[labels] for labels, value in family.samples.items()]
        return head | {"sum": {"dataPoints": points, "aggregationTemporality": _CUMULATIVE, "isMonotonic": True}}

    def _began_at(
        self, key: tuple[str, Labels], value: float, before: dict[tuple[str, Labels], tuple[float, UtcSeconds]]
    ) -> UtcSeconds:
        """Since when a counter counts: one that fell began anew after it was told last."""
        last, began = before.get(key, (0.0, self._began))
        if value < last:
            began = self._told_at
        self._series[key] = value, began
        return began


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _attributes(names: Labels, labels: Labels) -> list[dict[str, Any]]:
    return [_attribute(name, label) for name, label in zip(names, labels, strict=True)]


def _number(names: Labels, labels: Labels, value: float) -> dict[str, Any]:
    return {"attributes": _attributes(names, labels), "asDouble": value}


def _distribution(names: Labels, labels: Labels, reading: HistogramReading) -> dict[str, Any]:
    total = {} if reading.sum is None else {"sum": reading.sum}
    return {
        "attributes": _attributes(names, labels),
        **total,
        "count": str(reading.count),
        "bucketCounts": [str(count) for count in reading.counts],
        "explicitBounds": list(reading.bounds),
    }


def _nanoseconds(moment: UtcSeconds) -> str:
    """64-bit numbers are text in JSON."""
    return str(round(moment * 1e6) * 1000)
