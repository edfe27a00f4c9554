"""What is to be said of a stream: green, yellow or red, why, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.models.manifest import open_model
from analytics.probe.figures import Figures
from config.model import AnalysisSettings
from core.errors import ModelError
from core.types import HealthLevel

_PIXELS_4CIF = 704 * 576
_PIXELS_CIF = 352 * 288
_FEWEST_FPS = 12.0
"""Streams are to have 4CIF and 12 pictures per second or more (requirements C-6, C-7)."""

_NO_TRACK_FPS = 2.0
"""With fewer pictures nothing can be followed."""

_SLACK = 0.97
"""A rate is measured a little low on a short sample."""

_KEY_INTERVAL_S = 2.5
"""A stream that was lost shows its first picture at the next key frame: it is to be back within 3 s."""

_JITTER_MS = 250.0
_LOST_YELLOW, _LOST_RED = 0.005, 0.05
_CLOCK_YELLOW_S, _CLOCK_RED_S = 2.0, 300.0
_FIRST_PICTURE_S = 3.0
_CORE_YELLOW, _CORE_RED = 0.25, 1.0
"""Share of a core that decoding takes."""

_DARK, _BRIGHT, _FLAT, _SOFT, _BLOCKY = 40.0, 215.0, 18.0, 40.0, 1.5
"""Of ``PictureQuality``: rules of thumb. They are told, and never more than yellow: it may be night, or fog."""

_PERSON_IN_MODEL = 32.0
"""Pixels of height in the model's input: COCO calls less small, where detectors find far fewer."""

_PERSON_BY_MOTION = 16.0
_MOTION_PIXELS = 80_000.0
"""The motion detector looks at about so many pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to be said; its words are in ``analytics.probe.texts`` under ``code``."""

    level: HealthLevel
    code: str
    values: dict[str, Any]


def remarks_on(figures: Figures, analysis: AnalysisSettings) -> list[Remark]:
    """What is not as it should be; nothing where all is well."""
    return [
        *_on_the_size(figures),
        *_on_the_rate(figures, analysis),
        *_on_the_coding(figures),
        *_on_the_way(figures),
        *_on_the_picture(figures),
        *_on_people(figures, analysis),
    ]


def worst(remarks: list[Remark]) -> HealthLevel:
    """The colour of the whole."""
    levels = {remark.level for remark in remarks}
    return next((level for level in (HealthLevel.RED, HealthLevel.YELLOW) if level in levels), HealthLevel.GREEN)


def person_height_px(figures: Figures, analysis: AnalysisSettings) -> int | None:
    """How high a person should be in the picture as shown; None where the model cannot be read."""
    if not figures.shown_width or not figures.shown_height:
        return None
    if analysis.detector == "motion":
        scale = math.sqrt(figures.shown_width * figures.shown_height / _MOTION_PIXELS)
        return math.ceil(_PERSON_BY_MOTION * max(1.0, scale))
    try:
        model = open_model(Path(analysis.detector)).manifest.input
    except ModelError:
        return None
    return math.ceil(_PERSON_IN_MODEL * max(figures.shown_width / model.width, figures.shown_height / model.height))


def _on_the_size(figures: Figures) -> Iterator[Remark]:
    pixels, values = figures.width * figures.height, {"width": figures.width, "height": figures.height}
    if pixels < _PIXELS_CIF:
        yield _red("too_small", **values)
    elif pixels < _PIXELS_4CIF:
        yield _yellow("small", **values)


def _on_the_rate(figures: Figures, analysis: AnalysisSettings) -> Iterator[Remark]:
    if figures.fps is None:
        yield _red("no_rate")
        return
    values = {"fps": figures.fps, "analysed": analysis.fps, "nominal": figures.nominal_fps}
    if figures.fps < _NO_TRACK_FPS:
        yield _red("no_tracks", **values)
    elif figures.fps < analysis.fps * _SLACK:
        yield _yellow("slower_than_analysed", **values)
    elif figures.fps < _FEWEST_FPS * _SLACK:
        yield _yellow("slow", **values)
    if figures.nominal_fps and figures.fps < figures.nominal_fps * _SLACK - 1.0:
        yield _yellow("below_nominal", **values)


def _on_the_coding(figures: Figures) -> Iterator[Remark]:
    if figures.key_interval_s is None:
        yield _yellow("no_key_interval")
    elif figures.key_interval_s > _KEY_INTERVAL_S:
        yield _yellow("rare_keys", seconds=figures.key_interval_s)
    if figures.has_b_frames:
        yield _yellow("b_frames")
    if figures.is_interlaced:
        yield _yellow("interlaced")
    if figures.decode_ms is not None and figures.fps is not None:
        cores = figures.decode_ms * figures.fps / 1000
        if cores >= _CORE_YELLOW:
            make = _red if cores >= _CORE_RED else _yellow
            yield make("costly", share=cores, milliseconds=figures.decode_ms)


def _on_the_way(figures: Figures) -> Iterator[Remark]:
    if figures.first_picture_s is not None and figures.first_picture_s > _FIRST_PICTURE_S:
        yield _yellow("late_start", seconds=figures.first_picture_s)
    if figures.jitter_ms is not None and figures.jitter_ms > _JITTER_MS:
        yield _yellow("jitter", milliseconds=figures.jitter_ms)
    if figures.lost_share is not None and figures.lost_share >= _LOST_YELLOW:
        make = _red if figures.lost_share >= _LOST_RED else _yellow
        yield make("lossy", share=figures.lost_share)
    offset_s = figures.clock_offset_s
    if offset_s is not None and abs(offset_s) > _CLOCK_YELLOW_S:
        make = _red if abs(offset_s) > _CLOCK_RED_S else _yellow
        yield make("clock", seconds=offset_s)


def _on_the_picture(figures: Figures) -> Iterator[Remark]:
    quality = figures.quality
    if quality is None:
        yield _red("no_picture")
        return
    if quality.light < _DARK:
        yield _yellow("dark", value=quality.light)
    elif quality.light > _BRIGHT:
        yield _yellow("bright", value=quality.light)
    if quality.contrast < _FLAT:
        yield _yellow("flat", value=quality.contrast)
    elif quality.sharpness < _SOFT:
        yield _yellow("soft", value=quality.sharpness)
    if quality.blockiness > _BLOCKY:
        yield _yellow("blocky", value=quality.blockiness)


def _on_people(figures: Figures, analysis: AnalysisSettings) -> Iterator[Remark]:
    needed = person_height_px(figures, analysis)
    if needed is None or analysis.ground_scale is None:
        return
    far = min(height for _, height in analysis.ground_scale) * figures.shown_height
    if far < needed:
        yield _yellow("small_people", have=far, need=needed)


def _red(code: str, **values: Any) -> Remark:
    return Remark(level=HealthLevel.RED, code=code, values=values)


def _yellow(code: str, **values: Any) -> Remark:
    return Remark(level=HealthLevel.YELLOW, code=code, values=values)
