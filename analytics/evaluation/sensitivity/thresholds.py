"""The thresholds of a rule type, and how far each of them is moved."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from analytics.evaluation.sensitivity.marks import BOUNDS, LEAST_WHOLE, LEFT_OUT, SHARE
from analytics.evaluation.sensitivity.numbers import imports_of, numbers_in, source_of
from config.model import RuleSettings
from core import registry

_STEP: Final = 0.2
"""Thresholds are moved by this share of themselves."""
_PRECISION: Final = 12
"""Digits to which a moved value is rounded, so that 1.2 x 0.25 is 0.3."""


class Side(StrEnum):
    """Where a threshold is moved to."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Threshold:
    """One number that a rule type decides by."""

    type: str
    module: str
    name: str
    """Of the constant, with its place in it where it has several numbers; or of the setting."""
    value: float
    constant: str = ""
    """The constant alone; empty for the default of a setting."""

    @property
    def full_name(self) -> str:
        """Module and name, as ``marks`` writes them."""
        return _full_name(self.module, self.name) if self.constant else self.name


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Move:
    """A threshold, moved."""

    threshold: Threshold
    side: Side
    value: float
    is_clipped: bool
    """Whether a bound kept it from being moved by the whole share."""


@cache
def modules_of(type_: str) -> dict[str, frozenset[str]]:
    """The modules that a rule's class is made of, with what each imports of them; imported ones come first.

    Its own and what they import of the same top-level package, but for what every rule shares (``core``, ``config``).

    Raises:
        UsageError: the source of one is not there.
    """
    root = registry.rule(type_).__module__
    found: dict[str, frozenset[str]] = {}
    _collect(root, f"{root.partition('.')[0]}.", found)
    return found


def thresholds_of(type_: str) -> list[Threshold]:
    """Every number of the rule's modules and every default of its settings that is a threshold."""
    return [one for one in _numbers_of(type_) if reason_left_out(one) is None]


def left_out_of(type_: str) -> list[tuple[Threshold, str]]:
    """Every number that is none, with the reason."""
    return [(one, reason) for one in _numbers_of(type_) if (reason := reason_left_out(one)) is not None]


def reason_left_out(threshold: Threshold) -> str | None:
    """Why a number is not moved; None where it is."""
    if threshold.value == 0.0:
        return "zero, of which every share is zero"
    whole = _full_name(threshold.module, threshold.constant) if threshold.constant else threshold.name
    return LEFT_OUT.get(threshold.full_name, LEFT_OUT.get(whole))


def moves_of(threshold: Threshold) -> list[Move]:
    """Down and up by a fifth; whole numbers by at least one. What a bound would keep unmoved is left away."""
    low, high = _bounds_of(threshold)
    moves: list[Move] = []
    for side, factor in ((Side.LOW, 1.0 - _STEP), (Side.HIGH, 1.0 + _STEP)):
        wanted = _moved(threshold.value, factor)
        value = type(wanted)(min(max(wanted, low), high))
        if value != threshold.value:
            moves.append(Move(threshold=threshold, side=side, value=value, is_clipped=value != wanted))
    return moves


def _collect(module: str, package: str, found: dict[str, frozenset[str]]) -> None:
    imported = {name for name, _, _ in imports_of(ast.parse(source_of(module))) if name.startswith(package)}
    for name in sorted(imported):
        if name not in found:
            _collect(name, package, found)
    found[module] = frozenset(imported)


@cache
def _numbers_of(type_: str) -> list[Threshold]:
    constants = [
        Threshold(type=type_, module=module, name=number.name, value=number.value, constant=number.constant)
        for module in modules_of(type_)
        for number in numbers_in(ast.parse(source_of(module)))
    ]
    return constants + list(_defaults_of(type_))


def _defaults_of(type_: str) -> Iterator[Threshold]:
    model = registry.rule(type_).settings_model
    for name, field in model.model_fields.items():
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            yield Threshold(type=type_, module=model.__module__, name=name, value=field.default)


def _moved(value: float, factor: float) -> float:
    if isinstance(value, int):
        return math.floor(value * factor) if (factor < 1.0) == (value > 0) else math.ceil(value * factor)
    return float(f"{value * factor:.{_PRECISION}g}")


def _bounds_of(threshold: Threshold) -> tuple[float, float]:
    if not threshold.constant:
        return _bounds_of_setting(registry.rule(threshold.type).settings_model, threshold.name)
    known = BOUNDS.get(_full_name(threshold.module, threshold.constant))
    if known is not None:
        return known
    if isinstance(threshold.value, int) and threshold.value > 0:
        return LEAST_WHOLE, math.inf
    return SHARE if SHARE[0] < threshold.value < SHARE[1] else (-math.inf, math.inf)


def _bounds_of_setting(model: type[RuleSettings], name: str) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    rule: Any
    for rule in model.model_fields[name].metadata:
        low = max(low, getattr(rule, "ge", low))
        high = min(high, getattr(rule, "le", high))
    return low, high


def _full_name(module: str, name: str) -> str:
    return f"{module.removeprefix('analytics.')}.{name}"
