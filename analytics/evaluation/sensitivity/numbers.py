"""The named numbers of a module, found in its source."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import NamedTuple

from core.errors import UsageError


class Number(NamedTuple):
    """One number of a module-level constant."""

    constant: str
    """What the module calls the constant."""
    name: str
    """The same, with the place of the number in it where there are several: ``_SIZE[1]``, ``USUAL.gap_s``."""
    value: float
    node: ast.expr
    """Where it is written."""


@cache
def source_of(module: str) -> str:
    """The source of a module.

    Raises:
        UsageError: it is not there.
    """
    import_module(module)
    try:
        return inspect.getsource(sys.modules[module])
    except (OSError, TypeError) as error:
        raise UsageError(
            f"the source of {module} is not there, so its thresholds cannot be moved",
            remedy="Leave its rule type out with --types, or install it with its source.",
        ) from error


def numbers_in(tree: ast.Module) -> Iterator[Number]:
    """Every number of every constant: a name in capitals, assigned at the top of the module."""
    for statement in tree.body:
        for constant, value in _assigned(statement):
            found = list(_numbers(value, ""))
            for index, (label, node, number) in enumerate(found):
                suffix = "" if len(found) == 1 else label or f"[{index}]"
                yield Number(constant, f"{constant}{suffix}", number, node)


def imports_of(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """What a module imports by name: module, name there, name here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module, alias.name, alias.asname or alias.name


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _paired(statement.target, statement.value)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _paired(target, statement.value)


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name) and target.id.isupper():
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            yield from _paired(one, part)


def _numbers(node: ast.expr, label: str) -> Iterator[tuple[str, ast.expr, float]]:
    """Label (of a keyword), place and value. A sum or product of nothing but numbers is one number."""
    value = _value_of(node)
    if value is not None:
        yield label, node, value
        return
    keywords = {id(word.value): f".{word.arg}" for word in getattr(node, "keywords", ()) if word.arg}
    for child in ast.iter_child_nodes(node):
        part = child.value if isinstance(child, ast.keyword) else child
        if isinstance(part, ast.expr):
            yield from _numbers(part, keywords.get(id(part), ""))


def _value_of(node: ast.expr) -> float | None:
    if not all(isinstance(part, _ARITHMETIC) for part in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), "<constant>", "eval"), {})  # noqa: S307 - numbers and signs only
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
