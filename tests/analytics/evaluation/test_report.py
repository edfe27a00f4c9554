from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest
from lxml import html

from analytics.commands.options import rule_kinds
from analytics.evaluation.clip import ClipRun
from analytics.evaluation.dataset import load_dataset
from analytics.evaluation.measure import Measurement, measure
from analytics.evaluation.report import report
from analytics.evaluation.stills import MOST_PIXELS
from analytics.evaluation.timeline import timeline
from config.model import AnalysisSettings
from tests.analytics.evaluation.builders import evaluation, judged, rule
from tests.analytics.evaluation.made import write_dataset

pytestmark = pytest.mark.slow


def ignore(_run: ClipRun) -> None:
    """Nobody watches the progress."""


@pytest.fixture(scope="module")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    path = write_dataset(tmp_path_factory.mktemp("made"))
    dataset = load_dataset(path, rule_kinds()).selected(types=[], clips=["busy"])
    analysis = AnalysisSettings()
    return measure(dataset, analysis, workers=1, skip_missing=False, wants_stills=True, done=ignore)


def test_every_false_alarm_and_every_miss_has_a_still(measurement: Measurement) -> None:
    page = html.fromstring(report(measurement))
    captions = [caption.text for caption in page.iterfind(".//figcaption")]
    assert len(captions) == 3
    assert captions[0] == "missed: yard (zone_presence), 1 to 2 s"
    assert all((caption or "").startswith("false alarm: calm (zone_presence) at ") for caption in captions[1:])
    for image in page.iterfind(".//figure/img"):
        kind, _, data = image.get("src", "").partition(";base64,")
        assert kind == "data:image/jpeg"
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert max(picture.shape) <= MOST_PIXELS
    assert len(page.findall(".//figure/img")) == 3


def test_stills_show_the_zone_and_the_alerted_object(measurement: Measurement) -> None:
    run = measurement.runs["busy"]
    (alert, *_) = [alert for alert in run.alerts if alert.rule == "calm"]
    assert alert.box is not None
    picture = cv2.imdecode(np.frombuffer(alert.still, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    height, width = picture.shape[:2]
    left, top, right, _ = alert.box
    edge = picture[round(top * (height - 1)), round((left + right) / 2 * (width - 1))].astype(int)
    assert edge[2] > edge[0] + 60
    corner = picture[round(0.6 * (height - 1)), round(0.97 * (width - 1))].astype(int)
    assert corner[0] < corner[1:].min() - 40


def test_the_page_needs_nothing_from_outside(measurement: Measurement) -> None:
    text = report(measurement)
    page = html.fromstring(text)
    links = [str(value) for element in page.iter() for name, value in element.items() if name in {"src", "href"}]
    assert len(links) == 3
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert "http://" not in text
    assert "https://" not in text
    assert page.find(".//script") is None
    assert "prefers-color-scheme: dark" in text
    assert "default-src 'none'" in text


def test_the_page_tells_what_was_and_what_was_not_measured(measurement: Measurement) -> None:
    text = "".join(map(str, html.fromstring(report(measurement)).itertext()))
    for told in ("motion", "zone_presence", "line_crossing", "levitation", "Not installed", "Counting", "to_left 2"):
        assert told in text


def test_the_same_measurement_gives_the_same_page(measurement: Measurement) -> None:
    assert report(measurement) == report(measurement)


def test_absent_clips_and_names_from_the_data_set_are_told_as_text(measurement: Measurement) -> None:
    run = measurement.runs["busy"]
    odd = evaluation(judged([rule("a<b>")], {}, clip="busy")).model_copy(update={"skipped": ("<gone>",)})
    text = report(Measurement(evaluation=odd, runs={"busy": run}))
    assert "&lt;gone&gt;" in text
    assert "a&lt;b&gt;" in text
    assert "a<b>" not in text


def test_a_timeline_shows_each_outcome_as_its_own_mark() -> None:
    rules = [rule("a", [(10, 20), (30, 40)]), rule("part", [(5, 6)], exhaustive=False)]
    clip = judged(rules, {"a": [11.0, 12.0, 50.0], "part": [50.0]}, duration_s=60.0)
    svg = html.fromstring(timeline(clip))
    assert [path.get("class") for path in svg.iterfind(".//path")] == ["tp", "repeat", "fp", "ignored"]
    assert [rect.get("class") for rect in svg.iterfind(".//rect")] == ["found", "missed", "missed"]
    titles = [title.text for title in svg.iterfind(".//path/title")]
    assert titles[0] == "true positive at 11 s, +1.00 s"


@pytest.mark.parametrize("duration_s", [0.0, 0.3, 59.9, 100_000.0])
def test_a_timeline_of_any_length_stays_readable(duration_s: float) -> None:
    svg = html.fromstring(timeline(judged([rule("a", [(10, 20)])], {"a": [11.0]}, duration_s=duration_s)))
    assert 1 <= len(svg.findall(".//text[@class='tick']")) <= 30
    for rect in svg.iterfind(".//rect"):
        assert 0 <= float(rect.get("x", "-1")) <= 1000
