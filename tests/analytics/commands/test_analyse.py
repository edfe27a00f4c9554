from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from analytics import offline
from analytics.commands.analyse import COMMAND
from analytics.dossier import write
from analytics.dossier.verdict import Outcome
from analytics.runner import RuleRunner
from config.load import SettingsProblems
from config.model import AnalysisSettings
from core.errors import CodecError, UsageError
from core.types import Picture, Tick
from tests.analytics.coded import numbered
from tests.analytics.scenes import BrightSpotDetector, spot_at

pytestmark = pytest.mark.slow

RULES = """
rules:
  - {id: yard, type: zone_presence, zone: [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], dwell_s: 1.0}
  - {id: gate, type: line_crossing, line: [[0.25, 0.3], [0.25, 0.9]]}
  - {id: asleep, type: zone_presence, zone: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0, state: off}
"""


def enters(picture: Picture, number: int) -> None:
    """A person comes from the left within two seconds and stands in the middle."""
    spot_at(picture, min(0.1 + number * 0.02, 0.5), 0.7)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six seconds, 10 pictures a second."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(numbered(number, enters), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> list[AnalysisSettings]:
    """The settings that detectors were created with."""
    seen: list[AnalysisSettings] = []

    def create(settings: AnalysisSettings) -> BrightSpotDetector:
        seen.append(settings)
        return BrightSpotDetector()

    monkeypatch.setattr(offline, "create_detector", create)
    monkeypatch.setattr(write, "create_detector", lambda _settings: BrightSpotDetector())
    return seen


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(argument) for argument in arguments]))


