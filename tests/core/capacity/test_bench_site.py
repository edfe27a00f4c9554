from __future__ import annotations

from pathlib import Path
from typing import Any

from config.load import load_site
from core import registry
from core.capacity.bench_site import VMS, Plan, write_bench_site


def _plan(**values: Any) -> Plan:
    usual: dict[str, Any] = {
        "streams": 3,
        "workers": 2,
        "seconds": 5.0,
        "fps": 5.0,
        "width": 704,
        "height": 576,
        "stream_fps": 25.0,
        "detector": "motion",
    }
    return Plan(**{**usual, **values})


def test_the_site_is_one_that_the_service_takes(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    write_bench_site(path, {"url": "http://127.0.0.1:8080"}, _plan(), ["a", "b", "c"])
    site = load_site(path, registry.kinds())
    assert [camera.device for camera in site.cameras] == ["a", "b", "c"]
    assert (site.workers, site.analysis.detector, site.analysis.fps) == (2, "motion", 5.0)
    assert (site.vms[0].id, site.vms[0].publish) == (VMS, ())
    assert [rule.type for rule in site.cameras[0].rules] == ["line_crossing", "zone_presence"]


def test_there_are_no_more_workers_than_streams(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    write_bench_site(path, {"url": "http://127.0.0.1:8080"}, _plan(workers=8), ["a"])
    assert load_site(path, registry.kinds()).workers == 1


def test_rules_follow_the_clips_in_turn() -> None:
    first, second = [{"id": "first"}], [{"id": "second"}]
    plan = _plan(rules=(first, second))
    assert [plan.rules_of(index) for index in range(3)] == [first, second, first]


def test_the_bridge_sends_what_was_asked_for(tmp_path: Path) -> None:
    clips = (tmp_path / "a.mp4", tmp_path / "b.mp4")
    words = _plan(clips=clips).simulator_arguments
    assert words[words.index("--as") + 1] == "704x576@25"
    assert words[words.index("--cameras") + 1] == "3"
    assert [words[at + 1] for at, word in enumerate(words) if word == "--video"] == [str(clip) for clip in clips]
    assert "--still" not in words
    assert "--still" in _plan(is_quiet=True).simulator_arguments
