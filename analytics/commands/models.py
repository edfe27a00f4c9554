"""``vigie models``: which models are known, whether files are sound, and bringing one to a site."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from analytics.checks import check_density_models, check_detectors
from analytics.models.manifest import (
    MANIFEST_SUFFIX,
    AnyManifest,
    VerifiedDensityModel,
    VerifiedModel,
    is_density_model,
    known_manifests,
    open_density_model,
    open_model,
)
from config.model import AnalysisSettings
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.errors import ModelError, UsageError
from core.types import Finding, FindingLevel


class ModelsCommand:
    """Everything about model files that needs no video."""

    name = "models"
    help = "list the known detector models, verify model files, add one to a site"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list the models whose manifests come with Vigie")
        verify = actions.add_parser("verify", help="open model files as a worker would, and say what is wrong")
        verify.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="an .onnx file")
        add = actions.add_parser("add", help="verify a model, then copy it with its manifest")
        add.add_argument("path", type=Path, metavar="PATH", help="an .onnx file")
        add.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the site for its models")
        for action, run in ((listing, _list), (verify, _verify), (add, _add)):
            add_json_flag(action)
            action.set_defaults(run=run)

    def run(self, arguments: argparse.Namespace) -> int:
        code: int = arguments.run(arguments)
        return code


COMMAND = ModelsCommand()


def _list(arguments: argparse.Namespace) -> int:
    manifests = known_manifests()
    if arguments.json:
        print_json({"models": [_as_json(manifest) for manifest in manifests]})
        return 0
    print_table(
        ("name", "family", "input", "classes", "licence", "sha256"),
        [
            (
                manifest.name,
                manifest.family,
                f"{manifest.input.width}x{manifest.input.height}",
                str(len(manifest.classes)),
                manifest.licence,
                manifest.sha256,
            )
            for manifest in manifests
        ],
    )
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    findings = _checked(arguments.paths)
    is_ok = all(finding.level is FindingLevel.OK for finding in findings)
    if arguments.json:
        print_json({"findings": [asdict(finding) for finding in findings], "ok": is_ok})
    else:
        rows = [(finding.level.value, finding.subject, finding.message, finding.remedy) for finding in findings]
        print_table(("level", "model", "finding", "remedy"), rows)
    return 0 if is_ok else 1


def _add(arguments: argparse.Namespace) -> int:
    (finding,) = _checked([arguments.path])
    if finding.level is not FindingLevel.OK:
        raise ModelError(finding.message, remedy=finding.remedy)
    is_map = is_density_model(arguments.path)
    model = open_density_model(arguments.path) if is_map else open_model(arguments.path)
    target = _copied(model, arguments.to)
    if arguments.json:
        print_json({"path": str(target), "model": _as_json(model.manifest)})
    else:
        print_table(("name", "path"), [(model.manifest.name, str(target))])
        key = "analysis.density_model" if is_map else "analysis.detector"
        remarks().print(f"Write this path as {key} in the site file (relative to it, or absolute).")
    return 0


def _checked(paths: Sequence[Path]) -> list[Finding]:
    for path in paths:
        if path.suffix.lower() != ".onnx":
            raise UsageError(f"{path} is not named as a model", remedy="Give files whose names end in .onnx.")
    return [finding for path in paths for finding in _checked_one(path)]


def _checked_one(path: Path) -> list[Finding]:
    """By its manifest either the one or the other."""
    if is_density_model(path):
        return check_density_models([AnalysisSettings(density_model=path)])
    return check_detectors([AnalysisSettings(detector=str(path))])


def _copied(model: VerifiedModel | VerifiedDensityModel, folder: Path) -> Path:
    """The bytes that were verified, with their manifest; a different model of that name is never overwritten."""
    target = folder / model.path.name
    manifest = yaml.safe_dump(model.manifest.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() != model.data:
            raise ModelError(
                f"{target} exists and is another model", remedy="Give the file another name, or another folder."
            )
        _replace(target.with_name(target.name + MANIFEST_SUFFIX), manifest.encode())
        _replace(target, model.data)
    except OSError as error:
        raise ModelError(
            f"the model cannot be copied to {target}: {error.strerror or error}",
            remedy="Check the folder, its rights and the space left.",
        ) from error
    return target


def _replace(path: Path, data: bytes) -> None:
    """Never leaves half a file under the name."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _as_json(manifest: AnyManifest) -> dict[str, Any]:
    return manifest.model_dump(mode="json")
