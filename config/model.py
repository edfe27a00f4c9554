"""The site file as frozen models. ``docs/settings.md`` shows it as YAML.

Kinds that rooms add (rule types, VMS types) are models of their own: subclasses of ``RuleSettings`` and
``VmsSettings``. Which subclass an entry gets is looked up by its ``type`` in the validation context, a ``Kinds``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from config.base import SecretRef as SecretRef  # noqa: PLC0414 - one of the words of this module
from config.base import Settings as Settings  # noqa: PLC0414 - the same
from config.base import Url as Url  # noqa: PLC0414 - the same
from config.metrics import MetricsSettings

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Identifier: TypeAlias = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
"""Letters, digits, dot, dash, underscore; at most 64: it names files, metrics and rows."""

Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]

_TIME_PATTERN = r"^(?:([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?|24:00)$"


def _time_of_day(value: Any) -> Any:
    """Numbers and offsets that pydantic would take mean nothing here; midnight may close a day as 24:00."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(_TIME_PATTERN, value):
        raise ValueError(f"must be a time of day such as 22:00 (got {value!r})")
    return "00:00" if value == "24:00" else value


TimeOfDay: TypeAlias = Annotated[
    time, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": _TIME_PATTERN})
]
"""``HH:MM`` or ``HH:MM:SS`` on the site's clock; ``24:00`` is midnight."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The rule and VMS types that are installed, by the name written after ``type:``."""

    rules: Mapping[str, type[RuleSettings]] = field(default_factory=dict)
    vms: Mapping[str, type[VmsSettings]] = field(default_factory=dict)


class State(StrEnum):
    """What a rule does with an alert."""

    OFF = "off"
    OBSERVE = "observe"
    ARMED = "armed"


class ControlState(StrEnum):
    """What an event of the VMS does to a rule."""

    OFF = "off"
    OBSERVE = "observe"
    ARMED = "armed"
    AS_CONFIGURED = "as_configured"


class ControlSettings(Settings):
    """An event of the VMS, triggered by its operators or rules, that switches rules of Vigie."""

    event: Annotated[str, Field(min_length=1)]
    """Name of the event in the VMS (a user-defined event of XProtect, a custom event of Security Center)."""
    state: ControlState
    """What the rules become: ``armed``, ``observe``, ``off``, or ``as_configured`` (what the site file says)."""
    cameras: tuple[Identifier, ...] = ()
    """Cameras whose rules are switched; all cameras of this VMS when empty."""
    rules: tuple[Identifier, ...] = ()
    """Rules that are switched; all rules of those cameras when empty."""

    @field_validator("state", mode="before")
    @classmethod
    def _yaml_off_is_false(cls, value: Any) -> Any:
        """YAML 1.1 reads a bare ``off`` as false."""
        return ControlState.OFF if value is False else value


class VmsSettings(Settings):
    """What every VMS has; each connector adds its own fields in a subclass."""

    id: Identifier
    """Name of this VMS within the site file."""
    type: str
    """Which connector: ``milestone``, ``genetec``, ``onvif`` …"""
    url: Url
    """Base address of the VMS, such as ``https://vms.site.local``."""
    username: str
    """Account of Vigie in the VMS; give it its own, with the least rights."""
    password: SecretRef
    """Where its password is found."""
    ca: Path | None = None
    """PEM file of the site's certificate authority; the system's store when absent."""
    publish: tuple[str, ...] = ()
    """What an alert becomes in this VMS (``event``, ``alarm``, ``bookmark``, ``metadata``)."""
    timeout_s: PositiveFloat = 10.0
    """Longest wait for one answer."""
    max_age_h: PositiveFloat = 168.0
    """Alerts older than this are parked rather than sent after a long outage."""
    control: tuple[ControlSettings, ...] = ()
    """Events of this VMS that arm and disarm rules."""


