from __future__ import annotations

import threading
from pathlib import Path

import pytest

from analytics import offline
from analytics.commands.analyse import analyse_file
from analytics.pipeline import LiveAnalyser
from analytics.rate import FrameRate
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser
from config.model import AnalysisSettings
from core.clock import ManualClock
from core.types import Alert, Packet, Picture
from tests.analytics.coded import FPS, START, coded
from tests.analytics.scenes import WAIT_S, BrightSpotDetector, RecordingSink, spot_at

pytestmark = pytest.mark.slow

RULES = (
    ZonePresenceSettings.model_validate(
        {
            "id": "yard",
            "type": "zone_presence",
            "zone": [[0.4, 0.3], [0.6, 0.3], [0.6, 0.9], [0.4, 0.9]],
            "dwell_s": 0.5,
        }
    ),
    LineCrossingSettings.model_validate({"id": "gate", "type": "line_crossing", "line": [[0.3, 0.2], [0.3, 0.9]]}),
)


def paces(picture: Picture, number: int) -> None:
    """To the middle and back, again and again."""
    phase = number % 80
    spot_at(picture, 0.1 + 0.01 * min(phase, 80 - phase), 0.7)


def live(packets: list[Packet]) -> list[Alert]:
    sink, rate = RecordingSink(), FrameRate(10.0)
    runners = [RuleRunner("file", rule, is_active=lambda _moment: True) for rule in RULES]
    scene = SceneAnalyser("file", BrightSpotDetector(), runners, min_confidence=0.35)
    analyser = LiveAnalyser("file", scene, sink, fps=10.0, clock=ManualClock())
    expected, pause = 0, threading.Event()
    for packet in packets:
        expected += rate.take(packet.captured_at)
        analyser.push(packet)
        for _ in range(round(WAIT_S / 0.001)):
            if analyser.statistics()["frames_analysed"] == expected:
                break
            pause.wait(0.001)
    analyser.close()
    return sink.alerts


def from_file(packets: list[Packet], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Alert]:
    monkeypatch.setattr(offline, "create_detector", lambda _settings: BrightSpotDetector())
    path = folder / "clip.h264"
    path.write_bytes(b"".join(packet.data for packet in packets))
    return list(analyse_file(path, RULES, AnalysisSettings(fps=10.0)).alerts)


def test_live_analysis_and_the_analysis_of_a_file_give_the_same_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = coded(count=240, gop=25, options={"bf": "0"}, paint=paces)
    in_file, on_air = from_file(packets, tmp_path, monkeypatch), live(packets)
    assert len(on_air) > 5
    assert [(alert.rule_id, alert.details) for alert in in_file] == [(alert.rule_id, alert.details) for alert in on_air]
    for one, other in zip(in_file, on_air, strict=True):
        assert one.captured_at == pytest.approx(other.captured_at - START, abs=0.1 / FPS)
        assert one.started_at == pytest.approx(other.started_at - START, abs=0.1 / FPS)
        assert one.objects[0].box.left == pytest.approx(other.objects[0].box.left, abs=1e-4)
