"""A data set: clips, what to watch in them, and when an alert is right. ``docs/evaluation.md`` tells the format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, ValidationError, model_validator

from analytics.evaluation.scoring import Interval, Tolerances
from config.consistency import composition_problems
from config.document import Document, read_document
from config.model import CompositionSettings, Identifier, Kinds, RuleSettings, Settings
from config.problems import Location, Problem, SettingsProblems, path_text
from config.shape import child_of, models_along
from config.wording import Place, did_you_mean, word

COUNTING = "counting"
"""The rule type whose totals are compared, instead of alerts."""

_CLIP_DEPTH, _RULE_DEPTH = 2, 4
"""Parts of a location down to a clip (``clips``, index) and to a rule of it (… ``rules``, index)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRule:
    """What is watched in a clip, and the truth."""

    id: str
    type: str
    exhaustive: bool
    settings: RuleSettings | None
    """None: this rule type is not installed."""
    intervals: tuple[Interval, ...]
    """Sorted by their start."""
    expected_counts: Mapping[str, int] | None
    """Totals by name; only of a rule that counts."""
    definition: str
    """Digest of all of it and of the tolerances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetClip:
    """One video."""

    id: str
    video: Path
    conditions: tuple[str, ...]
    note: str
    rules: tuple[DatasetRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The whole set, or what was selected of it."""

    name: str
    sha256: str
    tolerances: Tolerances
    clips: tuple[DatasetClip, ...]

    @property
    def types(self) -> list[str]:
        """Rule types that occur, sorted."""
        return sorted({rule.type for clip in self.clips for rule in clip.rules})

    @property
    def measurable(self) -> list[DatasetClip]:
        """Clips with a rule of an installed type."""
        return [clip for clip in self.clips if any(rule.settings for rule in clip.rules)]

    def selected(self, *, types: Sequence[str], clips: Sequence[str]) -> Self:
        """Only these clips and these rule types, each in the set's own order; an empty choice is everything."""
        kept = (_with_types(clip, types) for clip in self.clips if not clips or clip.id in clips)
        return replace(self, clips=tuple(clip for clip in kept if clip.rules))


class _Truth(Settings):
    rule: str
    """Which rule of the clip."""
    start_s: NonNegativeFloat
    """First moment at which the whole condition is met."""
    end_s: NonNegativeFloat
    """Last moment at which a first alert still makes sense."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s < self.start_s:
            raise ValueError("ends before it starts; end_s must not be less than start_s")
        return self


class _Counts(Settings):
    rule: str
    """Which rule of the clip."""
    counts: Annotated[dict[str, NonNegativeInt], Field(min_length=1)]
    """Totals by name, ``to_left`` and ``to_right`` for a line."""


class _Rule(Settings):
    model_config = ConfigDict(extra="allow")

    id: Identifier
    """Unique within the clip."""
    type: str
    """Which rule."""
    exhaustive: bool = True
    """Whether every true event is in the truth."""


class _Clip(Settings):
    id: Identifier
    """Unique within the data set."""
    video: Path
    """Relative to the data set's file."""
    conditions: tuple[str, ...] = ()
    licence: str = ""
    note: str = ""
    rules: tuple[_Rule, ...]
    """What is watched."""
    truth: tuple[_Truth, ...]
    """True events; [] where every alert is false."""
    expected_counts: tuple[_Counts, ...] = ()


class _Scoring(Settings):
    max_delay_s: NonNegativeFloat
    """How late an alert may come."""
    early_tolerance_s: NonNegativeFloat
    """How far outside its interval an alert may be."""


class _File(Settings):
    version: Literal[1]
    """Version of this file's form."""
    name: str
    """What people call the set."""
    scoring: _Scoring
    """Tolerances."""
    clips: Annotated[tuple[_Clip, ...], Field(min_length=1)]
    """The videos."""


def load_dataset(path: Path, kinds: Kinds) -> Dataset:
    """Reads a data set. Rules of a type that is not in ``kinds`` are kept, without settings.

    Raises:
        SettingsProblems: with everything that is wrong in it, naming line, clip and rule.
    """
    document = read_document(path)
    try:
        file = _File.model_validate(document.data)
    except ValidationError as error:
        raise SettingsProblems([*document.problems, *_faults(document, error, (), _File)]) from error
    settings, faults = _settings_of(document, file, kinds)
    problems = [*document.problems, *faults, *_inconsistencies(document, file, kinds)]
    if problems:
        raise SettingsProblems(problems)
    tolerances = Tolerances(**file.scoring.model_dump())
    return Dataset(
        name=file.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        tolerances=tolerances,
        clips=tuple(_clip(clip, path.parent, settings, tolerances) for clip in file.clips),
    )


_Known = dict[tuple[str, str], RuleSettings]
"""Settings by clip and rule."""


def _settings_of(document: Document, file: _File, kinds: Kinds) -> tuple[_Known, list[Problem]]:
    found: _Known = {}
    problems: list[Problem] = []
    for clip_index, clip in enumerate(file.clips):
        for rule_index, rule in enumerate(clip.rules):
            model = kinds.rules.get(rule.type)
            if model is None:
                continue
            try:
                found[clip.id, rule.id] = model.model_validate(_parameters(rule), context=kinds)
            except ValidationError as error:
                problems += _faults(document, error, ("clips", clip_index, "rules", rule_index), model)
    return found, problems


