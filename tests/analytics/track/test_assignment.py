from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.track.assignment import assign

pytestmark = pytest.mark.slow

Costs = NDArray[np.float64]


def costs_strategy(most: int) -> st.SearchStrategy[Costs]:
    value = st.one_of(st.integers(0, 12).map(lambda n: n / 10), st.floats(-1, 2), st.just(inf))
    return st.tuples(st.integers(0, most), st.integers(0, most)).flatmap(
        lambda shape: st.lists(value, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
            lambda values: np.array(values, dtype=float).reshape(shape)
        )
    )


def total(costs: Costs, pairs: list[tuple[int, int]], limit: float) -> float:
    paired = sum(float(costs[pair]) for pair in pairs)
    return paired + limit * (len(costs) - len(pairs))


def brute_force(costs: Costs, limit: float) -> float:
    """Every way to give each row a column of its own, or none."""
    rows, columns = costs.shape
    best = inf
    for choice in product(range(-1, columns), repeat=rows):
        taken = [column for column in choice if column >= 0]
        if len(set(taken)) == len(taken):
            pairs = [(row, column) for row, column in enumerate(choice) if column >= 0]
            best = min(best, total(costs, pairs, limit))
    return best


@given(costs_strategy(4), st.sampled_from([0.3, 0.7, 1.0]))
def test_no_other_pairs_cost_less(costs: Costs, limit: float) -> None:
    assert total(costs, assign(costs, limit), limit) == pytest.approx(brute_force(costs, limit))


@given(costs_strategy(9), st.sampled_from([0.3, 0.7, 1.0]))
def test_each_row_and_column_is_used_once_and_only_below_the_limit(costs: Costs, limit: float) -> None:
    pairs = assign(costs, limit)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(costs[pair] < limit for pair in pairs)
    assert pairs == sorted(pairs)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_goes_with_nothing(shape: tuple[int, int]) -> None:
    assert assign(np.empty(shape), 0.7) == []


def test_the_whole_counts_not_the_single_best_pair() -> None:
    assert assign(np.array([[0.1, 0.2], [0.15, 0.9]]), 1.0) == [(0, 1), (1, 0)]


def test_a_good_pair_is_not_given_up_for_two_poor_ones() -> None:
    """Together 0.65 + 0.65 cost more than 0.01 and one row left alone at 0.7."""
    assert assign(np.array([[0.01, 0.65], [0.65, inf]]), 0.7) == [(0, 0)]


def test_in_a_crowd_it_costs_no_more_than_taking_the_nearest_first() -> None:
    costs = np.random.default_rng(1).random((30, 40))
    nearest: list[tuple[int, int]] = []
    for row in range(30):
        left = [column for column in range(40) if column not in {taken for _, taken in nearest}]
        nearest.append((row, min(left, key=lambda column, row=row: costs[row, column])))  # type: ignore[misc]
    pairs = assign(costs, 1.0)
    assert len(pairs) == 30
    assert total(costs, pairs, 1.0) < total(costs, nearest, 1.0)
