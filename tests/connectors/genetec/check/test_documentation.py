"""The codes are part of the product: each is in the table that administrators read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.genetec.check import look

ROOT = Path(__file__).parents[4]
MODULES = sorted((ROOT / "connectors" / "genetec" / "check").glob("*.py"))
DOCUMENT = (ROOT / "docs" / "security-center-findings.md").read_text(encoding="utf-8")
CODE = re.compile(r"[a-z]+(_[a-z]+)+")


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and name_of(call.func) in names:
            yield call


def codes(tree: ast.AST) -> set[str]:
    told = [call.args[1] for call in calls(tree, "ok", "warn", "fail") if len(call.args) > 1]
    return {text for argument in told for text in texts(argument) if CODE.fullmatch(text)}


def steps(tree: ast.AST) -> set[str]:
    return {text for call in calls(tree, "step") if call.args for text in texts(call.args[0]) if not text.endswith("_")}


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_codes_are_found_in_the_modules() -> None:
    found = {code for module in MODULES for code in codes(ast.parse(module.read_text(encoding="utf-8")))}
    assert len(found) > 25


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_code_and_every_step_is_in_the_document(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    missing = {code for code in codes(tree) if f"`{code}`" not in DOCUMENT}
    missing |= {step for step in steps(tree) if f"`{step}_…`" not in DOCUMENT}
    assert not missing


def test_codes_of_errors_and_of_reports_are_in_the_document() -> None:
    of_errors = {*look._CERTIFICATE_CODES.values(), *look._ACCOUNT_CODES.values(), *look._SDK_CODES.values()}
    of_reports = {f"ask_{action}_{end}" for action in ("event", "bookmark") for end in ("ok", "not_allowed")}
    others = {"address_unknown", "certificate_untrusted", "clock_ok", "clock_drift"}
    assert not {code for code in of_errors | of_reports | others if f"`{code}`" not in DOCUMENT}
