from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analytics import replay
from analytics.replay import Replay
from config.model import CameraSettings, SiteSettings
from core import registry
from core.errors import ModelError
from core.types import Alert, Packet, Picture
from tests.analytics.coded import FPS, START, captured_at, coded, h264
from tests.analytics.scenes import BrightSpotDetector, spot_at

pytestmark = pytest.mark.slow

ZONE = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]]
YARD = {"id": "yard", "type": "zone_presence", "zone": ZONE, "dwell_s": 0.5, "cooldown_s": 5.0}


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "create_detector", lambda _settings: BrightSpotDetector())


def replayed(fps: float = 25.0, *, schedule: str | None = None, **more: Any) -> Replay:
    document = {
        "version": 1,
        "site": {"name": "Gare", "timezone": "UTC"},
        "analysis": {"fps": fps},
        "vms": [{"id": "x", "type": "milestone", "url": "https://v", "username": "u", "password": {"env": "P"}}],
        "cameras": [{"id": "gate", "vms": "x", "device": "d", "rules": [{**YARD, "schedule": schedule}]}],
        **more,
    }
    site = SiteSettings.model_validate(document, context=registry.kinds())
    (camera,) = site.cameras
    assert isinstance(camera, CameraSettings)
    return Replay(camera, site, camera.rules)


def times(run: Replay, packets: list[Packet], begin: float = START) -> list[float]:
    return [moment for moment, _ in run.verdicts(packets, begin)]


def alerts(run: Replay, packets: list[Packet], begin: float = START) -> list[Alert]:
    return [alert for _, verdict in run.verdicts(packets, begin) for alert in verdict.alerts]


def standing() -> list[Packet]:
    def stands(picture: Picture, _number: int) -> None:
        spot_at(picture, 0.5, 0.7)

    return coded(options={"bf": "0"}, paint=stands)


def test_no_picture_that_the_rate_takes_is_skipped() -> None:
    run = replayed(25.0)
    assert times(run, list(h264())) == [captured_at(number) for number in range(50)]
    assert run.frames_analysed == 50


def test_a_density_map_model_that_cannot_be_used_is_said_before_anything_is_replayed() -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be read"):
        replayed(analysis={"density_model": "absent.onnx"})


def test_the_rate_chooses_by_capture_time() -> None:
    assert len(times(replayed(5.0), list(h264()))) in {10, 11}


@pytest.mark.parametrize(("encoder", "options"), [("libx264", {"bf": "2"}), ("libx265", {}), ("mjpeg", {})])
def test_every_codec_is_replayed_to_its_last_picture_in_the_order_of_presentation(
    encoder: str, options: dict[str, str]
) -> None:
    seen = times(replayed(25.0), coded(encoder, options=options))
    assert seen == sorted(seen)
    assert len(seen) == 50


def test_pictures_before_the_beginning_only_help_to_decode() -> None:
    run = replayed(25.0)
    seen = times(run, list(h264()), captured_at(7))
    assert seen[0] == captured_at(7)
    assert run.recorded_s == pytest.approx(42 / FPS)


def test_alerts_carry_the_capture_time_of_the_recording() -> None:
    (alert,) = alerts(replayed(10.0), standing())
    assert (alert.camera_id, alert.rule_id) == ("gate", "yard")
    assert START + 0.5 <= alert.captured_at < START + 1.5


def test_the_same_recording_gives_the_same_alerts() -> None:
    assert alerts(replayed(10.0), standing()) == alerts(replayed(10.0), standing())


@pytest.mark.parametrize(("window", "fires"), [("22:00-23:00", True), ("08:00-09:00", False)])
def test_schedules_apply_at_the_time_of_the_recording(window: str, fires: bool) -> None:
    begin, end = window.split("-")
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    schedules = {"hours": [{"days": days, "from": begin, "to": end}]}
    assert bool(alerts(replayed(10.0, schedule="hours", schedules=schedules), standing())) is fires


def test_gaps_are_counted_and_are_no_recording() -> None:
    packets = list(h264())
    late = [replace(packet, captured_at=packet.captured_at + 60.0) for packet in packets[10:]]
    run = replayed(25.0)
    assert len(times(run, [*packets[:10], *late])) == 50
    assert (run.gaps, round(run.recorded_s, 2)) == (1, round((9 + 39) / FPS, 2))


def test_damage_costs_pictures_and_is_counted() -> None:
    packets = list(h264())
    packets[12] = replace(packets[12], data=b"")
    run = replayed(25.0)
    assert len(times(run, packets)) < 50
    assert run.corrupt == 1
