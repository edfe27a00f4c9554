from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.placement import NOMINAL_CORES, best_move, place

pytestmark = pytest.mark.slow

COSTS = st.dictionaries(
    st.text("abcdefghij", min_size=1, max_size=2), st.none() | st.floats(0.01, 2.0), min_size=1, max_size=20
)
MEASURED = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=2), st.floats(0.01, 2.0), min_size=1, max_size=20)
WORKERS = st.integers(1, 6)


def loads(costs: Mapping[str, float | None], seats: Mapping[str, int]) -> dict[int, float]:
    return {seat: sum(costs[name] or 0.0 for name in seats if seats[name] == seat) for seat in set(seats.values())}


def test_dear_cameras_are_placed_first_and_each_worker_gets_about_the_same() -> None:
    costs = {"a": 0.1, "b": 0.5, "c": 0.2, "d": 0.4}
    assert place(costs, workers=2).seats == {"b": 0, "d": 1, "c": 1, "a": 0}


@pytest.mark.parametrize(("workers", "expected"), [(1, {0: 3}), (2, {0: 2, 1: 1}), (8, {0: 1, 1: 1, 2: 1})])
def test_cameras_of_unknown_cost_are_dealt_in_turn_and_no_worker_is_idle(
    workers: int, expected: dict[int, int]
) -> None:
    seats = place(dict.fromkeys("abc"), workers=workers).seats
    assert {seat: list(seats.values()).count(seat) for seat in sorted(set(seats.values()))} == expected


def test_a_camera_of_unknown_cost_counts_like_a_typical_one() -> None:
    assert (
        place({"a": 0.5, "b": 0.5, "new": None, "c": 0.5}, workers=2, present={"a": 0, "b": 0, "c": 1}).seats["new"]
        == 1
    )


@given(COSTS, WORKERS)
def test_every_camera_is_placed_where_no_budget_is_known(costs: dict[str, float | None], workers: int) -> None:
    placing = place(costs, workers=workers)
    assert placing.seats.keys() == costs.keys()
    assert set(placing.seats.values()) <= set(range(workers))
    assert placing.refused == {}


@given(MEASURED, WORKERS)
def test_no_worker_has_more_than_four_thirds_of_the_best_possible(costs: dict[str, float], workers: int) -> None:
    """Graham, 1969: longest processing time first is at most 4/3 - 1/(3m) of the optimum, which these bounds do not exceed."""
    busiest = max(loads(costs, place(costs, workers=workers).seats).values())
    ordered = sorted(costs.values(), reverse=True)
    at_least = max(ordered[0], sum(ordered) / workers)
    if len(ordered) > workers:
        at_least = max(at_least, ordered[workers - 1] + ordered[workers])
    assert busiest <= 1.5 * at_least + 1e-9


@given(COSTS, WORKERS, COSTS, WORKERS)
def test_a_camera_that_runs_stays_where_it_is_whatever_comes_and_goes(
    before: dict[str, float | None], workers: int, after: dict[str, float | None], more: int
) -> None:
    present = place(before, workers=workers).seats
    seats = place(after, workers=workers + more, present=present).seats
    assert all(seats[name] == present[name] for name in after.keys() & present.keys())


@given(COSTS, WORKERS, WORKERS)
def test_with_fewer_workers_only_cameras_of_those_that_end_move(
    costs: dict[str, float | None], workers: int, fewer: int
) -> None:
    present = place(costs, workers=workers).seats
    seats = place(costs, workers=fewer, present=present).seats
    kept = set(seats.values()) & set(present.values())
    assert len(set(seats.values())) <= fewer
    assert all(seats[name] == seat for name, seat in present.items() if seat in kept)


def test_of_new_cameras_those_written_first_are_admitted_and_the_figure_is_named() -> None:
    placing = place({"a": 0.6, "b": 0.31, "c": 0.05, "d": 0.6}, workers=1, budget=0.72)
    assert placing.seats == {"a": 0, "c": 0}
    assert placing.refused["b"].startswith("does not fit: it needs 0.31 cores, 0.12 are left on the only worker;")
    assert "needs 0.60 cores, 0.07 are left" in placing.refused["d"]


@given(MEASURED, WORKERS, st.floats(0.1, 3.0))
def test_new_cameras_never_exceed_the_budget(costs: dict[str, float], workers: int, budget: float) -> None:
    placing = place(costs, workers=workers, budget=budget)
    assert placing.seats.keys() | placing.refused.keys() == costs.keys()
    assert all(load <= budget + 1e-6 for load in loads(costs, placing.seats).values())


def test_a_camera_that_runs_is_not_refused_when_it_becomes_dear() -> None:
    placing = place({"a": 2.0, "b": 0.1}, workers=1, present={"a": 0}, budget=1.0)
    assert placing.seats == {"a": 0}
    assert placing.refused.keys() == {"b"}


def test_a_camera_of_unknown_cost_is_admitted() -> None:
    assert place({"a": 0.9, "b": None}, workers=1, budget=1.0).seats == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    ("costs", "present"),
    [
        ({"a": 0.3, "b": 0.3}, {"a": 0, "b": 0}),
        ({"a": 2.0}, {"a": 0}),
        ({"a": 1.0, "b": 0.1, "c": 0.95}, {"a": 0, "b": 0, "c": 1}),
        ({"a": 1.0, "b": None}, {"a": 0, "b": 0}),
    ],
    ids=["nobody has too much to do", "one camera cannot be split", "it would gain little", "not all is measured"],
)
def test_nothing_moves_without_need(costs: dict[str, float | None], present: dict[str, int]) -> None:
    assert best_move(costs, present, workers=2) is None


@given(MEASURED, WORKERS)
def test_moves_relieve_the_busiest_and_come_to_an_end(costs: dict[str, float], workers: int) -> None:
    seats = dict.fromkeys(costs, 0)
    for _ in range(10 * len(costs)):
        move = best_move(costs, seats, workers=workers)
        if move is None:
            return
        before = max(loads(costs, seats).values())
        assert before > NOMINAL_CORES
        seats[move.camera_id] = move.seat
        assert max(loads(costs, seats).values()) <= before
    raise AssertionError("cameras move for ever")
