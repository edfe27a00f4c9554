from __future__ import annotations

import numpy as np
import pytest

from analytics.decode.frame import DecodedFrame
from analytics.probe.figures import figures_of
from analytics.probe.picture import quality_of
from analytics.probe.stream import Arrival, StreamSample, sample
from core.clock import ManualClock
from core.errors import VmsUnavailable
from core.fakes import FakeVideoSource
from core.types import Packet
from tests.analytics.coded import coded
from tests.analytics.frames import frame_of

FPS = 12.5
START = 1_800_000_000.0


def arrivals(
    seconds: float, *, missing: frozenset[int] = frozenset(), ahead_s: float = 0.0, late: float = 0.0
) -> list[Arrival]:
    """A burst of a second, then a steady stream with a key frame each second."""
    out = []
    for number in range(round(seconds * FPS)):
        captured = number / FPS
        received = max(captured, 1.0) + (late if number % 2 else 0.0)
        if number not in missing:
            out.append(
                Arrival(
                    captured_at=START + captured + ahead_s,
                    received_at=received,
                    local_utc=START + received,
                    size=8000,
                    is_key=number % 12 == 0,
                )
            )
    return out


def test_rate_bit_rate_and_key_frames_are_those_of_the_steady_stream() -> None:
    figures = figures_of(StreamSample(arrivals=arrivals(10.0), pictures=125))
    assert figures.fps == pytest.approx(FPS)
    assert figures.kbit_s == pytest.approx(800.0)
    assert figures.key_interval_s == pytest.approx(12 / FPS)
    assert figures.jitter_ms == pytest.approx(0.0, abs=0.01)
    assert figures.lost_share == 0.0
    assert figures.clock_offset_s == pytest.approx(0.0, abs=0.01)


def test_gaps_and_damage_are_losses() -> None:
    taken = StreamSample(arrivals=arrivals(10.0, missing=frozenset({50, 51, 80})), pictures=95, damaged=2)
    assert figures_of(taken).lost_share == pytest.approx(5 / 100)


def test_unsteady_arrival_is_jitter_and_a_wrong_clock_an_offset() -> None:
    figures = figures_of(StreamSample(arrivals=arrivals(10.0, ahead_s=-7.0, late=0.3)))
    assert figures.jitter_ms == pytest.approx(300.0, abs=1.0)
    assert figures.clock_offset_s == pytest.approx(-7.0, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_sample_that_is_too_short_says_so(count: int) -> None:
    figures = figures_of(StreamSample(arrivals=arrivals(1.0)[:count]))
    assert figures.fps is None
    assert figures.quality is None


def test_a_stream_that_breaks_off_is_told_with_what_came_of_it() -> None:
    failure = VmsUnavailable("over")
    taken = sample(FakeVideoSource(coded(count=20), failure=failure), ManualClock(), 60.0)
    assert taken.failure is failure
    assert taken.pictures > 10


def test_a_camera_that_gives_no_video_raises_why() -> None:
    with pytest.raises(VmsUnavailable):
        sample(FakeVideoSource([], failure=VmsUnavailable("nobody answers")), ManualClock(), 60.0)


def test_a_real_stream_tells_its_coding() -> None:
    class Ticking(ManualClock):
        """A second passes with each look."""

        def monotonic(self) -> float:
            self.advance(0.01)
            return super().monotonic()

    packets: list[Packet] = coded(count=50, gop=25, options={"bf": "2"})
    taken = sample(FakeVideoSource(packets), Ticking(), 1.0)
    assert taken.profile == "High"
    assert (taken.width, taken.height) == (320, 240)
    assert taken.has_b_frames
    assert taken.nominal_fps == 25.0
    assert taken.first_picture_s is not None
    assert taken.decode_s > 0.0
    assert taken.qualities


def grey(picture: np.ndarray) -> DecodedFrame:
    return frame_of(np.repeat(picture.astype(np.uint8)[:, :, None], 3, axis=2))


def test_the_figures_of_a_picture_tell_dark_flat_soft_and_blocky_apart() -> None:
    noise = np.random.default_rng(1).integers(40, 216, (240, 320))
    sharp, flat = quality_of(grey(noise)), quality_of(grey(np.full((240, 320), 20)))
    assert sharp.light > 100.0
    assert sharp.contrast > 40.0
    assert sharp.sharpness > 100.0
    assert flat.light < 30.0
    assert flat.contrast < 5.0
    assert flat.sharpness < 5.0
    blocks = np.kron(np.random.default_rng(2).integers(60, 200, (30, 40)), np.ones((8, 8)))
    assert quality_of(grey(blocks + np.random.default_rng(3).integers(0, 3, blocks.shape))).blockiness > 3.0
    assert sharp.blockiness == pytest.approx(1.0, abs=0.1)
