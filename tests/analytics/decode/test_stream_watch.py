from __future__ import annotations

import av
import numpy as np
import pytest

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.decode.stream_watch import MOMENT_S, STALL_S, StreamWatch
from core.clock import ManualClock
from core.types import CameraFault, Packet
from tests.analytics.coded import coded
from tests.analytics.scenes import RecordingSink

pytestmark = pytest.mark.slow

START = 1_800_000_000.0
INTERVAL_S = 0.08
LIMIT_S = 5.0
"""Of a detection."""


class Bench:
    """A stream that runs by a clock in the hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.sink = RecordingSink()
        self.watch = StreamWatch(self.sink, self.clock)
        self.stream = 0
        self.codec = "h264"
        self.ahead_s = 0.0
        self.size = (704, 576)

    def flow(self, seconds: float, *, interval_s: float = INTERVAL_S, damaged_every: int = 0) -> None:
        for number in range(round(seconds / interval_s)):
            self.clock.advance(interval_s)
            self.watch.arrived(self._packet(), self.stream)
            is_damaged = bool(damaged_every) and number % damaged_every == 0
            self.watch.decoded([] if is_damaged else [frame(self.size)], int(is_damaged))

    def silence(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            self.watch.silent(self.stream)

    def said(self) -> list[tuple[str, bool]]:
        return [(fault.value, came) for fault, came in self.sink.faults_said]

    def _packet(self) -> Packet:
        now = self.clock.monotonic()
        return Packet(
            codec=self.codec,
            data=b"x",
            captured_at=self.clock.utc() + self.ahead_s,
            is_key=True,
            received_at=now,
        )


def frame(size: tuple[int, int]) -> DecodedFrame:
    picture = av.VideoFrame.from_ndarray(np.zeros((size[1] * 3 // 2, size[0]), np.uint8), format="yuv420p")
    return DecodedFrame(picture=picture, captured_at=START)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.flow(6.0)
    assert bench.said() == []
    return bench


def test_a_stream_that_is_open_and_silent_has_stalled_until_it_flows(bench: Bench) -> None:
    bench.silence(STALL_S - 0.25)
    assert bench.said() == []
    bench.silence(LIMIT_S - STALL_S + 0.25)
    bench.silence(20.0)
    assert bench.said() == [("stalled", True)]
    bench.flow(INTERVAL_S)
    assert bench.said() == [("stalled", True), ("stalled", False)]


def test_a_stream_that_ended_has_not_stalled(bench: Bench) -> None:
    bench.stream += 1
    bench.silence(20.0)
    assert bench.said() == []


def test_silence_is_over_when_the_source_gives_the_stream_up(bench: Bench) -> None:
    bench.silence(5.0)
    bench.stream += 1
    bench.silence(1.0)
    assert bench.said() == [("stalled", True), ("stalled", False)]


def test_a_slow_stream_has_not_stalled_between_two_pictures() -> None:
    bench = Bench()
    for _ in range(10):
        bench.flow(0.25, interval_s=0.25)
        bench.silence(4.75)
    assert bench.said() == []
    bench.silence(11.0)
    assert bench.said() == [("stalled", True)]


def test_damaged_packets_are_told_once_and_over_when_none_came_for_a_while(bench: Bench) -> None:
    bench.flow(2.0, damaged_every=4)
    assert bench.said() == [("corrupt", True)]
    bench.flow(10.0, damaged_every=12)
    bench.flow(1.0)
    assert bench.said() == [("corrupt", True)]
    bench.flow(2.0)
    assert bench.said() == [("corrupt", True), ("corrupt", False)]


def test_a_hiccup_is_not_damage(bench: Bench) -> None:
    bench.flow(4 * INTERVAL_S, damaged_every=2)
    bench.flow(6.0)
    bench.flow(60.0, damaged_every=30)
    assert bench.said() == []


def test_damage_of_a_stream_that_went_away_is_over(bench: Bench) -> None:
    bench.flow(2.0, damaged_every=3)
    bench.stream += 1
    bench.silence(6.0)
    assert bench.said() == [("corrupt", True), ("corrupt", False)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"codec": "hevc"}, CameraFault.CODEC_CHANGED),
        ({"codec": "hevc", "stream": 1}, CameraFault.CODEC_CHANGED),
        ({"size": (352, 288)}, CameraFault.RESOLUTION_CHANGED),
        ({"size": (352, 288), "stream": 1}, CameraFault.RESOLUTION_CHANGED),
        ({"ahead_s": 60.0}, CameraFault.CLOCK_JUMPED),
    ],
)
def test_a_change_is_a_moment_that_is_told_once_each_way(
    bench: Bench, change: dict[str, object], code: CameraFault
) -> None:
    for name, value in change.items():
        setattr(bench, name, value)
    bench.flow(MOMENT_S - 1.0)
    assert bench.said() == [(code.value, True)]
    bench.flow(2.0)
    assert bench.said() == [(code.value, True), (code.value, False)]


def test_a_change_says_what_changed(bench: Bench) -> None:
    bench.codec, bench.size, bench.ahead_s = "hevc", (352, 288), 60.0
    bench.flow(INTERVAL_S)
    assert bench.sink.faults[CameraFault.CODEC_CHANGED].startswith("h264 became hevc")
    assert bench.sink.faults[CameraFault.RESOLUTION_CHANGED] == "704x576 became 352x288 pixels"
    assert "+60.0 s" in bench.sink.faults[CameraFault.CLOCK_JUMPED]


def test_what_was_followed_is_followed_on_through_another_size_but_not_through_another_shape_or_time(
    bench: Bench,
) -> None:
    bench.size = (352, 288)
    bench.flow(1.0)
    bench.codec = "hevc"
    bench.flow(1.0)
    assert bench.watch.breaks == 0
    bench.size = (640, 360)
    bench.flow(1.0)
    assert bench.watch.breaks == 1
    assert "zones" in bench.sink.faults[CameraFault.RESOLUTION_CHANGED]
    bench.ahead_s = -600.0
    bench.flow(1.0)
    assert bench.watch.breaks == 2


@pytest.mark.parametrize("keeps", [0.5, 0.75])
def test_what_the_decoder_finds_damaged_is_damage(keeps: float) -> None:
    """Real H.264: every third picture arrives with its end missing."""
    bench, decoder = Bench(), Decoder()
    for number, packet in enumerate(coded(count=50, gop=25, options={"bf": "0"}, paint=_noise)):
        bench.clock.advance(INTERVAL_S)
        cut = packet.data[: round(len(packet.data) * keeps)] if number % 3 == 1 else packet.data
        before = decoder.corrupt
        frames = decoder.decode(Packet(codec="h264", data=cut, captured_at=0.0, is_key=packet.is_key, received_at=0.0))
        bench.watch.decoded(frames, decoder.corrupt - before)
    assert CameraFault.CORRUPT in bench.sink.faults


def _noise(picture: np.ndarray, number: int) -> None:
    picture[:] = np.random.default_rng(number).integers(0, 255, picture.shape, np.uint8)
