from __future__ import annotations

import ast

import pytest

from analytics.evaluation.sensitivity.numbers import imports_of, numbers_in, source_of
from core.errors import UsageError


def found(source: str) -> dict[str, float]:
    return {number.name: number.value for number in numbers_in(ast.parse(source))}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("_LIMIT = 0.5", {"_LIMIT": 0.5}),
        ("LIMIT: Final = -3", {"LIMIT": -3}),
        ("_PIXELS: Final = 320 * 180", {"_PIXELS": 57600}),
        ("_SIZE = (0.06, 0.65)", {"_SIZE[0]": 0.06, "_SIZE[1]": 0.65}),
        ("_HOLD_S, _SHARE = 3.5, 0.75", {"_HOLD_S": 3.5, "_SHARE": 0.75}),
        ("USUAL = Patience(out_s=1.5, gap_s=2.0)", {"USUAL.out_s": 1.5, "USUAL.gap_s": 2.0}),
        ("_NOISE = np.float32(8.0)", {"_NOISE": 8.0}),
        ("_TWICE = 2.0 * _LIMIT", {"_TWICE": 2.0}),
        ("_IS_ON, _NAME = True, 'ten'", {}),
        ("limit = 0.5\ndef of():\n    _INNER = 3", {}),
    ],
)
def test_the_named_numbers_of_a_module_are_found_in_its_source(source: str, expected: dict[str, float]) -> None:
    assert found(source) == expected


def test_whole_numbers_stay_whole() -> None:
    assert [type(value) for value in found("_A, _B = 3, 3.0").values()] == [int, float]


def test_imports_by_name_are_found_with_their_alias() -> None:
    tree = ast.parse("import os\nfrom a.b import C\nfrom a import D as E\nfrom . import F")
    assert list(imports_of(tree)) == [("a.b", "C", "C"), ("a", "D", "E")]


def test_a_module_without_source_is_named() -> None:
    with pytest.raises(UsageError, match="the source of itertools is not there"):
        source_of("itertools")