def test_json_tells_each_alert_with_its_file_time_track_and_box(
    video: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(video, "--rules", rules, "--fps", 10, "--json") == 0
    output = capsys.readouterr()
    report = json.loads(output.out)
    assert output.err == ""
    assert report["video"] == str(video)
    assert report["duration_s"] == pytest.approx(6.0, abs=0.11)
    assert report["frames_analysed"] == 60
    assert report["wall_s"] > 0
    gate, yard = report["alerts"]
    assert (gate["rule"], gate["type"], gate["label"]) == ("gate", "line_crossing", "person")
    assert (yard["rule"], yard["type"], yard["track"]) == ("yard", "zone_presence", gate["track"])
    assert gate["started_s"] == pytest.approx(0.75, abs=0.1)
    assert yard["time_s"] == pytest.approx(2.0, abs=0.11)
    assert yard["time_s"] * 10 == pytest.approx(round(yard["time_s"] * 10), abs=0.01)
    assert yard["box"] == pytest.approx([0.45, 0.4, 0.55, 0.7], abs=0.02)


COUNTING = """
rules:
  - {id: in, type: counting, line: [[0.25, 0.3], [0.25, 0.9]]}
  - {id: present, type: counting, zone: [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]]}
"""


def test_what_rules_count_is_told_beside_the_alerts(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "counting.yaml"
    rules.write_text(COUNTING, encoding="utf-8")
    assert run(video, "--rules", rules, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["alerts"] == []
    assert report["counts"] == [
        {"rule": "in", "to_left": 1, "to_right": 0},
        {"rule": "present", "entered": 1, "inside": 1},
    ]
    run(video, "--rules", rules)
    assert "in: to_left 1, to_right 0\n" in capsys.readouterr().err


def test_rules_that_only_fire_have_no_counts(video: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(video, "--rules", rules, "--json")
    assert json.loads(capsys.readouterr().out)["counts"] == []


def test_the_same_file_gives_the_same_alerts_every_time(
    video: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports: list[Any] = []
    for _ in range(2):
        run(video, "--rules", rules, "--json")
        reports.append(json.loads(capsys.readouterr().out))
        del reports[-1]["wall_s"]
    assert reports[0] == reports[1]


def test_without_json_there_is_one_line_for_each_alert(
    video: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(video, "--rules", rules, "--fps", 10) == 0
    output = capsys.readouterr()
    assert [line.split("\t")[1:3] for line in output.out.splitlines()] == [
        ["gate", "line_crossing"],
        ["yard", "zone_presence"],
    ]
    assert output.err.startswith("2 alerts in 6.0 s of video; 60 pictures analysed")


def test_fewer_pictures_are_analysed_when_fewer_are_asked_for(
    video: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(video, "--rules", rules, "--fps", 5, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["frames_analysed"] == 30
    assert [alert["rule"] for alert in report["alerts"]] == ["gate", "yard"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), AnalysisSettings()),
        (("--model", "m.onnx"), AnalysisSettings(detector="m.onnx")),
        (("--detector", "motion", "--fps", 3), AnalysisSettings(detector="motion", fps=3.0)),
        (("--min-confidence", 0.6), AnalysisSettings(min_confidence=0.6)),
    ],
)
def test_options_become_analysis_settings(
    video: Path, rules: Path, settings: list[AnalysisSettings], options: tuple[object, ...], expected: AnalysisSettings
) -> None:
    run(video, "--rules", rules, *options)
    assert settings == [expected]


@pytest.mark.parametrize("options", [("--fps", 0), ("--fps", 31), ("--fps", "nan"), ("--min-confidence", 1.5)])
def test_an_option_out_of_range_is_named(video: Path, rules: Path, options: tuple[object, ...]) -> None:
    with pytest.raises(UsageError, match=str(options[0])):
        run(video, "--rules", rules, *options)


def test_model_and_detector_exclude_each_other(video: Path, rules: Path) -> None:
    with pytest.raises(SystemExit):
        run(video, "--rules", rules, "--model", "m.onnx", "--detector", "motion")


def test_a_video_that_cannot_be_read_is_said(video: Path, rules: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video file"):
        run(tmp_path / "absent.mp4", "--rules", rules)
    with pytest.raises(CodecError, match="not a video file"):
        run(rules, "--rules", rules)


@pytest.mark.parametrize("text", ["rules: [{id: x, type: teleport}]", "rules: 3", "{", "\x00"])
def test_rules_that_cannot_be_read_are_said(video: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsProblems):
        run(video, "--rules", tmp_path / "wrong.yaml")


def test_a_rule_that_fails_is_a_finding(
    video: Path, rules: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    update = RuleRunner.update

    def failing(runner: RuleRunner, tick: Tick) -> list[Any]:
        runner.defects += 1
        return update(runner, tick)

    monkeypatch.setattr(RuleRunner, "update", failing)
    assert run(video, "--rules", rules) == 1
    assert "defects of rules or detectors" in capsys.readouterr().err


def test_a_dossier_of_each_alert_is_told_beside_it(
    video: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(video, "--rules", rules, "--dossier", tmp_path / "d", "--json") == 0
    alerts = json.loads(capsys.readouterr().out)["alerts"]
    assert [alert["dossier"]["differences"] for alert in alerts] == [[], []]
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        Path(alert["dossier"]["folder"]).name for alert in alerts
    ]
    assert run(video, "--rules", rules, "--dossier", tmp_path / "e") == 0
    assert f"dossier: {tmp_path / 'e'}" in capsys.readouterr().err


def test_a_dossier_that_does_not_give_the_same_verdict_is_a_finding(
    video: Path,
    rules: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = Outcome(dossier=None, sha256="0" * 64, differences=("it began elsewhere",))
    monkeypatch.setattr(write, "replay", lambda _folder, _kinds: other)
    assert run(video, "--rules", rules, "--dossier", tmp_path / "d") == 1
    assert "does not give the same verdict again: it began elsewhere" in capsys.readouterr().err


def test_a_rendering_holds_every_picture_and_not_only_the_analysed_ones(
    video: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    assert run(video, "--rules", rules, "--fps", 5, "--render", target, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["frames_analysed"], report["rendering"]) == (30, str(target))
    with av.open(str(target)) as container:
        assert len(list(container.decode(video=0))) == 60


@pytest.mark.parametrize("name", ["out.avi", "absent/out.mp4", "folder.mp4", "clip.mp4"])
def test_a_rendering_that_cannot_be_written_is_told_before_the_work(
    video: Path, rules: Path, tmp_path: Path, name: str, settings: list[AnalysisSettings]
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "clip.mp4").hardlink_to(video)
    with pytest.raises(UsageError):
        run(video, "--rules", rules, "--render", tmp_path / name)
    assert settings == []


COMPOSED = (
    RULES
    + """
  - {id: both, type: all_of, rules: [yard, gate], within_s: 5}
  - {id: never, type: sequence, rules: [gate, asleep]}
"""
)


def test_compositions_fire_and_members_that_are_off_are_a_finding(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "composed.yaml"
    rules.write_text(COMPOSED, encoding="utf-8")
    assert run(video, "--rules", rules, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [alert["rule"] for alert in report["alerts"]] == ["gate", "yard", "both"]
    (finding,) = report["findings"]
    assert (finding["code"], finding["rule"]) == ("composition_member_off", "never")
    assert run(video, "--rules", rules) == 0
    assert "never: sequence can never fire: its member 'asleep' is off" in capsys.readouterr().err
