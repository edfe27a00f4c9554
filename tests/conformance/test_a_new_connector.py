from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from config.load import load_site
from connectors.protocols.scene import write_scene
from core import registry
from core.clock import SystemClock
from core.engine.service import Service
from core.services import services_for
from tests.conformance.skeleton import SKELETON
from tests.plugins import install_plugin

pytestmark = pytest.mark.slow

PATIENCE_S = 40.0
POLL_S = 0.1
ROOT = Path(__file__).resolve().parents[2]
KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL
"""On Windows any number ends a process without asking it."""

SITE = """\
version: 1
site: {name: Skeleton}
vms:
  - {id: skeleton, type: skeleton, url: FOLDER, username: nobody, password: {env: UNUSED}}
cameras:
  - id: clip
    vms: skeleton
    device: clip.mp4
    rules:
      - {id: passage, type: line_crossing, line: [[0.5, 0.35], [0.5, 1.0]], classes: [person]}
"""


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    install_plugin(
        tmp_path / "plugin",
        monkeypatch,
        module="skeleton_vms",
        code=SKELETON,
        entry_points={"vigie.connectors:skeleton": "skeleton_vms:SkeletonConnector"},
    )
    write_scene(tmp_path / "clip.mp4")
    path = tmp_path / "site.yaml"
    path.write_text(SITE.replace("FOLDER", json.dumps(str(tmp_path))), encoding="utf-8")
    yield path
    registry.kinds.cache_clear()


def received(folder: Path) -> list[dict[str, str]]:
    file = folder / "received.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_the_skeleton_is_as_short_as_the_documentation_says() -> None:
    assert len(dedent(SKELETON).strip().splitlines()) < 40


def test_a_connector_of_another_distribution_is_found_and_kept_to_its_settings(site_file: Path) -> None:
    site = load_site(site_file, registry.kinds())
    connector = registry.connector("skeleton")(site.vms[0], services_for(site_file))
    assert [camera.device for camera in connector.list_cameras()] == ["clip.mp4"]
    assert connector.askable == frozenset()


class Alive:
    """Waits for what a running service does, and not longer than is patient."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = SystemClock()

    def until(self, condition: Callable[[], object]) -> None:
        until = self._clock.monotonic() + PATIENCE_S
        while not condition():
            assert self._clock.monotonic() < until, "nothing happened in time"
            threading.Event().wait(POLL_S)

    def until_received(self, count: int) -> None:
        self.until(lambda: len(received(self._folder)) >= count)


@pytest.mark.slow
def test_a_connector_of_another_distribution_receives_alerts_and_goes_on_after_a_worker_is_killed(
    site_file: Path, tmp_path: Path
) -> None:
    service = Service(load_site(site_file, registry.kinds()), site_file, services_for(site_file), log_level="error")
    alive = Alive(tmp_path)
    try:
        service.start()
        alive.until_received(1)
        (before,) = service.owners()
        os.kill(before, KILL)
        alive.until(lambda: before not in service.owners() and any(service.owners().values()))
        alive.until_received(len(received(tmp_path)) + 1)
        alerts = service.store.alerts()
    finally:
        service.stop()
    got = received(tmp_path)
    assert {record["rule"] for record in got} == {"passage"}
    assert len({record["key"] for record in got}) == len(got)
    assert len({alert.alert_id for alert in alerts}) == len(alerts) >= 2
    assert service.worker_process_ids() == []


@contextmanager
def running_service(site_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``vigie run`` in a process group of its own, so that a signal to the group reaches nobody else."""
    environment = {**os.environ, "PYTHONPATH": str(site_file.parent / "plugin")}
    command = [sys.executable, "-m", "core.cli.main", "--log-level", "error", "run", str(site_file)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def members(group: int) -> list[int]:
    """Processes of a group that still run, zombies left out."""
    fields = {path.name: read_status(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return [
        int(name) for name, field in fields.items() if len(field) > 2 and field[2] == str(group) and field[0] != "Z"
    ]


def read_status(process: Path) -> list[str]:
    """State, parent, group, session … of a process; nothing of one that has ended meanwhile."""
    try:
        return (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_a_service_ends_with_all_its_processes_whatever_ends_it(site_file: Path, tmp_path: Path, number: str) -> None:
    alive = Alive(tmp_path)
    with running_service(site_file) as process:
        alive.until_received(1)
        if number == "SIGKILL":
            process.kill()
        else:  # to every process at once, as a terminal and systemd do
            os.killpg(process.pid, getattr(signal, number))
        code = process.wait(PATIENCE_S)
        alive.until(lambda: not members(process.pid))
    assert code == (-signal.SIGKILL if number == "SIGKILL" else 0)
