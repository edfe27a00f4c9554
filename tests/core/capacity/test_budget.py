from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import AnalysisSettings, SiteSettings
from core.capacity import budget as module
from core.capacity.budget import MeasuredBudget, budget_for
from core.capacity.measurement import keep, machine_file, site_file
from core.engine.costs import UnknownBudget
from core.engine.placement import place
from tests.core.capacity.figures import MACHINE, detector, measurement


@pytest.fixture(autouse=True)
def _of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIGIE_STATE", str(tmp_path / "machine"))
    monkeypatch.setattr(module, "this_machine", lambda: MACHINE)


def _site(folder: Path, cameras: int = 1, **analysis: Any) -> SiteSettings:
    vms = {"id": "vms", "type": "x", "url": "https://vms", "username": "u", "password": {"env": "P"}}
    return SiteSettings.model_validate(
        {
            "version": 1,
            "site": {"name": "quay"},
            "storage": {"dir": folder / "var"},
            "analysis": {"detector": "yolox_nano.onnx", "fps": 5.0, **analysis},
            "workers": 2,
            "vms": [vms],
            "cameras": [{"id": f"quai-{n}", "vms": "vms", "device": str(n)} for n in range(1, cameras + 1)],
        }
    )


def _estimate(site: SiteSettings) -> float | None:
    camera = site.cameras[0]
    return budget_for(site).estimate(camera, site.analysis_of(camera))


def test_a_machine_that_was_never_measured_admits_everything(tmp_path: Path) -> None:
    assert isinstance(budget_for(_site(tmp_path)), UnknownBudget)


def test_a_measured_machine_knows_what_a_camera_costs_and_what_a_worker_can_do(tmp_path: Path) -> None:
    keep(machine_file(), measurement())
    site = _site(tmp_path)
    assert _estimate(site) == pytest.approx(0.11)
    assert budget_for(site).per_worker() == pytest.approx(0.85)


def test_the_sites_own_figures_count_before_the_machines(tmp_path: Path) -> None:
    keep(machine_file(), measurement())
    own = measurement().model_copy(update={"detectors": {"yolox_nano.onnx": detector(0.032)}})
    keep(site_file(tmp_path / "var"), own)
    assert _estimate(_site(tmp_path)) == pytest.approx(0.19)


def test_figures_of_another_machine_are_not_believed(tmp_path: Path) -> None:
    keep(machine_file(), measurement(replace(MACHINE, cores=32)))
    assert isinstance(budget_for(_site(tmp_path)), UnknownBudget)


def test_more_memory_makes_no_other_machine(tmp_path: Path) -> None:
    keep(machine_file(), measurement(replace(MACHINE, memory_mb=1024)))
    assert isinstance(budget_for(_site(tmp_path)), MeasuredBudget)


def test_a_file_that_cannot_be_read_refuses_no_camera(tmp_path: Path) -> None:
    machine_file().parent.mkdir()
    machine_file().write_text("broken")
    assert isinstance(budget_for(_site(tmp_path)), UnknownBudget)


@pytest.mark.parametrize("analysis", [{"detector": "other.onnx"}, {"provider": "cuda"}, {"decoder": "vaapi"}], ids=str)
def test_what_was_not_measured_is_admitted(tmp_path: Path, analysis: dict[str, Any]) -> None:
    keep(machine_file(), measurement())
    assert _estimate(_site(tmp_path, **analysis)) is None


def test_a_worker_is_never_given_more_than_one_core(tmp_path: Path) -> None:
    site = _site(tmp_path).model_copy(update={"workers": 1})
    assert MeasuredBudget(measurement(), site).per_worker() == 1.0


def test_cameras_beyond_the_budget_are_refused_with_the_figures(tmp_path: Path) -> None:
    keep(machine_file(), measurement())
    site = _site(tmp_path, cameras=16)
    budget = budget_for(site)
    costs = {
        camera.id: budget.estimate(camera, AnalysisSettings(detector="yolox_nano.onnx", fps=5.0))
        for camera in site.cameras
    }
    placing = place(costs, workers=2, budget=budget.per_worker())
    assert list(placing.refused) == ["quai-15", "quai-16"]
    assert "it needs 0.11 cores, 0.08 are left" in placing.refused["quai-15"]
