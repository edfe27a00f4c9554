from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.contracts import VmsConnector
from core.errors import SecretError, StoreError, VmsRefused
from core.fakes import LANDING_S, FakeConnector, Outcome
from core.outbox.attempt import attempt
from core.outbox.relay import IDLE_S, PAUSE_S, SILENT_RED_S, STORE_RETRY_S
from core.store import SETTLE_S
from core.types import Alert, Delivery, DeliveryState, HealthLevel, Receipt
from tests.core.outbox.bench import VMS, Bench, aged

pytestmark = pytest.mark.slow

LOST = (Outcome.DROP_BEFORE_ACCEPT, Outcome.DROP_AFTER_ACCEPT, Outcome.GARBLE, Outcome.LAND_LATE)
REFUSED = (Outcome.REFUSE, Outcome.NOT_FOUND, Outcome.LACK_RIGHT)
BLOCKED = (Outcome.FORBID, Outcome.BAD_CERTIFICATE)

Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Bench] = []

    def _make(*script: Outcome, **options: object) -> Bench:
        made.append(Bench(tmp_path, script=script, **options))  # type: ignore[arg-type]
        return made[-1]

    yield _make
    for bench in made:
        bench.store.close()


def test_deliveries_leave_in_order_with_their_key_and_are_marked_delivered(make: Make) -> None:
    bench = make()
    alert = bench.add("a", actions=("event", "bookmark"))
    bench.drain()
    assert bench.accepted() == [("a", "event"), ("a", "bookmark")]
    taken = bench.connector.accepted[0]
    assert taken.delivery.key == Delivery.derive_key(alert.alert_id, "vms", "event")
    assert taken.alert == alert
    assert taken.camera is bench.cameras["a"]
    assert {delivery.remote_id for delivery in bench.store.deliveries()} == {
        f"x-vms-{taken.delivery.key}" for taken in bench.connector.accepted
    }
    assert bench.relay.health().level is HealthLevel.GREEN


def test_an_idle_relay_rests(make: Make) -> None:
    assert make().relay.step() == IDLE_S


