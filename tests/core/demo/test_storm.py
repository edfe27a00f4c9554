from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from core.demo.footprint import Footprint
from core.demo.storm import StormResult
from core.demo.tally import Tally
from core.types import Delivery, DeliveryState

STEADY = Footprint(threads=0, handles=0, rss_mib=0.0)
GOOD = StormResult(
    seconds=300.0,
    cameras=8,
    alerts=3,
    parked=0,
    tally=Tally(accepted={"alarm": 3}, lost=(), waiting=(), duplicates=(), latencies_ms=(50.0,)),
    doubles_on_askable=0,
    restarts=1,
    resumes_s=(1.0, 2.0),
    never_resumed=0,
    verdicts=2,
    judged=2,
    start=STEADY,
    end=STEADY,
    grown=STEADY,
)
A_DELIVERY = Delivery(
    key=uuid4(),
    alert_id=uuid4(),
    camera_id="a",
    vms_id="xprotect",
    action="alarm",
    state=DeliveryState.PENDING,
    attempts=1,
)


def test_a_storm_that_nothing_suffered_from_is_good() -> None:
    assert GOOD.is_good


def test_a_double_that_nobody_could_have_asked_for_is_counted_but_is_not_our_fault() -> None:
    result = replace(GOOD, tally=replace(GOOD.tally, duplicates=(A_DELIVERY,)))
    assert result.is_good
    assert result.as_json()["doubles"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"alerts": 0},
        {"parked": 1},
        {"tally": replace(GOOD.tally, lost=(A_DELIVERY,))},
        {"tally": replace(GOOD.tally, waiting=(A_DELIVERY,))},
        {"doubles_on_askable": 1},
        {"resumes_s": (1.0, 5.1)},
        {"never_resumed": 1},
        {"verdicts": 1},
        {"verdicts": 0, "judged": 0},
        {"restarts": 0, "resumes_s": ()},
        {"grown": replace(STEADY, threads=3)},
        {"grown": replace(STEADY, handles=9)},
        {"grown": replace(STEADY, rss_mib=20.0)},
    ],
)
def test_each_thing_that_went_wrong_spoils_it(wrong: dict[str, Any]) -> None:
    assert not replace(GOOD, **wrong).is_good
