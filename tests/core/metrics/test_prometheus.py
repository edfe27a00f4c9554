"""The page, read back by the parsers of Prometheus's own library: the strict one of OpenMetrics too."""

from __future__ import annotations

import math
import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict_parser
from prometheus_client.parser import text_string_to_metric_families

from core.metrics import catalogue
from core.metrics.collect import collect
from core.metrics.family import Family, Kind, Metric
from core.metrics.prometheus import prometheus_name, registry_of
from tests.core.metrics.source import NOW, busy_source


def families() -> list[Family]:
    return collect(busy_source(), version="1.2.3", started_at=NOW - 60, now=NOW)


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def page() -> str:
    return generate_latest(registry_of(families)).decode()


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("vigie_camera_frames_analysed_total", {"camera": "quai-1"}, 41.0),
        ("vigie_camera_frames_analysed_total", {"camera": 'a"b\\c'}, 1.0),
        ("vigie_camera_lag_seconds", {"camera": "quai-1"}, 0.75),
        ("vigie_camera_inference_cpu_time_seconds_total", {"camera": "quai-1"}, 3.5),
        ("vigie_camera_fault", {"camera": "quai-1", "fault": "frozen"}, 1.0),
        ("vigie_camera_faults_total", {"camera": "quai-1", "fault": "frozen"}, 2.0),
        ("vigie_rule_figure", {"camera": "quai-1", "rule": "compte", "figure": "to_left"}, 7.0),
        ("vigie_component_health", {"component": "vms/xprotect", "level": "yellow"}, 1.0),
        ("vigie_component_health", {"component": "vms/xprotect", "level": "green"}, 0.0),
        ("vigie_delivery_backlog", {"vms": "xprotect"}, 2.0),
        ("vigie_delivery_backlog_age_seconds", {"vms": "xprotect"}, 90.0),
        ("vigie_delivery_latency_seconds_bucket", {"vms": "xprotect", "action": "event", "le": "0.5"}, 0.0),
        ("vigie_delivery_latency_seconds_bucket", {"vms": "xprotect", "action": "event", "le": "0.75"}, 1.0),
        ("vigie_delivery_latency_seconds_bucket", {"vms": "xprotect", "action": "event", "le": "1800.0"}, 1.0),
        ("vigie_delivery_latency_seconds_bucket", {"vms": "xprotect", "action": "event", "le": "+Inf"}, 2.0),
        ("vigie_delivery_latency_seconds_count", {"vms": "xprotect", "action": "event"}, 2.0),
        ("vigie_camera_alert_delay_seconds_bucket", {"camera": "quai-1", "le": "0.2"}, 0.0),
        ("vigie_camera_alert_delay_seconds_bucket", {"camera": "quai-1", "le": "0.3"}, 4.0),
        ("vigie_camera_alert_delay_seconds_bucket", {"camera": "quai-1", "le": "+Inf"}, 5.0),
        ("vigie_build_info", {"version": "1.2.3"}, 1.0),
        ("vigie_start_time_seconds", {}, NOW - 60),
    ],
)
def test_prometheus_reads_what_the_service_knows(page: str, name: str, labels: dict[str, str], value: float) -> None:
    assert samples(page)[name, frozenset(labels.items())] == value


def test_the_sum_of_a_latency_is_told(page: str) -> None:
    key = ("vigie_delivery_latency_seconds_sum", frozenset({"vms": "xprotect", "action": "event"}.items()))
    assert math.isclose(samples(page)[key], 4000.6, abs_tol=1e-3)


def test_the_strict_parser_of_openmetrics_takes_the_page_too() -> None:
    text = openmetrics.generate_latest(registry_of(families)).decode()  # type: ignore[no-untyped-call]
    read = {family.name: family.type for family in strict_parser(text)}  # type: ignore[no-untyped-call]
    assert read["vigie_camera_frames_analysed"] == "counter"
    assert read["vigie_delivery_latency_seconds"] == "histogram"
    assert len(read) == len(families())


def test_the_figures_are_read_anew_at_each_scrape() -> None:
    source = busy_source()
    registry = registry_of(lambda: collect(source, version="1", started_at=NOW, now=NOW))
    key = ("vigie_camera_frames_analysed_total", frozenset({("camera", "quai-1")}))
    assert samples(generate_latest(registry).decode())[key] == 41.0
    source.values["camera/quai-1"]["frames_analysed"] = 42.0
    assert samples(generate_latest(registry).decode())[key] == 42.0


@pytest.mark.parametrize("metric", catalogue.ALL, ids=lambda metric: metric.name)
def test_a_name_says_its_unit_and_only_counters_are_totals(metric: Metric) -> None:
    name = prometheus_name(metric)
    assert re.fullmatch(r"vigie_[a-z][a-z0-9_]*[a-z0-9]", name)
    assert name.endswith("_total") is (metric.kind is Kind.COUNTER)
    assert ("_seconds" in name) is (metric.unit == "s")
    assert metric.help.endswith(".")


def test_no_secret_and_no_address_is_among_the_labels(page: str) -> None:
    labels = {
        label for family in text_string_to_metric_families(page) for one in family.samples for label in one.labels
    }
    assert labels == {
        "camera",
        "fault",
        "rule",
        "figure",
        "component",
        "level",
        "vms",
        "action",
        "worker",
        "version",
        "le",
    }
