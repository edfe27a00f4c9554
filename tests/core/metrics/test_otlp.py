"""What is encoded, decoded by OpenTelemetry's own messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from core.metrics import catalogue
from core.metrics.collect import collect
from core.metrics.family import Family
from core.metrics.otlp import Encoder
from core.metrics.prometheus import prometheus_name
from tests.core.metrics.source import NOW, busy_source

BEGAN = NOW - 60


def decoded(document: dict[str, Any]) -> dict[str, Metric]:
    message = ExportMetricsServiceRequest()
    json_format.Parse(json.dumps(document, allow_nan=False), message, ignore_unknown_fields=False)
    [resource] = message.resource_metrics
    [scope] = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def encoder() -> Encoder:
    return Encoder(site="Gare centrale", version="1.2.3", started_at=BEGAN)


@pytest.fixture
def metrics() -> dict[str, Metric]:
    return decoded(encoder().encode(collect(busy_source(), version="1.2.3", started_at=BEGAN, now=NOW), NOW))


def point(metric: Metric, **labels: str) -> Any:
    points = getattr(metric, metric.WhichOneof("data") or "").data_points
    [found] = [one for one in points if {item.key: item.value.string_value for item in one.attributes} == labels]
    return found


def test_a_counter_is_a_cumulative_rising_sum(metrics: dict[str, Metric]) -> None:
    metric = metrics["vigie.camera.frames_analysed"]
    assert metric.unit == "{frame}"
    assert metric.description
    assert metric.sum.is_monotonic
    assert metric.sum.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert point(metric, camera="quai-1").as_double == 41.0
    assert point(metric, camera="quai-1").start_time_unix_nano == round(BEGAN) * 10**9
    assert point(metric, camera="quai-1").time_unix_nano == round(NOW) * 10**9


def test_a_gauge_has_its_value(metrics: dict[str, Metric]) -> None:
    metric = metrics["vigie.camera.lag"]
    assert metric.unit == "s"
    assert point(metric, camera="quai-1").as_double == 0.75
    assert point(metrics["vigie.start_time"]).as_double == BEGAN


def test_a_latency_is_a_histogram_with_its_bounds(metrics: dict[str, Metric]) -> None:
    histogram = metrics["vigie.delivery.latency"].histogram
    assert histogram.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    one = point(metrics["vigie.delivery.latency"], vms="xprotect", action="event")
    assert one.count == 2
    assert sum(one.bucket_counts) == 2
    assert len(one.bucket_counts) == len(one.explicit_bounds) + 1
    assert one.bucket_counts[-1] == 1
    assert one.sum == pytest.approx(4000.6, abs=1e-3)
    assert one.start_time_unix_nano == round(BEGAN) * 10**9


def test_a_histogram_whose_values_were_not_added_up_has_no_sum(metrics: dict[str, Metric]) -> None:
    one = point(metrics["vigie.camera.alert_delay"], camera="quai-1")
    assert not one.HasField("sum")
    assert (one.count, sum(one.bucket_counts), one.bucket_counts[-1]) == (5, 5, 1)


def test_the_resource_says_whose_metrics_they_are() -> None:
    message = ExportMetricsServiceRequest()
    json_format.ParseDict(encoder().encode([], NOW), message)
    attributes = {item.key: item.value.string_value for item in message.resource_metrics[0].resource.attributes}
    assert attributes == {
        "service.name": "vigie",
        "service.version": "1.2.3",
        "service.instance.id": "Gare centrale",
    }


def test_everything_that_prometheus_would_read_is_sent(metrics: dict[str, Metric]) -> None:
    told = collect(busy_source(), version="1", started_at=BEGAN, now=NOW)
    assert list(metrics) == [family.metric.name for family in told]


def starts(one: Encoder, value: float, now: float) -> int:
    metric = catalogue.CAMERA["frames_analysed"]
    document = one.encode([Family(metric=metric, samples={("a",): value})], now)
    return int(point(decoded(document)[metric.name], camera="a").start_time_unix_nano) // 10**9


def test_a_counter_that_fell_began_anew_after_it_was_told_last() -> None:
    one = encoder()
    assert starts(one, 5.0, NOW) == BEGAN
    assert starts(one, 6.0, NOW + 15) == BEGAN
    assert starts(one, 2.0, NOW + 30) == NOW + 15  # a new worker
    assert starts(one, 3.0, NOW + 45) == NOW + 15


def test_a_series_that_is_gone_is_forgotten() -> None:
    one = encoder()
    for index in range(100):
        family = Family(metric=catalogue.CAMERA["alerts"], samples={(f"camera-{index}",): 1.0})
        one.encode([family], NOW + index)
    assert len(one._series) == 1


def test_prometheus_names_are_those_that_a_collector_would_make() -> None:
    """OpenTelemetry, "Prometheus and OpenMetrics Compatibility": dots, unit and ``_total``."""
    assert prometheus_name(catalogue.LATENCY) == "vigie_delivery_latency_seconds"
    assert prometheus_name(catalogue.CAMERA["inference_s"]) == "vigie_camera_inference_cpu_time_seconds_total"
    assert prometheus_name(catalogue.CAMERA["alerts"]) == "vigie_camera_alerts_total"
