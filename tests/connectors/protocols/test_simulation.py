from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import requests

from connectors.protocols.scene import write_scene
from connectors.protocols.simulation import (
    Announcement,
    FaultBoard,
    Ledger,
    Simulation,
    add_common_arguments,
    simulator_in_thread,
)
from core.clock import ManualClock
from core.errors import UsageError, VigieError
from core.types import VmsCamera


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "dock.mp4"
    write_scene(path, seconds=1.0, fps=5.0, size=(160, 90))
    return path


@asynccontextmanager
async def _start(simulation: Simulation) -> AsyncIterator[Announcement]:
    simulation.ledger.add("started", cameras=len(simulation.videos))
    cameras = tuple(VmsCamera(device=f"device-{index}", name=name) for index, (name, _) in enumerate(simulation.videos))
    yield Announcement(simulator="test", url="none:", cameras=cameras, extra={"port": 7})


def _arguments(*texts: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_common_arguments(parser)
    return parser.parse_args(texts)


@pytest.fixture
def running(video: Path) -> Iterator[Announcement]:
    with simulator_in_thread(_arguments("--video", str(video)), _start, faults={"publish": ["503"]}) as announcement:
        yield announcement


@pytest.mark.parametrize(
    ("outcomes", "repeat", "expected"),
    [
        ([], True, ["ok", "ok"]),
        (["503"], True, ["503", "503", "503"]),
        (["503"], False, ["503", "ok", "ok"]),
        (["503", "ok", "drop"], True, ["503", "ok", "drop", "503"]),
        (["503", "drop"], False, ["503", "drop", "ok"]),
    ],
)
def test_a_fault_plan_gives_its_outcomes_in_turn(outcomes: list[str], repeat: bool, expected: list[str]) -> None:
    board = FaultBoard()
    board.set("publish", outcomes, repeat)
    for outcome in expected:
        assert board.current("publish") == outcome
        assert board.next("publish") == outcome


def test_without_a_plan_all_is_ok() -> None:
    assert FaultBoard().next("anything") == "ok"


@pytest.mark.parametrize(("name", "outcome"), [("publsh", "503"), ("publish", "504")])
def test_an_unknown_fault_is_a_usage_error_that_names_the_known(name: str, outcome: str) -> None:
    with pytest.raises(UsageError) as caught:
        FaultBoard({"publish": ["503"]}).set(name, [outcome])
    assert "503" in caught.value.remedy or "publish" in caught.value.remedy


def test_the_ledger_keeps_order_kind_and_moment() -> None:
    clock = ManualClock(utc=100.0)
    ledger = Ledger(clock)
    ledger.add("event", text="first")
    clock.advance(2.5)
    ledger.add("alarm", text="second")
    assert ledger.records() == [
        {"kind": "event", "accepted_at": 100.0, "text": "first"},
        {"kind": "alarm", "accepted_at": 102.5, "text": "second"},
    ]
    assert [record["text"] for record in ledger.records("alarm")] == ["second"]


def test_the_ledger_cannot_be_changed_through_what_it_returns() -> None:
    ledger = Ledger(ManualClock())
    ledger.add("event", text="kept")
    ledger.records()[0]["text"] = "forged"
    assert ledger.records()[0]["text"] == "kept"


def test_the_ledger_is_read_over_http(running: Announcement) -> None:
    assert requests.get(f"{running.admin}/ledger?kind=started", timeout=5).json()[0]["cameras"] == 1
    assert requests.get(f"{running.admin}/ledger?kind=other", timeout=5).json() == []


def test_faults_are_ordered_over_http(running: Announcement) -> None:
    order = {"outcomes": ["503"], "repeat": False}
    assert requests.put(f"{running.admin}/faults/publish", json=order, timeout=5).status_code == 200
    plans = requests.get(f"{running.admin}/faults", timeout=5).json()
    assert plans == {"publish": {"outcomes": ["503"], "repeat": False, "taken": 0}}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("publish", b"{"),
        ("publish", b'{"outcomes": "503"}'),
        ("publish", b'{"outcomes": ["x"]}'),
        ("x", b'{"outcomes": []}'),
    ],
)
def test_a_wrong_order_is_answered_400(running: Announcement, name: str, body: bytes) -> None:
    assert requests.put(f"{running.admin}/faults/{name}", data=body, timeout=5).status_code == 400


