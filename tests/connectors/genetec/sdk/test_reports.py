"""Reports that do not fit into one answer, without any child."""

from __future__ import annotations

from typing import Any, cast

import pytest

from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.control import VerdictSource
from connectors.genetec.sdk.publisher import Publisher
from core.clock import ManualClock
from core.errors import VmsRefused
from core.types import VerdictGiven
from tests.connectors.genetec import samples
from tests.connectors.genetec.sdk.center import ALICE, CAMERA, sdk_settings

NOW = 1_790_000_000.0
LONGEST_S = 3600.0


class Shown:
    """A bridge whose reports show their rows only for spans of at most that length."""

    def __init__(self, longest_s: float, row: dict[str, Any]) -> None:
        self._longest_s = longest_s
        self._row = row

    def ask(self, what: str, **given: Any) -> Any:
        if what == "look up an entity":
            return {"name": "Alice"}
        is_complete = given["end"] - given["begin"] <= self._longest_s
        return {"rows": [self._row] if is_complete else [], "is_complete": is_complete}


def bridge(longest_s: float, row: dict[str, Any]) -> Bridge:
    return cast("Bridge", Shown(longest_s, row))


def clock() -> ManualClock:
    return ManualClock(utc=NOW)


@pytest.mark.parametrize("action", ["event", "alarm"])
def test_a_delivery_is_found_in_a_report_that_has_to_be_read_in_parts(action: str) -> None:
    delivery = samples.delivery(action)
    publisher = Publisher(sdk_settings(), bridge(LONGEST_S, {"text": delivery.token, "instance": 7}), clock())
    assert publisher.find(delivery, samples.alert(captured_at=NOW - 9000.0), CAMERA) is not None


@pytest.mark.parametrize("action", ["event", "alarm", "bookmark"])
def test_a_report_without_end_never_means_that_a_delivery_is_missing(action: str) -> None:
    publisher = Publisher(sdk_settings(), bridge(0.0, {}), clock())
    with pytest.raises(VmsRefused, match="cannot be told"):
        publisher.find(samples.delivery(action), samples.alert(captured_at=NOW - 9000.0), CAMERA)
    assert action in publisher.askable


def test_verdicts_are_read_from_a_report_that_has_to_be_read_in_parts() -> None:
    token = samples.delivery("alarm").token
    row = {"text": token, "instance": 7, "acknowledged_at": NOW, "acknowledged_by": ALICE, "acknowledgement": "Ack"}
    source = VerdictSource(sdk_settings(), bridge(LONGEST_S, row), clock(), NOW - 60.0)
    told = [message for message in source._begun() if isinstance(message, VerdictGiven)]
    assert [(verdict.token, verdict.by) for verdict in told] == [(token, "Alice")]
