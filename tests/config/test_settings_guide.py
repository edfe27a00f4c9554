"""``docs/settings.md`` names every key with its default."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.load import load_site
from config.metrics import MetricsSettings, OtlpSettings, PrometheusSettings
from config.model import (
    AnalysisSettings,
    CameraSettings,
    ControlSettings,
    PresetSettings,
    RuleSettings,
    Site,
    SiteSettings,
    StorageSettings,
    VmsSettings,
    Window,
)
from config.shape import fields_by_key
from connectors.milestone.settings import VerdictSettings
from connectors.onvif.settings import BrokerSettings, DeviceSettings, MulticastSettings
from core import registry

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")

SECTIONS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "The top level": (SiteSettings, BaseModel),
    "`site`": (Site, BaseModel),
    "`storage`": (StorageSettings, BaseModel),
    "`analysis`": (AnalysisSettings, BaseModel),
    "`schedules`": (Window, BaseModel),
    "`metrics`": (MetricsSettings, BaseModel),
    "`prometheus`": (PrometheusSettings, BaseModel),
    "`otlp`": (OtlpSettings, BaseModel),
    "`vms`": (VmsSettings, BaseModel),
    "`control`": (ControlSettings, BaseModel),
    "`verdicts`": (VerdictSettings, BaseModel),
    "`device`": (DeviceSettings, BaseModel),
    "`multicast`": (MulticastSettings, BaseModel),
    "`broker`": (BrokerSettings, BaseModel),
    "`cameras`": (CameraSettings, BaseModel),
    "`presets`": (PresetSettings, BaseModel),
    "`rules`": (RuleSettings, BaseModel),
    **{f"`type: {name}`": (model, VmsSettings) for name, model in registry.kinds().vms.items()},
    **{f"`type: {name}`": (model, RuleSettings) for name, model in registry.kinds().rules.items()},
}


def rows_of(heading: str) -> dict[str, str]:
    """Key → default, from the first table under a heading."""
    _, found, rest = GUIDE.partition(f"# {heading}\n")
    assert found, f"docs/settings.md has no section {heading}"
    section = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:[^|]*) \| ([^|]*) \|", section, flags=re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def own_fields(model: type[BaseModel], base: type[BaseModel]) -> dict[str, FieldInfo]:
    """Those that the base does not have, or has with another default; ``type`` is the heading."""
    inherited = fields_by_key(base)
    return {
        key: field
        for key, field in fields_by_key(model).items()
        if key not in inherited or (key not in {"type", "url"} and field.default != inherited[key].default)
    }


def as_written(value: Any) -> set[str]:
    """How a default may be shown."""
    if isinstance(value, Enum):
        return as_written(value.value)
    if value is None:
        return {"none"}
    if isinstance(value, BaseModel):
        return {"`{}`"}
    if isinstance(value, bool):
        return {f"`{str(value).lower()}`"}
    if isinstance(value, tuple):
        return {f"`[{', '.join(map(str, value))}]`", "all", "all but `object`", "by type"}
    return {f"`{value}`", '`""`' if value == "" else f"`{str(value).removesuffix(':00')}`"}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_of_a_section_is_described_with_its_default(heading: str) -> None:
    rows = rows_of(heading)
    fields = own_fields(*SECTIONS[heading])
    assert sorted(rows) == sorted(fields)
    for key, field in fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        assert rows[key] in ({"required"} if field.is_required() else as_written(default) | {"`{}`"}), key


def test_the_full_example_loads(tmp_path: Path) -> None:
    example = re.search(r"^```yaml\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert example is not None
    path = tmp_path / "site.yaml"
    path.write_text(example[1], encoding="utf-8")
    assert load_site(path, registry.kinds()).cameras[0].rules[0].schedule == "nuit"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_what_the_guide_links_to_is_there(target: str) -> None:
    assert (Path(__file__).resolve().parents[2] / "docs" / target).exists()
