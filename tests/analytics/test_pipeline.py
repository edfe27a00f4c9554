from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from analytics import pipeline
from analytics.pipeline import LiveAnalyser, create_analyser
from analytics.rate import FrameRate
from analytics.rules.counting import CountingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser
from config.model import (
    AnalysisSettings,
    CameraSettings,
    RuleSettings,
    SecretRef,
    Site,
    SiteSettings,
    State,
    VmsSettings,
)
from core.clock import ManualClock
from core.errors import ModelError
from core.histogram import quantile
from core.types import Alert, CameraFault, Packet, Picture, RuleState
from tests.analytics.coded import START, captured_at, coded
from tests.analytics.scenes import WAIT_S, BrightSpotDetector, RecordingSink, spot_at

pytestmark = pytest.mark.slow

ZONE = ZonePresenceSettings.model_validate(
    {"id": "yard", "type": "zone_presence", "zone": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], "dwell_s": 1.0}
)
NOW = START + 100.0
FPS = 10.0


def enters(picture: Picture, number: int) -> None:
    """A person comes from the left within a second and stands in the middle."""
    spot_at(picture, min(0.1 + number * 0.016, 0.5), 0.7)


def stream(seconds: float, encoder: str = "libx264", **options: str) -> list[Packet]:
    return coded(
        encoder,
        round(seconds * 25),
        gop=25,
        options={"bf": "0", **options} if encoder == "libx264" else {},
        paint=enters,
    )