def test_the_attempt_is_committed_before_the_request_leaves(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make()
    bench.add()
    seen = []

    def look(*_: object) -> Receipt:
        seen.append(bench.only().state)
        return Receipt()

    monkeypatch.setattr(bench.connector, "publish", look)
    bench.drain()
    assert seen == [DeliveryState.SENDING]


def test_an_unavailable_vms_is_tried_again_with_growing_delays(make: Make) -> None:
    bench = make(Outcome.UNAVAILABLE, Outcome.UNAVAILABLE)
    bench.add()
    bench.relay.step()
    first = bench.relay.step()
    assert 0.8 <= first <= 1.2
    assert "nobody answers" in bench.only().last_error
    bench.clock.advance(first)
    bench.relay.step()
    assert 1.6 <= bench.relay.step() <= 2.4
    bench.drain()
    assert bench.connector.questions == []
    assert bench.relay.statistics()["retries"] == 2
    assert bench.accepted() == [("a", "event")]


@pytest.mark.parametrize("lost", LOST)
def test_after_a_lost_reply_the_vms_is_asked_and_nothing_is_doubled(make: Make, lost: Outcome) -> None:
    bench = make(lost)
    bench.add()
    bench.relay.step()
    assert bench.only().may_have_arrived
    bench.drain()
    assert bench.accepted() == [("a", "event")]
    assert len(bench.connector.questions) == 1
    arrived = lost is not Outcome.DROP_BEFORE_ACCEPT
    figures = bench.relay.statistics()
    assert (figures["asked"], figures["found"], figures["attempts"]) == (1, arrived, 2)
    assert figures["resent_unasked"] == 0
    assert len(bench.connector.attempts) == 1 + (not arrived)


def test_a_request_of_unknown_fate_has_time_to_land_before_the_vms_is_asked(make: Make) -> None:
    assert SETTLE_S > LANDING_S
    bench = make(Outcome.LAND_LATE)
    bench.add()
    bench.relay.step()
    assert bench.relay.step() >= SETTLE_S


def test_what_lies_ready_for_the_vms_is_asked_for_steadily_and_proves_that_it_is_there(make: Make) -> None:
    bench = make(Outcome.UNAVAILABLE, Outcome.LIE_READY)
    bench.connector.find_script.extend([Outcome.LIE_READY] * 9)
    bench.add()
    bench.drain()
    assert bench.accepted() == [("a", "event")]
    assert len(bench.connector.attempts) == 2
    assert bench.relay.statistics()["attempts"] == 12
    assert bench.clock.monotonic() < 1.2 + 11 * SETTLE_S
    assert bench.relay.health().level is HealthLevel.GREEN


def test_what_lies_ready_holds_up_neither_its_camera_nor_others_and_keeps_its_order(make: Make) -> None:
    """A VMS that fetches every few seconds takes all at once, not one alert each time."""
    bench = make(*[Outcome.LIE_READY] * 20)
    for _ in range(20):
        bench.add()
    for _ in range(20):
        assert bench.relay.step() == 0.0
    assert [delivery.attempts for delivery in bench.connector.attempts] == [0] * 20
    assert bench.clock.monotonic() == 0.0
    assert bench.drain() == pytest.approx(SETTLE_S)
    assert bench.accepted() == [("a", "event")] * 20
    captured = [taken.alert.captured_at for taken in bench.connector.accepted]
    assert captured == sorted(captured)


def test_what_lay_ready_and_is_gone_takes_its_place_in_the_row_again(make: Make) -> None:
    bench = make(Outcome.LIE_READY, Outcome.LIE_READY, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE)
    first, second = bench.add(), bench.add()
    bench.relay.step()
    bench.relay.step()
    bench.connector._landing.clear()
    bench.drain()
    assert [taken.alert.alert_id for taken in bench.connector.accepted] == [first.alert_id, second.alert_id]


def test_new_alerts_do_not_keep_what_lies_ready_from_being_asked_for(make: Make) -> None:
    bench = make(Outcome.LIE_READY)
    ready = bench.add()
    bench.relay.step()
    for _ in range(100):
        bench.add("b")
        bench.clock.advance(0.1)
        bench.relay.step()
    assert bench.connector.questions[0].alert_id == ready.alert_id


def test_where_the_vms_cannot_be_asked_it_is_sent_again_and_counted(make: Make) -> None:
    bench = make(Outcome.DROP_AFTER_ACCEPT, Outcome.UNAVAILABLE, Outcome.OK, askable=())
    bench.add()
    bench.drain()
    assert bench.accepted() == [("a", "event"), ("a", "event")]
    assert bench.connector.questions == []
    assert bench.relay.statistics()["resent_unasked"] == 1


@pytest.mark.parametrize("failure", [outcome for outcome in Outcome if outcome not in {Outcome.OK, *REFUSED}])
def test_while_asking_fails_nothing_is_sent_and_the_doubt_stays(make: Make, failure: Outcome) -> None:
    bench = make(Outcome.DROP_AFTER_ACCEPT)
    bench.connector.find_script.extend([failure] * 5)
    bench.add()
    while bench.connector.find_script:
        bench.clock.advance(bench.relay.step())
        assert len(bench.connector.attempts) == 1
        assert bench.only().state is DeliveryState.PENDING
        assert bench.only().may_have_arrived
    bench.drain()
    assert bench.accepted() == [("a", "event")]
    assert bench.relay.statistics()["found"] == 1


@pytest.mark.parametrize("refusal", REFUSED)
@pytest.mark.parametrize("is_missing", [False, True])
def test_what_the_vms_will_never_tell_is_left_to_a_person(make: Make, refusal: Outcome, is_missing: bool) -> None:
    bench = make(Outcome.DROP_BEFORE_ACCEPT)
    bench.connector.find_script.extend([refusal, refusal])
    bench.add()
    bench.add()
    bench.drain()
    assert bench.states() == [DeliveryState.PARKED, DeliveryState.DELIVERED]
    [parked] = bench.store.deliveries(state=DeliveryState.PARKED)
    assert "may have arrived, and the VMS cannot tell" in parked.last_error
    assert bench.store.unpark(parked.key, is_missing=is_missing)
    bench.drain()
    assert bench.states()[0] is (DeliveryState.DELIVERED if is_missing else DeliveryState.PARKED)


def test_a_vms_found_to_be_unable_to_tell_gets_it_again_and_that_is_counted(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(Outcome.DROP_BEFORE_ACCEPT)

    def give_up(*_: object) -> None:
        bench.connector._askable = frozenset()

    monkeypatch.setattr(bench.connector, "find", give_up)
    bench.add()
    bench.drain()
    figures = bench.relay.statistics()
    assert (figures["asked"], figures["resent_unasked"], figures["delivered"]) == (1, 1, 1)


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_the_vms_will_never_take_is_parked_and_the_next_one_goes(make: Make, refusal: Outcome) -> None:
    bench = make(refusal)
    bench.add()
    bench.add()
    assert bench.drain() == 0.0
    assert bench.states() == [DeliveryState.PARKED, DeliveryState.DELIVERED]
    assert bench.store.deliveries(state=DeliveryState.PARKED)[0].last_error
    health = bench.relay.health()
    assert health.level is HealthLevel.YELLOW
    assert "1 deliveries are parked" in health.cause
    assert bench.relay.statistics()["parked"] == 1


@pytest.mark.parametrize("blocked", BLOCKED)
def test_a_vms_that_lets_us_not_in_is_paused_as_a_whole_and_nothing_is_parked(make: Make, blocked: Outcome) -> None:
    bench = make(blocked, blocked)
    for camera_id in ("a", "b", "c"):
        bench.add(camera_id)
    bench.relay.step()
    assert bench.relay.step() == PAUSE_S
    health = bench.relay.health()
    assert health.level is HealthLevel.RED
    assert health.component == "vms/vms"
    assert "Mend the account" in health.cause or "Give the CA" in health.cause
    bench.step_until(PAUSE_S * 1.5)
    assert len(bench.connector.attempts) == 2
    bench.drain()
    assert bench.states() == [DeliveryState.DELIVERED] * 3
    assert bench.connector.questions == []
    assert bench.relay.health().level is HealthLevel.GREEN


def test_a_secret_that_cannot_be_read_pauses_the_vms_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make()
    bench.add()

    def no_secret(*_: object) -> Receipt:
        raise SecretError("there is no secret 'vms'", remedy="Write it.")

    monkeypatch.setattr(bench.connector, "publish", no_secret)
    bench.relay.step()
    assert bench.relay.step() == PAUSE_S
    assert not bench.only().may_have_arrived


def test_a_silent_vms_is_left_in_peace_except_for_rare_probes(make: Make) -> None:
    bench = make(*[Outcome.UNAVAILABLE] * 1000)
    for _ in range(20):
        for camera_id in ("a", "b", "c"):
            bench.add(camera_id)
    bench.step_until(3600.0)
    assert 3600 / 30 <= len(bench.connector.attempts) <= 3600 / 30 + 10
    assert set(bench.states()) == {DeliveryState.PENDING}


def test_after_a_long_outage_all_leaves_within_half_a_minute_in_order(make: Make) -> None:
    bench = make(*[Outcome.UNAVAILABLE] * 1000)
    for _ in range(10):
        for camera_id in ("a", "b", "c"):
            bench.add(camera_id)
    bench.step_until(7200.0)
    bench.connector.script.clear()
    assert bench.drain() <= 30.0 + SETTLE_S
    order = [taken.alert.captured_at for taken in bench.connector.accepted if taken.delivery.camera_id == "a"]
    assert order == sorted(order)
    assert len(bench.connector.accepted) == 30


def test_silence_is_yellow_then_red_and_logged_once_as_is_its_end(make: Make) -> None:
    bench = make(*[Outcome.UNAVAILABLE] * 1000)
    bench.add()
    with capture_logs() as logs:
        bench.step_until(60.0)
        early = bench.relay.health()
        bench.step_until(60.0 + SILENT_RED_S)
        late = bench.relay.health()
        bench.connector.script.clear()
        bench.drain()
    assert (early.level, late.level) == (HealthLevel.YELLOW, HealthLevel.RED)
    assert early.cause == late.cause == "the VMS does not answer: nobody answers"
    assert bench.relay.health().level is HealthLevel.GREEN
    assert [entry["event"] for entry in logs] == ["delivery disturbed", "delivery restored"]


def test_one_delivery_that_alone_is_turned_away_does_not_stop_the_other_cameras(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    bench.add("a")
    publish = bench.connector.publish

    def only_others(delivery: Delivery, *rest: object) -> Receipt:
        if delivery.camera_id == "a":
            bench.connector.script.appendleft(Outcome.UNAVAILABLE)
        return publish(delivery, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.connector, "publish", only_others)
    for _ in range(30):
        bench.add("b")
        bench.step_until(bench.clock.monotonic() + 10.0)
    assert bench.accepted() == [("b", "event")] * 30
    assert bench.relay.health().level is HealthLevel.GREEN


def test_a_defect_of_the_connector_costs_its_own_camera_only_and_is_shown(make: Make) -> None:
    bench = make(Outcome.CRASH)
    bench.add("a")
    bench.add("b")
    with capture_logs() as logs:
        bench.relay.step()
        bench.relay.step()
    assert bench.accepted() == [("b", "event")]
    assert [entry["event"] for entry in logs] == ["delivery disturbed", "defect in a connector"]
    health = bench.relay.health()
    assert health.level is HealthLevel.RED
    assert "camera a: defect in the connector: RuntimeError: index out of range" in health.cause
    bench.drain()
    assert sorted(bench.accepted()) == [("a", "event"), ("b", "event")]
    assert len(bench.connector.questions) == 1
    assert bench.relay.statistics()["defects"] == 1
    assert bench.relay.health().level is HealthLevel.GREEN


def test_a_defect_during_a_probe_does_not_make_the_relay_spin(make: Make) -> None:
    bench = make(*[Outcome.UNAVAILABLE] * 3, *[Outcome.CRASH] * 100)
    bench.add()
    bench.step_until(600.0)
    assert len(bench.connector.attempts) <= 30


def test_credentials_in_an_error_never_reach_the_store_or_the_log(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make()
    bench.add()

    def leak(*_: object) -> Receipt:
        raise RuntimeError("GET https://vigie:hunter22@vms.test/?token=abcdef")

    monkeypatch.setattr(bench.connector, "publish", leak)
    bench.relay.step()
    assert "hunter22" not in bench.only().last_error
    assert "abcdef" not in bench.relay.health().cause


def test_an_alert_that_is_too_old_is_parked_not_sent(make: Make) -> None:
    bench = make(vms=aged(VMS, 2.0))
    bench.add(age_s=2 * 3600 + 60)
    bench.add(age_s=2 * 3600 - 60)
    bench.drain()
    assert bench.states() == [DeliveryState.PARKED, DeliveryState.DELIVERED]
    assert "more than 2 h ago" in bench.store.deliveries(state=DeliveryState.PARKED)[0].last_error


@pytest.mark.parametrize("change", ["removed", "moved"])
def test_deliveries_of_a_camera_that_left_this_vms_are_parked(make: Make, change: str) -> None:
    bench = make()
    bench.add("a")
    camera = bench.cameras.pop("a")
    if change == "moved":
        bench.cameras["a"] = camera.model_copy(update={"vms": "other"})
    bench.drain()
    assert bench.states() == [DeliveryState.PARKED]
    assert bench.connector.attempts == []


def test_a_parked_delivery_sent_again_by_a_person_is_delivered(make: Make) -> None:
    bench = make(Outcome.REFUSE)
    bench.add()
    bench.drain()
    assert bench.store.unpark(bench.only().key)
    bench.drain()
    assert bench.accepted() == [("a", "event")]
    assert bench.relay.health().level is HealthLevel.GREEN


def test_a_delivery_parked_by_a_person_in_the_last_moment_is_not_sent(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    bench.add()
    find = bench.store.alert

    def park_meanwhile(alert_id: object) -> Alert | None:
        bench.store.park(bench.only().key, "enough")
        return find(alert_id)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store, "alert", park_meanwhile)
    bench.relay.step()
    assert bench.connector.attempts == []
    assert bench.states() == [DeliveryState.PARKED]


@pytest.mark.parametrize("write", ["mark_sending", "mark_delivered", "mark_retry", "park"])
@pytest.mark.parametrize("is_written", [True, False], ids=["written", "not-written"])
def test_a_database_that_fails_for_a_while_loses_and_doubles_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch, write: str, is_written: bool
) -> None:
    script = {"mark_retry": [Outcome.DROP_AFTER_ACCEPT], "park": [Outcome.REFUSE]}.get(write, [])
    bench = make(*script)
    bench.add()
    bench.add()
    real = getattr(bench.store, write)
    failures = iter([True] * 3)

    def failing(*args: object, **options: object) -> object:
        if next(failures, False):
            if is_written:
                real(*args, **options)
            raise StoreError("the disk is full", remedy="Free space.")
        return real(*args, **options)

    monkeypatch.setattr(bench.store, write, failing)
    assert bench.relay.step() == STORE_RETRY_S
    health = bench.relay.health()
    assert health.level is HealthLevel.RED
    assert "Free space" in health.cause
    bench.drain()
    delivered = bench.store.deliveries(state=DeliveryState.DELIVERED)
    parked = bench.store.deliveries(state=DeliveryState.PARKED)
    assert len(bench.connector.accepted) == len(delivered) == 2 - (write == "park")
    assert len(parked) == (write == "park")
    assert (bench.relay.health().level is HealthLevel.GREEN) == (write != "park")


@pytest.mark.parametrize("arrived", [True, False])
def test_what_a_dead_process_was_sending_is_asked_for_by_the_next(make: Make, arrived: bool) -> None:
    class Death(BaseException):
        """kill -9, as far as the relay can see."""

    class Dying(FakeConnector):
        def publish(self, delivery: Delivery, alert: Alert, camera: object) -> Receipt:
            if arrived:
                super().publish(delivery, alert, camera)  # type: ignore[arg-type]
            raise Death

    bench = make()
    alive, bench.connector = bench.connector, Dying()
    bench.relay = bench.new_relay()
    bench.add()
    with pytest.raises(Death):
        bench.relay.step()
    alive.accepted = bench.connector.accepted
    bench.connector = alive
    bench.restart()
    assert bench.relay.step() >= SETTLE_S
    bench.drain()
    assert len(alive.accepted) == 1
    assert bench.relay.statistics()["found"] == arrived


def test_a_defect_anywhere_in_an_attempt_does_not_leave_the_delivery_sending(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    bench.add()
    real = attempt

    def break_once(*_: object) -> None:
        monkeypatch.setattr("core.outbox.relay.attempt", real)
        raise KeyError("a defect of ours")

    monkeypatch.setattr("core.outbox.relay.attempt", break_once)
    with pytest.raises(KeyError):
        bench.relay.step()
    assert bench.only().state is DeliveryState.SENDING
    bench.drain()
    assert bench.accepted() == [("a", "event")]
    assert len(bench.connector.questions) == 1


def test_a_wall_clock_set_back_does_not_hold_deliveries(make: Make) -> None:
    bench = make(Outcome.UNAVAILABLE)
    bench.add()
    bench.relay.step()
    bench.clock._utc -= 7200.0
    bench.relay.step()
    assert bench.accepted() == [("a", "event")]


def test_a_refusal_nobody_named_is_parked_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make()
    bench.add()

    def refuse(*_: object) -> Receipt:
        raise VmsRefused("no")

    monkeypatch.setattr(bench.connector, "publish", refuse)
    bench.drain()
    assert bench.states() == [DeliveryState.PARKED]


def test_latency_runs_from_capture_to_acceptance(make: Make) -> None:
    bench = make()
    bench.add(age_s=12.0)
    bench.drain()
    assert bench.relay.statistics()["last_latency_s"] == pytest.approx(12.0, abs=0.01)


def test_the_fake_is_a_connector() -> None:
    assert isinstance(FakeConnector(), VmsConnector)
