from __future__ import annotations

from typing import Any

import pytest

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.publisher import Publisher
from core.clock import ManualClock
from core.errors import RequestInvalid
from tests.connectors.milestone.support import alert, camera, delivery, services, settings


def publisher(**changes: Any) -> Publisher:
    entry = settings(**changes)
    session = XProtectSession(entry, services())
    return Publisher(entry, session, Inventory(session, ManualClock()))


@pytest.mark.parametrize(
    ("changes", "askable"),
    [
        ({}, {"alarm", "bookmark", "evidence_lock"}),
        ({"event_route": "rest"}, {"event", "alarm", "bookmark", "evidence_lock"}),
        ({"alarm_route": "soap"}, {"alarm", "bookmark", "evidence_lock"}),
    ],
)
def test_what_can_be_asked_for_is_known_without_asking(changes: dict[str, Any], askable: set[str]) -> None:
    assert publisher(**changes).askable() == askable


def test_an_unknown_action_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestInvalid, match="'fax'") as caught:
        publisher().publish(delivery("fax"), alert(), camera())
    assert "alarm, bookmark, event, evidence_lock, trigger" in caught.value.remedy


@pytest.mark.parametrize("action", ["event", "trigger"])
def test_what_cannot_be_asked_for_is_refused(action: str) -> None:
    with pytest.raises(RequestInvalid):
        publisher().find(delivery(action), alert(), camera())


def test_closing_twice_is_fine() -> None:
    used = publisher()
    used.close()
    used.close()
