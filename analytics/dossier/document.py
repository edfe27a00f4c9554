"""What a dossier's ``alert.json`` holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from config.model import AnalysisSettings, RuleSettings
from core.types import Alert, Box

DOCUMENT, SUMS, TICKS, CLIP = "alert.json", "SHA256SUMS", "ticks.jsonl", "clip.mkv"
START, DECISION, MARKED = "start.jpg", "decision.jpg", "decision-marked.jpg"

Edges: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, normalised."""

Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DossierObject(_Part):
    """An object of the alert, as it was when the rule decided."""

    track: int
    label: str
    score: float
    box: Edges


class DossierAlert(_Part):
    """The verdict. Times are file time in seconds."""

    id: str
    rule: str
    type: str
    name: str
    priority: str
    state: str
    time_s: float
    started_s: float
    objects: tuple[DossierObject, ...]
    details: dict[str, Any]


class DossierPath(_Part):
    """Where an object of the alert was, up to the decision."""

    track: int
    points: tuple[tuple[float, float, float, float, float, bool], ...]
    """Time, left, top, right, bottom, and whether it was seen there (else predicted)."""


class DossierModel(_Part):
    """A model that was asked."""

    name: str
    family: str
    licence: str
    sha256: Sha256
    classes: tuple[str, ...] = ()
    """What it can find; nothing in dossiers of earlier versions, and of a density map model."""


class DossierAnalysis(_Part):
    """How pictures were analysed. ``detector`` is a name, or the file name of a model, ``density_model`` a file name."""

    detector: str
    fps: float
    min_confidence: float
    density_model: str | None = None


class DossierVideo(_Part):
    """The file that was analysed."""

    name: str
    size: int
    sha256: Sha256


class DossierClip(_Part):
    """The part of the video that is kept, copied as it was encoded. ``from_s`` is the time of its first picture."""

    from_s: float
    to_s: float


class DossierTicks(_Part):
    """The analysed pictures that are kept: what the rule saw of them."""

    from_s: float
    count: int


class Dossier(_Part):
    """The whole document."""

    version: Literal[1] = 1
    vigie: str
    """Version of Vigie that decided."""
    alert: DossierAlert
    rules: tuple[dict[str, Any], ...]
    """All settings of the rule, thresholds that are defaults among them; then of the rules that it is composed of."""
    analysis: DossierAnalysis
    settings_sha256: Sha256
    """Of rules and analysis."""
    model: DossierModel | None
    """The one that found the objects."""
    density_model: DossierModel | None = None
    """The one that drew density maps."""
    video: DossierVideo
    clip: DossierClip
    ticks: DossierTicks
    paths: tuple[DossierPath, ...]

    @model_validator(mode="after")
    def _has_its_rule(self) -> Self:
        if all(rule.get("id") != self.alert.rule for rule in self.rules):
            raise ValueError("the alert's rule is not among the rules")
        return self


def settings_digest(rules: Sequence[dict[str, Any]], analysis: DossierAnalysis) -> str:
    """SHA-256 of the settings as JSON with sorted keys."""
    told = analysis.model_dump(exclude_none=True)  # so that digests of before there were density models hold
    text = json.dumps({"rules": rules, "analysis": told}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def analysis_of(settings: AnalysisSettings) -> DossierAnalysis:
    """Without the machine's folders: the model itself is told by its digest."""
    return DossierAnalysis(
        detector=_file_name(settings.detector),
        fps=settings.fps,
        min_confidence=settings.min_confidence,
        density_model=None if settings.density_model is None else settings.density_model.name,
    )


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def settings_of(rules: Sequence[RuleSettings]) -> tuple[dict[str, Any], ...]:
    """As the settings models write themselves."""
    return tuple(rule.model_dump(mode="json") for rule in rules)


def alert_of(alert: Alert) -> DossierAlert:
    """The verdict of an alert of a file."""
    return DossierAlert(
        id=str(alert.alert_id),
        rule=alert.rule_id,
        type=alert.rule_type,
        name=alert.rule_name,
        priority=alert.priority.value,
        state=alert.state.value,
        time_s=alert.captured_at,
        started_s=alert.started_at,
        objects=tuple(
            DossierObject(track=thing.track_id, label=thing.label, score=thing.score, box=edges(thing.box))
            for thing in alert.objects
        ),
        details=dict(alert.details),
    )


def edges(box: Box) -> Edges:
    """A box as JSON has it."""
    return box.left, box.top, box.right, box.bottom


def box_of(edges: Edges) -> Box:
    """The reverse."""
    left, top, right, bottom = edges
    return Box(left=left, top=top, right=right, bottom=bottom)
