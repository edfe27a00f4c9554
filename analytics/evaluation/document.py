"""The JSON document of an evaluation: the judged alerts, and every figure that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analytics.evaluation.figures import Figures, by_condition, by_type, figures, measured
from analytics.evaluation.results import DOCUMENT_FORM, ClipResult, CountResult, Evaluation
from core.errors import UsageError


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The document. Nothing in it depends on the machine's speed, the time of day or the place of the files."""
    whole = figures(list(measured(evaluation.clips))).as_json()
    return {
        "form": evaluation.form,
        "vigie": evaluation.vigie,
        "measured": evaluation.measured.model_dump(mode="json"),
        "per_type": _as_json(by_type(measured(evaluation.clips))),
        "counting": counting(evaluation.clips),
        "not_installed": {name: one.model_dump() for name, one in evaluation.not_installed.items()},
        "camera_minutes": whole["camera_minutes"],
        "camera_hours": whole["camera_hours"],
        "false_alarms": whole["fp"],
        "false_alarms_per_camera_hour": whole["false_alarms_per_camera_hour"],
        "per_condition": {name: _as_json(types) for name, types in by_condition(evaluation.clips).items()},
        "skipped": list(evaluation.skipped),
        "defects": evaluation.defects,
        "clips": [_clip_as_json(clip) for clip in evaluation.clips],
    }


def counting(clips: Sequence[ClipResult]) -> list[dict[str, Any]]:
    """Totals and errors of every rule that counts."""
    return [
        {"clip": clip.clip, "rule": rule.rule, **_count_as_json(rule.counts)}
        for clip in clips
        for rule in clip.rules
        if rule.counts is not None
    ]


def read_document(path: Path) -> Evaluation:
    """Reads an earlier document.

    Raises:
        UsageError: it cannot be read, or is no evaluation of a form that this Vigie knows.
    """
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="Check the path.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path} is not an evaluation of form {DOCUMENT_FORM}: {place or 'document'}: {first['msg']}",
            remedy="Give the output of 'vigie evaluate --json'.",
        ) from error


def _as_json(types: Mapping[str, Figures]) -> dict[str, Any]:
    return {name: of.as_json() for name, of in types.items()}


def _clip_as_json(clip: ClipResult) -> dict[str, Any]:
    return {**clip.model_dump(mode="json", exclude_none=False), "per_type": _as_json(by_type(measured([clip])))}


def _count_as_json(counts: CountResult) -> dict[str, Any]:
    relative = counts.relative_error
    return {
        **counts.model_dump(),
        "absolute_error": counts.absolute_error,
        "relative_error": None if relative is None else round(relative, 4),
    }
