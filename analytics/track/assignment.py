"""Linear assignment: which row goes with which column so that the sum of costs is smallest.

Shortest augmenting paths with dual prices (Jonker and Volgenant 1987; rectangular form after Crouse 2016), O(n^3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]


def assign(costs: Costs, limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, where leaving a row unpaired costs ``limit``.

    A pair is only made when it costs less than ``limit``, so a good pair is not given up for two poor ones.

    Args:
        costs: rows x columns, any finite or infinite values.
        limit: cost of no pair.
    """
    allowed = costs < limit
    sole = allowed & (allowed.sum(axis=1) == 1)[:, None] & (allowed.sum(axis=0) == 1)
    pairs = [(int(row), int(column)) for row, column in np.argwhere(sole)]
    rows = np.flatnonzero(allowed.any(axis=1) & ~sole.any(axis=1))
    columns = np.flatnonzero(allowed.any(axis=0) & ~sole.any(axis=0))
    if not len(rows):
        return pairs
    part = np.where(allowed, costs, limit)[np.ix_(rows, columns)]
    contested = [(int(rows[row]), int(columns[column])) for row, column in _solve(part)]
    return sorted(pairs + [pair for pair in contested if allowed[pair]])


def _solve(costs: Costs) -> list[tuple[int, int]]:
    """Pairs every row or every column, whichever are fewer; costs are finite."""
    if costs.shape[0] > costs.shape[1]:
        return [(row, column) for column, row in _solve(costs.T)]
    row_prices, column_prices = np.zeros(costs.shape[0]), np.zeros(costs.shape[1])
    row_of = np.full(costs.shape[1], -1)
    for row in range(costs.shape[0]):
        _augment(costs, row, row_prices, column_prices, row_of)
    return [(int(row), column) for column, row in enumerate(row_of) if row >= 0]


def _augment(costs: Costs, start: int, row_prices: Costs, column_prices: Costs, row_of: NDArray[np.intp]) -> None:
    """Pairs one more row along the cheapest alternating path, and keeps the prices feasible."""
    distance = np.full(costs.shape[1], np.inf)
    previous = np.full(costs.shape[1], -1)
    done = np.zeros(costs.shape[1], dtype=bool)
    row, column, reached = start, -1, 0.0
    while row >= 0:
        through = reached + costs[row] - row_prices[row] - column_prices
        nearer = ~done & (through < distance)
        distance[nearer], previous[nearer] = through[nearer], row
        column = int(np.argmin(np.where(done, np.inf, distance)))
        reached = float(distance[column])
        done[column] = True
        row = int(row_of[column])
    settled = done & (row_of >= 0)
    row_prices[start] += reached
    row_prices[row_of[settled]] += reached - distance[settled]
    column_prices[done] -= reached - distance[done]
    _flip(column, start, previous, row_of)


def _flip(column: int, start: int, previous: NDArray[np.intp], row_of: NDArray[np.intp]) -> None:
    """Re-pairs the rows along the path that ends in a free column."""
    row = -1
    while row != start:
        row = int(previous[column])
        (taken,) = np.flatnonzero(row_of == row) if row != start else (-1,)
        row_of[column] = row
        column = int(taken)
