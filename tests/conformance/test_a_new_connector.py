from __future__ import annotations

import json
from collections.abc import Iterator
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

PATIENCE_S = 45.0

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
    assert len(dedent(SKELETON).strip().splitlines()) <= 45


def test_a_connector_of_another_distribution_is_found_and_kept_to_its_settings(site_file: Path) -> None:
    site = load_site(site_file, registry.kinds())
    connector = registry.connector("skeleton")(site.vms[0], services_for(site_file))
    assert [camera.device for camera in connector.list_cameras()] == ["clip.mp4"]
    assert connector.askable == frozenset()


@pytest.mark.slow
def test_a_connector_of_another_distribution_receives_alerts_without_any_change_here(
    site_file: Path, tmp_path: Path
) -> None:
    site = load_site(site_file, registry.kinds())
    service = Service(site, site_file, services_for(site_file), log_level="error")
    clock = SystemClock()
    until = clock.monotonic() + PATIENCE_S
    service.start()
    try:
        while not received(tmp_path) and clock.monotonic() < until:
            service._stopping.wait(0.2)
        alerts = {delivery.alert_id for delivery in service.store.deliveries()}
    finally:
        service.stop()
    got = received(tmp_path)
    assert got
    assert {record["rule"] for record in got} == {"passage"}
    assert len({record["key"] for record in got}) == len(got)
    assert alerts
