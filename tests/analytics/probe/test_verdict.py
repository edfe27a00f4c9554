from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analytics.probe.figures import Figures
from analytics.probe.picture import PictureQuality
from analytics.probe.texts import codes, words_of
from analytics.probe.verdict import Remark, person_height_px, remarks_on, worst
from config.model import AnalysisSettings
from core.types import HealthLevel

GOOD = Figures(
    codec="h264",
    profile="Main",
    width=704,
    height=576,
    shown_width=768,
    shown_height=576,
    fps=25.0,
    nominal_fps=25.0,
    key_interval_s=1.0,
    has_b_frames=False,
    is_interlaced=False,
    kbit_s=1500.0,
    jitter_ms=10.0,
    lost_share=0.0,
    clock_offset_s=-0.2,
    first_picture_s=0.4,
    decode_ms=1.5,
    quality=PictureQuality(light=120.0, contrast=45.0, sharpness=300.0, blockiness=1.1),
)
ANALYSIS = AnalysisSettings(fps=5.0)
YELLOW, RED = HealthLevel.YELLOW, HealthLevel.RED


def quality(**changes: float) -> dict[str, Any]:
    assert GOOD.quality is not None
    return {"quality": replace(GOOD.quality, **changes)}


def test_a_good_stream_is_green() -> None:
    assert remarks_on(GOOD, ANALYSIS) == []
    assert worst([]) is HealthLevel.GREEN


@pytest.mark.parametrize(
    ("changes", "code", "level"),
    [
        ({"width": 352, "height": 288}, "small", YELLOW),
        ({"width": 320, "height": 240}, "too_small", RED),
        ({"fps": None}, "no_rate", RED),
        ({"fps": 1.5, "nominal_fps": None}, "no_tracks", RED),
        ({"fps": 4.0, "nominal_fps": None}, "slower_than_analysed", YELLOW),
        ({"fps": 8.0, "nominal_fps": None}, "slow", YELLOW),
        ({"fps": 15.0}, "below_nominal", YELLOW),
        ({"key_interval_s": None}, "no_key_interval", YELLOW),
        ({"key_interval_s": 10.0}, "rare_keys", YELLOW),
        ({"has_b_frames": True}, "b_frames", YELLOW),
        ({"is_interlaced": True}, "interlaced", YELLOW),
        ({"decode_ms": 15.0}, "costly", YELLOW),
        ({"decode_ms": 50.0}, "costly", RED),
        ({"first_picture_s": 8.0}, "late_start", YELLOW),
        ({"jitter_ms": 400.0}, "jitter", YELLOW),
        ({"lost_share": 0.01}, "lossy", YELLOW),
        ({"lost_share": 0.2}, "lossy", RED),
        ({"clock_offset_s": -8.0}, "clock", YELLOW),
        ({"clock_offset_s": 3600.0}, "clock", RED),
        ({"quality": None}, "no_picture", RED),
        (quality(light=20.0), "dark", YELLOW),
        (quality(light=230.0), "bright", YELLOW),
        (quality(contrast=5.0), "flat", YELLOW),
        (quality(sharpness=5.0), "soft", YELLOW),
        (quality(blockiness=2.0), "blocky", YELLOW),
    ],
)
def test_what_is_wrong_is_said_with_its_weight_in_both_languages(
    changes: dict[str, Any], code: str, level: HealthLevel
) -> None:
    (remark,) = remarks_on(replace(GOOD, **changes), ANALYSIS)
    assert (remark.code, remark.level) == (code, level)
    told = [words_of(remark, language) for language in ("en", "fr")]
    assert all(words.message and words.remedy for words in told)
    assert told[0] != told[1]
    assert "{" not in "".join(text for words in told for text in words)


def test_people_far_away_are_measured_against_what_the_detector_needs() -> None:
    near = AnalysisSettings(fps=5.0, ground_scale=((0.4, 0.2), (0.9, 0.5)))
    far = AnalysisSettings(fps=5.0, ground_scale=((0.4, 0.03), (0.9, 0.5)))
    assert remarks_on(GOOD, near) == []
    assert [remark.code for remark in remarks_on(GOOD, far)] == ["small_people"]


def test_a_larger_picture_needs_larger_people() -> None:
    larger = replace(GOOD, width=1920, height=1080, shown_width=1920, shown_height=1080)
    small, large = person_height_px(GOOD, ANALYSIS), person_height_px(larger, ANALYSIS)
    assert small is not None
    assert large is not None
    assert 2.0 < large / small < 2.4
    assert person_height_px(GOOD, AnalysisSettings(detector="absent.onnx")) is None


def test_the_worst_remark_gives_the_colour() -> None:
    remarks = [Remark(level=level, code="failed", values={}) for level in (YELLOW, RED, YELLOW)]
    assert worst(remarks) is RED
    assert worst(remarks[:1]) is YELLOW
    assert "failed" in codes()
