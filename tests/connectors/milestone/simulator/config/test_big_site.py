"""A site as large as those on which integrators met trouble (notes §2.1): 2,600 cameras."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

CAMERAS = 2600
QUICK_S = 2.0
"""For what takes some 0.1 s on an idle machine."""


@pytest.fixture(scope="module")
def big(video: Path) -> Iterator[Running]:
    with run(video, "--cameras", str(CAMERAS)) as running:
        yield running


@pytest.fixture(scope="module")
def session(big: Running) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.verify = big.ca
        made.headers["Authorization"] = f"Bearer {big.bearer()}"
        yield made


def test_it_starts_at_once_without_a_thread_for_each_camera(video: Path) -> None:
    begun, threads = time.monotonic(), threading.active_count()
    with run(video, "--cameras", str(CAMERAS)) as site:
        assert time.monotonic() - begun < 5.0
        assert len(site.announced.cameras) == CAMERAS
        assert threading.active_count() - threads < 5


def test_its_cameras_come_quickly_page_by_page(big: Running, session: requests.Session) -> None:
    names: list[str] = []
    begun = time.monotonic()
    for page in range(CAMERAS // 100):
        answer = session.get(f"{big.announced.url}/api/rest/v1/cameras?page={page}&size=100", timeout=TIMEOUT_S)
        names += [item["name"] for item in answer.json()["array"]]
    assert len(set(names)) == CAMERAS
    assert time.monotonic() - begun < CAMERAS // 100 * QUICK_S / 4


@pytest.mark.parametrize("path", ["cameras", "hardware?disabled&includeChildren=cameras", "cameras?name=contains:'99'"])
def test_whole_lists_take_no_longer_than_they_must(big: Running, session: requests.Session, path: str) -> None:
    begun = time.monotonic()
    answer = session.get(f"{big.announced.url}/api/rest/v1/{path}", timeout=TIMEOUT_S)
    assert answer.json()["array"]
    assert time.monotonic() - begun < QUICK_S
