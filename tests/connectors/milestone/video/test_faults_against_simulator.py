"""What the simulated recorder does on order, and by which error with which code the client tells it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.milestone.video import recorder
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    StreamEnded,
    StreamStalled,
    TimedOut,
    VmsError,
    VmsUnavailable,
)
from core.types import Packet
from tests.connectors.milestone.simulator.running import Running
from tests.connectors.milestone.sites import connect, running_site, write_clip
from tests.connectors.milestone.support import camera

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(write_clip(tmp_path_factory.mktemp("videos")), "--jump-seconds", "60") as running:
        yield running


def packets(site: Running) -> Iterator[Packet]:
    return connect(site).open_video(camera(device=site.camera)).packets()


def after_ten(site: Running, *outcomes: str, repeat: bool = True) -> Iterator[Packet]:
    """A stream that flows, and what is ordered then."""
    stream = packets(site)
    for _ in range(10):
        next(stream)
    site.order("video", *outcomes, repeat=repeat)
    return stream


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [("stall", TimedOut), ("refuse", AuthenticationRefused), ("unknown-camera", NotFoundInVms)],
)
def test_a_camera_that_is_not_opened(
    site: Running, outcome: str, kind: type[VmsError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "ANSWER_S", 0.3)
    site.order("video", outcome, repeat=True)
    try:
        with pytest.raises(kind) as caught:
            next(packets(site))
        assert type(caught.value) is kind
    finally:
        site.order("video")
    assert next(packets(site)).is_key


@pytest.mark.parametrize(("outcome", "kind"), [("drop", StreamEnded), ("lost-camera", VmsUnavailable)])
def test_a_stream_that_is_cut(site: Running, outcome: str, kind: type[VmsError]) -> None:
    stream = after_ten(site, outcome)
    try:
        with pytest.raises(kind) as caught:
            list(stream)
        assert type(caught.value) is kind
    finally:
        site.order("video")


def test_a_stream_that_falls_silent_has_stalled(site: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder.RecorderDialer.dial, "__kwdefaults__", {"silence_s": 0.5})
    stream = after_ten(site, "freeze")
    try:
        with pytest.raises(StreamStalled):
            list(stream)
    finally:
        site.order("video")


def test_another_codec_comes_on_the_same_connection(site: Running) -> None:
    stream = after_ten(site, "codec-change")
    try:
        assert next(packet for packet in stream if packet.codec == "hevc").is_key
    finally:
        site.order("video")
    assert next(packet for packet in stream if packet.codec == "h264").is_key
    stream.close()  # type: ignore[attr-defined]


def test_a_recorder_whose_clock_was_set_stamps_by_it(site: Running) -> None:
    stream = packets(site)
    before = [next(stream) for _ in range(20)][-1]
    site.order("clock", "jump", repeat=True)
    try:
        jumped = next(packet for packet in stream if packet.captured_at > before.captured_at + 50.0)
        assert jumped.captured_at == pytest.approx(before.captured_at + 60.0, abs=5.0)
    finally:
        site.order("clock")
        stream.close()  # type: ignore[attr-defined]


def test_a_certificate_that_was_replaced_is_rejected_until_it_is_put_back(site: Running) -> None:
    site.act("change-certificate", trusted=False)
    try:
        with pytest.raises(CertificateRejected):
            next(packets(site))
    finally:
        site.act("change-certificate", trusted=True)
    assert next(packets(site)).is_key
