"""Linear assignment: which row goes with which column so that the sum of costs is smallest.

Shortest augmenting paths with dual prices (Jonker and Volgenant 1987; rectangular form after Crouse 2016), O(n^3), on
each group of rows and columns that compete with one another. Such groups are small, so plain lists beat arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    paired = assign_pairs(rows, columns, costs[rows, columns], limit)
    return list(zip(*[part.tolist() for part in paired], strict=True))


def assign_pairs(rows: Index, columns: Index, costs: Costs, limit: float) -> tuple[Index, Index]:
    """The same where only these pairs may be made: rows and columns of those that are, in order of rows.

    Args:
        rows: of each pair that may be made; pairs are in order of rows, then columns.
        columns: of each.
        costs: of each, less than ``limit``.
        limit: cost of no pair.
    """
    contested = (np.bincount(rows) > 1).take(rows) | (np.bincount(columns) > 1).take(columns)
    (certain,), (unclear,) = (~contested).nonzero(), contested.nonzero()
    if not unclear.size:
        return rows, columns
    claims = zip(*[part.take(unclear).tolist() for part in (rows, columns, costs)], strict=True)
    solved = np.array(_settled(claims, limit), dtype=np.intp)
    rows = np.concatenate([rows.take(certain), solved[:, 0]])
    columns = np.concatenate([columns.take(certain), solved[:, 1]])
    order = rows.argsort()
    return rows.take(order), columns.take(order)


def _settled(claims: Iterable[tuple[int, int, float]], limit: float) -> list[tuple[int, int]]:
    """The pairs of least cost of (row, column, cost); only groups where two rows want the same column must be solved."""
    of_row: dict[int, dict[int, float]] = {}
    of_column: dict[int, list[int]] = {}
    for row, column, cost in claims:
        of_row.setdefault(row, {})[column] = cost
        of_column.setdefault(column, []).append(row)
    wanted: dict[int, list[int]] = {}
    for row, own in of_row.items():
        wanted.setdefault(min(own, key=own.__getitem__), []).append(row)
    pairs, solved = [], set[int]()
    for group, others in _groups([rivals[0] for rivals in wanted.values() if len(rivals) > 1], of_row, of_column):
        part = [[of_row[row].get(column, limit) for column in others] for row in group]
        pairs += [(group[row], others[column]) for row, column in _solve(part) if part[row][column] < limit]
        solved.update(group)
    return pairs + [(row, column) for column, (row, *_) in wanted.items() if row not in solved]


def _groups(
    starts: Sequence[int], of_row: Mapping[int, Collection[int]], of_column: Mapping[int, Collection[int]]
) -> Iterator[tuple[list[int], list[int]]]:
    """Rows and columns that may be paired with some rows, directly or through others."""
    done = set[int]()
    for start in starts:
        if start in done:
            continue
        rows, columns, ahead = {start}, set(of_row[start]), list(of_row[start])
        while ahead:
            for row in of_column[ahead.pop()]:
                if row not in rows:
                    rows.add(row)
                    ahead += [column for column in of_row[row] if column not in columns]
                    columns.update(of_row[row])
        done |= rows
        yield sorted(rows), sorted(columns)


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
