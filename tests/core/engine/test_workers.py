from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from core.engine import workers as workers_module
from core.engine.workers import MEMORY_PER_WORKER, usable_cores, worker_count
from tests.core.engine.sites import camera, site


@pytest.mark.parametrize(
    ("cameras", "cores", "memory", "expected"),
    [(8, 4, 64, 4), (3, 16, 64, 3), (0, 4, 64, 1), (8, 4, 2, 2), (8, 4, 0, 1), (200, 128, 200, 64)],
    ids=["cores", "cameras", "no camera", "memory", "hardly any memory", "at most"],
)
def test_there_is_a_worker_per_core_as_far_as_cameras_and_memory_go(
    monkeypatch: pytest.MonkeyPatch, cameras: int, cores: int, memory: int, expected: int
) -> None:
    total = memory * MEMORY_PER_WORKER
    monkeypatch.setattr(workers_module, "usable_cores", lambda: cores)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=total))
    watched = [camera(f"cam-{number}") for number in range(cameras)]
    settings = site(*watched, camera("off", enabled=False)).model_copy(update={"workers": None})
    assert worker_count(settings) == expected


def test_a_number_in_the_settings_stands() -> None:
    assert worker_count(site(camera("a"), workers=7)) == 7


def test_this_machine_has_a_core() -> None:
    assert usable_cores() >= 1
