"""What a bench found out about this machine, kept in a file that the engine and ``vigie size`` read.

A site's own file (``capacity.json`` in its storage folder) counts before that of the machine, which lies in the folder
that ``VIGIE_STATE`` names, else in the user's own folder for such things.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError

from core.errors import VigieError

FILE_NAME: Final = "capacity.json"

_READABLE: Final = 0o644


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MeasuredMachine(_Record):
    """On which machine it was measured."""

    cpu: str
    cores: PositiveInt
    memory_mb: PositiveInt
    system: str

    @property
    def kind(self) -> tuple[str, int, str]:
        """What the figures hold for: memory may have been added since, and Linux tells some MiB more or less."""
        return self.cpu, self.cores, self.system


class MeasuredDecoding(_Record):
    """Processor time of decoding one codec."""

    core_s_per_megapixel: PositiveFloat
    """Per megapixel of every picture that came, decoded or passed over."""
    megapixels: PositiveFloat
    """Of a picture in the bench."""
    fps: PositiveFloat
    """Pictures that came per second."""
    measured_at: datetime


class MeasuredDetector(_Record):
    """Processor time of one detector: the name of a model's file, or ``motion``."""

    core_s: PositiveFloat
    """Per analysed picture of a busy scene."""
    overhead_cores: NonNegativeFloat
    """All that is neither decoding nor inference, per stream: receiving, tracking, rules, a share of the supervisor."""
    fps: PositiveFloat
    """Pictures analysed per second and stream in the bench."""
    streams: PositiveInt
    worker_mb: PositiveFloat
    """Memory of a worker with its model, before any stream."""
    stream_mb: NonNegativeFloat
    """Memory of each stream more."""
    measured_at: datetime
    others_cores: NonNegativeFloat
    """What other processes of the machine used meanwhile: above some tenths, measure again on a quiet machine."""


class MeasuredPower(_Record):
    """Power of the processor packages, where the platform tells."""

    idle_watts: NonNegativeFloat
    watts_per_core: NonNegativeFloat
    """More for each core that is busy."""


class Measurement(_Record):
    """Everything known of one machine; each bench replaces what it measured anew."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    machine: MeasuredMachine
    supervisor_mb: PositiveFloat
    decoding: Mapping[str, MeasuredDecoding] = {}
    detectors: Mapping[str, MeasuredDetector] = {}
    power: MeasuredPower | None = None
    alert_kb: PositiveFloat | None = None
    """What an alert takes in the database, nearly all of it its picture; None where the bench raised none."""

    def merged(self, newer: Measurement) -> Measurement:
        """This with what is newer; what was measured on another machine does not count any more."""
        if newer.machine.kind != self.machine.kind:
            return newer
        return newer.model_copy(
            update={
                "decoding": {**self.decoding, **newer.decoding},
                "detectors": {**self.detectors, **newer.detectors},
                "power": newer.power or self.power,
                "alert_kb": newer.alert_kb or self.alert_kb,
            }
        )


def detector_key(detector: str) -> str:
    """Under which name the cost of ``analysis.detector`` is kept: the file name of a model, or the detector's own."""
    return PurePath(detector.replace("\\", "/")).name


def machine_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the figures of this machine are kept for all sites.

    Raises:
        VigieError: no folder is named, and the account has no home.
    """
    if folder := environment.get("VIGIE_STATE"):
        return Path(folder) / FILE_NAME
    if sys.platform == "win32":
        return Path(environment.get("PROGRAMDATA", r"C:\ProgramData")) / "Vigie" / FILE_NAME
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else _home() / ".local" / "state") / "vigie" / FILE_NAME


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise VigieError(
            "the account has no folder for measured figures", remedy="Name one in the environment variable VIGIE_STATE."
        ) from error


def site_file(storage_dir: Path) -> Path:
    """Where one site keeps its own."""
    return storage_dir / FILE_NAME


def load(path: Path) -> Measurement | None:
    """What is kept there; None where nothing is.

    Raises:
        VigieError: the file cannot be read, or is no measurement.
    """
    try:
        return Measurement.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise VigieError(
            f"the measured figures in {path} cannot be read", remedy="Remove the file and run 'vigie bench' again."
        ) from error


def load_first(paths: Iterable[Path]) -> Measurement | None:
    """The first that is there."""
    return next((found for path in paths if (found := load(path)) is not None), None)


def keep(path: Path, newer: Measurement) -> Measurement:
    """Writes what is newer beside what is known, in one step; returns both.

    Raises:
        VigieError: it cannot be written.
    """
    try:
        known = load(path)
    except VigieError:
        known = None  # it is about to be replaced by what can be read
    merged = known.merged(newer) if known else newer
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as part:
            json.dump(merged.model_dump(mode="json"), part, ensure_ascii=False, indent=2)
        Path(part.name).chmod(_READABLE)  # the account of the service may be another one
        Path(part.name).replace(path)
    except OSError as error:
        raise VigieError(
            f"the measured figures cannot be written to {path}: {error.strerror}",
            remedy="Name another folder in the environment variable VIGIE_STATE, or a site with --site.",
        ) from error
    return merged


def now() -> datetime:
    """The time of a measurement, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
