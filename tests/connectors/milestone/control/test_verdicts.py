from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from connectors.milestone.control import alarm_pages, verdicts
from connectors.milestone.control.verdicts import VerdictSource
from connectors.milestone.publish.alarm_service import (
    AlarmChanges,
    AlarmHistoryEntry,
    AlarmLine,
    AlarmService,
    Condition,
    Operator,
    Target,
)
from core.clock import ManualClock
from core.errors import NotFoundInVms, RightMissing, VmsError, VmsUnavailable
from core.types import Answer, Linked, VerdictGiven
from tests.connectors.listener import listening
from tests.connectors.milestone.control.control_support import ALARM, TOKEN, FakeSession, eventually
from tests.connectors.milestone.support import settings

pytestmark = pytest.mark.slow

NOW = 1_763_632_800.0
LINE = AlarmLine(
    alarm_id=ALARM,
    local_id=7,
    custom_tag=TOKEN,
    state=1,
    state_name="New",
    category_name="",
    priority=1,
    message="Vigie",
    description="person on Quai 1",
    assigned_to="",
    timestamp=NOW - 600.0,
    modified=NOW,
)
CLOSED = replace(LINE, state=11, state_name="Closed", assigned_to="martin", modified=NOW + 5.0)


class FakeAlarmService:
    """Sessions that tell what was put into them; the first answer has every line."""

    def __init__(self, *lines: AlarmLine) -> None:
        self.present = list(lines)
        self.filters: dict[str, Sequence[Condition]] = {}
        self.waiting: dict[str, AlarmChanges] = {}
        self.entries: list[AlarmHistoryEntry] = []
        self.failures: dict[str, VmsError] = {}
        self.stopped: list[str] = []
        self.listed: list[Sequence[Condition]] = []

    def as_service(self) -> AlarmService:
        return cast("AlarmService", self)

    def start_session(self, conditions: Sequence[Condition]) -> str:
        self._may_fail("start")
        session_id = f"session-{len(self.filters) + 1}"
        lines = [line for line in self.present if _meets(line, conditions)]
        self.waiting[session_id] = AlarmChanges(inserted=lines, updated=[], deleted=[])
        self.filters[session_id] = conditions
        return session_id

    def changes(self, session_id: str, limit: int) -> AlarmChanges:
        self._may_fail("changes")
        return self.waiting.pop(session_id, AlarmChanges(inserted=[], updated=[], deleted=[]))

    def stop_session(self, session_id: str) -> None:
        self.stopped.append(session_id)
        self._may_fail("stop")

    def lines(self, conditions: Sequence[Condition], limit: int) -> list[AlarmLine]:
        self._may_fail("lines")
        self.listed.append(conditions)
        return [line for line in self.present if _meets(line, conditions)]

    def history(self, alarm_id: str) -> list[AlarmHistoryEntry]:
        self._may_fail("history")
        return self.entries

    def update(self, *lines: AlarmLine) -> None:
        """Somebody changes these alarms."""
        for session_id, conditions in self.filters.items():
            found = [line for line in lines if _meets(line, conditions)]
            if found:
                self.waiting[session_id] = AlarmChanges(inserted=[], updated=found, deleted=[])

    def delete(self, alarm_id: str) -> None:
        self.waiting["session-1"] = AlarmChanges(inserted=[], updated=[], deleted=[alarm_id])

    def _may_fail(self, call: str) -> None:
        if call in self.failures:
            raise self.failures[call]


def _meets(line: AlarmLine, conditions: Sequence[Condition]) -> bool:
    texts = {Target.CUSTOM_TAG: line.custom_tag, Target.MESSAGE: line.message}
    return all(str(one.value) in texts[one.target] for one in conditions if one.operator is Operator.CONTAINS) and all(
        line.modified > cast("Any", one.value).timestamp() for one in conditions if one.target is Target.MODIFIED
    )


