"""What the guides show are site files that load, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.load import load_site
from config.model import SiteSettings
from connectors.onvif.settings import OnvifSettings
from core import registry

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("guide", ["onvif.md", "fr/onvif.md"])
@pytest.mark.parametrize("has_control", [False, True])
def test_the_guides_examples_load(tmp_path: Path, guide: str, has_control: bool) -> None:
    whole, control = re.findall(r"```yaml\n(.*?)```", (DOCS / guide).read_text(encoding="utf-8"), re.DOTALL)
    site = loaded(tmp_path, whole.replace("cameras:\n", f"{control}cameras:\n", 1) if has_control else whole)
    (vms,) = site.vms
    assert isinstance(vms, OnvifSettings)
    assert vms.device is not None
    assert len(vms.control) == 2 * has_control
    assert [rule.type for rule in site.cameras[0].rules] == ["zone_presence"]


def test_the_simulators_example_loads(tmp_path: Path) -> None:
    (vms,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "simulators-onvif.md").read_text(encoding="utf-8"), re.DOTALL)
    camera = "cameras:\n  - {id: quai-1, vms: bridge, device: source}\n"
    site = loaded(tmp_path, f"version: 1\nsite: {{name: Test}}\n{vms}{camera}")
    assert [entry.type for entry in site.vms] == ["onvif"]


def loaded(folder: Path, text: str) -> SiteSettings:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load_site(path, registry.kinds())
