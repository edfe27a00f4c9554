"""Clients that others published, unmodified, against anything of ours that is an ONVIF device.

Each lives in an environment of its own under pytest's cache, made once: all packages of this kind install the same
import package. Where packages cannot be installed the tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

_SCRIPTS: Final = Path(__file__).parent / "public_client_scripts"
_INSTALL_S: Final = 240
_RUN_S: Final = 90


@dataclass(frozen=True)
class PublicClient:
    """A package, the script that drives it, and what it is told beside address and account."""

    name: str
    package: str
    script: str
    arguments: tuple[str, ...] = ()


CLIENTS: Final = (
    PublicClient("onvif-zeep-async", "onvif-zeep-async==4.3.0", "zeep_async.py"),
    PublicClient("onvif-python by digest", "onvif-python==0.4.7", "onvif_python.py", ("digest",)),
    PublicClient("onvif-python by token", "onvif-python==0.4.7", "onvif_python.py", ("username-token",)),
)
"""The first one logs in by UsernameToken only and checks no certificate; the other one checks it."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a client read. ``events``: topic, operation, items; ``topics``: paths without prefixes."""

    model: str
    mac: str
    profiles: dict[str, str]
    sources: list[str]
    uris: dict[str, str]
    topics: list[str]
    events: list[tuple[str, str, dict[str, str]]]


def read_device(
    client: PublicClient, cache: Path, url: str, account: tuple[str, str], ca: str, happen: Callable[[], object]
) -> Reading:
    """Lets ``client`` read the device at ``scheme://host:port``; skips where it cannot be installed.

    ``happen`` is called once it listens, and makes the device raise at least one event; it pulls until it has heard of a
    change, for 15 seconds at most.
    """
    command = [str(_interpreter(client, cache)), "-W", "ignore", str(_SCRIPTS / client.script), url, *account]
    with subprocess.Popen(
        [*command, *client.arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "REQUESTS_CA_BUNDLE": ca, "HOME": str(cache)},
    ) as running:
        assert running.stdout is not None
        if running.stdout.readline() == "subscribed\n":
            happen()
        said, complaints = running.communicate(timeout=_RUN_S)
    assert running.returncode == 0, complaints[-3000:]
    return _reading(json.loads(said))


def pytest_cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environments live; a temporary folder where pytest has no cache."""
    cache = getattr(request.config, "cache", None)
    return Path(cache.mkdir("onvif-public-clients")) if cache else tmp_path_factory.mktemp("onvif-public-clients")


def _interpreter(client: PublicClient, cache: Path) -> Path:
    folder = cache / client.package.replace("==", "-")
    python = folder / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = folder / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == client.package:
        return python
    make = [sys.executable, "-m", "venv", "--clear", str(folder / "env")]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    for command in (make, [*pip, client.package]):
        done = subprocess.run(command, capture_output=True, check=False, timeout=_INSTALL_S)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            pytest.skip(f"{client.package} cannot be installed: {lines[-1] if lines else 'pip failed'}")
    installed.write_text(client.package, encoding="utf-8")
    return python


def _reading(told: dict[str, Any]) -> Reading:
    events = [(topic, operation, items) for topic, operation, items in told.pop("events")]
    return Reading(profiles=dict(told.pop("profiles")), events=events, **told)
