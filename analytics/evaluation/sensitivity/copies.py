"""Copies of a rule's modules in which one number is another, or in which it is noted what numbers decide.

A copy lives beside the original and beside other copies: nothing that runs is changed, so nothing has to be restored.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import CodeType, ModuleType
from typing import Any, TypeAlias

from analytics.evaluation.sensitivity.numbers import imports_of, numbers_in, source_of
from analytics.evaluation.sensitivity.thresholds import Move, Threshold, modules_of
from analytics.evaluation.sensitivity.watching import NOTES, Constant, Notes, Watching
from core import registry
from core.contracts import Composition, Rule

RuleClass: TypeAlias = type[Rule | Composition]


@dataclass(slots=True)
class Watched:
    """A rule class that works as the original does, and what was noted of it."""

    read: set[Constant]
    """Constants with which anything was done but comparing."""
    deciding: set[Move]
    """Moves that would have turned a comparison."""
    rule: RuleClass = Rule

    def matters(self, move: Move) -> bool:
        """Whether the move could have changed anything of what was seen so far."""
        threshold = move.threshold
        is_read = Constant(threshold.module, threshold.constant) in self.read
        return not threshold.constant or is_read or move in self.deciding


@cache
def with_value(threshold: Threshold, value: float) -> RuleClass:
    """The rule class with that threshold, a number of its modules, at that value.

    Raises:
        UsageError: the source of a module is not there.
    """
    tree = ast.parse(source_of(threshold.module))
    node = next(number.node for number in numbers_in(tree) if number.name == threshold.name)
    replacing = _Replacing(node, value)
    tree.body = [replacing.visit(one) if isinstance(one, ast.Assign | ast.AnnAssign) else one for one in tree.body]
    code = {threshold.module: compile(tree, _file_of(threshold.module), "exec")}
    return _copied(threshold.type, _dependants(threshold), code)


def watched(type_: str, moves: Sequence[Move]) -> Watched:
    """The rule class of a type, watched for moves of its numbers.

    Raises:
        UsageError: the source of a module is not there.
    """
    modules = modules_of(type_)
    trees = {name: ast.parse(source_of(name)) for name in modules}
    single = _by_constant(moves)
    known = {Constant(name, number.constant) for name, tree in trees.items() for number in numbers_in(tree)}
    found = Watched(set(), set())
    code: dict[str, CodeType] = {}
    notes: dict[str, Notes] = {}
    for module, tree in trees.items():
        here = {number.constant: Constant(module, number.constant) for number in numbers_in(tree)}
        imported = {alias: Constant(origin, name) for origin, name, alias in imports_of(tree)}
        constants = {**here, **{alias: one for alias, one in imported.items() if one in known}}
        watching = Watching(constants)
        code[module] = compile(ast.fix_missing_locations(watching.visit(tree)), _file_of(module), "exec")
        found.read |= watching.at_once
        notes[module] = Notes(constants, single, found.read, found.deciding)
    found.rule = _copied(type_, modules, code, notes)
    return found


def _by_constant(moves: Sequence[Move]) -> dict[Constant, list[Move]]:
    """The moves of constants that are one plain number."""
    found: dict[Constant, list[Move]] = {}
    for move in moves:
        threshold = move.threshold
        if threshold.constant == threshold.name:
            value = vars(import_module(threshold.module)).get(threshold.constant)
            if type(value) is type(threshold.value) and value == threshold.value:
                found.setdefault(Constant(threshold.module, threshold.constant), []).append(move)
    return found


class _Replacing(ast.NodeTransformer):
    """Puts a number in the place of one node."""

    def __init__(self, node: ast.expr, value: float) -> None:
        self._node = node
        self._value = value

    def visit(self, node: ast.AST) -> Any:
        return ast.copy_location(ast.Constant(self._value), node) if node is self._node else self.generic_visit(node)


def _dependants(threshold: Threshold) -> list[str]:
    """The module of a threshold and all that import it, imported ones first."""
    found: list[str] = []
    for module, imported in modules_of(threshold.type).items():
        if module == threshold.module or not imported.isdisjoint(found):
            found.append(module)
    return found


def _copied(
    type_: str,
    modules: Container[str],
    code: Mapping[str, CodeType],
    notes: Mapping[str, Notes] | None = None,
) -> RuleClass:
    """The class of a rule out of copies of these modules, made of that code or else of their own."""
    original = registry.rule(type_)
    with _standing_in() as copies:
        for name in modules_of(type_):
            if name not in modules:
                continue
            module = _blank(name)
            if notes is not None:
                notes[name].values = module.__dict__
                module.__dict__[NOTES] = notes[name]
            copies[name] = sys.modules[name] = module
            exec(code.get(name) or _code_of(name), module.__dict__)  # noqa: S102 - Vigie's own source, one number apart
        made: RuleClass = getattr(copies[original.__module__], original.__qualname__)
        return made


@contextmanager
def _standing_in() -> Iterator[dict[str, ModuleType]]:
    """Copies put into ``sys.modules`` are found by imports until the end; then the originals are again."""
    copies: dict[str, ModuleType] = {}
    originals = dict(sys.modules)
    try:
        yield copies
    finally:
        sys.modules.update({name: originals[name] for name in copies})


def _blank(name: str) -> ModuleType:
    original = import_module(name)
    module = ModuleType(name)
    for attribute in ("__file__", "__package__", "__spec__", "__loader__"):
        setattr(module, attribute, getattr(original, attribute, None))
    return module


@cache
def _code_of(module: str) -> CodeType:
    return compile(source_of(module), _file_of(module), "exec")


def _file_of(module: str) -> str:
    return import_module(module).__file__ or module