Start = Callable[..., LiveAnalyser]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts analysers that see bright spots, and closes them."""
    started: list[LiveAnalyser] = []

    def begin(
        sink: RecordingSink, detector: BrightSpotDetector | None = None, settings: RuleSettings = ZONE
    ) -> LiveAnalyser:
        rule = RuleRunner("cam", settings, is_active=lambda _moment: True)
        scene = SceneAnalyser("cam", detector or BrightSpotDetector(), [rule], min_confidence=0.35)
        started.append(LiveAnalyser("cam", scene, sink, fps=FPS, clock=ManualClock(NOW)))
        return started[-1]

    yield begin
    for analyser in started:
        analyser.close()


def wait_until(is_met: Callable[[], bool]) -> None:
    """For what tells nobody when it happens."""
    pause = threading.Event()
    for _ in range(round(WAIT_S / 0.002)):
        if is_met():
            return
        pause.wait(0.002)
    raise AssertionError("did not happen in time")


def push_all(analyser: LiveAnalyser, packets: Sequence[Packet]) -> None:
    """As a camera would: no faster than they can be decoded."""
    for packet in packets:
        analyser.push(packet)
        wait_until(lambda: analyser.statistics()["queue_length"] == 0)


def push_each_analysed(analyser: LiveAnalyser, packets: Sequence[Packet]) -> None:
    """No faster than they can be analysed, so that no frame is skipped however busy the machine is."""
    rate, due = FrameRate(FPS), 0

    def is_done() -> bool:
        # The decoder may hold one picture back.
        return analyser.statistics()["frames_analysed"] >= due - 1

    for packet in packets:
        analyser.push(packet)
        due += rate.take(packet.captured_at)
        wait_until(is_done)


@pytest.mark.parametrize(
    ("encoder", "options"), [("libx264", {}), ("libx264", {"bf": "3"}), ("libx265", {}), ("mjpeg", {})]
)
def test_a_person_on_video_becomes_an_alert_in_capture_time(
    start: Start, encoder: str, options: dict[str, str]
) -> None:
    sink = RecordingSink()
    push_all(start(sink), stream(4.0, encoder, **options))
    sink.wait_until(lambda sink: bool(sink.alerts))
    (alert,) = sink.alerts
    assert alert.started_at == pytest.approx(START + 0.5, abs=0.4)
    assert alert.captured_at - alert.started_at == pytest.approx(1.0, abs=0.5)
    assert alert.captured_at in {captured_at(number) for number in range(100)}
    times = [boxes.captured_at for boxes in sink.frames]
    assert times == sorted(times)


def test_statistics_tell_what_became_of_every_packet(start: Start) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    push_all(analyser, stream(4.0))
    sink.wait_until(lambda sink: bool(sink.alerts))
    wait_until(lambda: analyser.statistics()["frames_decoded"] == 100)
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] == 40)
    figures = analyser.statistics()
    assert all(type(value) is float for value in figures.values())
    assert (figures["packets_in"], figures["packets_dropped"], figures["corrupt"]) == (100.0, 0.0, 0.0)
    assert (figures["alerts"], figures["rule_defects"], figures["detector_defects"]) == (1.0, 0.0, 0.0)
    assert figures["decode_s"] > 0.0
    assert figures["inference_s"] > 0.0
    assert figures["frames_gated"] == 0.0
    assert figures["decode_wait_s"] == figures["analysis_wait_s"] == 0.0  # the clock stands still
    assert figures["lag_s"] == pytest.approx(NOW - captured_at(99), abs=0.2)


def test_every_alert_is_counted_by_how_long_after_its_picture_it_came(start: Start) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    push_all(analyser, stream(4.0))
    sink.wait_until(lambda sink: bool(sink.alerts))
    wait_until(lambda: quantile([analyser.statistics()], "alert_delay", 0.95) is not None)
    counted = {name: count for name, count in analyser.statistics().items() if name.startswith("alert_delay/")}
    assert sum(counted.values()) == 1.0


def test_statistics_tell_what_rules_have_counted(start: Start) -> None:
    settings = CountingSettings(id="in", type="counting", line=((0.25, 0.3), (0.25, 0.9)))
    analyser = start(RecordingSink(), settings=settings)
    assert analyser.statistics()["figures/in/to_left"] == 0.0
    push_each_analysed(analyser, stream(4.0))
    wait_until(lambda: analyser.statistics()["figures/in/to_left"] == 1.0)
    assert analyser.statistics()["figures/in/to_right"] == 0.0


def test_before_the_first_frame_every_figure_is_zero(start: Start) -> None:
    assert set(start(RecordingSink()).statistics().values()) == {0.0}


def test_while_the_detector_is_busy_frames_are_skipped_and_the_newest_is_next(start: Start) -> None:
    detector, sink = BrightSpotDetector(), RecordingSink()
    analyser = start(sink, detector)
    detector.gate.clear()
    push_all(analyser, stream(4.0))
    wait_until(lambda: analyser.statistics()["frames_decoded"] == 100)
    detector.gate.set()
    wait_until(lambda: analyser.statistics()["frames_analysed"] == 2)
    assert analyser.statistics()["frames_skipped"] == 38.0
    assert analyser.statistics()["lag_s"] == pytest.approx(NOW - captured_at(99), abs=0.1)


def test_pushing_never_blocks_and_what_does_not_fit_is_dropped_up_to_a_key_frame(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held, decode_one = threading.Event(), LiveAnalyser._decode_one

    def held(analyser: LiveAnalyser, item: Any) -> None:
        assert is_held.wait(WAIT_S)
        decode_one(analyser, item)

    monkeypatch.setattr(LiveAnalyser, "_decode_one", held)
    analyser = start(RecordingSink())
    for packet in stream(10.0):
        analyser.push(packet)
    figures = analyser.statistics()
    assert figures["queue_length"] <= 128
    assert figures["packets_dropped"] + figures["queue_length"] in {249.0, 250.0}
    is_held.set()
    wait_until(lambda: analyser.statistics()["queue_length"] == 0)
    wait_until(lambda: analyser.statistics()["frames_decoded"] >= figures["queue_length"])
    assert analyser.statistics()["corrupt"] == 0.0


def test_damaged_packets_cost_frames_and_nothing_else(start: Start) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    packets = [
        replace(packet, data=b"") if number in {5, 30, 31} else packet for number, packet in enumerate(stream(4.0))
    ]
    push_all(analyser, packets)
    sink.wait_until(lambda sink: bool(sink.alerts))
    assert analyser.statistics()["corrupt"] == 2.0


def test_live_too_only_what_the_analysed_rate_needs_is_decoded(start: Start) -> None:
    analyser = start(RecordingSink())
    push_all(analyser, stream(4.0, "mjpeg"))
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] == 40)
    assert analyser.statistics()["frames_decoded"] == 40.0


def test_a_codec_that_nobody_decodes_is_logged_once_and_so_is_its_end(start: Start) -> None:
    sink, packets = RecordingSink(), stream(3.0)
    with capture_logs() as logs:
        analyser = start(sink)
        push_all(analyser, [replace(packet, codec="h267") for packet in packets[:25]])
        push_all(analyser, packets)
        sink.wait_until(lambda sink: bool(sink.alerts))
    assert [(entry["log_level"], entry["camera"]) for entry in logs] == [("error", "cam"), ("info", "cam")]
    assert "h267" in logs[0]["cause"]


def stands(picture: Picture, _number: int) -> None:
    spot_at(picture, 0.5, 0.7)


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_tracks_end_with_their_stream(start: Start, is_interrupted: bool) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    packets = coded(count=50, gop=25, options={"bf": "0"}, paint=stands)
    push_all(analyser, packets)
    sink.wait_until(lambda sink: sink.frames[-1:] != [] and sink.frames[-1].captured_at > captured_at(45))
    if is_interrupted:
        analyser.interrupted()
    push_all(analyser, [replace(packet, captured_at=packet.captured_at + 2) for packet in packets])
    sink.wait_until(lambda sink: sink.frames[-1].captured_at > captured_at(95))
    ids = {track.track_id for boxes in sink.frames for track in boxes.tracks}
    assert len(ids) == (2 if is_interrupted else 1)
    assert len(sink.alerts) == 1


def test_what_is_left_of_a_broken_stream_does_not_reach_the_decoder_of_the_next(start: Start) -> None:
    analyser = start(RecordingSink())
    packets = stream(2.0)
    push_all(analyser, packets[:30])
    analyser.interrupted()
    push_all(analyser, packets[35:])
    wait_until(lambda: analyser.statistics()["frames_decoded"] == 30)
    assert analyser.statistics()["corrupt"] == 0.0


class FailingSink(RecordingSink):
    def boxes(self, boxes: object) -> None:
        raise OSError("the pipe is gone")


def test_a_sink_that_fails_does_not_end_the_camera(start: Start) -> None:
    sink = FailingSink()
    with capture_logs() as logs:
        analyser = start(sink)
        push_all(analyser, stream(4.0))
        sink.wait_until(lambda sink: bool(sink.alerts))
        wait_until(lambda: analyser.statistics()["frames_decoded"] == 100)
    assert [entry["log_level"] for entry in logs].count("error") == 1


def test_closing_ends_both_threads_soon_and_may_be_repeated(start: Start) -> None:
    detector = BrightSpotDetector()
    analyser = start(RecordingSink(), detector)
    push_all(analyser, stream(1.0))
    threads = [thread for thread in threading.enumerate() if thread.name.endswith(" cam")]
    assert len(threads) == 2
    analyser.close()
    analyser.close()
    assert not any(thread.is_alive() for thread in threads)
    analyser.push(stream(0.04)[0])
    assert analyser.statistics()["queue_length"] == 0.0


def test_a_thread_that_does_not_end_does_not_keep_close_from_returning(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_JOIN_S", 0.05)
    detector = BrightSpotDetector()
    analyser = start(RecordingSink(), detector)
    detector.gate.clear()
    push_all(analyser, stream(0.2))
    with capture_logs() as logs:
        analyser.close()
    assert [entry["thread"] for entry in logs] == ["analyse cam"]
    detector.gate.set()


def site(**rule: Any) -> SiteSettings:
    settings = ZONE.model_copy(update=rule)
    camera = CameraSettings.model_construct(id="cam", vms="v", device="1", analysis=None, rules=(settings,))
    vms = VmsSettings(id="v", type="fake", url="https://vms.test", username="u", password=SecretRef(env="X"))
    analysis = AnalysisSettings(fps=10.0)
    return SiteSettings(version=1, site=Site(name="here"), vms=(vms,), analysis=analysis).model_copy(
        update={"cameras": (camera,)}
    )


def alerts_of(
    settings: SiteSettings,
    monkeypatch: pytest.MonkeyPatch,
    last_alerts: dict[str, float],
    states: dict[str, RuleState],
) -> list[Alert]:
    """Everything that the installed analyser raises on a short stream."""
    monkeypatch.setattr(pipeline, "create_detector", lambda _settings: BrightSpotDetector())
    sink = RecordingSink()
    analyser = create_analyser(settings.cameras[0], settings, sink, last_alerts, states)
    assert isinstance(analyser, LiveAnalyser)
    packets = stream(4.0)
    push_all(analyser, packets)
    wait_until(lambda: analyser.statistics()["frames_decoded"] == len(packets))
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] == 40)
    analyser.close()
    return sink.alerts


@pytest.mark.parametrize(
    ("rule", "last_alerts", "expected"),
    [
        ({}, {}, 1),
        ({"state": State.OFF}, {}, 0),
        ({"cooldown_s": 60.0}, {"yard": START - 10}, 0),
        ({"cooldown_s": 60.0}, {"another": START - 10}, 1),
        ({"min_size": 0.5}, {}, 0),
    ],
)
def test_the_factory_runs_the_rules_of_the_camera(
    monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any], last_alerts: dict[str, float], expected: int
) -> None:
    assert len(alerts_of(site(**rule), monkeypatch, last_alerts, {})) == expected


@pytest.mark.parametrize(
    ("configured", "switched", "expected"),
    [
        (State.OFF, {"yard": RuleState.ARMED}, [RuleState.ARMED]),
        (State.ARMED, {"yard": RuleState.OFF}, []),
        (State.ARMED, {"yard": RuleState.OBSERVE}, [RuleState.OBSERVE]),
        (State.OBSERVE, {"another": RuleState.ARMED}, [RuleState.OBSERVE]),
    ],
)
def test_what_operators_switched_before_stands_from_the_first_frame(
    monkeypatch: pytest.MonkeyPatch, configured: State, switched: dict[str, RuleState], expected: list[RuleState]
) -> None:
    alerts = alerts_of(site(state=configured), monkeypatch, {}, switched)
    assert [alert.state for alert in alerts] == expected


class SharedSpotDetector(BrightSpotDetector):
    is_shared = True


@pytest.mark.parametrize("gating", ["auto", "off"])
def test_on_a_quiet_camera_the_detector_rests_where_the_settings_let_it(
    monkeypatch: pytest.MonkeyPatch, gating: str
) -> None:
    detector = SharedSpotDetector()
    monkeypatch.setattr(pipeline, "create_detector", lambda _settings: detector)
    settings = site()
    analysis = settings.analysis.model_copy(update={"gating": gating})
    camera = settings.cameras[0].model_copy(update={"watch_view": False})  # one picture again and again: frozen
    analyser = create_analyser(camera, settings.model_copy(update={"analysis": analysis}), RecordingSink(), {}, {})
    assert isinstance(analyser, LiveAnalyser)
    (picture,) = coded(count=1, options={"bf": "0"})
    push_each_analysed(analyser, [replace(picture, captured_at=captured_at(number)) for number in range(150)])
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] == 60)
    analyser.close()
    figures = analyser.statistics()
    assert figures["frames_gated"] == figures["frames_analysed"] - len(detector.shapes)
    assert (figures["frames_gated"] > 20) == (gating == "auto")


def test_a_camera_whose_density_map_model_cannot_be_used_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipeline, "create_detector", lambda _settings: BrightSpotDetector())
    settings = site()
    analysis = settings.analysis.model_copy(update={"density_model": tmp_path / "absent.onnx"})
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be read"):
        create_analyser(
            settings.cameras[0], settings.model_copy(update={"analysis": analysis}), RecordingSink(), {}, {}
        )


def test_a_rule_is_switched_while_the_camera_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = site()
    monkeypatch.setattr(pipeline, "create_detector", lambda _settings: BrightSpotDetector())
    sink = RecordingSink()
    analyser = create_analyser(settings.cameras[0], settings, sink, {}, {})
    assert isinstance(analyser, LiveAnalyser)
    analyser.switch({"yard": RuleState.OFF})
    push_all(analyser, stream(4.0))
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] == 40)
    analyser.close()
    assert sink.alerts == []


def test_a_detector_that_cannot_be_used_is_told_at_once() -> None:
    settings = site()
    camera = settings.cameras[0].model_copy(update={"analysis": AnalysisSettings(detector="nothing.onnx")})
    with pytest.raises(ModelError, match=r"nothing\.onnx"):
        create_analyser(camera, settings, RecordingSink(), {}, {})


@pytest.mark.parametrize("jump_s", [600.0, -600.0])
def test_a_clock_that_jumps_is_told_and_is_no_stay_of_ten_minutes(start: Start, jump_s: float) -> None:
    sink = RecordingSink()
    patient = ZONE.model_copy(update={"dwell_s": 60.0})
    packets = [
        replace(
            packet,
            received_at=number / 25,
            captured_at=packet.captured_at + (jump_s if number >= 100 else 0.0),
        )
        for number, packet in enumerate(stream(6.0))
    ]
    analyser = start(sink, settings=patient)
    push_all(analyser, packets)
    sink.wait_until(lambda sink: CameraFault.CLOCK_JUMPED in sink.faults)
    wait_until(lambda: analyser.statistics()["frames_analysed"] >= 20)
    assert not sink.alerts
    assert sink.faults_said == [(CameraFault.CLOCK_JUMPED, True)]


def test_a_stream_that_goes_on_in_another_codec_and_size_is_told_and_analysed_on(start: Start) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    push_all(analyser, stream(1.0))
    later = coded("libx265", 50, gop=25, paint=enters, size=(160, 120))
    push_all(analyser, [replace(packet, captured_at=packet.captured_at + 1.0) for packet in later])
    sink.wait_until(lambda sink: CameraFault.RESOLUTION_CHANGED in sink.faults)
    assert CameraFault.CODEC_CHANGED in sink.faults
    sink.wait_until(lambda sink: sink.frames[-1].captured_at > START + 1.5)


def test_an_open_stream_that_falls_silent_has_stalled_and_one_that_ended_has_not(start: Start) -> None:
    sink = RecordingSink()
    analyser = start(sink)
    push_all(analyser, stream(1.0))
    clock = analyser._clock
    assert isinstance(clock, ManualClock)
    clock.advance(5.0)
    sink.wait_until(lambda sink: CameraFault.STALLED in sink.faults)
    analyser.interrupted()
    sink.wait_until(lambda sink: CameraFault.STALLED not in sink.faults)
