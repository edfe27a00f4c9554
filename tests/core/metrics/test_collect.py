from __future__ import annotations

import pytest

from core.metrics import catalogue
from core.metrics.collect import collect
from core.metrics.family import Family
from core.types import CameraFault, Health, HealthLevel
from tests.core.metrics.source import NOW, FakeSource, busy_source


def collected(source: FakeSource) -> dict[str, Family]:
    families = collect(source, version="1.2.3", started_at=NOW - 60, now=NOW)
    assert len({family.metric.name for family in families}) == len(families)
    return {family.metric.name: family for family in families}


def test_what_is_not_there_has_no_metric() -> None:
    assert set(collected(FakeSource())) == {"vigie.build_info", "vigie.start_time"}


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("vigie.camera.frames_analysed", ("quai-1",), 41.0),
        ("vigie.camera.lag", ("quai-1",), 0.75),
        ("vigie.camera.inference.cpu_time", ("quai-1",), 3.5),
        ("vigie.rule.figure", ("quai-1", "compte", "to_left"), 7.0),
        ("vigie.camera.faults", ("quai-1", "frozen"), 2.0),
        ("vigie.rule.frames_paused", ("quai-1", "zone"), 5.0),
        ("vigie.camera.fault", ("quai-1", "frozen"), 1.0),
        ("vigie.camera.fault", ("quai-2", "tls"), 1.0),
        ("vigie.delivery.accepted", ("xprotect",), 3.0),
        ("vigie.boxes.sent", ("xprotect",), 9.0),
        ("vigie.worker.boxes_dropped", ("0",), 1.0),
        ("vigie.component.health", ("vms/xprotect", "yellow"), 1.0),
        ("vigie.component.health", ("vms/xprotect", "red"), 0.0),
        ("vigie.delivery.backlog", ("xprotect",), 2.0),
        ("vigie.delivery.backlog_age", ("xprotect",), 90.0),
        ("vigie.delivery.backlog_age", ("genetec",), 0.0),
        ("vigie.build_info", ("1.2.3",), 1.0),
        ("vigie.start_time", (), NOW - 60),
    ],
)
def test_every_figure_of_the_service_is_told(name: str, labels: tuple[str, ...], value: float) -> None:
    assert collected(busy_source())[name].samples[labels] == value


def test_latencies_are_told_by_vms_and_action() -> None:
    families = collected(busy_source())
    assert families["vigie.delivery.latency"].distributions["xprotect", "event"].count == 2
    assert families["vigie.delivery.since_alert"].distributions["xprotect", "event"].count == 2
    assert families["vigie.delivery.since_alert"].distributions["xprotect", "alarm"].count == 0


def test_a_statistic_that_nothing_knows_is_left_out() -> None:
    source = FakeSource(values={"camera/a": {"unheard/of": 1.0, "strange": 2.0}, "other/b": {"x": 3.0}})
    assert set(collected(source)) == {"vigie.build_info", "vigie.start_time"}


def test_a_component_has_exactly_one_colour() -> None:
    source = FakeSource(health=[Health(component="store", level=level) for level in HealthLevel])
    samples = collected(source)["vigie.component.health"].samples
    assert sum(samples.values()) == 1.0


def test_a_database_that_fails_costs_only_what_it_alone_knows() -> None:
    source = busy_source()
    source.database_fails = True
    families = collected(source)
    assert "vigie.delivery.backlog" not in families
    assert "vigie.camera.lag" in families


def test_a_fault_told_by_stream_and_picture_is_one() -> None:
    source = FakeSource(
        health=[Health(component="camera/a", level=HealthLevel.RED, fault=CameraFault.BLACK)],
        faults={"a": [CameraFault.BLACK, CameraFault.CORRUPT]},
    )
    assert collected(source)["vigie.camera.fault"].samples == {("a", "black"): 1.0, ("a", "corrupt"): 1.0}


def test_every_sample_has_the_labels_of_its_metric() -> None:
    for family in collected(busy_source()).values():
        for labels in (*family.samples, *family.distributions):
            assert len(labels) == len(family.metric.labels), family.metric.name


def test_names_are_told_once_and_in_the_order_of_the_catalogue() -> None:
    names = [metric.name for metric in catalogue.ALL]
    assert len(set(names)) == len(names)
    told = [family.metric.name for family in collect(busy_source(), version="1", started_at=NOW, now=NOW)]
    assert told == [name for name in names if name in told]