class RuleSettings(Settings):
    """What every rule has; each rule type adds its own parameters in a subclass."""

    fires: ClassVar[bool] = True
    """Whether rules of this type raise alerts; false for those that only count."""

    id: Identifier
    """Unique within the camera."""
    type: str
    """Which rule: ``zone_presence``, ``line_crossing`` …"""
    name: str = ""
    """What operators read; the id when empty."""
    schedule: str | None = None
    """Named schedule in which the rule is active; always when absent."""
    cooldown_s: Annotated[float, Field(ge=0.0)] = 0.0
    """After an alert, silence of this rule for so long."""
    priority: Literal["low", "medium", "high"] = "medium"
    """Priority of the alarm in the VMS."""
    min_confidence: Share = 0.0
    """Objects that the detector is less sure of do not count."""
    min_size: Share = 0.0
    """Objects whose box is less high than this share of the picture do not count."""
    max_size: Share = 1.0
    """Objects whose box is higher than this share of the picture do not count."""
    state: State = State.ARMED
    """``off``, ``observe`` (records, sends nothing) or ``armed``."""
    preset: Identifier | None = None
    """Preset of the camera in whose view the rule watches; the camera's first one when absent."""

    @field_validator("state", mode="before")
    @classmethod
    def _yaml_off_is_false(cls, value: Any) -> Any:
        """YAML 1.1 reads a bare ``off`` as false."""
        return State.OFF if value is False else value

    @model_validator(mode="after")
    def _some_size_counts(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError("min_size is above max_size: no object could count")
        return self


class CompositionSettings(RuleSettings):
    """What a rule has that is composed of other rules of the same camera."""

    needs_every_member: ClassVar[bool] = True
    """Whether one member that is off keeps it from ever firing."""

    rules: Annotated[tuple[Identifier, ...], Field(min_length=2, max_length=16)]
    """Ids of the rules of the same camera that it is composed of."""
    within_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 10.0
    """How far apart in capture time their occurrences may be."""


UNKNOWN_KIND: Literal["unknown_kind"] = "unknown_kind"
"""Type of the error for a ``type:`` that nothing installed knows."""


def _validate_as_kind(
    data: Any,
    handler: ValidatorFunctionWrapHandler,
    info: ValidationInfo,
    kinds: Mapping[str, type[Settings]],
    noun: str,
) -> Any:
    if not isinstance(data, Mapping):
        return handler(data)
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        raise _no_such_kind(data, noun, kinds)
    return kinds[kind].model_validate(data, context=info.context)


def _no_such_kind(data: Mapping[str, Any], noun: str, kinds: Mapping[str, type[Settings]]) -> ValidationError:
    """The error stands at ``type`` itself, not at the whole entry."""
    detail = InitErrorDetails(type="missing", loc=("type",), input=data)
    if "type" in data:
        what = {"noun": noun, "known": ", ".join(sorted(kinds)) or "none is installed"}
        error = PydanticCustomError(UNKNOWN_KIND, "unknown {noun} type; known: {known}", what)
        detail = InitErrorDetails(type=error, loc=("type",), input=data["type"])
    return ValidationError.from_exception_data(noun, [detail])


def _rule_of_its_kind(data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if not isinstance(info.context, Kinds):
        return handler(data)
    return _validate_as_kind(data, handler, info, info.context.rules, "rule")


def _vms_of_its_kind(data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if not isinstance(info.context, Kinds):
        return handler(data)
    return _validate_as_kind(data, handler, info, info.context.vms, "VMS")


AnyRule: TypeAlias = Annotated[SerializeAsAny[RuleSettings], WrapValidator(_rule_of_its_kind)]
"""A rule, as the settings model of its own type."""

AnyVms: TypeAlias = Annotated[SerializeAsAny[VmsSettings], WrapValidator(_vms_of_its_kind)]
"""A VMS, as the settings model of its own connector."""


class AnalysisSettings(Settings):
    """How pictures are analysed."""

    detector: str = "motion"
    """``motion`` (built in, needs no model) or the path of an ONNX model with a known manifest."""
    density_model: Path | None = None
    """ONNX model that draws how many people there are at each place; ``crowd_density`` asks it. None comes with Vigie."""
    fps: Annotated[float, Field(ge=2.0, le=30.0)] = 8.0
    """Pictures analysed per second and camera, at most; with fewer than two, tracks and rules cannot work."""
    min_confidence: Share = 0.35
    """Below this score a detection cannot start a track."""
    gating: Literal["auto", "off"] = "auto"
    """``auto``: a model rests while nothing in the picture changes, and what it saw last stands; rules see every frame."""
    provider: Literal["cpu", "auto", "cuda", "tensorrt", "openvino", "directml"] = "cpu"
    """What runs a model. Where it cannot be had the processor does, and that is said."""
    decoder: Literal["software", "auto", "cuda", "qsv", "vaapi", "d3d11va"] = "software"
    """What decodes live video. Where the hardware cannot, software does, and that is said."""
    ground_scale: tuple[tuple[Share, Share], tuple[Share, Share]] | None = None
    """Two pairs (y, height): how high a standing person is in the picture at two depths. Calibrates motion classes."""


class Site(Settings):
    """The place."""

    name: str
    """What people call it."""
    timezone: str = "Europe/Paris"
    """IANA name; schedules are read in it."""
    language: Literal["fr", "en"] = "fr"
    """Language of what operators read."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {value!r}; write an IANA name such as Europe/Paris") from error
        return value


class Day(StrEnum):
    """Days of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Window(Settings):
    """Part of a week. ``to`` at or before ``from`` runs past midnight into the next day."""

    model_config = ConfigDict(populate_by_name=True)

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = tuple(Day)
    """Days on which the window starts."""
    from_: Annotated[TimeOfDay, Field(alias="from")] = time(0, 0)
    """Start, on the site's clock."""
    to: TimeOfDay = time(0, 0)
    """End, not included."""


REPEATED_ID: Literal["repeated_id"] = "repeated_id"
"""Type of the error for two rules of one id; ``config.load`` reports them itself, at their own lines."""


class PresetSettings(Settings):
    """One of the views of a camera that turns, recognised by its picture."""

    id: Identifier
    """Name of the view within the camera; rules name it."""
    stills: Annotated[tuple[Path, ...], Field(min_length=1)]
    """Pictures of the view; one by day and one by night where the camera sees in the dark."""


class CameraSettings(Settings):
    """One camera of one VMS, and what is watched in it."""

    id: Identifier
    """Name of this camera within the site file; alerts and metrics carry it."""
    name: str = ""
    """What operators read; the id when empty."""
    vms: str
    """Id of the VMS that has this camera."""
    device: Annotated[str, Field(min_length=1)]
    """The VMS's own id of the camera."""
    enabled: bool = True
    """``false``: neither watched nor checked."""
    analysis: AnalysisSettings | None = None
    """Instead of the site's."""
    watch_view: bool = True
    """``false``: what the camera itself shows is not watched, and rules go on wherever it looks."""
    presets: tuple[PresetSettings, ...] = ()
    """The views of a camera that turns; rules watch each in its own. The first is its home."""
    rules: tuple[AnyRule, ...] = ()
    """What is watched."""

    @model_validator(mode="after")
    def _unique_rules(self) -> CameraSettings:
        names = [rule.id for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError(REPEATED_ID, "rule id '{name}' is used twice", {"name": name})
        return self


class StorageSettings(Settings):
    """Where state lives and how long."""

    url: Url = ""
    """SQLAlchemy URL, without a password; empty: SQLite file ``vigie.db`` in ``dir``."""
    dir: Path = Path("var")
    """Folder of the database and logs, relative to the site file."""
    keep_alerts_days: PositiveInt = 30
    """Delivered alerts are erased after so many days (C-17)."""


class SiteSettings(Settings):
    """The whole site file."""

    version: Literal[1]
    """Version of this file's form."""
    site: Site
    """The place."""
    storage: StorageSettings = StorageSettings()
    """Where state lives and how long."""
    analysis: AnalysisSettings = AnalysisSettings()
    """How pictures are analysed, unless a camera says otherwise."""
    schedules: dict[Identifier, Annotated[tuple[Window, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Parts of the week by name; a rule names the one in which it is active."""
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Analysis processes; when absent one per usable core, and no more than cameras."""
    vms: Annotated[tuple[AnyVms, ...], Field(min_length=1)]
    """The VMS of the site."""
    cameras: tuple[CameraSettings, ...] = ()
    """The cameras that are watched."""
    metrics: MetricsSettings = MetricsSettings()
    """Where metrics may be read, and where they are sent; nowhere unless written."""

    def camera(self, camera_id: str) -> CameraSettings | None:
        """The camera of that id."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)

    def vms_of(self, camera: CameraSettings) -> VmsSettings:
        """The VMS that a camera belongs to."""
        return next(vms for vms in self.vms if vms.id == camera.vms)

    def analysis_of(self, camera: CameraSettings) -> AnalysisSettings:
        """How a camera is analysed: its own settings, else the site's."""
        return camera.analysis or self.analysis
