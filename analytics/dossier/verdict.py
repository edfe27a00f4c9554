"""Decides again by what a dossier holds, and compares."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analytics.decode.frame import DecodedFrame
from analytics.dossier.document import CLIP, DOCUMENT, SUMS, TICKS, Dossier, DossierAlert, settings_digest
from analytics.dossier.footage import MATCH_S
from analytics.dossier.pixels import NotedPixels
from analytics.dossier.ticks import KeptLooks, KeptReadings, KeptTick, read
from analytics.filevideo import FileVideo
from analytics.runner import RuleRunner, rule_runners
from config.model import Kinds, RuleSettings, State
from core.errors import UsageError, VigieError
from core.types import Occurrence, Tick, UtcSeconds

_SUM = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]+)")
_SAME_TIME_S = 0.001
_SAME_SHARE = 1e-6
"""Figures that agree so far are the same: processors round differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What replaying a dossier gave. The same verdict again where there are no differences."""

    dossier: Dossier | None
    """None where it is altered: nothing in it was used then."""
    sha256: str
    """Of the list of sums, and so of the whole dossier."""
    differences: tuple[str, ...]
    used_pictures: bool = False
    """Whether a rule looked at pictures."""


def replay(folder: Path, kinds: Kinds) -> Outcome:
    """Checks the files of a dossier and runs its rule again.

    Raises:
        UsageError: there is no dossier in that folder.
        CodecError: its clip cannot be decoded.
    """
    listed = _file(folder, SUMS)
    sha256 = hashlib.sha256(listed).hexdigest()
    if altered := tuple(_altered(folder, listed)):
        return Outcome(dossier=None, sha256=sha256, differences=altered)
    try:
        dossier = Dossier.model_validate_json(_file(folder, DOCUMENT))
        rules = [_rule(settings, kinds) for settings in dossier.rules]
        ticks = [read(line) for line in _file(folder, TICKS).splitlines()]
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        reason = f"{DOCUMENT} or {TICKS} is not what this version of Vigie reads: {_line_of(error)}"
        return Outcome(dossier=None, sha256=sha256, differences=(reason,))
    if settings_digest(dossier.rules, dossier.analysis) != dossier.settings_sha256:
        return Outcome(dossier=None, sha256=sha256, differences=("the settings are not those of their digest",))
    run = _Run(rules, dossier.alert)
    labels = frozenset(dossier.model.classes if dossier.model else ())
    for tick in _with_pictures(folder / CLIP, dossier.clip.from_s, ticks, labels):
        run.show(tick)
    differences = tuple(run.differences())
    return Outcome(dossier=dossier, sha256=sha256, differences=differences, used_pictures=run.used_pictures)


def sums_of(folder: Path) -> str:
    """The list of all files in the folder, as ``sha256sum`` writes it."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


class _Run:
    """The rule, and those that it is composed of, on one tick after the other."""

    def __init__(self, rules: Sequence[RuleSettings], verdict: DossierAlert) -> None:
        self._runners = rule_runners("file", rules, is_active=lambda _rule: _always)
        self._rule = next(runner for runner in self._runners if runner.rule_id == verdict.rule)
        self._verdict = verdict
        self._decided: list[Occurrence] = []
        self.used_pictures = False

    def show(self, tick: Tick) -> None:
        """One tick; capture times rise."""
        pixels = None if tick.pixels is None else NotedPixels(tick.pixels)
        for runner in self._runners:
            runner.watch(replace(tick, pixels=pixels))
        if abs(tick.captured_at - self._verdict.time_s) < _SAME_TIME_S:
            self._decided += self._rule.occurrences
        self.used_pictures = self.used_pictures or (pixels is not None and pixels.is_used)

    def differences(self) -> Iterator[str]:
        """Between what came true at the moment of the decision and the verdict."""
        yield from (f"{_name(runner)} failed {runner.defects} times" for runner in self._runners if runner.defects)
        if not self._decided:
            yield f"the rule does not fire at {self._verdict.time_s:.3f} s"
            return
        each = [list(_differences(self._verdict, now)) for now in self._decided]
        yield from min(each, key=len)


