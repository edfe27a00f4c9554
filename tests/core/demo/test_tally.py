from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo.tally import Meant, percentile, tally
from core.types import Delivery, DeliveryState


def meant(action: str, captured_at: float = 100.0, state: DeliveryState = DeliveryState.DELIVERED) -> Meant:
    alert_id = uuid4()
    delivery = Delivery(
        key=Delivery.derive_key(alert_id, "vms", action),
        alert_id=alert_id,
        camera_id="a",
        vms_id="vms",
        action=action,
        state=state,
        attempts=1,
    )
    return Meant(delivery=delivery, captured_at=captured_at)


def record(kind: str, text: str | UUID, accepted_at: float = 100.5) -> dict[str, Any]:
    return {"kind": kind, "accepted_at": accepted_at, "message": {"text": f"Zone {text}"}}


def test_a_delivery_is_found_by_token_or_by_key_and_its_latency_measured() -> None:
    by_token, by_key = meant("event"), meant("alarm")
    ledger = [record("event", by_token.delivery.token), record("alarm", by_key.delivery.key, accepted_at=101.0)]
    result = tally([by_token, by_key], ledger)
    assert result.lost == result.duplicates == ()
    assert sorted(result.latencies_ms) == [500.0, 1000.0]
    assert result.accepted == {"event": 1, "alarm": 1}


def test_what_no_record_carries_is_lost() -> None:
    item = meant("event")
    assert tally([item], [record("event", "someone else's")]).lost == (item.delivery,)


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING])
def test_what_is_still_in_the_outbox_is_waiting_and_not_lost(state: DeliveryState) -> None:
    item = meant("event", state=state)
    result = tally([item], [])
    assert (result.waiting, result.lost) == ((item.delivery,), ())


def test_a_record_of_another_kind_does_not_count() -> None:
    item = meant("event")
    assert tally([item], [record("bookmark", item.delivery.token)]).lost == (item.delivery,)


def test_each_surplus_record_is_a_duplicate() -> None:
    item = meant("event")
    ledger = [record("event", item.delivery.token, accepted_at=moment) for moment in (101.0, 102.0, 103.0)]
    result = tally([item], ledger)
    assert result.duplicates == (item.delivery, item.delivery)
    assert result.latencies_ms == (1000.0,)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.1, 1), (1.0, 10)])
def test_percentile_is_by_nearest_rank(share: float, expected: int) -> None:
    assert percentile(range(1, 11), share) == expected


@given(st.lists(st.floats(allow_nan=False), max_size=50), st.floats(0.01, 1.0))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values if values else found is None
