"""One life of the child, seen from the core, with a child that needs no .NET."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from connectors.genetec.sdk import life as life_module
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.frames import Frame
from connectors.genetec.sdk.launch import Launch
from connectors.genetec.sdk.life import Life
from core.clock import SystemClock
from core.errors import AuthenticationRefused, RightMissing, VmsError, VmsUnavailable
from tests.connectors.genetec.sdk.center import until

pytestmark = pytest.mark.slow

PATIENCE_S = 10.0
CHILD = """
import sys, threading, time
from connectors.genetec.sdk.frames import FrameReader, FrameWriter
reader, writer = FrameReader(sys.stdin.buffer), FrameWriter(sys.stdout.buffer)
writer.write("hello", protocol=1, pid=0)
start = reader.read()
"""
READY = """
writer.write("ready")
"""
DEAF = """
threading.Event().wait(60)
"""
SERVE = """
while (frame := reader.read()) is not None and frame["kind"] != "stop":
    if frame["kind"] == "ask":
        answer(frame)
"""


def launch(folder: Path) -> Launch:
    return Launch(
        runtime="mono",
        folder=folder,
        server="directory",
        username="vigie",
        password="a pässword",
        certificate="a certificate",
        hang_s=1.0,
        logon_s=5.0,
    )


Begun = Callable[..., Life]


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begun]:
    """Starts a life whose child runs that program after the greeting."""
    lives: list[Life] = []

    def begin(program: str, hear: Callable[[Frame | None], None] = lambda _frame: None) -> Life:
        monkeypatch.setattr(life_module, "child_command", lambda: [sys.executable, "-c", CHILD + program])
        lives.append(Life(launch(tmp_path), SystemClock(), hear))
        lives[-1].wait_ready()
        return lives[-1]

    yield begin
    for life in lives:
        life.kill("the test is over")
        life.stop()


def test_a_child_that_reads_no_more_is_ended_although_the_pipe_is_full(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life_module, "SILENCE_S", 0.5)
    monkeypatch.setattr(life_module, "PING_S", 0.1)
    life = begun(READY + DEAF)
    errors: list[VmsError] = []

    def ask() -> None:
        try:
            life.ask("raise an event", {"image": "x" * 1_000_000}, 60.0)
        except VmsError as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert [type(error) for error in errors] == [VmsUnavailable]


@pytest.mark.parametrize("after", ["event", "lost"])
def test_what_is_told_while_the_directory_is_away_does_not_bring_it_back(begun: Begun, after: str) -> None:
    told = 'writer.write("lost", cause="away")\n' + f'writer.write("{after}", event="custom_event", stays=True)\n'
    heard = threading.Semaphore(0)
    life = begun(READY + told + DEAF, lambda _frame: heard.release())
    assert heard.acquire(timeout=PATIENCE_S)
    assert heard.acquire(timeout=PATIENCE_S)
    with pytest.raises(VmsUnavailable, match="no connection"):
        life.ask("raise an event", {}, 1.0)


def test_a_question_may_wait_for_those_before_it_without_costing_the_process(begun: Begun) -> None:
    program = "def answer(frame):\n    time.sleep(0.6)\n    writer.write('answer', id=frame['id'], value=1)\n"
    life = begun(program + READY + SERVE)
    assert life.ask("raise an event", {}, 0.5) == 1
    assert life.is_alive


def test_neither_prints_nor_errors_show_a_secret(begun: Begun) -> None:
    program = """
def answer(frame):
    for text in (start["password"], start["certificate"]):
        print(text, file=sys.stderr, flush=True)
    error = {"class": "RightMissing", "message": start["password"] + start["certificate"], "remedy": ""}
    writer.write("answer", id=frame["id"], error=error)
"""
    life = begun(program + READY + SERVE)
    with pytest.raises(RightMissing) as raised:
        life.ask("raise an event", {}, PATIENCE_S)
    until(lambda: len(life._words) == 2, "both lines are read")
    told = f"{raised.value} {life._cause()}"
    assert "pässword" not in told
    assert "a certificate" not in told


def test_its_secrets_are_not_in_the_childs_environment_and_it_runs_in_the_sdks_folder(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIE_PASSWORD", "a pässword")
    monkeypatch.setenv("VIGIE_CERTIFICATE", "a certificate")
    monkeypatch.setenv("VIGIE_OTHER", "kept")
    program = """
import os
def answer(frame):
    writer.write("answer", id=frame["id"], value=[os.getcwd(), {k: v for k, v in os.environ.items() if "VIGIE" in k}])
"""
    folder, environment = begun(program + READY + SERVE).ask("list cameras", {}, PATIENCE_S)
    assert environment == {"VIGIE_OTHER": "kept"}
    assert Path(folder) == tmp_path


@pytest.mark.parametrize("kind", ["ReplyLost", "ProtocolViolation"])
def test_what_keeps_the_sdk_from_starting_had_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    told = {"class": kind, "message": "x", "remedy": ""}
    program = f'{CHILD}writer.write("failed", error={told})'
    monkeypatch.setattr(life_module, "child_command", lambda: [sys.executable, "-c", program])
    bridge = Bridge(lambda: launch(tmp_path), SystemClock(), timeout_s=1.0)
    with pytest.raises(VmsError) as raised:
        bridge.ask("raise an event")
    bridge.close()
    assert type(raised.value) is VmsUnavailable


def test_a_process_that_cannot_be_started_is_an_error_that_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life_module, "child_command", lambda: [str(tmp_path / "nothing")])
    bridge = Bridge(lambda: launch(tmp_path), SystemClock(), timeout_s=1.0)
    with pytest.raises(VmsUnavailable):
        bridge.ask("raise an event")
    with pytest.raises(VmsUnavailable, match="again in"):
        bridge.ask("raise an event")
    bridge.close()


def test_a_log_on_that_is_refused_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"class": "AuthenticationRefused", "message": "x", "remedy": ""}
    program = f'{CHILD}writer.write("failed", error={told})'
    monkeypatch.setattr(life_module, "child_command", lambda: [sys.executable, "-c", program])
    life = Life(launch(tmp_path), SystemClock(), lambda _frame: None)
    with pytest.raises(AuthenticationRefused):
        life.wait_ready()
    assert not psutil.pid_exists(life.pid)
    assert life.pid != os.getpid()
