"""Runs rules over a video file as fast as it can: ``vigie analyse`` and ``vigie evaluate`` both see what this sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from analytics.decode.frame import DecodedFrame
from analytics.detect.factory import create_density_model, create_detector
from analytics.filevideo import FileVideo
from analytics.gate import gate_of
from analytics.rate import FrameRate
from analytics.runner import rule_runners
from analytics.scene import SceneAnalyser, Verdict
from config.model import AnalysisSettings, RuleSettings


class FileAnalysis:
    """One pass over a file. The same file, rules and settings always give the same verdicts."""

    def __init__(self, name: str, video: Path, rules: Sequence[RuleSettings], analysis: AnalysisSettings) -> None:
        """Opens the file; ``name`` is the camera of its alerts.

        Raises:
            UsageError, CodecError: the file is absent or cannot be decoded.
            ModelError: the detector cannot be used.
        """
        runners = rule_runners(name, rules, is_active=lambda _rule: _always)
        detector = create_detector(analysis)
        self._scene = SceneAnalyser(
            name,
            detector,
            runners,
            min_confidence=analysis.min_confidence,
            gate=gate_of(analysis, detector),
            density=create_density_model(analysis),
        )
        self._fps = analysis.fps
        self._video = FileVideo(video)
        self.frames_analysed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._video.__exit__(kind, error, trace)

    def pictures(self) -> Iterator[tuple[DecodedFrame, Verdict | None]]:
        """Every picture of the file, and what it brought where the analysed rate takes it.

        Raises:
            CodecError: not one picture can be decoded.
        """
        rate = FrameRate(self._fps)
        for frame in self._video.frames():
            verdict = None
            if rate.take(frame.captured_at):
                verdict = self._scene.analyse(frame)
                self.frames_analysed += 1
            yield frame, verdict

    def verdicts(self) -> Iterator[tuple[DecodedFrame, Verdict]]:
        """Every picture that the analysed rate takes, and what it brought.

        Raises:
            CodecError: not one picture can be decoded.
        """
        for frame, verdict in self.pictures():
            if verdict is not None:
                yield frame, verdict

    @property
    def origin_s(self) -> float:
        """The container's own time of the file's first picture, which is time 0 here."""
        return self._video.origin_s

    @property
    def duration_s(self) -> float | None:
        """How long the file is; None while neither its container nor a picture has told."""
        return self._video.duration_s

    @property
    def corrupt(self) -> int:
        """Damaged packets and pictures that were left out."""
        return self._video.corrupt

    @property
    def defects(self) -> int:
        """How often rules or the detector failed unexpectedly."""
        return self._scene.rule_defects + self._scene.detector_defects

    @property
    def frames_gated(self) -> int:
        """Frames analysed without the detector, because nothing had changed."""
        return self._scene.frames_gated

    @property
    def figures(self) -> Mapping[str, Mapping[str, int]]:
        """What each counting rule has counted, by rule id."""
        return self._scene.figures


def _always(_captured_at: float) -> bool:
    """File time is no time of day: schedules do not apply."""
    return True
