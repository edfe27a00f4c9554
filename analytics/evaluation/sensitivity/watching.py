"""Finds out which moves of a rule's numbers could change anything in a clip, by one run of a copy that takes notes.

A number that is never read decides nothing. One that is only compared decides nothing as long as every comparison
comes out the same with the number moved. Whatever else is done with a number may change something.
"""

from __future__ import annotations

import ast
import operator
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from analytics.evaluation.sensitivity.thresholds import Move

NOTES: Final = "__notes__"
"""What a watched module reads its constants through."""
_VALUES: Final = "__values__"
_COMPARE: Final[Mapping[type[ast.cmpop], str]] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
_HARMLESS: Final = frozenset({"abs", "float", "len", "max", "min"})
"""Functions that may be called again and again."""

Operand: TypeAlias = Any
"""A value; or, of what constants are in, a function of the constants' values."""


class Constant(NamedTuple):
    """A constant where it is defined."""

    module: str
    name: str


@dataclass(slots=True)
class Notes:
    """What is noted of one watched module while its rule runs."""

    constants: Mapping[str, Constant]
    """By the name that the module has for each."""
    moves: Mapping[Constant, Sequence[Move]]
    """Moves of constants that are a single number."""
    read: set[Constant]
    """Constants with which anything was done but comparing; shared by all modules of a rule."""
    deciding: set[Move]
    """Moves that turned a comparison; likewise."""
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        self.read.add(self.constants[name])
        return self.values[name]

    def compare(
        self, operators: Sequence[str], operands: Sequence[Operand], are_functions: Sequence[bool], names: Sequence[str]
    ) -> Any:
        """The outcome of a comparison; notes which moves would turn it."""
        tests = [getattr(operator, name) for name in operators]
        result = _outcome(tests, operands, are_functions, self.values)
        for name in names:
            constant = self.constants[name]
            if constant in self.read:
                continue
            if constant not in self.moves:
                self.read.add(constant)
                continue
            for move in self.moves[constant]:
                if move not in self.deciding:
                    moved = ChainMap({name: move.value}, self.values)  # type: ignore[arg-type] # only read
                    if not np.array_equal(result, _outcome(tests, operands, are_functions, moved)):
                        self.deciding.add(move)
        return result


def _outcome(
    tests: Sequence[Callable[[Any, Any], Any]],
    operands: Sequence[Operand],
    are_functions: Sequence[bool],
    values: Mapping[str, Any],
) -> Any:
    sides = [one(values) if is_one else one for one, is_one in zip(operands, are_functions, strict=True)]
    result: Any = True
    for index, test in enumerate(tests):
        result = test(sides[index], sides[index + 1])
        if index + 1 < len(tests) and not result:
            break
    return result


class Watching(ast.NodeTransformer):
    """Makes the functions of a module read and compare its constants through its notes."""

    def __init__(self, constants: Mapping[str, Constant]) -> None:
        self._constants = constants
        self._is_inside = False
        self._source = ast.Name(NOTES, ast.Load())
        self.at_once: set[Constant] = set()
        """What is read when the module is imported: for other constants, defaults and decorators."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        for part in (node.args, *node.decorator_list):
            self.visit(part)
        was_inside, self._is_inside = self._is_inside, True
        node.body = [self.visit(statement) for statement in node.body]
        self._is_inside = was_inside
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self._is_constant(node):
            return node
        if not self._is_inside:
            self.at_once.add(self._constants[node.id])
            return node
        return ast.copy_location(ast.Subscript(self._source, ast.Constant(node.id), ast.Load()), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sides = [node.left, *node.comparators]
        parts = [part for side in sides for part in ast.walk(side) if isinstance(part, ast.Name)]
        names = sorted({part.id for part in parts if self._is_constant(part)})
        if not self._is_inside or not names or not self._is_repeatable(node):
            return self.generic_visit(node)
        are_functions = [self._has_constants(side) for side in sides]
        operands = [
            _function(side, self._constants) if is_one else self.visit(side)
            for side, is_one in zip(sides, are_functions, strict=True)
        ]
        call = ast.Call(
            func=ast.Attribute(self._source, "compare", ast.Load()),
            args=[
                _tuple([ast.Constant(_COMPARE[type(test)]) for test in node.ops]),
                _tuple(operands),
                _tuple([ast.Constant(is_one) for is_one in are_functions]),
                _tuple([ast.Constant(name) for name in names]),
            ],
            keywords=[],
        )
        return ast.copy_location(call, node)

    def _is_constant(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in self._constants

    def _has_constants(self, node: ast.AST) -> bool:
        return any(map(self._is_constant, ast.walk(node)))

    def _is_repeatable(self, node: ast.Compare) -> bool:
        """Whether what constants are in, and of a chain all of it, may be worked out again and again."""
        sides = [node.left, *node.comparators]
        wanted = sides if len(sides) > 2 else [side for side in sides if self._has_constants(side)]  # noqa: PLR2004 - a pair
        return all(type(test) in _COMPARE for test in node.ops) and all(map(_is_harmless, wanted))


def _is_harmless(node: ast.expr) -> bool:
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    others = (
        ast.NamedExpr,
        ast.Lambda,
        ast.Await,
        ast.Yield,
        ast.ListComp,
        ast.GeneratorExp,
        ast.SetComp,
        ast.DictComp,
    )
    if any(isinstance(part, others) for part in ast.walk(node)):
        return False
    return all(isinstance(call, ast.Name) and call.id in _HARMLESS for call in calls)


def _tuple(parts: Sequence[ast.expr]) -> ast.Tuple:
    return ast.Tuple(list(parts), ast.Load())


def _function(node: ast.expr, constants: Mapping[str, Constant]) -> ast.Lambda:
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(_VALUES)], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(arguments, _Given(constants).visit(node))


class _Given(ast.NodeTransformer):
    """Reads constants from what the function is given."""

    def __init__(self, constants: Mapping[str, Constant]) -> None:
        self._constants = constants

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load) or node.id not in self._constants:
            return node
        return ast.Subscript(ast.Name(_VALUES, ast.Load()), ast.Constant(node.id), ast.Load())
