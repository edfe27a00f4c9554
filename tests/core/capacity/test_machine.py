from __future__ import annotations

from pathlib import Path

import pytest

from core.capacity.machine import package_joules, this_machine


def test_this_machine_has_a_name_cores_and_memory() -> None:
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_mb > 100


def _package(folder: Path, name: str, microjoules: str) -> None:
    (folder / name).mkdir()
    (folder / name / "energy_uj").write_text(microjoules)


def test_the_energy_of_all_packages_is_told_once_each(tmp_path: Path) -> None:
    _package(tmp_path, "intel-rapl:0", "1500000\n")
    _package(tmp_path, "intel-rapl:1", "500000\n")
    _package(tmp_path, "intel-rapl:0:0", "900000\n")  # a part of package 0
    assert package_joules(tmp_path) == pytest.approx(2.0)


@pytest.mark.parametrize("content", ["", "unreadable"])
def test_a_platform_that_does_not_tell_is_not_guessed(tmp_path: Path, content: str) -> None:
    assert package_joules(tmp_path / "absent") is None
    assert package_joules(tmp_path) is None
    _package(tmp_path, "intel-rapl:0", content)
    assert package_joules(tmp_path) is None
