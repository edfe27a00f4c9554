from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.demo.kills import KillsResult
from core.demo.result import DemoResult
from core.demo.tally import Tally
from core.demo.truth import Truth
from tests.core.demo.test_storm import A_DELIVERY

TALLY = Tally(accepted={"event": 2, "alarm": 2}, lost=(), waiting=(), duplicates=(), latencies_ms=(50.0,))
COMPARISON = DemoResult(alerts=4, by_rule={}, meant={"milestone": 2, "genetec": 2}, milestone=TALLY, genetec=TALLY)
TRUTH = Truth(expected=4, missed=(), expected_learning=2, missed_learning=1, repeated=())
GOOD = KillsResult(
    seconds=100.0,
    cameras=8,
    workers=2,
    kills=3,
    spare_kills=1,
    comparison=COMPARISON,
    truth=TRUTH,
    parked=0,
    video_back_s=(0.5, 1.0),
    analysed_again_s=(1.0, 2.0),
    never=0,
    unwatched_s=8.0,
    gaps_s={"a": 0.5, "b": 0.9},
)


def test_kills_that_nobody_else_noticed_are_good() -> None:
    assert GOOD.is_good
    document = GOOD.as_json()
    assert document["unwatched_share"] == 0.01
    assert document["analysed_again_s"] == {"count": 2, "p50": 1.0, "p95": 2.0, "max": 2.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"comparison": replace(COMPARISON, alerts=0)},
        {"comparison": replace(COMPARISON, milestone=replace(TALLY, lost=(A_DELIVERY,)))},
        {"comparison": replace(COMPARISON, milestone=replace(TALLY, waiting=(A_DELIVERY,)))},
        {"comparison": replace(COMPARISON, genetec=replace(TALLY, duplicates=(A_DELIVERY,)))},
        {"truth": replace(TRUTH, missed=((("a", "line"), 1.0),))},
        {"truth": replace(TRUTH, repeated=((("a", "line"), 1.0),))},
        {"parked": 1},
        {"never": 1},
        {"analysed_again_s": (5.1,)},
        {"gaps_s": {"a": 1.0}},
    ],
)
def test_any_harm_makes_it_bad(wrong: dict[str, Any]) -> None:
    assert not replace(GOOD, **wrong).is_good
