"""Every action by every route, against the simulator, which others wrote from the same notes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_changes import AlarmEditor
from connectors.milestone.publish.alarm_service import AlarmService, Condition, Operator, Target
from connectors.milestone.publish.alarms import AlarmPublisher
from core.clock import SystemClock
from core.errors import NotFoundInVms, ReplyLost, VmsRefused
from core.types import Delivery
from tests.connectors.milestone.simulator.running import Running
from tests.connectors.milestone.sites import connect, running_site, services_for, settings_for, write_clip
from tests.connectors.milestone.support import alert, camera, delivery

pytestmark = pytest.mark.slow

OLDEST, WITHOUT_GATEWAY, FIRST_GATEWAY, BETWEEN, NEWEST = "2020R1", "2021R1", "2022R1", "2023R3", "2025R2"
OPTIONS = ("--event-retention-days", "1", "--user-defined-event", "Vigie alert")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def site(clip: Path) -> Iterator[Running]:
    with running_site(clip, *OPTIONS) as running:
        yield running


class Client:
    def __init__(self, site: Running, **changes: Any) -> None:
        self.connector = connect(site, **changes)
        self.camera = camera(device=site.camera)
        self.alert = alert(captured_at=time.time() - 30, started_at=time.time() - 32)

    def publish(self, action: str) -> str:
        return self.connector.publish(delivery(action), self.alert, self.camera).remote_id

    def find(self, action: str, **changes: Any) -> str | None:
        found = self.connector.find(delivery(action, **changes), self.alert, self.camera)
        return found.remote_id if found else None


ROUTES = [
    pytest.param("alarm", {"alarm_route": "soap"}, id="alarm by SOAP"),
    pytest.param("alarm", {"alarm_route": "rest"}, id="alarm by REST"),
    pytest.param("event", {"event_route": "rest"}, id="event by REST"),
    pytest.param("evidence_lock", {}, id="evidence lock"),
]


@pytest.mark.parametrize(("action", "changes"), ROUTES)
def test_what_was_published_is_found_and_nothing_before(site: Running, action: str, changes: dict[str, Any]) -> None:
    client = Client(site, **changes)
    assert client.find(action) is None
    remote_id = client.publish(action)
    assert remote_id
    assert client.find(action) == remote_id
    assert client.find(action, remote_id=remote_id) == remote_id


@pytest.mark.parametrize(("action", "changes"), ROUTES)
def test_after_a_lost_reply_the_vms_has_it_once(site: Running, action: str, changes: dict[str, Any]) -> None:
    client = Client(site, **changes)
    site.order("publish", "accept-then-drop")
    with pytest.raises(ReplyLost):
        client.publish(action)
    assert client.find(action)
    assert len(site.ledger(action)) == 1


@pytest.mark.parametrize(("made_by", "asked_by"), [("soap", "rest"), ("rest", "soap")])
def test_an_alarm_is_found_whichever_route_made_it(site: Running, made_by: str, asked_by: str) -> None:
    remote_id = Client(site, alarm_route=made_by).publish("alarm")
    assert Client(site, alarm_route=asked_by).find("alarm") == remote_id


def test_a_trigger_triggers_its_event_once(site: Running) -> None:
    client = Client(site)
    client.publish("trigger")
    assert len(site.rest("GET", "/events?page=0&size=10").json()["array"]) == 1


def test_an_event_that_nobody_made_cannot_be_triggered(site: Running) -> None:
    with pytest.raises(NotFoundInVms):
        Client(site, trigger_event="Nobody").publish("trigger")


def service_of(site: Running, **changes: Any) -> tuple[AlarmService, XProtectSession]:
    entry = settings_for(site, **changes)
    session = XProtectSession(entry, services_for())
    return AlarmService(session, entry), session


def test_an_alarm_by_soap_is_a_line_with_all_that_it_told(site: Running) -> None:
    Client(site, alarm_route="soap").publish("alarm")
    service, session = service_of(site)
    [line] = service.lines([Condition(Target.CUSTOM_TAG, Operator.BEGINS_WITH, "vigie:")], 10)
    session.close()
    told: Delivery = delivery("alarm")
    assert (line.alarm_id, line.custom_tag) == (str(told.key), told.token)
    assert (line.state, line.priority, line.message) == (1, 1, "Voie interdite")
    assert line.description.endswith(told.token)
    assert line.modified > time.time() - 60


def test_a_session_of_alarm_lines_tells_what_is_made_and_changed(site: Running) -> None:
    service, session = service_of(site, alarm_route="soap")
    session_id = service.start_session([Condition(Target.CUSTOM_TAG, Operator.BEGINS_WITH, "vigie:")])
    assert service.changes(session_id, 10).inserted == []
    remote_id = Client(site, alarm_route="soap").publish("alarm")
    assert [line.alarm_id for line in service.changes(session_id, 10).inserted] == [remote_id]
    service.update(remote_id, text="seen", state=4, priority=2, assigned_to="", at=time.time())
    assert [line.state for line in service.changes(session_id, 10).updated] == [4]
    assert service.history(remote_id)
    service.stop_session(session_id)
    with pytest.raises(NotFoundInVms):
        service.changes(session_id, 10)
    session.close()


@pytest.mark.parametrize("route", ["soap", "rest"])
def test_an_alarm_is_closed_from_our_side(site: Running, route: str) -> None:
    remote_id = Client(site, alarm_route=route).publish("alarm")
    service, session = service_of(site)
    entry = settings_for(site, alarm_route=route)
    publisher = AlarmPublisher(session, entry, Inventory(session, SystemClock()), service)
    AlarmEditor(session, entry, publisher, SystemClock()).close(remote_id, comment="seen")
    [line] = service.lines([Condition(Target.STATE_NAME, Operator.EQUALS, "Closed")], 10)
    session.close()
    assert line.alarm_id == remote_id


@pytest.mark.parametrize("release", [OLDEST, WITHOUT_GATEWAY, FIRST_GATEWAY, BETWEEN, NEWEST])
def test_every_action_works_and_is_found_in_every_release(clip: Path, release: str) -> None:
    with running_site(clip, *OPTIONS, "--release", release) as site:
        client = Client(site)
        for action in ("event", "alarm", "bookmark", "evidence_lock", "trigger"):
            client.publish(action)
        for action in ("alarm", "bookmark", "evidence_lock"):
            assert client.find(action), action
            assert len(site.ledger(action)) == 1, action


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_a_small_edition_parks_bookmarks_and_locks_and_says_why(clip: Path, release: str) -> None:
    with running_site(clip, *OPTIONS, "--release", release, "--edition", "Essential+") as site:
        client = Client(site)
        for action, words in (("bookmark", "Essential+"), ("evidence_lock", "Corporate")):
            with pytest.raises(VmsRefused) as caught:
                client.publish(action)
            assert words in caught.value.remedy


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
@pytest.mark.parametrize("action", ["bookmark", "evidence_lock"])
def test_what_is_about_a_camera_that_was_deleted_is_parked(clip: Path, release: str, action: str) -> None:
    with running_site(clip, *OPTIONS, "--release", release) as site:
        client = Client(site)
        client.camera = camera(device="99999999-9999-4999-8999-999999999999")
        with pytest.raises(NotFoundInVms):
            client.publish(action)


def test_without_certificates_the_alarm_service_is_found_too(clip: Path) -> None:
    with running_site(clip, *OPTIONS, "--http-only") as site:
        client = Client(site, allow_http=True, alarm_route="soap")
        assert client.publish("alarm") == client.find("alarm")