class Site:
    def __init__(self, *lines: AlarmLine) -> None:
        self.service = FakeAlarmService(*lines)
        self.session = FakeSession(clock=ManualClock(NOW))
        self.session.routes.alarm_route = "soap"

    def source(self, since: float = NOW) -> VerdictSource:
        return VerdictSource(
            settings(), self.session.as_session(), self.service.as_service(), ManualClock(NOW), since=since
        )


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real pace only where it is what is tested."""
    if "within_two_seconds" not in request.node.name:
        monkeypatch.setattr(verdicts, "_POLL_S", 0.02)
        monkeypatch.setattr(alarm_pages, "_POLL_S", 0.02)


@pytest.fixture
def site() -> Site:
    return Site(LINE)


def test_linked_comes_first_and_an_open_alarm_has_no_verdict(site: Site) -> None:
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        site.service.update(replace(LINE, state_name="In progress"))
        site.service.update(CLOSED)
        assert isinstance(listener.next(), VerdictGiven)


def test_both_fields_that_may_hold_the_token_are_followed(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
    assert [[(one.target, one.operator, one.value) for one in f] for f in site.service.filters.values()] == [
        [(Target.CUSTOM_TAG, Operator.CONTAINS, "vigie:")],
        [(Target.MESSAGE, Operator.CONTAINS, "vigie:")],
    ]
    assert sorted(site.service.stopped) == ["session-1", "session-2"]


def test_a_verdict_comes_within_two_seconds_of_the_act(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
        acted = time.monotonic()
        site.service.update(CLOSED)
        told = listener.next()
        assert time.monotonic() - acted <= 2.0
    assert told == VerdictGiven(token=TOKEN, answer=Answer.UNKNOWN, at=NOW + 5.0, by="martin")


def test_the_history_tells_reason_comment_and_author(site: Site) -> None:
    site.service.entries = [
        AlarmHistoryEntry(author="dupont", key="ReasonCode", value="False alarm", at=3.0),
        AlarmHistoryEntry(author="martin", key="State", value="4", at=1.0),
        AlarmHistoryEntry(author="dupont", key="Comment", value="un chat", at=2.0),
    ]
    with listening(site.source()) as listener:
        listener.next()
        site.service.update(CLOSED)
        assert listener.next() == VerdictGiven(
            token=TOKEN, answer=Answer.FALSE, at=NOW + 5.0, by="dupont", comment="un chat"
        )


@pytest.mark.parametrize(
    "told",
    [
        {"reasonForClosing": "False alarm"},
        {"reasonForClosing": {"id": "x", "name": "False alarm"}},
        {"data": {"ReasonForClosing": "False alarm"}},
        {"reasonForClosing": "77777777-7777-4777-8777-777777777777"},
        {"closeReason": {"displayName": "False alarm"}},
    ],
)
def test_the_alarm_itself_tells_the_reason_where_rest_has_it(site: Site, told: dict[str, Any]) -> None:
    site.session.routes.alarm_route = "rest"
    site.session.answers[f"/alarms/{ALARM}"] = {"data": {"id": ALARM, **told}}
    reasons = [{"id": "77777777-7777-4777-8777-777777777777", "name": "False alarm"}]
    site.session.answers["/closeReasons"] = {"array": reasons}
    with listening(site.source()) as listener:
        listener.next()
        site.service.update(CLOSED)
        verdict = listener.next()
    assert isinstance(verdict, VerdictGiven)
    assert verdict.answer is Answer.FALSE


def test_details_that_may_not_be_read_leave_the_verdict_and_are_logged_once(site: Site) -> None:
    site.session.routes.alarm_route = "rest"
    site.service.failures["history"] = RightMissing("no")
    with capture_logs() as logs, listening(site.source()) as listener:
        listener.next()
        site.service.update(replace(CLOSED, category_name="True alarm"))
        verdict = listener.next()
    assert isinstance(verdict, VerdictGiven)
    assert verdict.answer is Answer.TRUE
    assert [entry["event"] for entry in logs] == ["alarm_details_refused"]


def test_details_that_cannot_be_had_now_end_the_link_so_that_nothing_is_missed(site: Site) -> None:
    site.service.failures["history"] = VmsUnavailable("gone")
    with listening(site.source()) as listener:
        listener.next()
        site.service.update(CLOSED)
        assert isinstance(listener.ended_with(), VmsUnavailable)


def test_a_verdict_is_told_once_and_again_when_it_changes(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.service.update(CLOSED)
        listener.next()
        site.service.update(replace(CLOSED, category_name="False alarm", modified=NOW + 9.0))
        assert listener.next() == VerdictGiven(token=TOKEN, answer=Answer.FALSE, at=NOW + 9.0, by="martin")


def test_an_alarm_opened_again_is_told_when_it_is_judged_again(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
        for modified in (5.0, 15.0):
            site.service.update(replace(LINE, modified=NOW + modified - 1.0))
            eventually(lambda: not site.service.waiting)
            site.service.update(replace(CLOSED, modified=NOW + modified))
            told = listener.next()
            assert isinstance(told, VerdictGiven)
            assert told.at == NOW + modified
        assert listener.rest() == []


def test_what_was_judged_while_nobody_listened_is_told_once() -> None:
    site = Site(CLOSED, replace(CLOSED, alarm_id="old", modified=NOW - 3600.0))
    with listening(site.source(since=NOW)) as listener:
        assert listener.next() == Linked()
        assert listener.next() == VerdictGiven(token=TOKEN, answer=Answer.UNKNOWN, at=NOW + 5.0, by="martin")
        site.service.update(replace(CLOSED, custom_tag="", message=f"Vigie {TOKEN}", alarm_id="later"))
        assert isinstance(listener.next(), VerdictGiven)
        assert listener.rest() == []
    assert [one.target for one in site.service.listed[0]] == [Target.CUSTOM_TAG, Target.MODIFIED]


def test_a_clock_that_is_behind_loses_no_live_verdict(site: Site) -> None:
    with listening(site.source(since=NOW + 3600.0)) as listener:
        listener.next()
        site.service.update(LINE)
        eventually(lambda: not site.service.waiting)
        site.service.update(CLOSED)
        assert isinstance(listener.next(), VerdictGiven)


def test_alarms_of_others_are_passed_over(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.service.update(replace(CLOSED, custom_tag="vigie:somebody else's"), CLOSED)
        told = listener.next()
    assert isinstance(told, VerdictGiven)
    assert told.token == TOKEN


def test_a_session_that_the_service_forgot_is_unavailable_so_that_the_engine_links_again(site: Site) -> None:
    site.service.failures["changes"] = NotFoundInVms("unknown session")
    with listening(site.source()) as listener:
        listener.next()
        assert type(listener.ended_with()) is VmsUnavailable


def test_without_rest_an_alarm_service_out_of_reach_is_told(site: Site) -> None:
    site.service.failures["start"] = VmsUnavailable("nobody there", remedy="open 22331")
    with listening(site.source()) as listener:
        error = listener.ended_with()
    assert isinstance(error, VmsUnavailable)
    assert error.remedy == "open 22331"


def test_lines_that_cannot_be_listed_do_not_end_the_link(site: Site) -> None:
    site.service.failures["lines"] = RightMissing("no")
    with capture_logs() as logs, listening(site.source()) as listener:
        listener.next()
        site.service.update(CLOSED)
        assert isinstance(listener.next(), VerdictGiven)
    assert [entry["event"] for entry in logs] == ["missed_verdicts_not_listed"]


def test_close_ends_a_waiting_link_at_once(site: Site) -> None:
    source = site.source()
    with listening(source) as listener:
        listener.next()
        begun = time.monotonic()
        source.close()
        listener.join()
        assert time.monotonic() - begun < 1.0
    assert listener.error is None
    assert list(source.messages()) == []


def rest_alarm(state: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": ALARM,
        "message": f"Zone on Quai 1 {TOKEN}",
        "time": "2025-11-20T09:50:00.0000000Z",
        "lastUpdatedTime": "2025-11-20T10:00:05.0000000Z",
        "state": {"id": "s", "name": state},
        "assignedTo": {"displayName": "martin"},
        **changes,
    }


class RestSite(Site):
    """The alarm service is out of reach; the alarms are read by REST."""

    def __init__(self, *alarms: dict[str, Any]) -> None:
        super().__init__()
        self.service.failures["start"] = VmsUnavailable("nobody there")
        self.session.routes.alarm_route = "rest"
        self.alarms = list(alarms)
        self.session.answers["/alarms"] = self._page
        self.session.answers[f"/alarms/{ALARM}"] = lambda _: {"data": self._alarm()}

    def _page(self, query: dict[str, int]) -> dict[str, Any]:
        first = query["page"] * query["size"]
        return {"array": self.alarms[first : first + query["size"]]}

    def _alarm(self) -> dict[str, Any]:
        return next(alarm for alarm in self.alarms if alarm["id"] == ALARM)

    def close_alarm(self, **changes: Any) -> None:
        at = next(number for number, alarm in enumerate(self.alarms) if alarm["id"] == ALARM)
        self.alarms[at] = rest_alarm("Closed", lastUpdatedTime="2025-11-20T10:00:09.0000000Z", **changes)


def other(number: int) -> dict[str, Any]:
    minute, second = divmod(number, 60)
    time_text = f"2025-11-20T11:{minute:02d}:{second:02d}.0000000Z"
    return rest_alarm("New", id=f"other-{number}", message="somebody else's", time=time_text)


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_where_only_rest_is_reached_a_verdict_comes_within_two_seconds(order: str) -> None:
    others = [other(number) for number in range(150)]
    ours = rest_alarm("New", time="2025-11-20T12:00:00.0000000Z")
    site = RestSite(*([*others, ours] if order == "oldest first" else [ours, *others[::-1]]))
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        acted = time.monotonic()
        site.close_alarm(time="2025-11-20T12:00:00.0000000Z", reasonForClosing="Fausse alarme")
        told = listener.next()
        assert time.monotonic() - acted <= 2.0
    assert told == VerdictGiven(token=TOKEN, answer=Answer.FALSE, at=NOW + 9.0, by="martin")


def test_an_open_alarm_that_is_no_longer_on_the_newest_page_is_followed() -> None:
    site = RestSite(*[other(number) for number in range(120)][::-1], rest_alarm("New"))
    with listening(site.source()) as listener:
        listener.next()
        site.close_alarm()
        assert isinstance(listener.next(), VerdictGiven)


def test_an_alarm_that_was_erased_is_let_go() -> None:
    site = RestSite(*[other(number) for number in range(120)][::-1], rest_alarm("New"))
    site.session.answers[f"/alarms/{ALARM}"] = 404
    with listening(site.source()) as listener:
        listener.next()
        asked = f"GET /alarms/{ALARM}"
        eventually(lambda: asked in site.session.asked)
        pages = len(site.session.asked)
        eventually(lambda: len(site.session.asked) >= pages + 2)
    assert site.session.asked.count(asked) == 1
    assert listener.error is None


def test_verdicts_of_before_are_not_told_again_by_rest() -> None:
    old = rest_alarm("Closed", id="old", lastUpdatedTime="2025-11-20T08:00:00Z")
    site = RestSite(rest_alarm("Closed"), old)
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert isinstance(listener.next(), VerdictGiven)
        eventually(lambda: site.session.asked.count("GET /alarms") >= 4)
        assert listener.rest() == []


def test_a_gateway_that_goes_away_ends_the_link() -> None:
    site = RestSite(rest_alarm("New"))
    with listening(site.source()) as listener:
        listener.next()
        site.session.answers["/alarms"] = 503
        assert type(listener.ended_with()) is VmsUnavailable


def test_verdicts_of_an_outage_are_told_in_the_order_they_were_given_so_that_a_failure_loses_none() -> None:
    """Alarms are listed by when they were raised; the engine's place moves with what it was told."""
    late = replace(CLOSED, alarm_id="raised-first", timestamp=NOW - 900.0, modified=NOW + 3600.0)
    early = replace(CLOSED, alarm_id="raised-last", timestamp=NOW - 300.0, modified=NOW + 60.0)
    by_message = replace(CLOSED, alarm_id="rest", custom_tag="", message=f"Vigie {TOKEN}", modified=NOW + 30.0)
    with listening(Site(early, late, by_message).source()) as listener:
        assert listener.next() == Linked()
        told = [message.at for message in listener.take(3) if isinstance(message, VerdictGiven)]
    assert told == [NOW + 30.0, NOW + 60.0, NOW + 3600.0]


