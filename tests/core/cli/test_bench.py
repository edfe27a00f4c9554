from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import main


def test_a_bench_without_a_name_is_that_of_streams(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--help"]) == 0
    told = capsys.readouterr().out
    assert "default: streams" in told
    assert "--streams" in told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--streams", "0"], "above 0"),
        (["--fps", "1"], "not a rate"),
        (["--size", "705x576"], "both even"),
        (["--size", "4CIF"], "not a size"),
        (["--model", "absent.onnx"], "there is no file absent.onnx"),
        (["--clip", "absent.mp4"], "there is no file absent.mp4"),
    ],
)
@pytest.mark.parametrize("name", [[], ["streams"]], ids=["unnamed", "named"])
def test_wrong_use_is_told_before_anything_is_measured(
    name: list[str], words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *name, *words]) == 2
    assert why in capsys.readouterr().err


def test_a_quiet_scene_is_a_made_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clip.mp4").touch()
    assert main(["bench", "--quiet", "--clip", str(tmp_path / "clip.mp4")]) == 2
    assert "--quiet" in capsys.readouterr().err
