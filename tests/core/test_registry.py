from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.model import RuleSettings, VmsSettings
from core import registry
from core.errors import UsageError, VigieError
from core.registry import Group
from tests.plugins import install_plugin

PLUGIN = """
from typing import Literal
from config.model import RuleSettings, VmsSettings

class QueueSettings(RuleSettings):
    type: Literal["queue_length"]
    longest: int = 5

class QueueLength:
    settings_model = QueueSettings

class AcmeSettings(VmsSettings):
    type: Literal["acme"]

class AcmeConnector:
    settings_model = AcmeSettings

def look(site):
    return []
"""


@pytest.fixture
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install_plugin(
        tmp_path,
        monkeypatch,
        module="vigie_test_plugin",
        code=PLUGIN,
        entry_points={
            "vigie.rules:queue_length": "vigie_test_plugin:QueueLength",
            "vigie.connectors:acme": "vigie_test_plugin:AcmeConnector",
            "vigie.checks:acme": "vigie_test_plugin:look",
            "vigie.detectors:absent": "vigie_test_absent:Detector",
            "vigie.analysers:nameless": "vigie_test_plugin:Nowhere",
        },
    )
    yield
    registry.kinds.cache_clear()


@pytest.mark.usefixtures("_plugin")
def test_a_plug_in_is_found_by_its_name_and_brings_its_settings() -> None:
    assert "queue_length" in registry.names(Group.RULES)
    assert registry.rule("queue_length").__name__ == "QueueLength"
    assert registry.connector("acme").__name__ == "AcmeConnector"
    assert registry.check("acme").__name__ == "look"
    kinds = registry.kinds()
    assert issubclass(kinds.rules["queue_length"], RuleSettings)
    assert issubclass(kinds.vms["acme"], VmsSettings)


@pytest.mark.parametrize("group", Group)
def test_an_unknown_name_is_refused_with_the_known_ones(group: Group) -> None:
    with pytest.raises(UsageError, match="'nothing' is not installed in vigie") as caught:
        registry.load(group, "nothing")
    assert caught.value.remedy.startswith("Known names: ")


@pytest.mark.usefixtures("_plugin")
@pytest.mark.parametrize(("group", "name"), [(Group.DETECTORS, "absent"), (Group.ANALYSERS, "nameless")])
def test_a_plug_in_that_cannot_be_imported_is_named_with_its_place(group: Group, name: str) -> None:
    with pytest.raises(VigieError, match=rf"the plug-in '{name}' \(vigie_test_.*\) cannot be loaded") as caught:
        registry.load(group, name)
    assert caught.value.__cause__ is not None
    assert caught.value.exit_code == 1


def test_a_name_that_two_packages_claim_is_refused_and_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("vigie_one", "vigie_two"):
        entry_points = {"vigie.checks:twice": f"{module}:look"}
        install_plugin(tmp_path / module, monkeypatch, module=module, code=PLUGIN, entry_points=entry_points)
    with pytest.raises(VigieError, match=r"'twice' of vigie\.checks is claimed by several packages: vigie_one:look, v"):
        registry.check("twice")


def test_a_plug_in_that_fails_while_it_is_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_points = {"vigie.checks:broken": "vigie_broken:look"}
    install_plugin(tmp_path, monkeypatch, module="vigie_broken", code="look = 1 / 0", entry_points=entry_points)
    with pytest.raises(VigieError, match=r"the plug-in 'broken' .* cannot be loaded: division by zero"):
        registry.check("broken")


def test_everything_that_is_installed_can_be_loaded_by_its_name() -> None:
    kinds = registry.kinds()
    assert sorted(kinds.rules) == registry.names(Group.RULES)
    assert sorted(kinds.vms) == registry.names(Group.CONNECTORS)
