from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.model import CameraSettings, ControlSettings, ControlState, RuleSettings, SiteSettings
from core.clock import ManualClock
from core.contracts import ControlSource
from core.engine import control
from core.engine.control import Answers, ControlLink
from core.errors import AuthenticationRefused, StoreError, VmsUnavailable
from core.fakes import FakeConnector, FakeControlSource
from core.health import HealthBoard
from core.store import Store
from core.types import (
    Answer,
    CameraReported,
    ControlMessage,
    Delivery,
    EventSeen,
    HealthLevel,
    Linked,
    RuleState,
    UtcSeconds,
    VerdictGiven,
)
from tests.core.engine.sites import camera, site, vms
from tests.core.store.alerts import EVENT, NOW, alert

pytestmark = pytest.mark.slow

PATIENCE_S = 10.0
DEVICE = "6D2B1F5E-0000-4000-8000-000000000001"


def watched(name: str, *rules: str, device: str = "") -> CameraSettings:
    settings = tuple(RuleSettings(id=rule, type="any") for rule in rules)
    return camera(name).model_copy(update={"rules": settings, "device": device or f"device-{name}"})


class Desk:
    """Everything behind a control link, and what came out of it."""

    def __init__(self, folder: Path, *orders: ControlSettings) -> None:
        self.clock = ManualClock()
        self.store = Store.open(f"sqlite:///{(folder / 'vigie.db').as_posix()}", clock=self.clock)
        self.health = HealthBoard()
        self.switched: queue.Queue[str] = queue.Queue()
        self.vms = vms().model_copy(update={"control": orders})
        self.site: SiteSettings = site(watched("a", "zone", "line", device=DEVICE), watched("b", "zone")).model_copy(
            update={"vms": (self.vms,)}
        )
        self.answers = Answers(
            self.site, self.vms, feedback=self.store.feedback, health=self.health, switch=self.switched.put
        )
        self.connector = FakeConnector()

    def link(self, opened: Callable[[UtcSeconds], ControlSource]) -> ControlLink:
        self.connector.controls["events"] = opened
        return ControlLink(
            "vms",
            "events",
            connector=self.connector,
            answers=self.answers,
            feedback=self.store.feedback,
            health=self.health,
            clock=self.clock,
        )

    def level(self, component: str) -> HealthLevel | None:
        return next((health.level for health in self.health.all() if health.component == component), None)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, ControlSettings(event="Night off", state=ControlState.OFF))
    yield made
    made.store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_RETRY_S", "LONGEST_RETRY_S", "REFUSED_RETRY_S", "STORE_RETRY_S"):
        monkeypatch.setattr(control, name, 0.01)


def night_off(at: float = NOW) -> EventSeen:
    return EventSeen(event="Night off", at=at)


def test_an_event_switches_every_rule_of_every_camera_of_its_vms(desk: Desk) -> None:
    desk.answers.take(night_off())
    assert desk.store.feedback.states("a") == {"zone": RuleState.OFF, "line": RuleState.OFF}
    assert desk.store.feedback.states("b") == {"zone": RuleState.OFF}
    assert {desk.switched.get_nowait(), desk.switched.get_nowait()} == {"a", "b"}


def test_an_event_switches_only_the_cameras_and_rules_it_names(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ControlSettings(event="E", state=ControlState.OBSERVE, cameras=("a",), rules=("line",)))
    desk.answers.take(EventSeen(event="E", at=NOW))
    assert desk.store.feedback.states("a") == {"line": RuleState.OBSERVE}
    assert desk.store.feedback.states("b") == {}
    assert desk.switched.get_nowait() == "a"
    desk.store.close()


def test_an_event_that_the_settings_do_not_name_does_nothing(desk: Desk) -> None:
    desk.answers.take(EventSeen(event="Door", at=NOW))
    assert desk.store.feedback.switches() == []
    assert desk.switched.empty()


def test_a_verdict_is_kept_and_logged_with_its_alert(desk: Desk) -> None:
    made = alert("a")
    desk.store.add_alert(made, EVENT)
    token = Delivery.token_of(Delivery.derive_key(made.alert_id, "vms", "event"))
    with capture_logs() as logs:
        desk.answers.take(VerdictGiven(token=token, answer=Answer.FALSE, at=NOW, by="Anne"))
        desk.answers.take(VerdictGiven(token=token, answer=Answer.FALSE, at=NOW, by="Anne"))
    assert [entry["answer"] for entry in logs if entry["event"] == "verdict"] == ["false"]
    assert desk.store.feedback.verdict(made.alert_id) is not None


def test_a_camera_that_the_vms_lost_is_yellow_until_it_has_it_again(desk: Desk) -> None:
    desk.answers.take(CameraReported(device=DEVICE.lower(), is_lost=True, at=NOW))
    assert desk.level("vms-camera/a") is HealthLevel.YELLOW
    desk.answers.take(CameraReported(device=DEVICE, is_lost=False, at=NOW))
    assert desk.level("vms-camera/a") is HealthLevel.GREEN
    desk.answers.take(CameraReported(device="not ours", is_lost=True, at=NOW))
    assert len(desk.health.all()) == 1


