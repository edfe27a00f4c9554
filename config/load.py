"""Reads a site file or a rule file: every problem at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.consistency import inconsistencies, rule_inconsistencies
from config.document import Document, read_document
from config.model import REPEATED_ID, AnalysisSettings, AnyRule, Kinds, RuleSettings, SecretRef, Settings, SiteSettings
from config.problems import Location, Problem, SettingsProblems, path_text
from config.shape import child_of, has_child, models_along
from config.wording import SECRET_REMEDY, Place, Wording, word

__all__ = ["Problem", "SettingsProblems", "load_rules", "load_site"]

_Model = TypeVar("_Model", bound=BaseModel)

_KEY_MARK = "[key]"
"""What pydantic writes where a key, not its value, is wrong."""


class _RuleFile(Settings):
    """A file with rules only, as ``vigie analyse --rules`` takes."""

    rules: tuple[AnyRule, ...]
    """The rules, as in a camera."""


def load_site(path: Path, kinds: Kinds) -> SiteSettings:
    """Reads a whole site file; its relative paths become absolute, from the file's folder.

    Raises:
        SettingsProblems: with everything that is wrong in it.
    """
    document = read_document(path)
    return _load(document, SiteSettings, kinds, inconsistencies(document, kinds))


def load_rules(path: Path, kinds: Kinds) -> tuple[RuleSettings, ...]:
    """Reads a file with a list ``rules:`` as in a camera. They are always active: such a file declares no schedule and no preset.

    Raises:
        SettingsProblems: with everything that is wrong in it.
    """
    document = read_document(path)
    rules = _load(document, _RuleFile, kinds, rule_inconsistencies(document, document.data, (), kinds)).rules
    return tuple(rule.model_copy(update={"schedule": None, "preset": None}) for rule in rules)


def _load(document: Document, model: type[_Model], kinds: Kinds, found: Iterator[Problem]) -> _Model:
    problems = [*document.problems, *found]
    try:
        settings = model.model_validate(document.data, context=kinds)
    except ValidationError as error:
        problems += _problems_of(error, document, model, kinds)
        raise SettingsProblems(dict.fromkeys(problems)) from None  # the cause holds what was written, secrets too
    if problems:
        raise SettingsProblems(problems)
    result: _Model = _with_absolute_paths(settings, document.path.resolve().parent)
    return result


def _problems_of(error: ValidationError, document: Document, model: type[BaseModel], kinds: Kinds) -> Iterator[Problem]:
    details = error.errors(include_url=False)
    for detail in details:
        if not _is_consequence(detail):
            yield _problem(detail, document, model, kinds)


def _is_consequence(detail: ErrorDetails) -> bool:
    """True for what another line already says: a list is 'too short' because pydantic left its wrong items out."""
    written = detail["input"]
    is_short = detail["type"] == "too_short" and isinstance(written, list)
    left_out = is_short and len(written) > detail["ctx"]["actual_length"]
    return detail["type"] == REPEATED_ID or left_out


def _problem(detail: ErrorDetails, document: Document, model: type[BaseModel], kinds: Kinds) -> Problem:
    location = _location_in(document.data, detail)
    parent = location[:-1] if detail["type"] in {"missing", "extra_forbidden"} else location
    models = models_along(model, document.data, parent, kinds)
    if detail["type"] == "extra_forbidden" and models and issubclass(models[-1], SecretRef):
        wording = Wording("must say where the secret is found, never the secret itself", SECRET_REMEDY)
        location = parent
    else:
        wording = word(detail, Place(tuple(models), str(location[-1]) if location else ""))
    return Problem(
        file=document.path,
        line=document.line_of(location),
        path=path_text(location),
        message=wording.message,
        remedy=wording.remedy,
    )


def _location_in(data: Any, detail: ErrorDetails) -> Location:
    """Pydantic's location without what it adds for its own types (tags of unions, marks of keys)."""
    location: list[str | int] = []
    *_, last = detail["loc"] or ("",)
    for part in detail["loc"]:
        if has_child(data, part) or (part == last and detail["type"] == "missing"):
            location.append(part)
            data = child_of(data, part)
    return tuple(location)


def _with_absolute_paths(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, tuple):
        return tuple(_with_absolute_paths(item, folder) for item in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update=_moved_fields(value, folder))
    return value


def _moved_fields(settings: BaseModel, folder: Path) -> dict[str, Any]:
    fields = {name: getattr(settings, name) for name in type(settings).model_fields}
    moved = {name: _with_absolute_paths(value, folder) for name, value in fields.items()}
    if isinstance(settings, AnalysisSettings) and settings.detector.lower().endswith(".onnx"):
        moved["detector"] = str(folder / settings.detector)
    return {name: value for name, value in moved.items() if value != fields[name]}
