"""The codes of findings and the names of steps that the modules of a check tell, read from their source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CODE = re.compile(r"[a-z]+(_[a-z]+)+")


def undocumented(module: Path, document: str) -> set[str]:
    """Codes and steps of a module that the document does not hold."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    missing = {code for code in codes(tree) if f"`{code}`" not in document}
    return missing | {step for step in steps(tree) if f"`{step}_…`" not in document}


def codes_of(modules: list[Path]) -> set[str]:
    """Every code of these modules."""
    return {code for module in modules for code in codes(ast.parse(module.read_text(encoding="utf-8")))}


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and name_of(call.func) in names:
            yield call


def codes(tree: ast.AST) -> set[str]:
    told = [call.args[1] for call in calls(tree, "ok", "warn", "fail", "tell") if len(call.args) > 1]
    return {text for argument in told for text in texts(argument) if CODE.fullmatch(text)}


def steps(tree: ast.AST) -> set[str]:
    return {text for call in calls(tree, "step") if call.args for text in texts(call.args[0]) if not text.endswith("_")}


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
