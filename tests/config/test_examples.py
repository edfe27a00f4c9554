from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.document import read_document
from config.load import load_rules, load_site
from config.schema import json_schema
from core import registry
from tests.config.json_schema import accepts

EXAMPLES = Path(config.__file__).parent / "examples"
SITES = ["minimal.yaml", "site.yaml"]


@pytest.mark.parametrize("name", SITES)
def test_an_example_loads_with_the_installed_kinds(name: str) -> None:
    assert load_site(EXAMPLES / name, registry.kinds()).cameras


@pytest.mark.parametrize("name", SITES)
def test_an_example_is_valid_by_the_schema(name: str) -> None:
    assert accepts(json_schema(registry.kinds()), read_document(EXAMPLES / name).data)


def test_the_example_of_a_rule_file_loads() -> None:
    assert [rule.id for rule in load_rules(EXAMPLES / "rules.yaml", registry.kinds())] == ["passage", "zone-reservee"]


def test_no_example_is_left_untested() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir()) == sorted([*SITES, "rules.yaml"])
