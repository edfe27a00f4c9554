from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.model import CameraSettings, ControlState, RuleSettings, SiteSettings, State, Window
from core import registry
from core.clock import ManualClock
from core.engine.books import EVERY_S, Books, slip_box
from core.engine.messages import Heartbeat
from core.engine.service import Service
from core.errors import StoreError
from core.fakes import FakeConnector
from core.services import services_for
from core.store.feedback import Switch
from core.store.slips import Judgement
from core.store.store import Store
from core.types import Answer, RuleState
from tests.core.engine.sites import camera, site
from tests.core.store.alerts import alert

pytestmark = pytest.mark.slow

NIGHT = RuleSettings(id="night", type="zone_presence", schedule="night", state=State.OBSERVE)
DAY = RuleSettings(id="day", type="zone_presence")
OFF = RuleSettings(id="off", type="zone_presence", state=State.OFF)


class Bench:
    def __init__(self, folder: Path, *cameras: CameraSettings) -> None:
        self.clock = ManualClock()
        windows = (Window.model_validate({"from": "22:00", "to": "06:00"}),)  # the clock begins at 23:13 in Paris
        self.site: SiteSettings = site(*cameras, folder=folder).model_copy(update={"schedules": {"night": windows}})
        self.store = Store.open(f"sqlite:///{folder / 'vigie.db'}", clock=self.clock)
        self.books = Books(self.site, self.store, self.clock)
        self.analysed = 0.0

    def minute(self, fps: float = 8.0, name: str = "a", paused: Mapping[str, float] | None = None) -> None:
        """``paused``: the share of the pictures that were not those of a rule's view."""
        self.clock.advance(EVERY_S)
        self.analysed += fps * EVERY_S
        told = {f"paused/{rule}": share * fps * EVERY_S for rule, share in (paused or {}).items()}
        self.books.keep({name: {"frames_analysed": self.analysed, **told}})

    def watched_s(self, rule_id: str, state: RuleState) -> float:
        found = [watch for watch in self.store.watches.since() if (watch.rule_id, watch.state) == (rule_id, state)]
        return sum(watch.ended_at - watch.begun_at for watch in found)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, camera("a").model_copy(update={"rules": (NIGHT, DAY, OFF)}))
    yield made
    made.store.close()


def test_a_rule_watches_while_its_camera_is_analysed(bench: Bench) -> None:
    for _ in range(3):
        bench.minute()
    assert bench.watched_s("day", RuleState.ARMED) == 3 * EVERY_S
    assert bench.watched_s("night", RuleState.OBSERVE) == 3 * EVERY_S


def test_a_rule_that_is_off_does_not_watch(bench: Bench) -> None:
    bench.minute()
    assert {watch.rule_id for watch in bench.store.watches.since()} == {"night", "day"}


@pytest.mark.parametrize(("paused", "watched_s"), [(0.4, 2 * EVERY_S), (0.6, EVERY_S)])
def test_a_rule_that_paused_for_most_of_a_minute_did_not_watch_in_it(
    bench: Bench, paused: float, watched_s: float
) -> None:
    bench.minute()
    bench.minute(paused={"day": paused})
    assert bench.watched_s("day", RuleState.ARMED) == watched_s
    assert bench.watched_s("night", RuleState.OBSERVE) == 2 * EVERY_S


@pytest.mark.parametrize("fps", [0.0, 0.9])
def test_a_camera_that_is_hardly_analysed_is_not_watched(bench: Bench, fps: float) -> None:
    bench.minute()
    bench.minute(fps)
    bench.minute()
    assert bench.watched_s("day", RuleState.ARMED) == 2 * EVERY_S


def test_a_new_worker_that_counts_from_zero_costs_one_minute_at_most(bench: Bench) -> None:
    bench.minute()
    bench.minute()
    bench.analysed = -EVERY_S * 8.0
    bench.minute()
    bench.minute()
    assert bench.watched_s("day", RuleState.ARMED) == 3 * EVERY_S


def test_outside_its_schedule_a_rule_does_not_watch(bench: Bench) -> None:
    bench.minute()
    bench.clock.advance(8 * 3600.0)
    bench.analysed += 8 * 3600.0 * 8
    bench.minute()
    assert bench.watched_s("night", RuleState.OBSERVE) == EVERY_S


def test_what_operators_switched_is_what_a_rule_is(bench: Bench) -> None:
    bench.minute()
    for rule_id, state in (("night", ControlState.ARMED), ("day", ControlState.OFF)):
        bench.store.feedback.switch(
            Switch(camera_id="a", rule_id=rule_id, state=state, vms_id="vms", event="e", switched_at=1.0)
        )
    bench.minute()
    assert bench.watched_s("night", RuleState.ARMED) == EVERY_S
    assert bench.watched_s("day", RuleState.ARMED) == EVERY_S


def test_a_machine_that_slept_did_not_watch(bench: Bench) -> None:
    bench.minute()
    bench.clock.advance(3600.0)
    bench.minute()
    assert bench.watched_s("day", RuleState.ARMED) == EVERY_S


def test_verdicts_on_slips_are_taken_in_and_logged(bench: Bench) -> None:
    made = alert("a", rule_id="day")
    bench.store.add_alert(made, [])
    slip_box(bench.site).put(Judgement(alert_id=made.alert_id, answer=Answer.TRUE, at=bench.clock.utc(), by="Anne"))
    with capture_logs() as logs:
        bench.minute()
    kept = bench.store.feedback.verdict(made.alert_id)
    assert kept is not None
    assert (kept.answer, kept.said_by) == (Answer.TRUE, "Anne")
    assert [(line["event"], line["by"]) for line in logs] == [("verdict", "Anne")]


def test_a_database_that_refuses_is_told_once_and_its_return_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise StoreError("the disk is full", remedy="Make room.")

    with capture_logs() as logs:
        with monkeypatch.context() as broken:
            broken.setattr(bench.store.watches, "extend", refuse)
            bench.minute()
            bench.minute()
        bench.minute()
    assert [line["event"] for line in logs] == [
        "what rules watched cannot be written down",
        "what rules watched is written down again",
    ]


def test_the_service_writes_down_what_its_workers_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "connector", lambda _name: FakeConnector)
    clock = ManualClock()
    made = site(camera("a").model_copy(update={"rules": (DAY,)}), folder=tmp_path / "var")
    service = Service(made, tmp_path / "site.yaml", services_for(tmp_path / "site.yaml", clock))
    clock.advance(EVERY_S)
    service.said(0, Heartbeat(statistics={"a": {"frames_analysed": 480.0}}, dropped_boxes=0))
    service._keep_books()
    assert [(watch.rule_id, watch.state) for watch in service.store.watches.since()] == [("day", RuleState.ARMED)]
    service.stop()
