from __future__ import annotations

import pytest

from core.qualification.tally import LIMIT, Standing, Tally, needed, tally
from core.statistics import wilson
from tests.core.qualification.samples import FALSE, TRUE, UNKNOWN, judged


def counts(true: int, false: int) -> Tally:
    return Tally(true=true, false=false, unknown=0, none=0)


def test_alerts_are_counted_by_what_was_said_of_them() -> None:
    found = tally(judged(TRUE, FALSE, FALSE, UNKNOWN, None, None, None))
    assert found == Tally(true=1, false=2, unknown=1, none=3)
    assert (found.all, found.judged) == (7, 3)


def test_what_nobody_judged_counts_neither_way() -> None:
    found = tally(judged(TRUE, FALSE, UNKNOWN, None))
    assert found.share == 0.5
    assert found.interval == wilson(1, 2)
    assert tally(judged(UNKNOWN, None)).share is None


@pytest.mark.parametrize(
    ("true", "false", "standing"),
    [
        (0, 0, Standing.NOT_ENOUGH_VERDICTS),
        (34, 0, Standing.NOT_ENOUGH_VERDICTS),
        (35, 0, Standing.QUALIFIED),
        (50, 1, Standing.NOT_ENOUGH_VERDICTS),
        (190, 10, Standing.QUALIFIED),
        (0, 1, Standing.NOT_ENOUGH_VERDICTS),
        (0, 9, Standing.NOT_ENOUGH_VERDICTS),
        (9, 1, Standing.NOT_ENOUGH_VERDICTS),
        (8, 2, Standing.TOO_MANY_FALSE),
        (900, 100, Standing.NOT_ENOUGH_VERDICTS),
        (899, 101, Standing.TOO_MANY_FALSE),
    ],
)
def test_to_arm_needs_proof_and_to_object_ten_verdicts(true: int, false: int, standing: Standing) -> None:
    assert counts(true, false).standing is standing


@pytest.mark.parametrize(("false", "trials"), [(0, 35), (1, 53), (2, 69), (3, 84), (5, 113)])
def test_so_many_verdicts_prove_it(false: int, trials: int) -> None:
    assert needed(false) == trials
    enough, few = wilson(false, trials), wilson(false, trials - 1)
    assert enough is not None
    assert few is not None
    assert enough.high < LIMIT <= few.high
