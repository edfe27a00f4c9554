from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from core.health import HealthBoard
from core.types import Health, HealthLevel

GREEN, YELLOW, RED = HealthLevel.GREEN, HealthLevel.YELLOW, HealthLevel.RED


@pytest.mark.parametrize(
    ("levels", "logged"),
    [
        ([GREEN, GREEN], []),
        ([YELLOW, YELLOW, YELLOW], ["degraded"]),
        ([YELLOW, RED, YELLOW], ["degraded", "degraded", "degraded"]),
        ([GREEN, RED, GREEN, GREEN], ["degraded", "recovered"]),
    ],
)
def test_a_change_of_colour_is_logged_and_a_change_of_cause_is_only_shown(
    levels: list[HealthLevel], logged: list[str]
) -> None:
    board = HealthBoard()
    with capture_logs() as logs:
        for number, level in enumerate(levels):
            board.report(Health(component="camera/a", level=level, cause=f"try {number}"))
    assert [line["event"] for line in logs] == logged
    assert board.all() == [Health(component="camera/a", level=levels[-1], cause=f"try {len(levels) - 1}")]


def test_the_worst_colour_is_that_of_the_whole_and_what_is_forgotten_does_not_count() -> None:
    board = HealthBoard()
    assert board.worst() is GREEN
    board.report(Health(component="a", level=YELLOW))
    board.report(Health(component="b", level=RED))
    assert board.worst() is RED
    board.forget("b")
    assert board.worst() is YELLOW
