from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from core.capacity.measurement import MeasuredMachine, detector_key, keep, load, load_first, machine_file
from core.errors import VigieError
from tests.core.capacity.figures import MACHINE, detector, measurement


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "capacity.json"
    keep(path, measurement())
    assert load(path) == measurement()
    assert [file.name for file in path.parent.iterdir()] == ["capacity.json"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_another_account_may_read_what_was_measured(tmp_path: Path) -> None:
    keep(tmp_path / "capacity.json", measurement())
    assert stat.S_IMODE((tmp_path / "capacity.json").stat().st_mode) == 0o644


def test_a_second_bench_adds_its_detector_and_replaces_its_own(tmp_path: Path) -> None:
    path = tmp_path / "capacity.json"
    keep(path, measurement())
    newer = measurement().model_copy(update={"detectors": {"motion": detector(0.001)}, "alert_kb": None})
    kept = keep(path, newer)
    assert set(kept.detectors) == {"motion", "yolox_nano.onnx"}
    assert kept.alert_kb == 40.0
    again = measurement().model_copy(update={"detectors": {"motion": detector(0.002)}})
    assert keep(path, again).detectors["motion"].core_s == 0.002


def test_figures_of_another_machine_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "capacity.json"
    keep(path, measurement())
    other = MeasuredMachine.model_validate(replace(MACHINE, cores=16).as_json())
    newer = measurement().model_copy(update={"machine": other, "detectors": {"motion": detector()}})
    assert set(keep(path, newer).detectors) == {"motion"}


def test_the_first_file_that_is_there_counts(tmp_path: Path) -> None:
    keep(tmp_path / "site.json", measurement())
    assert load_first([tmp_path / "absent.json", tmp_path / "site.json"]) == measurement()
    assert load_first([tmp_path / "absent.json"]) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 2}', b"\xff"])
def test_a_file_that_is_no_measurement_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "capacity.json"
    path.write_bytes(content)
    with pytest.raises(VigieError, match=r"capacity\.json") as caught:
        load(path)
    assert "vigie bench" in caught.value.remedy


def test_a_bench_replaces_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "capacity.json"
    path.write_bytes(b"broken")
    keep(path, measurement())
    assert load(path) == measurement()


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VigieError, match="capacity"):
        keep(tmp_path / "file" / "capacity.json", measurement())


@pytest.mark.parametrize(
    ("detector_setting", "key"),
    [("/srv/models/yolox_nano.onnx", "yolox_nano.onnx"), (r"C:\models\a.onnx", "a.onnx"), ("motion", "motion")],
)
def test_a_model_is_known_by_its_file_name_wherever_it_lies(detector_setting: str, key: str) -> None:
    assert detector_key(detector_setting) == key


def test_the_machines_file_lies_where_the_environment_says(tmp_path: Path) -> None:
    assert machine_file({"VIGIE_STATE": str(tmp_path)}) == tmp_path / "capacity.json"


@pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")
def test_else_it_lies_in_the_users_state_folder(tmp_path: Path) -> None:
    assert machine_file({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "vigie" / "capacity.json"
    assert machine_file({}).parts[-4:] == (".local", "state", "vigie", "capacity.json")
