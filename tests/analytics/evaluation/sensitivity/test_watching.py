from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from analytics.evaluation.sensitivity.thresholds import Move, Side, Threshold
from analytics.evaluation.sensitivity.watching import NOTES, Constant, Notes, Watching

LIMIT, OTHER = Constant("m", "LIMIT"), Constant("m", "OTHER")


def move(name: str, side: Side, value: float) -> Move:
    threshold = Threshold(type="fire", module="m", name=name, value=10.0, constant=name)
    return Move(threshold=threshold, side=side, value=value, is_clipped=False)


LOWER, HIGHER = move("LIMIT", Side.LOW, 8.0), move("LIMIT", Side.HIGH, 12.0)


def watched(body: str) -> tuple[Any, Notes]:
    """A function of ``x`` with that body in a module with ``LIMIT = 10.0`` and ``OTHER = 1.0``."""
    source = f"LIMIT, OTHER = 10.0, 1.0\ncalls = []\ndef called(x):\n    calls.append(x)\n    return x\ndef of(x):\n    {body}\n"
    constants = {"LIMIT": LIMIT, "OTHER": OTHER}
    watching = Watching(constants)
    tree = ast.fix_missing_locations(watching.visit(ast.parse(source)))
    notes = Notes(constants, {LIMIT: [LOWER, HIGHER]}, set(watching.at_once), set())
    names: dict[str, Any] = {NOTES: notes}
    notes.values = names
    exec(compile(tree, "<made>", "exec"), names)
    return names, notes


@pytest.mark.parametrize(
    ("body", "x", "outcome", "deciding"),
    [
        ("return x > LIMIT", 20.0, True, set()),
        ("return x > LIMIT", 11.0, True, {HIGHER}),
        ("return x > LIMIT", 9.0, False, {LOWER}),
        ("return LIMIT >= x", 8.5, True, {LOWER}),
        ("return x < 2.0 * LIMIT", 17.0, True, {LOWER}),
        ("return x < max(LIMIT, 15.0)", 14.0, True, set()),
        ("return 0.0 <= x <= LIMIT", 11.0, False, {HIGHER}),
        ("return 0.0 <= x <= LIMIT", -1.0, False, set()),
        ("return called(x) > LIMIT", 11.0, True, {HIGHER}),
    ],
)
def test_a_move_decides_where_it_turns_a_comparison(body: str, x: float, outcome: bool, deciding: set[Move]) -> None:
    names, notes = watched(body)
    assert names["of"](x) is outcome
    assert notes.deciding == deciding
    assert notes.read == set()
    assert len(names["calls"]) == body.count("called(")


def test_a_move_decides_where_it_turns_one_of_many_comparisons() -> None:
    names, notes = watched("return x > LIMIT")
    assert names["of"](np.array([5.0, 11.0, 20.0])).tolist() == [False, True, True]
    assert notes.deciding == {HIGHER}


@pytest.mark.parametrize(
    "body",
    ["return LIMIT + x", "return called(LIMIT) > x", "return (lambda: LIMIT)() > x", "return [LIMIT][0] == x"],
)
def test_whatever_else_is_done_with_a_number_may_change_something(body: str) -> None:
    names, notes = watched(body)
    names["of"](1.0)
    assert LIMIT in notes.read


def test_a_constant_that_is_more_than_a_number_is_read_by_comparing() -> None:
    names, notes = watched("return x > OTHER")
    names["of"](5.0)
    assert notes.read == {OTHER}


def test_what_is_not_reached_is_not_read() -> None:
    names, notes = watched("return x > 0.0 and x > LIMIT and x + LIMIT")
    names["of"](-1.0)
    assert (notes.read, notes.deciding) == (set(), set())


def test_what_the_module_itself_reads_is_read_from_the_beginning() -> None:
    watching = Watching({"LIMIT": LIMIT, "OTHER": OTHER})
    watching.visit(ast.parse("LIMIT = 10.0\nTWICE = 2 * LIMIT\ndef of(x=OTHER):\n    return x"))
    assert watching.at_once == {LIMIT, OTHER}
