"""Options of every command that analyses files."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from config.model import AnalysisSettings, Kinds
from core import registry
from core.errors import UsageError


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    """Adds ``--model``, ``--detector``, ``--density-model``, ``--fps``, ``--min-confidence`` and ``--gating``."""
    defaults = AnalysisSettings()
    detector = parser.add_mutually_exclusive_group()
    detector.add_argument("--model", metavar="PATH", help="ONNX model that finds the objects")
    detector.add_argument("--detector", metavar="NAME", help=f"detector without a model (default: {defaults.detector})")
    parser.add_argument(
        "--density-model", type=Path, metavar="PATH", help="ONNX model that crowd_density asks too (default: none)"
    )
    parser.add_argument(
        "--fps",
        type=float,
        default=defaults.fps,
        help="pictures analysed per second, at most (default: %(default)s)",
    )
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=defaults.min_confidence,
        help="below this score a detection cannot start a track (default: %(default)s)",
    )
    parser.add_argument(
        "--gating",
        choices=("auto", "off"),
        default=defaults.gating,
        help="whether a model rests while nothing in the picture changes (default: %(default)s)",
    )


def analysis_settings(arguments: argparse.Namespace) -> AnalysisSettings:
    """What the options say.

    Raises:
        UsageError: a value is out of range.
    """
    try:
        return AnalysisSettings(
            detector=arguments.model or arguments.detector or AnalysisSettings().detector,
            density_model=arguments.density_model,
            fps=arguments.fps,
            min_confidence=arguments.min_confidence,
            gating=arguments.gating,
        )
    except ValidationError as error:
        faults = (f"--{'-'.join(map(str, fault['loc'])).replace('_', '-')}: {fault['msg']}" for fault in error.errors())
        raise UsageError("; ".join(faults)) from error


def rule_kinds() -> Kinds:
    """The rule types that are installed."""
    names = registry.names(registry.Group.RULES)
    return Kinds(rules={name: registry.rule(name).settings_model for name in names})
