"""The catalogue against what is really counted, and against what the guides say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from analytics.pipeline import LiveAnalyser
from analytics.scene import SceneAnalyser
from config.metrics import MetricsSettings
from core.clock import ManualClock
from core.contracts import Detector
from core.metrics import catalogue
from core.metrics.family import Kind, Metric
from core.metrics.prometheus import prometheus_name
from tests.analytics.scenes import RecordingSink
from tests.core.outbox.bench import Bench

DOCS = Path(__file__).resolve().parents[3] / "docs"
GUIDES = [DOCS / "metrics.md", DOCS / "fr" / "metrics.md"]
ADVICE = (
    "a new statistic needs a metric in core/metrics/catalogue.py, and a line in docs/metrics.md and its French twin"
)


class Blind(Detector):
    labels = frozenset({"person"})

    def detect(self, pictures: object) -> list[list[object]]:  # type: ignore[override]
        return []


def camera_statistics() -> Mapping[str, float]:
    scene = SceneAnalyser("a", Blind(), [], min_confidence=0.5)
    analyser = LiveAnalyser("a", scene, RecordingSink(), fps=5.0, clock=ManualClock())
    try:
        return analyser.statistics()
    finally:
        analyser.close()


def test_every_statistic_of_a_camera_has_a_metric() -> None:
    assert set(camera_statistics()) == set(catalogue.CAMERA), ADVICE


def test_every_statistic_of_a_delivery_thread_has_a_metric(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.close()
    boxes = {"boxes_sent", "boxes_dropped"}
    assert set(bench.relay.statistics()) | boxes == set(catalogue.VMS), ADVICE


def rows(guide: Path) -> dict[str, str]:
    """Name → type, from the tables of a guide."""
    text = guide.read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(vigie_\w+)`[^|]*\| (\w+) \|", text, flags=re.MULTILINE))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.parent.name)
def test_the_guide_names_every_metric_with_its_type_and_its_labels(guide: Path) -> None:
    told = rows(guide)
    assert told == {prometheus_name(metric): metric.kind.value for metric in catalogue.ALL}
    for metric in catalogue.ALL:
        [row] = re.findall(
            rf"^\| `{prometheus_name(metric)}`.*$", guide.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        assert labels_of(row) == set(metric.labels), row


def labels_of(row: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", row.split("|")[3]))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.parent.name)
def test_whatever_a_guide_asks_prometheus_for_exists(guide: Path) -> None:
    known = {name for metric in catalogue.ALL for name in series_of(metric)}
    asked = set(re.findall(r"\bvigie_\w+", guide.read_text(encoding="utf-8")))
    assert asked - known == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.parent.name)
def test_the_settings_that_a_guide_shows_are_valid(guide: Path) -> None:
    [example] = re.findall(
        r"^```yaml\n(metrics:.*?)^```", guide.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    settings = MetricsSettings.model_validate(yaml.safe_load(example)["metrics"])
    assert settings.prometheus is not None
    assert settings.otlp is not None


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.parent.name)
def test_whatever_a_guide_shows_as_yaml_is_yaml(guide: Path) -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```", guide.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert all(yaml.safe_load(example) for example in examples)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.parent.name)
def test_what_a_guide_links_to_is_there(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", guide.read_text(encoding="utf-8")):
        assert (guide.parent / target).exists(), target


def series_of(metric: Metric) -> set[str]:
    name = prometheus_name(metric)
    return {name, f"{name}_bucket", f"{name}_sum", f"{name}_count"} if metric.kind is Kind.HISTOGRAM else {name}
