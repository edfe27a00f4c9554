"""A metric with its samples, as both Prometheus and OpenTelemetry understand it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from core.metrics.histogram import HistogramReading

Labels: TypeAlias = tuple[str, ...]


class Kind(StrEnum):
    """What may be done with the numbers."""

    COUNTER = "counter"
    """Only rises, until what counts starts anew: read its rate."""
    GAUGE = "gauge"
    """Goes up and down: read it as it is."""
    HISTOGRAM = "histogram"
    """A distribution: read its quantiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name and what it means. ``name`` is OpenTelemetry's, with dots; ``unit`` is UCUM's (``s``, ``{frame}``) or none."""

    name: str
    kind: Kind
    unit: str
    help: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric and its samples of one instant: values of its labels, in their order → number or distribution."""

    metric: Metric
    samples: dict[Labels, float] = field(default_factory=dict)
    distributions: dict[Labels, HistogramReading] = field(default_factory=dict)
