from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from config.model import CameraSettings, SiteSettings
from core import registry
from core.clock import ManualClock
from core.contracts import Analyser, AnalysisSink, VmsConnector
from core.engine import worker as worker_module
from core.engine.messages import (
    AlertRaised,
    Assign,
    Heartbeat,
    Ready,
    Released,
    SettingsChanged,
    Stop,
    StreamChanged,
    SwitchRules,
    Unassign,
)
from core.engine.worker import Worker, WorkerSetup
from core.errors import ModelError
from core.fakes import FakeConnector, FakeVideoSource
from core.services import services_for
from core.types import Alert, Packet, Priority, RuleState, StreamState
from tests.core.engine.sites import camera, site

pytestmark = pytest.mark.slow

PATIENCE_S = 10.0
STARTUP_S = 40.0
"""A spawned process imports the whole package first."""


def packet() -> Packet:
    return Packet(codec="h264", data=b"", captured_at=1_700_000_000.0, is_key=True, received_at=0.0)


def alert(camera_id: str) -> Alert:
    return Alert(
        alert_id=Alert.derive_id(camera_id, "zone", 1.0, ()),
        camera_id=camera_id,
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone",
        priority=Priority.LOW,
        state=RuleState.ARMED,
        captured_at=1.0,
        started_at=1.0,
    )


class AlertPerPacket(Analyser):
    """Fires at each packet, and once more when closed: what was under way is still said."""

    refusals: list[Exception]
    switched: list[Mapping[str, RuleState]]
    configured: list[tuple[CameraSettings, SiteSettings, Mapping[str, RuleState]]]
    last_alerts: list[Mapping[str, float]]
    """Of each analyser that was made."""

    def __init__(
        self,
        camera: CameraSettings,
        _site: SiteSettings,
        sink: AnalysisSink,
        last_alerts: Mapping[str, float],
        states: Mapping[str, RuleState],
    ) -> None:
        self.switched.append(states)
        if camera.id == "bad" and self.refusals:
            raise self.refusals.pop(0)
        self._camera_id, self._sink = camera.id, sink
        self.last_alerts.append(last_alerts)

    def push(self, packet: Packet) -> None:
        self._sink.alert(alert(self._camera_id))

    def switch(self, states: Mapping[str, RuleState]) -> None:
        self.switched.append(states)

    def configure(self, camera: CameraSettings, site: SiteSettings, states: Mapping[str, RuleState]) -> bool:
        self.configured.append((camera, site, states))
        return camera.name != "too much"

    def interrupted(self) -> None: ...

    def statistics(self) -> Mapping[str, float]:
        return {"frames_analysed": 1.0}

    def close(self) -> None:
        self._sink.alert(alert(f"{self._camera_id}-last"))


class OnePacketVms(FakeConnector):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.video = lambda _camera: FakeVideoSource([packet()])

    def close(self) -> None:
        raise RuntimeError("a defect in a connector")


class Bench:
    """A worker in a thread, and the supervisor's end of its pipe."""

    def __init__(self, folder: Path) -> None:
        self.ours, self.theirs = multiprocessing.Pipe()
        self.clock = ManualClock()
        path = folder / "site.yaml"
        self.worker = Worker(
            self.theirs, WorkerSetup(site=site(camera("good"), camera("bad")), site_path=path, log_level="error")
        )
        self.worker._services = services_for(path, self.clock)
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        for name in ("bad", "good"):
            self.ours.send(Assign(camera_id=name))

    def _run(self) -> None:
        try:
            self.worker.run()
        except RuntimeError as error:
            self.failure = error
        self.theirs.close()

    def until(self, wanted: object) -> list[object]:
        return until(self.ours, wanted)

    def until_heartbeat(self, count: int = 1) -> Heartbeat:
        while True:
            assert self.ours.poll(PATIENCE_S)
            message = self.ours.recv()
            if isinstance(message, Heartbeat):
                count -= 1
                if not count:
                    return message

    @property
    def made(self) -> int:
        """How many analysers the camera has had."""
        return len(AlertPerPacket.last_alerts)

    def rest(self) -> list[object]:
        received: list[object] = []
        try:
            while self.ours.poll(PATIENCE_S):
                received.append(self.ours.recv())
        except EOFError:
            pass
        self.thread.join(PATIENCE_S)
        return received


def until(connection: Connection, wanted: object) -> list[object]:
    received: list[object] = []
    while wanted not in received:
        assert connection.poll(PATIENCE_S), received
        received.append(connection.recv())
    return received


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    def connector(_name: str) -> type[VmsConnector]:
        return OnePacketVms

    monkeypatch.setattr(registry, "connector", connector)
    monkeypatch.setattr(registry, "analyser", lambda: AlertPerPacket)
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(AlertPerPacket, "refusals", [ModelError("the model is altered")], raising=False)
    for name in ("switched", "configured", "last_alerts"):
        monkeypatch.setattr(AlertPerPacket, name, [], raising=False)
    made = Bench(tmp_path)
    yield made
    made.ours.close()
    made.thread.join(PATIENCE_S)
    assert not made.thread.is_alive()


def refused(cause: str) -> StreamChanged:
    return StreamChanged(camera_id="bad", state=StreamState.REFUSED, cause=cause)


def streaming(camera_id: str) -> StreamChanged:
    return StreamChanged(camera_id=camera_id, state=StreamState.STREAMING)


