"""The codes are part of the product: each is in the table that administrators read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.finding_codes import codes_of, undocumented

ROOT = Path(__file__).parents[4]
MODULES = sorted((ROOT / "connectors" / "onvif" / "check").glob("*.py"))
DOCUMENT = (ROOT / "docs" / "onvif-findings.md").read_text(encoding="utf-8")


def test_codes_are_found_in_the_modules() -> None:
    assert len(codes_of(MODULES)) > 20


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_code_and_every_step_is_in_the_document(module: Path) -> None:
    assert not undocumented(module, DOCUMENT)


@pytest.mark.parametrize("kind", ["certificate", "device_certificate"])
@pytest.mark.parametrize("outcome", ["ok", "expires_soon"])
def test_so_are_the_codes_of_both_certificates(kind: str, outcome: str) -> None:
    assert f"`{kind}_{outcome}`" in DOCUMENT
