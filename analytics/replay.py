"""Runs rules over recorded packets as fast as they come: what live analysis would have seen, had it never been behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.detect.factory import create_density_model, create_detector
from analytics.gate import gate_of
from analytics.rate import FrameRate
from analytics.runner import rule_runners
from analytics.scene import SceneAnalyser, Verdict
from analytics.view.known import watch_of
from config.model import CameraSettings, RuleSettings, SiteSettings
from core.schedules import schedule_of
from core.types import Packet, UtcSeconds

GAP_S = 2.0
"""Pictures farther apart than this have a gap of the recording between them."""


class Replay:
    """One pass over a camera's recording. The same packets, rules and settings always give the same verdicts.

    Capture times are the recorder's: schedules and cooldowns apply as they do live.
    """

    def __init__(self, camera: CameraSettings, site: SiteSettings, rules: Sequence[RuleSettings]) -> None:
        """Raises ``ModelError`` or ``SettingsError`` when the detector or a preset's still cannot be used."""
        analysis = site.analysis_of(camera)
        runners = rule_runners(camera.id, rules, is_active=lambda rule: schedule_of(site, rule).is_active)
        detector = create_detector(analysis)
        self._scene = SceneAnalyser(
            camera.id,
            detector,
            runners,
            min_confidence=analysis.min_confidence,
            gate=gate_of(analysis, detector),
            density=create_density_model(analysis),
        )
        self._view = watch_of(camera, None) if camera.presets else None
        self._rate = FrameRate(analysis.fps)
        self._decoder = Decoder()
        self._newest: UtcSeconds | None = None
        self.recorded_s = 0.0
        """How much recording there was, its gaps left out."""
        self.gaps = 0
        """How often the recording was interrupted."""
        self.frames_analysed = 0

    def verdicts(self, packets: Iterable[Packet], begin: UtcSeconds) -> Iterator[tuple[UtcSeconds, Verdict]]:
        """Capture time and outcome of every picture from ``begin`` on that the analysed rate takes.

        May be called again for what follows, from a key frame on; pictures that come again are not analysed again.

        Raises:
            CodecError: there is no decoder of the recording's codec.
            VmsError: the recording cannot be read on.
        """
        for packet in packets:
            self._measure(packet.captured_at, begin)
            frames = self._decoder.decode(packet, is_wanted=self._is_due(packet.captured_at, begin))
            yield from self._analysed(frames, begin)
        yield from self._analysed(self._decoder.flush(), begin)

    @property
    def analysed_until(self) -> UtcSeconds | None:
        """Capture time of the last picture analysed: a recording that broke off is taken up again from there."""
        return self._scene.captured_at

    @property
    def corrupt(self) -> int:
        """Damaged packets and pictures that were left out."""
        return self._decoder.corrupt

    @property
    def defects(self) -> int:
        """How often rules or the detector failed unexpectedly."""
        return self._scene.rule_defects + self._scene.detector_defects

    @property
    def figures(self) -> Mapping[str, Mapping[str, int]]:
        """What each counting rule has counted, by rule id."""
        return self._scene.figures

    def _is_due(self, captured_at: UtcSeconds, begin: UtcSeconds) -> bool:
        return captured_at >= begin and self._rate.is_due(captured_at)

    def _analysed(self, frames: Iterable[DecodedFrame], begin: UtcSeconds) -> Iterator[tuple[UtcSeconds, Verdict]]:
        for frame in frames:
            if self._is_due(frame.captured_at, begin) and self._rate.take(frame.captured_at):
                self.frames_analysed += 1
                if self._view is not None:
                    self._view.look(frame, frame.captured_at, frame.keys)
                    self._scene.face(self._view.facing)
                yield frame.captured_at, self._scene.analyse(frame)

    def _measure(self, captured_at: UtcSeconds, begin: UtcSeconds) -> None:
        if captured_at < begin:
            return
        step_s = 0.0 if self._newest is None else captured_at - self._newest
        if step_s > GAP_S:
            self.gaps += 1
        else:
            self.recorded_s += max(0.0, step_s)
        self._newest = max(captured_at, self._newest or captured_at)