def test_a_link_hands_on_what_is_said_and_is_green_while_it_listens(desk: Desk) -> None:
    link = desk.link(lambda _since: FakeControlSource([night_off()]))
    link.start()
    assert desk.switched.get(timeout=PATIENCE_S) in {"a", "b"}
    assert desk.level("control/vms/events") is HealthLevel.GREEN
    assert link.stop(PATIENCE_S)


@pytest.mark.usefixtures("impatient")
def test_a_lost_link_is_yellow_and_opened_again_from_where_it_was_heard(desk: Desk) -> None:
    moments: queue.Queue[UtcSeconds] = queue.Queue()
    levels: queue.Queue[HealthLevel | None] = queue.Queue()
    sources = [
        FakeControlSource([night_off(NOW + 7)], failure=VmsUnavailable("recycled")),
        FakeControlSource(),
    ]

    def opened(since: UtcSeconds) -> ControlSource:
        moments.put(since)
        levels.put(desk.level("control/vms/events"))
        return sources.pop(0)

    link = desk.link(opened)
    link.start()
    assert moments.get(timeout=PATIENCE_S) == desk.clock.utc()
    assert moments.get(timeout=PATIENCE_S) == NOW + 7
    assert [levels.get(timeout=PATIENCE_S) for _ in range(2)] == [None, HealthLevel.YELLOW]
    assert link.stop(PATIENCE_S)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("failure", "level"),
    [(VmsUnavailable("gone"), HealthLevel.YELLOW), (AuthenticationRefused("wrong password"), HealthLevel.RED)],
)
def test_the_colour_says_whether_a_person_must_act(desk: Desk, failure: VmsUnavailable, level: HealthLevel) -> None:
    seen: queue.Queue[HealthLevel | None] = queue.Queue()

    def opened(_since: UtcSeconds) -> ControlSource:
        seen.put(desk.level("control/vms/events"))
        raise failure

    link = desk.link(opened)
    link.start()
    seen.get(timeout=PATIENCE_S)
    assert seen.get(timeout=PATIENCE_S) is level
    assert link.stop(PATIENCE_S)


@pytest.mark.usefixtures("impatient")
def test_a_defect_in_a_connector_is_logged_once_and_its_channel_tried_again(desk: Desk) -> None:
    tries: queue.Queue[None] = queue.Queue()

    def opened(_since: UtcSeconds) -> ControlSource:
        tries.put(None)
        raise KeyError("states")

    with capture_logs() as logs:
        link = desk.link(opened)
        link.start()
        for _ in range(3):
            tries.get(timeout=PATIENCE_S)
        assert link.stop(PATIENCE_S)
    assert len([entry for entry in logs if "failed unexpectedly" in entry["event"]]) == 1


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_the_database_refuses_is_given_again_until_it_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = desk.answers.take
    refusals = [StoreError("the disk is full"), StoreError("the disk is full")]

    def sometimes(message: ControlMessage) -> None:
        if refusals:
            raise refusals.pop()
        take(message)

    monkeypatch.setattr(desk.answers, "take", sometimes)
    link = desk.link(lambda _since: FakeControlSource([night_off()]))
    link.start()
    assert desk.switched.get(timeout=PATIENCE_S) in {"a", "b"}
    assert link.stop(PATIENCE_S)


def test_a_link_stops_while_its_source_waits_and_closes_it(desk: Desk) -> None:
    listening = threading.Event()

    class Waiting(FakeControlSource):
        def messages(self) -> Iterator[ControlMessage]:
            yield Linked()
            listening.set()
            yield from super().messages()

    link = desk.link(lambda _since: Waiting())
    link.start()
    assert listening.wait(PATIENCE_S)
    assert link.stop(PATIENCE_S)


def test_a_link_that_never_started_stops_at_once(desk: Desk) -> None:
    assert desk.link(lambda _since: FakeControlSource()).stop(0.0)


@pytest.mark.parametrize(("lasts_s", "waits"), [(0.0, [0.5, 1.0, 2.0]), (control.STEADY_S, [0.5, 0.5, 0.5])])
def test_a_link_that_ends_as_soon_as_it_stands_is_not_hammered(desk: Desk, lasts_s: float, waits: list[float]) -> None:
    class Lasting(FakeControlSource):
        def messages(self) -> Iterator[ControlMessage]:
            yield Linked()
            desk.clock.advance(lasts_s)
            raise VmsUnavailable("the gateway ends what it accepted")

    link = desk.link(lambda _since: Lasting())
    assert [link._listen_once() for _ in waits] == waits


def test_a_database_that_fails_while_a_link_is_opened_costs_a_moment_not_a_minute(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StoreError("the database is locked")

    monkeypatch.setattr(desk.store.feedback, "heard_to", fails)
    assert desk.link(lambda _since: FakeControlSource())._listen_once() == control.FIRST_RETRY_S


def test_thousands_of_camera_states_are_told_apart_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    canonical = control._canonical

    def counted(device: str) -> str:
        compared.append(device)
        return canonical(device)

    monkeypatch.setattr(control, "_canonical", counted)
    desk.answers.take(CameraReported(device=DEVICE, is_lost=True, at=NOW))
    assert compared == [DEVICE]