def test_the_announcement_names_the_certificate_authority(running: Announcement) -> None:
    assert Path(running.ca).read_bytes().startswith(b"-----BEGIN CERTIFICATE")
    assert running.as_json()["cameras"] == [{"device": "device-0", "name": "dock"}]
    assert running.as_json()["port"] == 7
    assert running.url in running.as_text()


@pytest.mark.parametrize(
    ("count", "videos", "names"),
    [(1, 1, ["dock"]), (3, 1, ["dock 1", "dock 2", "dock 3"]), (1, 2, ["dock"])],
)
def test_cameras_repeat_the_videos_in_turn(video: Path, count: int, videos: int, names: list[str]) -> None:
    texts = ["--video", str(video)] * videos
    with simulator_in_thread(_arguments(*texts, "--cameras", str(count)), _start) as announcement:
        assert [camera.name for camera in announcement.cameras] == names


@pytest.mark.parametrize("more", [(), ("--still",)], ids=["made scene", "still scene"])
@pytest.mark.parametrize("given", [True, False], ids=["video given", "made"])
def test_videos_are_sent_in_the_shape_asked_for(video: Path, given: bool, more: tuple[str, ...]) -> None:
    shapes: list[tuple[int, int, float]] = []

    @asynccontextmanager
    async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
        shapes.extend((clip.width, clip.height, clip.fps) for _, clip in simulation.videos)
        yield Announcement(simulator="test", url="none:", cameras=())

    texts = ["--video", str(video)] if given else []
    with simulator_in_thread(_arguments(*texts, "--as", "64x48@2.5", *more), start):
        assert shapes == [(64, 48, 2.5)]


@pytest.mark.parametrize("shape", ["", "64x48", "65x48@25", "64x48@0", "x@", "1e3x48@25"])
def test_a_shape_that_is_none_is_refused_in_its_words(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _arguments("--as", shape)
    assert "not a size and rate" in capsys.readouterr().err


@pytest.mark.parametrize("texts", [("--cameras", "0"), ("--fault", "publish"), ("--fault", "publish=nonsense")])
def test_wrong_use_is_told_before_anything_starts(video: Path, texts: tuple[str, ...]) -> None:
    arguments = _arguments("--video", str(video), *texts)
    with (
        pytest.raises(VigieError) as caught,
        simulator_in_thread(arguments, _start, faults={"publish": ["503"]}),
    ):
        pass
    assert isinstance(caught.value.__cause__, UsageError)


PROGRAM = textwrap.dedent("""
    import argparse, sys
    from contextlib import asynccontextmanager
    from connectors.protocols.simulation import Announcement, add_common_arguments, run_simulator

    @asynccontextmanager
    async def start(simulation):
        yield Announcement(simulator="test", url="none:", cameras=())
        sys.stderr.write("closed")

    parser = argparse.ArgumentParser()
    add_common_arguments(parser)
    sys.exit(run_simulator(parser.parse_args(), start))
""")


@pytest.fixture
def program(video: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, "--json", "--until-stdin-closes", "--video", str(video)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


def _stop_by_admin(_process: subprocess.Popen[str], announced: dict[str, str]) -> None:
    assert requests.post(f"{announced['admin']}/shutdown", timeout=5).status_code == 200


def _stop_by_stdin(process: subprocess.Popen[str], _announced: dict[str, str]) -> None:
    assert process.stdin
    process.stdin.close()


def _stop_by_signal(process: subprocess.Popen[str], _announced: dict[str, str]) -> None:
    process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(
    "stop",
    [
        _stop_by_admin,
        _stop_by_stdin,
        pytest.param(
            _stop_by_signal, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows terminates at once")
        ),
    ],
)
def test_a_simulator_process_announces_one_line_and_ends_cleanly(program: subprocess.Popen[str], stop: object) -> None:
    assert program.stdout
    assert program.stderr
    assert callable(stop)
    announced = json.loads(program.stdout.readline())
    assert announced["simulator"] == "test"
    stop(program, announced)
    assert program.wait(timeout=20) == 0
    assert program.stdout.read() == ""
    assert program.stderr.read() == "closed"
