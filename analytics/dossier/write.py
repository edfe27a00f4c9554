"""Makes a dossier of each alert, and proves each by replaying it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2

from analytics.decode.frame import DecodedFrame
from analytics.detect.density import DensityModel
from analytics.detect.factory import create_density_model, create_detector
from analytics.detect.onnx import OnnxDetector
from analytics.dossier import document as parts
from analytics.dossier.footage import Footage
from analytics.dossier.ticks import History, read
from analytics.dossier.verdict import Outcome, replay, sums_of
from analytics.drawing import Canvas
from analytics.models.manifest import Manifest
from analytics.rendering import banner
from analytics.scene import Verdict
from config.model import AnalysisSettings, CompositionSettings, Kinds, RuleSettings
from core.errors import UsageError
from core.types import Alert, Picture, Track, UtcSeconds

BEFORE_S: Final = 5.0
AFTER_S: Final = 3.0
"""What people see of the time around the decision, at least."""
_MARGIN_S: Final = 2.0
"""Before the condition began: a rule first has to see that it was not met."""
_QUALITY: Final = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A dossier that was made. ``differences``: why it does not give the same verdict again; empty where it does."""

    folder: Path
    sha256: str
    differences: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class DossierWriter:
    """Keeps what rules see while a file is analysed; ``made`` after it was."""

    folder: Path
    video: Path
    rules: Sequence[RuleSettings]
    analysis: AnalysisSettings
    kinds: Kinds
    _history: History = field(init=False)
    _alerts: list[tuple[Alert, tuple[Track, ...]]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Raises ``UsageError`` where the folder holds something, or cannot be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            is_empty = not any(self.folder.iterdir())
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be used: {error.strerror}", remedy="Name a folder.") from error
        if not is_empty:
            raise UsageError(f"{self.folder} is not empty", remedy="Name a new folder for the dossiers.")
        self._history = History()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._history.__exit__(kind, error, trace)

    def add(self, captured_at: UtcSeconds, verdict: Verdict) -> None:
        """The next analysed picture. One in which the detector failed was shown to no rule."""
        if verdict.boxes is None:
            return
        self._history.add(captured_at, verdict.boxes.tracks, verdict.looks, verdict.readings)
        self._alerts += [(alert, verdict.boxes.tracks) for alert in verdict.alerts]

    def made(self, origin_s: float) -> Iterator[Made]:
        """One dossier for each alert, in their order. ``origin_s``: the container's own time of the first picture.

        Raises:
            CodecError: the video cannot be read again.
            UsageError: it has no time stamps, or a dossier cannot be written.
        """
        if not self._alerts:
            return
        common = _Common.of(self)
        footage = Footage(self.video, origin_s)
        for number, (alert, tracks) in enumerate(self._alerts, start=1):
            name = f"{number:04d}-{alert.rule_id}-{alert.captured_at:.2f}s"
            one = _One(self.folder / name, alert, tracks, common, self._history, footage)
            try:
                yield one.made()
            except OSError as error:
                raise UsageError(
                    f"{one.folder} cannot be written: {error.strerror}", remedy="Check the space left."
                ) from error


@dataclass(frozen=True, slots=True)
class _Common:
    """What is the same in all dossiers of a file."""

    rules: Sequence[RuleSettings]
    kinds: Kinds
    analysis: parts.DossierAnalysis
    model: parts.DossierModel | None
    density_model: parts.DossierModel | None
    video: parts.DossierVideo

    @classmethod
    def of(cls, writer: DossierWriter) -> _Common:
        """Opens the models once more: sessions are shared."""
        detector, density = create_detector(writer.analysis), create_density_model(writer.analysis)
        with writer.video.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(
            rules=writer.rules,
            kinds=writer.kinds,
            analysis=parts.analysis_of(writer.analysis),
            model=_model(detector) if isinstance(detector, OnnxDetector) else None,
            density_model=None if density is None else _model(density),
            video=parts.DossierVideo(name=writer.video.name, size=writer.video.stat().st_size, sha256=sha256),
        )


@dataclass(frozen=True, slots=True)
class _One:
    """The dossier of one alert."""

    folder: Path
    alert: Alert
    tracks: tuple[Track, ...]
    common: _Common
    history: History
    footage: Footage

    def made(self) -> Made:
        """With as much of the past as it takes to decide the same again, found by trying."""
        self.folder.mkdir()
        self._write_pictures()
        uses_pictures = False
        outcome: Outcome | None = None
        for begin in self._beginnings():
            self._write(begin, clip_from=begin if uses_pictures else max(begin, self._moment - BEFORE_S))
            outcome = replay(self.folder, self.common.kinds)
            if outcome.differences and outcome.used_pictures and not uses_pictures:
                uses_pictures = True
                self._write(begin, clip_from=begin)
                outcome = replay(self.folder, self.common.kinds)
            if not outcome.differences:
                break
        assert outcome is not None  # there is always a beginning
        return Made(folder=self.folder, sha256=outcome.sha256, differences=outcome.differences)

    @property
    def _moment(self) -> UtcSeconds:
        return self.alert.captured_at

    def _beginnings(self) -> Iterator[UtcSeconds]:
        """Further and further back, to the beginning of the analysis."""
        first = self.history.begins_at
        span = max(BEFORE_S, self._moment - self.alert.started_at + _MARGIN_S)
        while self._moment - span > first:
            yield self._moment - span
            span *= 2.0
        yield first

    def _write(self, begin: UtcSeconds, *, clip_from: UtcSeconds) -> None:
        lines = list(self.history.lines(begin, self._moment))
        (self.folder / parts.TICKS).write_bytes(b"".join(lines))
        end = self._moment + AFTER_S
        starts_at = self.footage.copy(clip_from, end, self.folder / parts.CLIP)
        clip = parts.DossierClip(from_s=starts_at, to_s=end)
        text = self._document(lines, clip).model_dump_json(indent=2) + "\n"
        _write_text(self.folder / parts.DOCUMENT, text)
        _write_text(self.folder / parts.SUMS, sums_of(self.folder))

    def _document(self, lines: Sequence[bytes], clip: parts.DossierClip) -> parts.Dossier:
        rules = parts.settings_of(_with_members(self.alert.rule_id, self.common.rules))
        return parts.Dossier(
            vigie=version("vigie"),
            alert=parts.alert_of(self.alert),
            rules=rules,
            analysis=self.common.analysis,
            settings_sha256=parts.settings_digest(rules, self.common.analysis),
            model=self.common.model,
            density_model=self.common.density_model,
            video=self.common.video,
            clip=clip,
            ticks=parts.DossierTicks(from_s=read(lines[0]).tick.captured_at, count=len(lines)),
            paths=_paths(self.alert, lines),
        )

    def _write_pictures(self) -> None:
        """The picture of the decision, plain and with what was seen, and that of the beginning."""
        decision = self.footage.picture(self._moment)
        _write_jpeg(self.folder / parts.DECISION, decision.rgb())
        _write_jpeg(self.folder / parts.MARKED, self._marked(decision))
        begun = max(self.alert.started_at, 0.0)
        _write_jpeg(self.folder / parts.START, self.footage.picture(begun).rgb())

    def _marked(self, frame: DecodedFrame) -> Picture:
        canvas = Canvas(frame.rgb())
        canvas.banners([banner(self.alert)])
        canvas.rules(_with_members(self.alert.rule_id, self.common.rules))
        canvas.tracks(self.tracks, {thing.track_id for thing in self.alert.objects})
        return canvas.picture


def _with_members(rule_id: str, rules: Sequence[RuleSettings]) -> list[RuleSettings]:
    """The rule, and all rules that it is composed of, however deep."""
    by_id = {rule.id: rule for rule in rules}
    names = [rule_id]
    for name in names:
        rule = by_id.get(name)
        members = rule.rules if isinstance(rule, CompositionSettings) else ()
        names += [member for member in dict.fromkeys(members) if member not in names]
    return [by_id[name] for name in names if name in by_id]


def _paths(alert: Alert, lines: Sequence[bytes]) -> tuple[parts.DossierPath, ...]:
    points: dict[int, list[tuple[float, float, float, float, float, bool]]] = {
        thing.track_id: [] for thing in alert.objects
    }
    for line in lines:
        tick = read(line).tick
        for track in tick.tracks:
            if track.track_id in points:
                points[track.track_id].append((tick.captured_at, *parts.edges(track.box), track.is_measured))
    return tuple(parts.DossierPath(track=track, points=tuple(path)) for track, path in points.items())


def _model(model: OnnxDetector | DensityModel) -> parts.DossierModel:
    known = model.manifest
    return parts.DossierModel(
        name=known.name,
        family=known.family,
        licence=known.licence,
        sha256=known.sha256,
        classes=known.classes if isinstance(known, Manifest) else (),
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_jpeg(path: Path, picture: Picture) -> None:
    """By way of memory: OpenCV writes no files with accents in their names on Windows."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    path.write_bytes(encoded.tobytes())
