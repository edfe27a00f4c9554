"""Linear assignment: which row goes with which column so that the sum of costs is smallest.

Shortest augmenting paths with dual prices (Jonker and Volgenant 1987; rectangular form after Crouse 2016), O(n^3), on
each group of rows and columns that compete with one another. Such groups are small, so plain lists beat arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]
Index = NDArray[np.intp]


def assign(costs: Costs, limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, where leaving a row unpaired costs ``limit``.

    A pair is only made when it costs less than ``limit``, so a good pair is not given up for two poor ones.

    Args:
        costs: rows x columns, any finite or infinite values.
        limit: cost of no pair.
    """
    rows, columns = (costs < limit).nonzero()
    if not rows.size:
        return []
    paired = assign_pairs(rows, columns, costs[rows, columns], limit)
    return list(zip(*[part.tolist() for part in paired], strict=True))


def assign_pairs(rows: Index, columns: Index, costs: Costs, limit: float) -> tuple[Index, Index]:
    """The same where only these pairs may be made: rows and columns of those that are, in order of rows.

    Args:
        rows: of each pair that may be made, at least one; pairs are in order of rows, then columns.
        columns: of each.
        costs: of each, less than ``limit``.
        limit: cost of no pair.
    """
    dearest_first = costs.argsort(kind="stable")[::-1]
    best = np.empty(rows[-1] + 1, dtype=np.intp)
    best[rows.take(dearest_first)] = dearest_first
    (claiming,) = np.bincount(rows).nonzero()
    wanted = columns.take(best.take(claiming))
    (rivals,) = (np.bincount(wanted).take(wanted) > 1).nonzero()
    if not rivals.size:
        return claiming, wanted
    pairs = dict(zip(claiming.tolist(), wanted.tolist(), strict=True))
    _settle(pairs, claiming.take(rivals).tolist(), _Claims(rows, columns, costs), limit)
    made = np.array(sorted(pairs.items()), dtype=np.intp).reshape(-1, 2)
    return made[:, 0], made[:, 1]


class _Claims:
    """Which row may have which column, and for how much."""

    def __init__(self, rows: Index, columns: Index, costs: Costs) -> None:
        self._first: list[int] = [0, *np.bincount(rows).cumsum().tolist()]
        self._columns: list[int] = columns.tolist()
        self._costs: list[float] = costs.tolist()
        self.rows_of: dict[int, list[int]] = {}
        """Of each column."""
        for row, column in zip(rows.tolist(), self._columns, strict=True):
            self.rows_of.setdefault(column, []).append(row)

    def of(self, row: int) -> dict[int, float]:
        """What it may have, and the costs."""
        own = slice(self._first[row], self._first[row + 1])
        return dict(zip(self._columns[own], self._costs[own], strict=True))


def _settle(pairs: dict[int, int], rivals: Iterable[int], claims: _Claims, limit: float) -> None:
    """Mends ``pairs``, in which every row has what it wants most, where two rows want the same."""
    settled = set[int]()
    for rival in rivals:
        if rival in settled:
            continue
        group = _group_of(rival, claims)
        settled.update(group)
        rows, columns = sorted(group), sorted({column for own in group.values() for column in own})
        costs = [[group[row].get(column, limit) for column in columns] for row in rows]
        for row in rows:
            del pairs[row]
        for row, column in _solve(costs):
            if costs[row][column] < limit:
                pairs[rows[row]] = columns[column]


def _group_of(rival: int, claims: _Claims) -> dict[int, dict[int, float]]:
    """The claims of a row, and of all that compete with it, directly or through others."""
    group = {rival: claims.of(rival)}
    ahead = set(group[rival])
    asked = set[int]()
    while ahead:
        column = ahead.pop()
        asked.add(column)
        for row in claims.rows_of[column]:
            if row not in group:
                group[row] = claims.of(row)
                ahead |= group[row].keys() - asked
    return group


def _solve(costs: list[list[float]]) -> list[tuple[int, int]]:
    """Pairs every row or every column, whichever are fewer; costs are finite."""
    if len(costs) > len(costs[0]):
        return [(row, column) for column, row in _solve([list(column) for column in zip(*costs, strict=True)])]
    if len(costs) == 1:
        return [(0, costs[0].index(min(costs[0])))]
    row_prices, column_prices = [0.0] * len(costs), [0.0] * len(costs[0])
    row_of = [-1] * len(costs[0])
    for row in range(len(costs)):
        _augment(costs, row, row_prices, column_prices, row_of)
    return [(row, column) for column, row in enumerate(row_of) if row >= 0]


def _augment(
    costs: list[list[float]], start: int, row_prices: list[float], column_prices: list[float], row_of: list[int]
) -> None:
    """Pairs one more row along the cheapest alternating path, and keeps the prices feasible."""
    open_columns = list(range(len(column_prices)))
    distance, previous = [inf] * len(column_prices), [start] * len(column_prices)
    done: list[int] = []
    row, reached = start, 0.0
    while row >= 0:
        base = reached - row_prices[row]
        for column in open_columns:
            through = base + costs[row][column] - column_prices[column]
            if through < distance[column]:
                distance[column], previous[column] = through, row
        nearest = min(open_columns, key=distance.__getitem__)
        open_columns.remove(nearest)
        reached, row = distance[nearest], row_of[nearest]
        done.append(nearest)
    row_prices[start] += reached
    for column in done:
        if row_of[column] >= 0:
            row_prices[row_of[column]] += reached - distance[column]
        column_prices[column] -= reached - distance[column]
    _flip(done[-1], start, previous, row_of)


def _flip(column: int, start: int, previous: list[int], row_of: list[int]) -> None:
    """Re-pairs the rows along the path that ends in a free column."""
    row = -1
    while row != start:
        row = previous[column]
        taken = row_of.index(row) if row != start else -1
        row_of[column] = row
        column = taken
