"""Finds what is installed by entry points, so that a new VMS, rule or detector touches no existing file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias

from config.model import Kinds, SiteSettings
from core.contracts import AnalyserFactory, Command, Composition, Detector, Rule, VmsConnector
from core.errors import UsageError, VigieError
from core.types import Finding

SiteCheck: TypeAlias = Callable[[SiteSettings], Sequence[Finding]]
"""Looks at something that the settings name, and says what is wrong with it."""


class Group(StrEnum):
    """Entry point groups that Vigie reads."""

    ANALYSERS = "vigie.analysers"
    BENCHES = "vigie.benches"
    CHECKS = "vigie.checks"
    COMMANDS = "vigie.commands"
    CONNECTORS = "vigie.connectors"
    DETECTORS = "vigie.detectors"
    RULES = "vigie.rules"
    SIMULATORS = "vigie.simulators"


def names(group: Group) -> list[str]:
    """Names registered in a group, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def load(group: Group, name: str) -> Any:
    """Imports and returns what ``name`` stands for in ``group``."""
    points = list(entry_points(group=group, name=name))
    if not points:
        raise UsageError(
            f"{name!r} is not installed in {group}", remedy=f"Known names: {', '.join(names(group)) or 'none'}."
        )
    if len(claims := sorted({point.value for point in points})) > 1:
        raise VigieError(
            f"{name!r} of {group} is claimed by several packages: {', '.join(claims)}", remedy="Remove all but one."
        )
    return _import(points[0])


def _import(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # the edge to code of others, which may fail in any way when imported
        raise VigieError(
            f"the plug-in {point.name!r} ({point.value}) cannot be loaded: {error}",
            remedy="Install it again, or remove its package.",
        ) from error


def connector(name: str) -> type[VmsConnector]:
    """The connector class for ``type: name`` in the settings."""
    found: type[VmsConnector] = load(Group.CONNECTORS, name)
    return found


def rule(name: str) -> type[Rule | Composition]:
    """The class for ``type: name`` of a rule in the settings."""
    found: type[Rule | Composition] = load(Group.RULES, name)
    return found


def detector(name: str) -> type[Detector]:
    """The detector class of a model family."""
    found: type[Detector] = load(Group.DETECTORS, name)
    return found


def analyser() -> AnalyserFactory:
    """The analyser that is installed."""
    found: AnalyserFactory = load(Group.ANALYSERS, "default")
    return found


def check(name: str) -> SiteCheck:
    """Something that ``vigie check`` looks at besides the VMS."""
    found: SiteCheck = load(Group.CHECKS, name)
    return found


def command(group: Group, name: str) -> Command:
    """A sub-command or simulator, ready to configure."""
    found: Command = load(group, name)
    return found


@cache
def kinds() -> Kinds:
    """Settings models of every installed rule and VMS type, for the site file's validation."""
    return Kinds(
        rules={name: rule(name).settings_model for name in names(Group.RULES)},
        vms={name: connector(name).settings_model for name in names(Group.CONNECTORS)},
    )