def test_a_camera_that_cannot_be_taken_is_refused_with_its_cause_and_the_others_run(bench: Bench) -> None:
    received = bench.until(AlertRaised(alert=alert("good")))
    assert received[0] == Ready()
    assert refused("the model is altered") in received


def test_a_refused_camera_is_tried_again_and_runs_once_its_cause_is_mended(bench: Bench) -> None:
    AlertPerPacket.refusals.append(RuntimeError("a defect in a detector"))
    bench.until(streaming("good"))
    bench.clock.advance(worker_module.REFUSED_RETRY_S)
    bench.until(refused("defect: RuntimeError: a defect in a detector"))
    bench.clock.advance(worker_module.REFUSED_RETRY_S)
    bench.until(streaming("bad"))


def test_switched_rules_reach_the_camera_that_runs_and_the_one_that_is_refused(bench: Bench) -> None:
    bench.until(streaming("good"))
    states = {"zone": RuleState.OFF}
    for name in ("good", "bad"):
        bench.ours.send(SwitchRules(camera_id=name, states=states))
    while bench.worker._refused["bad"][0].states != states:
        bench.until_heartbeat()
    bench.clock.advance(worker_module.REFUSED_RETRY_S)
    bench.until(streaming("bad"))
    assert AlertPerPacket.switched.count(states) == 2


def test_heartbeats_carry_the_statistics_of_each_camera_and_what_the_process_spent(bench: Bench) -> None:
    bench.until(streaming("good"))
    heartbeat = bench.until_heartbeat()
    assert heartbeat.statistics == {"good": {"frames_analysed": 1.0}}
    assert heartbeat.processor_s > 0.0


def changed(**settings: Any) -> SettingsChanged:
    """The camera of the bench that runs, under other settings."""
    good = camera("good").model_copy(update=settings)
    return SettingsChanged(site=site(good, camera("bad")))


def test_a_changed_camera_goes_on_in_its_stream_where_its_analyser_can(bench: Bench) -> None:
    bench.until(streaming("good"))
    message = changed(name="Yard")
    bench.ours.send(message)
    bench.ours.send(Assign(camera_id="good", states={"zone": RuleState.OFF}))
    while not AlertPerPacket.configured:
        bench.until_heartbeat()
    assert AlertPerPacket.configured == [(message.site.cameras[0], message.site, {"zone": RuleState.OFF})]
    assert bench.made == 1


@pytest.mark.parametrize("settings", [{"name": "too much"}, {"device": "another"}])
def test_a_camera_whose_change_needs_it_is_started_anew_with_its_cooldowns_and_in_order(
    bench: Bench, settings: dict[str, Any]
) -> None:
    bench.until(streaming("good"))
    bench.until(AlertRaised(alert=alert("good")))
    bench.ours.send(changed(**settings))
    bench.ours.send(Assign(camera_id="good", last_alerts={"other": 5.0}))
    received = bench.until(streaming("good"))
    assert received.index(StreamChanged(camera_id="good", state=StreamState.STOPPED)) < received.index(
        AlertRaised(alert=alert("good-last"))
    )
    assert AlertPerPacket.last_alerts[-1] == {"other": 5.0, "zone": 1.0}
    assert bench.made == 2


def test_a_camera_is_released_after_its_last_word_and_again_when_it_is_not_there(bench: Bench) -> None:
    bench.until(streaming("good"))
    for name in ("good", "bad", "nobody"):
        bench.ours.send(Unassign(camera_id=name))
        received = bench.until(Released(camera_id=name))
        assert (AlertRaised(alert=alert("good-last")) in received) == (name == "good")
    assert not bench.worker._refused
    assert not bench.worker._cameras


@pytest.mark.parametrize("how", ["told", "signalled"])
def test_a_worker_that_ends_says_all_it_knows_even_if_a_connector_fails_to_close(bench: Bench, how: str) -> None:
    bench.until(streaming("good"))
    if how == "told":
        bench.ours.send(Stop())
    else:
        bench.worker.end()
    rest = bench.rest()
    assert StreamChanged(camera_id="good", state=StreamState.STOPPED) in rest
    assert AlertRaised(alert=alert("good-last")) in rest
    assert "a defect in a connector" in str(bench.failure)


def test_a_worker_whose_supervisor_is_gone_ends(bench: Bench) -> None:
    bench.until(streaming("good"))
    bench.ours.close()
    bench.thread.join(PATIENCE_S)
    assert not bench.thread.is_alive()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[Connection, Any]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    made = context.Process(
        target=worker_module.main,
        args=(theirs, WorkerSetup(site=site(), site_path=tmp_path / "site.yaml", log_level="error")),
        daemon=True,
    )
    made.start()
    theirs.close()
    try:
        assert ours.poll(STARTUP_S)
        # With the first heartbeat it is past Ready, and its signal handlers are there.
        while not isinstance(ours.recv(), Heartbeat):
            assert ours.poll(STARTUP_S)
        yield ours, made
    finally:
        made.kill()
        made.join(PATIENCE_S)


@pytest.mark.slow
def test_no_worker_process_outlives_its_supervisors_end_of_the_pipe(process: tuple[Connection, Any]) -> None:
    connection, child = process
    connection.close()
    child.join(PATIENCE_S)
    assert child.exitcode == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_ctrl_c_does_not_reach_a_worker_and_a_service_managers_sigterm_ends_it_in_order(
    process: tuple[Connection, Any],
) -> None:
    _connection, child = process
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    child.join(PATIENCE_S)
    assert child.exitcode == 0
