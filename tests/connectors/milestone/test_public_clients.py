"""Clients that others published, unmodified, against the simulated site.

They live in an environment of their own, made once under pytest's cache; where packages cannot be installed the tests
are skipped. Other public clients need .NET (MIP SDK samples, MilestonePSTools) or Go (go2rtc's source, not a package).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running, run
from tests.connectors.milestone.sites import write_clip

PACKAGES = ("milestonexprotectwspython==1.0.2", "milestonexprotectrestpython==1.0.5", "requests", "requests-ntlm")
"""The first two forget to name ``requests`` among what they need."""

WINDOWS_USER, WINDOWS_PASSWORD = "CORP\\guard", "N1ght!"
ACCOUNTS = {"basic": (USERNAME, PASSWORD), "windows": (WINDOWS_USER, WINDOWS_PASSWORD)}
JPEG = "ffd8ff"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _install(folder: Path) -> Path:
    """The environment's interpreter. Skips where packages cannot be had."""
    python = folder / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = folder / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == "\n".join(PACKAGES):
        return python
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder / "env")], capture_output=True, check=False
    )
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", *PACKAGES]
    done = made if made.returncode else subprocess.run(pip, capture_output=True, check=False, timeout=240)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        pytest.skip(f"the public clients cannot be installed: {lines[-1] if lines else 'pip failed'}")
    installed.write_text("\n".join(PACKAGES), encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = getattr(request.config, "cache", None)
    return _install(Path(cache.mkdir("public-clients")) if cache else tmp_path_factory.mktemp("public-clients"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    clip = write_clip(tmp_path_factory.mktemp("clip"))
    recording = ("--recorded-seconds", "20", "--recording-gap", "12-8")
    windows = ("--windows-user", WINDOWS_USER, "--windows-password", WINDOWS_PASSWORD)
    with run(clip, "--disabled-camera", "Spare", *recording, *windows) as running:
        yield running


def _drive(python: Path, script: str, site: Running, kind: str) -> Any:
    path = Path(__file__).parent / "public_clients" / script
    # Certificates are not checked by these clients here: one of them cannot be given a CA.
    command = [str(python), "-W", "ignore", str(path), site.announced.url, kind, *ACCOUNTS[kind]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_the_soap_client_reads_the_site_and_its_recordings(python: Path, site: Running, kind: str) -> None:
    told = _drive(python, "soap_client.py", site, kind)
    assert told["token"].startswith("TOKEN#")
    assert told["version"] == ["25", "2"]
    assert told["recorder"] == site.announced.extra["recorder"]
    assert told["camera"] == [site.camera, site.announced.cameras[0].name, True]
    assert told["options"]["Bookmark"] == "True"
    assert told["hardware"] == ["http://10.20.0.1/"]
    assert told["recorders"] == [told["queried"]]
    assert told["disabled"] == ["Spare"]
    assert told["services"]["Management Server"] == [f"{site.announced.url}/"]


def test_the_soap_client_gets_pictures_and_sequences(python: Path, site: Running) -> None:
    told = _drive(python, "soap_client.py", site, "windows")
    asked = datetime.fromisoformat(told["asked"])
    assert told["live"] == JPEG
    assert {data for _, data in told["images"]} == {JPEG}
    assert all(abs((datetime.fromisoformat(at) - asked).total_seconds()) < 0.1 for at, _ in told["images"])
    assert [len(listed) for listed in told["sequences"]] == [2, 2, 2]
    assert told["manual"] == [True, False]


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_the_rest_client_reads_the_site(python: Path, site: Running, kind: str) -> None:
    told = _drive(python, "rest_client.py", site, kind)
    assert told["scope"] == "managementserver"
    assert told["camera"] == site.camera
    assert told["GetCameras"] == [site.announced.cameras[0].name, "Spare"]
    assert told["GetAnalyticsEvents"] == ["Vigie"]
    assert len(told["GetRecordingServers"]) == 1
    assert len(told["streams"]) == 1
