from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.capacity.machine import this_machine
from core.capacity.measurement import keep, machine_file
from core.cli.main import main
from tests.core.capacity.figures import detector, measurement


@pytest.fixture(autouse=True)
def _of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIGIE_STATE", str(tmp_path))


def test_a_machine_that_was_not_measured_is_asked_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size"]) == 2
    assert "Run 'vigie bench' first" in capsys.readouterr().err


def test_the_machine_for_each_number_of_streams_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    keep(machine_file(), measurement(this_machine()))
    assert main(["size", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [size["streams"] for size in document["sizes"]] == [8, 20, 50, 100, 200]
    assert document["sizes"][0]["machine"] == "2 cores, 4 GB"
    assert document["detector"] == "yolox_nano.onnx"
    assert document["is_this_machine"] is True


def test_as_text_what_is_not_known_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    keep(machine_file(), measurement())
    assert main(["size", "--streams", "8"]) == 0
    told = capsys.readouterr()
    assert told.out.split("\t") == ["8", "1.0", "2.5 GB", "16 Mbit/s", "not told", "not told", "2 cores, 4 GB\n"]
    assert "another machine" in told.err


def test_with_several_detectors_one_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    keep(machine_file(), measurement().model_copy(update={"detectors": {"a.onnx": detector(), "motion": detector()}}))
    assert main(["size"]) == 2
    assert "a.onnx, motion" in capsys.readouterr().err
    assert main(["size", "--model", "motion", "--streams", "8"]) == 0


@pytest.mark.parametrize("streams", ["0", "8,", "8,x", ""])
def test_a_number_of_streams_is_whole_and_above_zero(streams: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", "--streams", streams]) == 2
    assert "above 0" in capsys.readouterr().err
