"""Which worker takes which camera: by cost, dearest first, and without moving what runs. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

NOMINAL_CORES = 0.8
"""What a worker may need before a camera is moved off it, where no budget is known."""

LEAST_GAIN = 0.2
"""A move costs its camera a second of video: it must take so much of its load off the busiest worker."""

Placed: TypeAlias = Mapping[str, int]
"""Seat (number of a worker) by camera id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where cameras belong."""

    seats: dict[str, int] = field(default_factory=dict)
    """Seat by camera id."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a camera got none, by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One camera that should change its worker."""

    camera_id: str
    seat: int


def place(
    costs: Mapping[str, float | None], *, workers: int, present: Placed | None = None, budget: float | None = None
) -> Placing:
    """Seats every camera of ``costs``.

    Args:
        costs: cores that each camera needs, by id, in the order of the settings; None where nobody knows.
        workers: how many seats there may be, at least 1.
        present: where cameras run now. They stay, unless there are fewer seats than before.
        budget: cores that one worker may spend; None admits everything. A camera that runs is never refused, nor is
            one of unknown cost; of new ones, those written first are admitted first.
    """
    running = {name: seat for name, seat in (present or {}).items() if name in costs}
    seats = _seats(running, costs, workers)
    known = [cost for cost in costs.values() if cost is not None]
    typical = sum(known) / len(known) if known else 1.0
    weights = {name: typical if cost is None else cost for name, cost in costs.items()}
    admitted = {name: seat for name, seat in running.items() if seat in seats}
    must = [name for name in running if name not in admitted]
    placing = Placing(seats=_dealt(must, weights, admitted, seats))
    news = [name for name in costs if name not in running]
    if budget is None:
        placing.seats.update(_dealt(news, weights, placing.seats, seats))
    else:
        _admit(news, costs, weights, seats, budget, placing)
    return placing


def best_move(
    costs: Mapping[str, float | None], present: Placed, *, workers: int, budget: float | None = None
) -> Move | None:
    """The one move that relieves the busiest worker most; None where there is no need, or not everything is measured.

    Repeated with the same costs it comes to an end: each move lowers the load of the busiest worker.
    """
    weights = {name: cost for name in present if (cost := costs.get(name)) is not None}
    if len(weights) < len(present):
        return None
    loads = _loads(present, weights, _seats(present, costs, workers))
    busiest, idlest = max(loads, key=loads.__getitem__), min(loads, key=loads.__getitem__)
    if busiest == idlest or loads[busiest] <= (NOMINAL_CORES if budget is None else budget):
        return None
    after = {
        name: max(loads[busiest] - weights[name], loads[idlest] + weights[name])
        for name, seat in present.items()
        if seat == busiest
    }
    best = min(after, key=after.__getitem__)
    if after[best] > loads[busiest] * (1.0 - LEAST_GAIN):
        return None
    return Move(camera_id=best, seat=idlest)


def _seats(running: Placed, costs: Mapping[str, float | None], workers: int) -> list[int]:
    """The seats that stay, the fullest first, and as many free ones as there is room for."""
    loads: dict[int, float] = defaultdict(float)
    for name, seat in running.items():
        loads[seat] += costs[name] or 0.0
    kept = sorted(loads, key=lambda seat: (-loads[seat], seat))[:workers]
    free = (seat for seat in range(len(loads) + workers) if seat not in loads)
    return sorted([*kept, *(next(free) for _ in range(workers - len(kept)))])


def _dealt(
    names: Collection[str], weights: Mapping[str, float], taken: Placed, seats: Collection[int]
) -> dict[str, int]:
    """Dearest first onto the seat that has least to do; ``taken`` included."""
    dealt = dict(taken)
    loads = _loads(dealt, weights, seats)
    counts = {seat: sum(taken_seat == seat for taken_seat in dealt.values()) for seat in seats}
    for name in sorted(names, key=lambda name: -weights[name]):
        seat = min(seats, key=lambda seat: (loads[seat], counts[seat], seat))
        dealt[name] = seat
        loads[seat] += weights[name]
        counts[seat] += 1
    return dealt


def _loads(dealt: Placed, weights: Mapping[str, float], seats: Collection[int]) -> dict[int, float]:
    loads = dict.fromkeys(seats, 0.0)
    for name, seat in dealt.items():
        loads[seat] = loads.get(seat, 0.0) + weights[name]
    return loads


def _admit(
    news: Collection[str],
    costs: Mapping[str, float | None],
    weights: Mapping[str, float],
    seats: Collection[int],
    budget: float,
    placing: Placing,
) -> None:
    """One after the other as written; those before may change seats, for they do not run yet."""
    taken = dict(placing.seats)
    known = {name: cost or 0.0 for name, cost in costs.items()}
    admitted: list[str] = []
    for name in news:
        dealt = _dealt([*admitted, name], weights, taken, seats)
        loads = _loads(dealt, known, seats)
        if costs[name] is not None and any(loads[dealt[new]] > budget + _ROUNDING for new in (*admitted, name)):
            left = budget - min(_loads(placing.seats, known, seats).values())
            placing.refused[name] = _refusal(known[name], left, len(seats))
        else:
            admitted.append(name)
            placing.seats.update(dealt)


_ROUNDING = 1e-9


def _refusal(cost: float, left: float, workers: int) -> str:
    where = "on the only worker" if workers == 1 else f"on the freest of {workers} workers"
    return (
        f"does not fit: it needs {cost:.2f} cores, {max(0.0, left):.2f} are left {where}; "
        "analyse fewer pictures per second, use a smaller model, or give the machine more cores"
    )
