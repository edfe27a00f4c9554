"""Ways in which the same scene may look different to another camera: what a rule that holds must bear.

Each alteration rewrites a clip. Mirrored clips get mirrored rules; everything else about a data set stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeAlias

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from analytics.evaluation.dataset import Dataset, DatasetClip, DatasetRule
from analytics.filevideo import FileVideo
from analytics.rate import FrameRate
from config.model import RuleSettings
from core.errors import UsageError
from core.types import Picture

Alter: TypeAlias = Callable[[Picture, int], Picture]
"""A picture (RGB), and its number in the clip → another picture."""

_FINE_CRF: Final = 16
"""Constant rate factor of libx264 at which the encoding itself changes next to nothing."""
_COARSE_CRF: Final = 35
_4CIF: Final = (704, 576)
_SHAKE_PIXELS: Final = 3
_SHAKE_SEED: Final = 7
_TICKS_PER_S: Final = 90_000
_ENCODER: Final = "libx264"
_GAMMA: Final = 1.6
_BRIGHTNESS: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One way. ``fps``: pictures kept per second.

    ``size``: width and height to scale to, whatever the shape was; the stream says how its pixels are stretched, as
    FFmpeg and cameras do.
    """

    name: str
    what: str
    picture: Alter | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    crf: int = _FINE_CRF
    mirrors: bool = False


def _level(curve: Callable[[np.ndarray[Any, np.dtype[np.float64]]], Any]) -> Alter:
    """A curve from 0..1 to 0..1, applied to every channel."""
    table = np.clip(np.round(curve(np.linspace(0.0, 1.0, 256)) * 255), 0, 255).astype(np.uint8)
    return lambda picture, _number: np.asarray(cv2.LUT(picture, table), dtype=np.uint8)


def _mirrored(picture: Picture, _number: int) -> Picture:
    return np.ascontiguousarray(picture[:, ::-1])


def _shaken(picture: Picture, number: int) -> Picture:
    """Shifted by up to so many pixels each way, afresh for each picture: wind and a loose mount."""
    right, down = np.random.default_rng((_SHAKE_SEED, number)).integers(-_SHAKE_PIXELS, _SHAKE_PIXELS + 1, 2)
    shift = np.array([[1, 0, right], [0, 1, down]], dtype=np.float32)
    height, width = picture.shape[:2]
    return np.asarray(cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


ALTERATIONS: Final[Mapping[str, Alteration]] = {
    one.name: one
    for one in (
        Alteration(name="mirrored", what="left and right exchanged", picture=_mirrored, mirrors=True),
        Alteration(name="brighter", what="25 % brighter", picture=_level(lambda level: level * (1 + _BRIGHTNESS))),
        Alteration(name="darker", what="25 % darker", picture=_level(lambda level: level * (1 - _BRIGHTNESS))),
        Alteration(name="gamma-up", what=f"gamma {_GAMMA}", picture=_level(lambda level: level**_GAMMA)),
        Alteration(name="gamma-down", what=f"gamma 1/{_GAMMA}", picture=_level(lambda level: level ** (1 / _GAMMA))),
        Alteration(name="coarse", what=f"encoded again at CRF {_COARSE_CRF}", crf=_COARSE_CRF),
        Alteration(name="4cif", what="scaled to 704 x 576", size=_4CIF),
        Alteration(name="10-fps", what="10 pictures per second", fps=10.0),
        Alteration(name="15-fps", what="15 pictures per second", fps=15.0),
        Alteration(name="shaken", what=f"shaken by up to {_SHAKE_PIXELS} pixels", picture=_shaken),
    )
}


def altered(dataset: Dataset, alteration: Alteration, folder: Path) -> Dataset:
    """The data set with its clips rewritten into ``folder``. Absent videos stay absent, to be told as ever.

    Raises:
        CodecError: a video cannot be decoded.
        UsageError: this build of FFmpeg has no H.264 encoder.
    """
    return replace(dataset, clips=tuple(_altered_clip(clip, alteration, folder) for clip in dataset.clips))


def _altered_clip(clip: DatasetClip, alteration: Alteration, folder: Path) -> DatasetClip:
    rules = tuple(_mirrored_rule(rule) for rule in clip.rules) if alteration.mirrors else clip.rules
    if not clip.video.is_file():
        return replace(clip, rules=rules)
    path = folder / f"{clip.id}.{alteration.name}.mp4"
    rewrite(clip.video, path, alteration)
    return replace(clip, video=path, rules=rules)


def _mirrored_rule(rule: DatasetRule) -> DatasetRule:
    return rule if rule.settings is None else replace(rule, settings=mirrored_settings(rule.settings))


def mirrored_settings(settings: RuleSettings) -> RuleSettings:
    """The same rule for the mirrored picture. A line's ends change places, so that its left side stays its left side."""
    changes: dict[str, Any] = {}
    for name in ("zone", "line"):
        if points := getattr(settings, name, None):
            changes[name] = tuple((1.0 - x, y) for x, y in reversed(points))
    if expected := getattr(settings, "expected", None):
        changes["expected"] = (-expected[0], expected[1])
    return settings.model_copy(update=changes)


def rewrite(video: Path, path: Path, alteration: Alteration) -> None:
    """Writes the clip anew; each picture keeps its time.

    Raises:
        CodecError: the video cannot be decoded.
        UsageError: this build of FFmpeg has no H.264 encoder.
    """
    with FileVideo(video) as source, av.open(str(path), "w") as target:
        stream: VideoStream | None = None
        for picture, at, shape in _pictures(source, alteration):
            stream = stream or _stream(target, picture, shape, alteration)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(at * _TICKS_PER_S), Fraction(1, _TICKS_PER_S)
            target.mux(stream.encode(frame))
        if stream is not None:
            target.mux(stream.encode(None))


def _pictures(source: FileVideo, alteration: Alteration) -> Iterator[tuple[Picture, float, Fraction]]:
    """Each picture, its time, and its width over its height as it is to be shown."""
    rate = FrameRate(alteration.fps) if alteration.fps else None
    for number, frame in enumerate(source.frames()):
        if rate is not None and not rate.take(frame.captured_at):
            continue
        width, height = alteration.size or (frame.width - frame.width % 2, frame.height - frame.height % 2)
        picture = frame.rgb(width, height)
        shape = Fraction(frame.width, frame.height) if alteration.size else Fraction(width, height)
        yield alteration.picture(picture, number) if alteration.picture else picture, frame.captured_at, shape


def _stream(target: OutputContainer, picture: Picture, shape: Fraction, alteration: Alteration) -> VideoStream:
    try:
        stream = target.add_stream(_ENCODER, rate=25, options=_options(alteration))
    except av.error.EncoderNotFoundError as error:
        raise UsageError(
            f"this build of FFmpeg cannot encode with {_ENCODER}", remedy="Evaluate with PyAV's own wheel."
        ) from error
    stream.height, stream.width = picture.shape[:2]
    stream.sample_aspect_ratio = shape / Fraction(stream.width, stream.height)
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
    return stream


def _options(alteration: Alteration) -> dict[str, str]:
    """Without B-frames and look-ahead: with them libx264 does not always make the same bytes of the same pictures."""
    return {"crf": str(alteration.crf), "preset": "veryfast", "tune": "zerolatency"}