def _name(runner: RuleRunner) -> str:
    return f"rule {runner.rule_id!r}"


def _always(_captured_at: UtcSeconds) -> bool:
    return True


def _file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{folder} is no dossier: {name} cannot be read ({error.strerror})",
            remedy="Give one of the folders that 'vigie analyse --dossier' made.",
        ) from error


def _altered(folder: Path, listed: bytes) -> Iterator[str]:
    """What is not as it was when the dossier was made."""
    lines = listed.decode("utf-8", "replace").splitlines()
    sums = {match[2]: match[1] for match in map(_SUM.fullmatch, lines) if match}
    if len(sums) != len(lines):
        yield f"{SUMS} is altered"
    yield from (f"{name} is not listed in {SUMS}" for name in (CLIP, DOCUMENT, TICKS) if name not in sums)
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            yield f"{name} is altered"


def _rule(settings: Mapping[str, Any], kinds: Kinds) -> RuleSettings:
    """Armed and without a cooldown: whether operators heard of it is no part of the verdict.

    Raises:
        VigieError: its type is not installed.
        ValidationError: its parameters are not those of the installed type.
    """
    kind = kinds.rules.get(str(settings.get("type")))
    if kind is None:
        raise VigieError(f"the rule type {settings.get('type')!r} is not installed", remedy="Install its package.")
    rule = kind.model_validate_json(json.dumps(settings))
    return rule.model_copy(update={"state": State.ARMED, "cooldown_s": 0.0, "schedule": None})


def _with_pictures(clip: Path, from_s: UtcSeconds, ticks: Sequence[KeptTick], labels: frozenset[str]) -> Iterator[Tick]:
    """Each tick with its picture, where the clip has it."""
    with ExitStack() as stack:
        frames = stack.enter_context(FileVideo(clip)).frames()
        frame = next(frames, None)
        for tick, looks, readings in ticks:
            while frame is not None and frame.captured_at + from_s < tick.captured_at - MATCH_S:
                frame = next(frames, None)
            closer = None if looks is None else KeptLooks(looks, labels)
            density = None if readings is None else KeptReadings(readings)
            picture = _picture(frame, from_s, tick.captured_at)
            yield replace(tick, pixels=picture, closer=closer, density=density)


def _picture(frame: DecodedFrame | None, from_s: UtcSeconds, moment: UtcSeconds) -> DecodedFrame | None:
    if frame is None or abs(frame.captured_at + from_s - moment) > MATCH_S:
        return None
    return replace(frame, captured_at=moment)


def _differences(then: DossierAlert, now: Occurrence) -> Iterator[str]:
    if abs(then.started_s - now.started_at) >= _SAME_TIME_S:
        yield f"it began at {now.started_at:.3f} s, not at {then.started_s:.3f} s"
    objects_then = [(thing.label, thing.track) for thing in then.objects]
    objects_now = [(track.label, track.track_id) for track in now.tracks]
    if objects_then != objects_now:
        yield f"its objects are {_named(objects_now)}, not {_named(objects_then)}"
    details = json.loads(json.dumps(dict(now.details)))
    for name in sorted({*then.details, *details}):
        if not _is_same(then.details.get(name), details.get(name)):
            yield f"its {name} is {details.get(name)!r}, not {then.details.get(name)!r}"


def _named(objects: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{label} {track}" for label, track in objects) or "none"


def _is_same(then: Any, now: Any) -> bool:
    if isinstance(then, float) and isinstance(now, float | int):
        return math.isclose(then, now, rel_tol=_SAME_SHARE, abs_tol=_SAME_SHARE)
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_is_same, then, now))
    if isinstance(then, dict) and isinstance(now, dict):
        return then.keys() == now.keys() and all(_is_same(then[key], now[key]) for key in then)
    return bool(then == now)


def _line_of(error: Exception) -> str:
    return " ".join(str(error).split())