def _parameters(rule: _Rule) -> dict[str, Any]:
    return {"id": rule.id, "type": rule.type, **(rule.model_extra or {})}


def _faults(document: Document, error: ValidationError, base: Location, model: type[BaseModel]) -> Iterator[Problem]:
    """Pydantic's findings in plain words; ``base`` is where the model begins in the document."""
    data = document.data
    for part in base:
        data = child_of(data, part)
    for detail in error.errors(include_url=False):
        place = detail["loc"][:-1] if detail["type"] in {"missing", "extra_forbidden"} else detail["loc"]
        models = tuple(models_along(model, data, place, Kinds()))
        wording = word(detail, Place(models, str(detail["loc"][-1]) if detail["loc"] else ""))
        yield _problem(document, (*base, *detail["loc"]), wording.message, wording.remedy)


def _problem(document: Document, location: Location, message: str, remedy: str) -> Problem:
    line, path = document.line_of(location), path_text(location)
    named = f"{_names(document.data, location)}{message}"
    return Problem(file=document.path, line=line, path=path, message=named, remedy=remedy)


def _names(data: Any, location: Location) -> str:
    """``clip 'gate', rule 'exit': `` as far as the location goes so deep and there are names."""
    named: list[str] = []
    for depth, part in enumerate(location, start=1):
        data = child_of(data, part)
        name = child_of(data, "rule" if location[2:3] != ("rules",) and depth == _RULE_DEPTH else "id")
        if depth in {_CLIP_DEPTH, _RULE_DEPTH} and isinstance(name, str):
            named.append(f"{'clip' if depth == _CLIP_DEPTH else 'rule'} {name!r}")
    return f"{', '.join(named)}: " if named else ""


def _inconsistencies(document: Document, file: _File, kinds: Kinds) -> Iterator[Problem]:
    yield from _repeated(document, ("clips",), [clip.id for clip in file.clips], "clip of the set")
    for index, clip in enumerate(file.clips):
        place = ("clips", index)
        types = {rule.id: rule.type for rule in clip.rules}
        yield from _repeated(document, (*place, "rules"), [rule.id for rule in clip.rules], "rule of the clip")
        yield from composition_problems(document, child_of(document.data["clips"], index), place, kinds)
        counted = [entry.rule for entry in clip.expected_counts]
        named = {"truth": [entry.rule for entry in clip.truth], "expected_counts": counted}
        for key, names in named.items():
            for number, name in enumerate(names):
                location = (*place, key, number, "rule")
                yield from _misplaced(document, location, name, types, counts=key == "expected_counts")
        for number, rule in enumerate(clip.rules):
            if rule.type == COUNTING and counted.count(rule.id) != 1:
                message = f"has {counted.count(rule.id)} entries in expected_counts"
                yield _problem(document, (*place, "rules", number), message, "Give a rule that counts exactly one.")


def _repeated(document: Document, place: Location, ids: Sequence[str], noun: str) -> Iterator[Problem]:
    for index, name in enumerate(ids):
        if name in ids[:index]:
            message = f"{name!r} is the id of another {noun} too"
            yield _problem(document, (*place, index, "id"), message, "Give each an id of its own.")


def _misplaced(
    document: Document, location: Location, name: str, types: Mapping[str, str], *, counts: bool
) -> Iterator[Problem]:
    """Truth of a rule that is not there, or of the wrong kind."""
    if name not in types:
        remedy = f"{did_you_mean(name, types)}Its rules: {', '.join(types) or 'none'}."
        yield _problem(document, location, "the clip has no such rule", remedy)
    elif counts is not (types[name] == COUNTING):
        remedy = f"Only rules of type {COUNTING} have expected_counts, and they have nothing else."
        yield _problem(document, location, f"a rule of type {types[name]} is not measured so", remedy)


def _clip(clip: _Clip, folder: Path, settings: _Known, tolerances: Tolerances) -> DatasetClip:
    return DatasetClip(
        id=clip.id,
        video=folder / clip.video,
        conditions=clip.conditions,
        note=clip.note,
        rules=tuple(_rule(rule, clip, settings.get((clip.id, rule.id)), tolerances) for rule in clip.rules),
    )


def _rule(rule: _Rule, clip: _Clip, settings: RuleSettings | None, tolerances: Tolerances) -> DatasetRule:
    found = (Interval(start_s=entry.start_s, end_s=entry.end_s) for entry in clip.truth if entry.rule == rule.id)
    intervals = tuple(sorted(found))
    expected = next((entry.counts for entry in clip.expected_counts if entry.rule == rule.id), None)
    defined = [_parameters(rule), rule.exhaustive, [asdict(one) for one in intervals], expected, asdict(tolerances)]
    text = json.dumps(defined, sort_keys=True)
    return DatasetRule(
        id=rule.id,
        type=rule.type,
        exhaustive=rule.exhaustive,
        settings=settings,
        intervals=intervals,
        expected_counts=expected,
        definition=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _with_types(clip: DatasetClip, types: Sequence[str]) -> DatasetClip:
    """With these types only, and with the rules that a composition among them is composed of."""
    names = [rule.id for rule in clip.rules if not types or rule.type in types]
    by_id = {rule.id: rule for rule in clip.rules}
    for name in names:
        settings = by_id[name].settings
        members = settings.rules if isinstance(settings, CompositionSettings) else ()
        names += [member for member in dict.fromkeys(members) if member not in names]
    return replace(clip, rules=tuple(rule for rule in clip.rules if rule.id in names))
