"""A video in which people see what Vigie saw: every picture with what the last analysed one brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from analytics.decode.frame import DecodedFrame
from analytics.drawing import ALARM, OBSERVED, Canvas, Colour
from analytics.scene import Verdict
from config.model import RuleSettings
from core.errors import UsageError
from core.types import Alert, RuleState, Track, UtcSeconds

BANNER_S: Final = 4.0
"""How long an alert is shown, in file time."""
MOST_BANNERS: Final = 3
"""Newest first."""
ENCODER: Final = "mpeg4"
"""FFmpeg's own encoder of MPEG-4 part 2: in every build, also in one without GPL parts, which libx264 is."""
_QUANTISER: Final = "4"
"""2 is the finest, 31 the coarsest."""
_TICKS_PER_S: Final = 1000


class Rendering:
    """Writes an MP4 beside its final name, which it gets when it is whole."""

    def __init__(self, target: Path, rules: Sequence[RuleSettings]) -> None:
        """``rules``: whose zones and lines are drawn."""
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._rules = rules
        self._container: OutputContainer = av.open(str(self._part), "w", format="mp4")
        self._stream: VideoStream | None = None
        self._tracks: tuple[Track, ...] = ()
        self._alerts: list[Alert] = []
        self._pts = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._stream is not None:
                self._finish(self._stream)
        finally:
            self._container.close()
            self._part.unlink(missing_ok=True)

    def add(self, frame: DecodedFrame, verdict: Verdict | None) -> None:
        """The next picture of the file; ``verdict`` where it was analysed.

        Raises:
            UsageError: it cannot be written.
        """
        if verdict is not None:
            self._tracks = () if verdict.boxes is None else verdict.boxes.tracks
            self._alerts += verdict.alerts
        now = frame.captured_at
        self._alerts = [alert for alert in self._alerts if now - alert.captured_at < BANNER_S]
        with self._written():
            self._encode(self._drawn(frame), now)

    def _finish(self, stream: VideoStream) -> None:
        with self._written():
            self._container.mux(stream.encode(None))
            self._container.close()
            self._part.replace(self._target)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            raise UsageError(
                f"{self._target} cannot be written: {error.strerror or error}", remedy="Check the space left."
            ) from error

    def _drawn(self, frame: DecodedFrame) -> Canvas:
        canvas = Canvas(frame.rgb())
        canvas.banners([banner(alert) for alert in reversed(self._alerts[-MOST_BANNERS:])])
        canvas.rules(self._rules)
        canvas.tracks(self._tracks, {thing.track_id for alert in self._alerts for thing in alert.objects})
        canvas.corner(clock(frame.captured_at))
        return canvas

    def _encode(self, canvas: Canvas, now: UtcSeconds) -> None:
        height, width = (side - side % 2 for side in canvas.picture.shape[:2])  # the codec halves its colour planes
        if self._stream is None:
            self._stream = _stream(self._container, width, height)
        picture = av.VideoFrame.from_ndarray(canvas.picture[:height, :width].copy(), format="rgb24")
        if (width, height) != (self._stream.width, self._stream.height):  # a camera may change its size
            picture = picture.reformat(width=self._stream.width, height=self._stream.height)
        self._pts = max(self._pts + 1, round(now * _TICKS_PER_S))
        picture.pts, picture.time_base = self._pts, Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(picture))


def banner(alert: Alert) -> tuple[str, Colour]:
    """What is told of an alert, and on which ground."""
    objects = ", ".join(f"{thing.label} {thing.track_id}" for thing in alert.objects)
    is_observed = alert.state is RuleState.OBSERVE
    words = [clock(alert.captured_at), alert.rule_name, alert.rule_type, objects, "observe" if is_observed else ""]
    return "   ".join(filter(None, words)), OBSERVED if is_observed else ALARM


def clock(seconds: float) -> str:
    """``12:05.3`` for a person."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _stream(container: OutputContainer, width: int, height: int) -> VideoStream:
    options = {"qmin": _QUANTISER, "qmax": _QUANTISER, "fflags": "+bitexact", "flags": "+bitexact"}
    stream = container.add_stream(ENCODER, rate=_TICKS_PER_S, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = Fraction(1, _TICKS_PER_S)
    return stream
