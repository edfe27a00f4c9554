"""The codes are part of the product: each is in the table that administrators read."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.genetec.check import look
from tests.connectors.finding_codes import codes_of, undocumented

ROOT = Path(__file__).parents[4]
MODULES = sorted((ROOT / "connectors" / "genetec" / "check").glob("*.py"))
DOCUMENT = (ROOT / "docs" / "security-center-findings.md").read_text(encoding="utf-8")


def test_codes_are_found_in_the_modules() -> None:
    assert len(codes_of(MODULES)) > 25


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_code_and_every_step_is_in_the_document(module: Path) -> None:
    assert not undocumented(module, DOCUMENT)


def test_codes_of_errors_and_of_reports_are_in_the_document() -> None:
    of_errors = {*look._CERTIFICATE_CODES.values(), *look._ACCOUNT_CODES.values(), *look._SDK_CODES.values()}
    of_reports = {f"ask_{action}_{end}" for action in ("event", "bookmark") for end in ("ok", "not_allowed")}
    others = {"address_unknown", "certificate_untrusted", "clock_ok", "clock_drift"}
    assert not {code for code in of_errors | of_reports | others if f"`{code}`" not in DOCUMENT}