def test_changes_of_both_sessions_are_told_in_the_order_they_were_made(site: Site) -> None:
    with listening(site.source()) as listener:
        listener.next()
        in_message = replace(CLOSED, custom_tag="", message=f"Vigie {TOKEN}", alarm_id="rest", modified=NOW + 5.0)
        held = site.service.changes
        site.service.changes = lambda *_: AlarmChanges(inserted=[], updated=[], deleted=[])  # type: ignore[method-assign]
        site.service.update(replace(CLOSED, alarm_id="b", modified=NOW + 90.0), in_message)
        site.service.changes = held  # type: ignore[method-assign]
        told = [message.at for message in listener.take(2) if isinstance(message, VerdictGiven)]
    assert told == [NOW + 5.0, NOW + 90.0]


@pytest.mark.parametrize("order", [1, -1])
def test_verdicts_of_an_outage_are_told_by_rest_in_the_order_they_were_given(order: int) -> None:
    closed = [
        rest_alarm("Closed", id=f"{number}", lastUpdatedTime=f"2025-11-20T10:{minute}:00Z")
        for number, minute in enumerate((40, 20, 30))
    ]
    with listening(RestSite(*closed[::order]).source()) as listener:
        listener.next()
        told = [message.at for message in listener.take(3) if isinstance(message, VerdictGiven)]
    assert told == [NOW + 1200.0, NOW + 1800.0, NOW + 2400.0]


def test_where_the_oldest_come_first_what_was_judged_before_is_not_asked_for_page_by_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_pages, "_MAX_PAGES", 3)
    old = rest_alarm("Closed", id="old", lastUpdatedTime="2025-11-20T08:00:00Z", time="2025-11-20T12:00:00Z")
    ours = rest_alarm("New", time="2025-11-20T12:00:01Z")
    site = RestSite(*[other(number) for number in range(450)], old, ours)
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        site.close_alarm(time="2025-11-20T12:00:01Z")
        told = listener.next()
        assert isinstance(told, VerdictGiven)
        assert told.at == NOW + 9.0
    assert "GET /alarms/old" not in site.session.asked


def test_close_leaves_verdicts_that_are_still_to_be_looked_into_for_the_next_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(*(replace(CLOSED, alarm_id=str(number), modified=NOW + number) for number in range(50)))
    source = site.source()
    asked: list[str] = []

    def history(alarm_id: str) -> list[AlarmHistoryEntry]:
        asked.append(alarm_id)
        source.close()
        return []

    monkeypatch.setattr(site.service, "history", history)
    with listening(source) as listener:
        listener.join()
    assert asked == ["0"]
