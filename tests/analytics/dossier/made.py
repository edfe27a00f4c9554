"""A short film, rules that look at it in different ways, and the dossiers of their alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import pytest

from analytics import offline
from analytics.dossier import write
from analytics.dossier.write import DossierWriter, Made
from analytics.offline import FileAnalysis
from analytics.rules.all_of import AllOf
from analytics.rules.zone_presence import ZonePresence
from config.model import AnalysisSettings, Kinds, RuleSettings
from core import registry
from core.contracts import Composition, Rule
from core.types import Box, Detection, Json, Occurrence, Picture, Tick
from tests.analytics.coded import numbered
from tests.analytics.scenes import BrightSpotDetector, spot_at

FPS = 10
CORNERS = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.9), (0.3, 0.9))


def film(path: Path, seconds: int = 6, *, encoder: str = "libx264", gop: int = 10) -> Path:
    """A person comes from the left within two seconds and stands in the middle."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.gop_size = gop
        for number in range(seconds * FPS):
            frame = av.VideoFrame.from_ndarray(numbered(number % 256, _enters), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _enters(picture: Picture, number: int) -> None:
    spot_at(picture, min(0.1 + number * 0.02, 0.5), 0.7)


class Still(BrightSpotDetector):
    """Sees the same in parts of the picture; may be asked to."""

    is_shared = True


class SumsPictures(Rule):
    """Fires once, in the 45th picture it sees; its figure depends on every picture since the first."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings

    def __init__(self, settings: RuleSettings) -> None:
        self._sum = self._seen = 0

    def update(self, tick: Tick) -> list[Occurrence]:
        if tick.pixels is None:
            return []
        self._seen += 1
        self._sum += int(tick.pixels.gray().sum(dtype=int))
        if self._seen != 45:
            return []
        details: dict[str, Json] = {"sum": float(self._sum), "seen": [self._seen]}
        return [Occurrence(captured_at=tick.captured_at, started_at=tick.captured_at, tracks=(), details=details)]


class LooksCloser(Rule):
    """Fires in its 30th picture if a closer look shows somebody."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings
    part: ClassVar[Box] = Box(left=0.25, top=0.25, right=0.75, bottom=1.0)

    def __init__(self, settings: RuleSettings) -> None:
        """Needs nothing."""

    def update(self, tick: Tick) -> list[Occurrence]:
        found: list[Detection] = tick.closer([self.part]) if tick.closer else []
        if not found or round(tick.captured_at * FPS) != 30:
            return []
        details = {"bottom": found[0].box.bottom}
        return [Occurrence(captured_at=tick.captured_at, started_at=2.0, tracks=tick.tracks, details=details)]


class CountsByMap(Rule):
    """Fires in its 30th picture with what the density map tells near everybody."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings

    def __init__(self, settings: RuleSettings) -> None:
        """Needs nothing."""

    def update(self, tick: Tick) -> list[Occurrence]:
        if tick.density is None:
            return []
        people = tick.density(CORNERS, [track.box for track in tick.tracks])
        if round(tick.captured_at * FPS) != 30:
            return []
        return [Occurrence(captured_at=tick.captured_at, started_at=2.0, tracks=(), details={"people": people})]


RULES: Mapping[str, type[Rule | Composition]] = {
    "zone_presence": ZonePresence,
    "all_of": AllOf,
    "sums": SumsPictures,
    "closer": LooksCloser,
    "map": CountsByMap,
}
KINDS = Kinds(rules={name: rule.settings_model for name, rule in RULES.items()})


def setting(rule_id: str, kind: str, **more: object) -> RuleSettings:
    return RULES[kind].settings_model.model_validate({"id": rule_id, "type": kind, **more})


YARD = setting("yard", "zone_presence", name="Cour", zone=CORNERS, dwell_s=1.0)
SUMS = setting("sums", "sums")
CLOSER = setting("closer", "closer")
MAP = setting("map", "map")


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """These rules, and a detector that needs no model."""
    monkeypatch.setattr(registry, "rule", RULES.__getitem__)
    for module in (offline, write):
        monkeypatch.setattr(module, "create_detector", lambda _settings: Still())


def dossiers(
    folder: Path, video: Path, rules: Sequence[RuleSettings], *, kinds: Kinds = KINDS, density: Path | None = None
) -> list[Made]:
    """Analyses the whole film."""
    analysis = AnalysisSettings(fps=FPS, density_model=density)
    writer = DossierWriter(folder=folder, video=video, rules=rules, analysis=analysis, kinds=kinds)
    with FileAnalysis("file", video, rules, analysis) as run, writer:
        for frame, verdict in run.verdicts():
            writer.add(frame.captured_at, verdict)
        return list(writer.made(run.origin_s))
