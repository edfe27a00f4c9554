from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.capacity.measurement import load
from core.cli.main import main


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_short_bench_measures_the_whole_way_and_keeps_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIGIE_STATE", str(tmp_path))
    monkeypatch.setattr("core.capacity.bench_run.FEW_S", 0.5)
    words = [
        "--streams",
        "2",
        "--workers",
        "1",
        "--seconds",
        "1",
        "--fps",
        "10",
        "--size",
        "320x240",
        "--stream-fps",
        "10",
        "--json",
    ]
    main(["bench", *words])  # whether this machine keeps the promises now is not what is tested
    document = json.loads(capsys.readouterr().out)
    assert document["streams"] == 2
    assert len(document["analysed_fps_per_stream"]) == 2
    assert min(document["analysed_fps_per_stream"]) > 0
    assert document["decode_cpu_s"] > 0
    assert document["inference_cpu_s"] > 0
    assert document["cpu_s"] > 0
    assert document["rss_mb"] > 50
    kept = load(tmp_path / "capacity.json")
    assert kept is not None
    assert set(kept.detectors) == {"motion"}
    assert kept.decoding["h264"].megapixels == pytest.approx(0.0768)
