"""Runs a rule again with one threshold moved, over what was already detected and tracked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from analytics.decode.frame import DecodedFrame
from analytics.detect.closer import look_closer
from analytics.detect.density_look import DensityReadings
from analytics.detect.factory import create_density_model, create_detector
from analytics.evaluation.sensitivity.copies import RuleClass, watched, with_value
from analytics.evaluation.sensitivity.thresholds import Move
from analytics.filevideo import FileVideo
from analytics.runner import RuleRunner
from analytics.scene import Look
from config.model import AnalysisSettings, RuleSettings
from core.contracts import Detector
from core.types import Box, Detection, Tick, Track, UtcSeconds

_AT_ONCE: Final = 96
"""So many trials see a picture together: what rules remember of pictures is some 5 MB each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the rules of one type did in one clip with a threshold moved."""

    times_s: Mapping[str, tuple[float, ...]]
    """When each of them fired, by rule."""
    defects: int
    """How often one failed."""


class Seen(NamedTuple):
    """What rules were shown of one picture, but for the picture."""

    tracks: tuple[Track, ...]
    looks: Sequence[Look] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A clip that was analysed: its pictures, and what was seen in them by time."""

    name: str
    video: Path
    analysis: AnalysisSettings
    seen: Mapping[UtcSeconds, Seen]


def tried(footage: Footage, rules: Sequence[RuleSettings], moves: Sequence[Move]) -> dict[Move, Tried]:
    """What came of each move. Moves that cannot change anything in this clip are left away.

    Raises:
        CodecError: the video cannot be decoded.
        ModelError: the detector cannot be used.
        UsageError: the source of a rule is not there.
    """
    matter = _mattering(footage, rules, moves)
    found: dict[Move, Tried] = {}
    for begin in range(0, len(matter), _AT_ONCE):
        trials = {move: _trial(footage.name, rules, move) for move in matter[begin : begin + _AT_ONCE]}
        times = _shown(footage, [runner for runners in trials.values() for runner in runners])
        for move, runners in trials.items():
            found[move] = Tried(
                times_s={runner.rule_id: tuple(times.get(id(runner), ())) for runner in runners},
                defects=sum(runner.defects for runner in runners),
            )
    return {move: one for move, one in found.items() if one.times_s}


def _mattering(footage: Footage, rules: Sequence[RuleSettings], moves: Sequence[Move]) -> list[Move]:
    """The moves that can change anything in this clip, with every threshold where it is."""
    wanted = sorted({rule.type for rule in rules} & {move.threshold.type for move in moves})
    copies = {type_: watched(type_, [move for move in moves if move.threshold.type == type_]) for type_ in wanted}
    _shown(footage, [_runner(footage.name, rule, copies[rule.type].rule) for rule in rules if rule.type in copies])
    return [move for move in moves if (one := copies.get(move.threshold.type)) and one.matters(move)]


def _trial(clip: str, rules: Sequence[RuleSettings], move: Move) -> list[RuleRunner]:
    threshold = move.threshold
    camera = f"{clip}, {threshold.full_name} = {move.value:g}"
    own = [rule for rule in rules if rule.type == threshold.type]
    if threshold.constant:
        copy = with_value(threshold, move.value)
        return [_runner(camera, rule, copy) for rule in own]
    changed = (rule for rule in own if threshold.name not in rule.model_fields_set)
    return [
        RuleRunner(camera, rule.model_copy(update={threshold.name: move.value}), is_active=_always) for rule in changed
    ]


def _runner(camera: str, rule: RuleSettings, copy: RuleClass) -> RuleRunner:
    """Settings are read again by the copy's own model."""
    settings = copy.settings_model.model_validate(rule.model_dump(exclude_unset=True))
    return RuleRunner(camera, settings, is_active=_always, rule=copy)


def _shown(footage: Footage, runners: Sequence[RuleRunner]) -> dict[int, list[float]]:
    """Shows the clip to all of them; when each fired, by its identity."""
    times: dict[int, list[float]] = {}
    for tick in _ticks(footage) if runners else ():
        for runner in runners:
            times.setdefault(id(runner), []).extend(round(alert.captured_at, 3) for alert in runner.update(tick))
    return times


def _ticks(footage: Footage) -> Iterator[Tick]:
    detector, maps = create_detector(footage.analysis), create_density_model(footage.analysis)
    with FileVideo(footage.video) as video:
        for frame in video.frames():
            seen = footage.seen.get(frame.captured_at)
            if seen is not None:
                closer = None if seen.looks is None else _Closer(detector, frame, seen.looks)
                density = None if maps is None else DensityReadings(maps.map_of, frame)
                yield Tick(
                    captured_at=frame.captured_at, tracks=seen.tracks, pixels=frame, closer=closer, density=density
                )


class _Closer:
    """The closer looks that were taken at a picture; others are taken now, once for all trials."""

    def __init__(self, detector: Detector, frame: DecodedFrame, looks: Sequence[Look]) -> None:
        self.labels = detector.labels
        self._detector = detector
        self._frame = frame
        self._found: dict[tuple[Box, ...], tuple[Detection, ...]] = {look.parts: look.found for look in looks}

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        """As ``core.types.CloserLook``."""
        wanted = tuple(parts)
        if wanted not in self._found:
            self._found[wanted] = tuple(look_closer(self._detector, self._frame, parts))
        return list(self._found[wanted])


def _always(_captured_at: float) -> bool:
    """File time is no time of day: schedules do not apply."""
    return True
