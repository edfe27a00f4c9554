"""A Web SDK client that others published, unmodified, against the simulated site.

It lives in an environment of its own, made once under pytest's cache; where Node.js, npm or the package cannot be had the
test is skipped, as it is while a registry has only releases of the package that are older than its Genetec agent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.connectors.genetec.simulator.running import PASSWORD, USER, Client, simulated

PACKAGE = "camstreamerlib@^4.0.0-0"
TEXT = "Vigie vigie:0123456789abcdef0123"
CAMERAS = 12
"""More than the ten that the client puts into one request."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _install(folder: Path) -> tuple[str, Path]:
    """Node.js and the folder of its packages. Skips where either cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js with npm is not installed")
    packages, installed = folder / "node_modules", folder / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == PACKAGE:
        return node, packages
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "notarget" in line or "E4" in line or "code" in line]
        pytest.skip(f"{PACKAGE} cannot be installed: {lines[0] if lines else 'npm failed'}")
    installed.write_text(PACKAGE, encoding="utf-8")
    return node, packages


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    cache = getattr(request.config, "cache", None)
    return _install(Path(cache.mkdir("public-node-client")) if cache else tmp_path_factory.mktemp("node"))


def drive(node: tuple[str, Path], client: Client) -> dict[str, Any]:
    program, packages = node
    script = Path(__file__).parent / "public_clients" / "genetec_agent.cjs"
    url = urlsplit(client.announced.url)
    place = [str(url.hostname), str(url.port), url.path.strip("/")]
    environment = {
        **os.environ,
        "NODE_PATH": str(packages),
        "NODE_EXTRA_CA_CERTS": client.announced.ca,
        "VIGIE_TEST_PASSWORD": PASSWORD,
    }
    command = [program, str(script), *place, USER, str(client.extra("application_id")), TEXT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_agent_of_camstreamerlib_lists_cameras_and_adds_bookmarks(node: tuple[str, Path]) -> None:
    with simulated("--cameras", str(CAMERAS)) as client:
        told = drive(node, client)
        bookmarks = client.ledger("bookmark")
        cameras = [camera.device for camera in client.announced.cameras]
        names = [camera.name for camera in client.announced.cameras]
    assert told["listed"] == cameras
    assert told["details"] == [
        {"Guid": guid, "Name": name, "EntityType": "Camera"} for guid, name in zip(cameras, names, strict=True)
    ]
    assert [bookmark["camera"] for bookmark in bookmarks] == cameras
    assert {bookmark["text"] for bookmark in bookmarks} == {TEXT}
    assert all(abs(bookmark["at"] - time.time()) < 60 for bookmark in bookmarks)
    assert "403" in told["refused"]
