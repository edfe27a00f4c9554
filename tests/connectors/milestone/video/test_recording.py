from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from analytics.decode.decoder import Decoder
from connectors.milestone.access.tokens import Grant, Lease
from connectors.milestone.video.recorder import RecorderConnection, dial
from connectors.milestone.video.recording import RecordingSource
from core.clock import ManualClock
from core.errors import AuthenticationRefused, ProtocolViolation, VmsRefused, VmsUnavailable
from core.types import Packet
from tests.connectors.milestone.support import (
    DEVICE,
    WAIT_S,
    Link,
    Script,
    connected,
    image,
    refused,
    scripted_server,
    xml_block,
)
from tests.connectors.milestone.video.recordings import STEP_MS, Group, Recorder, record

pytestmark = pytest.mark.slow

T0 = 1_763_632_900_000
FAR_MS = 10_000_000


class Tokens:
    def __init__(self, clock: ManualClock, life_s: float) -> None:
        self.logins = 0
        self._life_s = life_s
        self.lease = Lease(self._log_in, clock, share=0.5)

    def _log_in(self, _current: str) -> Grant:
        self.logins += 1
        return Grant(f"TOKEN#{self.logins}#vms//ServerConnector#", self._life_s)


class Playback:
    """A source on a scripted recorder; times in ms after ``T0``."""

    def __init__(self, port: int, begin_ms: int, end_ms: int, life_s: float) -> None:
        self.clock = ManualClock()
        self.tokens = Tokens(self.clock, life_s)
        self.source = RecordingSource(
            "Quai 1",
            lambda: RecorderConnection(dial("127.0.0.1", port, None, WAIT_S), DEVICE, "Quai 1", silence_s=WAIT_S),
            self.tokens.lease,
            self.clock,
            begin=(T0 + begin_ms) / 1000,
            end=(T0 + end_ms) / 1000,
        )


@contextmanager
def playback(script: Script, begin_ms: int, end_ms: int, *, life_s: float = 14_400.0) -> Iterator[Playback]:
    with scripted_server(script) as server:
        yield Playback(server.port, begin_ms, end_ms, life_s)


def play(recorder: Recorder, begin_ms: int = 0, end_ms: int = FAR_MS) -> list[Packet]:
    with playback(recorder.script, begin_ms, end_ms) as setup:
        return list(setup.source.packets())


def offsets(packets: list[Packet]) -> list[int]:
    return [round(packet.captured_at * 1000) - T0 for packet in packets]


def three_groups(codec: str = "h264") -> list[Group]:
    return record(codec, begin_ms=T0, groups=3)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
@pytest.mark.parametrize("answers", ["multipart", "multipart with a length", "plain"])
def test_every_recorded_picture_comes_once_in_decode_order_with_the_recorders_time(codec: str, answers: str) -> None:
    recorder = Recorder(three_groups(codec), multipart=answers != "plain", outer_length="length" in answers)
    packets = play(recorder)
    assert offsets(packets) == [STEP_MS * number for number in range(15)]
    assert {packet.codec for packet in packets} == {codec}
    decoder = Decoder()
    shown = [frame.captured_at for packet in packets for frame in decoder.decode(packet)]
    shown += [frame.captured_at for frame in decoder.flush()]
    assert shown == [packet.captured_at for packet in packets]
    assert decoder.corrupt == 0


def test_the_live_stream_is_not_asked_for() -> None:
    recorder = Recorder(three_groups())
    play(recorder)
    assert "streamid" not in recorder.requests[0]
    assert f"id={DEVICE}&amp;connectiontoken=TOKEN#1#" in recorder.requests[0]
    assert set(recorder.methods) == {"connect", "goto", "next"}


def test_playback_ends_after_the_interval_without_reading_on() -> None:
    recorder = Recorder(three_groups())
    assert offsets(play(recorder, end_ms=700)) == [0, 100, 200, 300, 400, 500, 600, 700]
    assert recorder.methods.count("next") <= 2


def test_a_beginning_within_a_group_gives_that_group_from_its_key_frame_on() -> None:
    packets = play(Recorder(three_groups()), begin_ms=720)
    assert offsets(packets)[0] == 500
    assert packets[0].is_key


def test_a_beginning_before_the_first_recording_begins_there() -> None:
    assert offsets(play(Recorder(three_groups()), begin_ms=-60_000))[0] == 0


def test_a_beginning_in_a_gap_skips_the_group_before_it() -> None:
    gap = [*record("h264", begin_ms=T0), *record("h264", begin_ms=T0 + 60_000)]
    assert offsets(play(Recorder(gap), begin_ms=30_000))[0] == 60_000


def test_gaps_within_the_interval_are_skipped() -> None:
    gap = [*record("h264", begin_ms=T0), *record("h264", begin_ms=T0 + 60_000)]
    packets = play(Recorder(gap))
    assert offsets(packets)[4:6] == [400, 60_000]
    assert packets[5].is_key


@pytest.mark.parametrize(
    ("begin_ms", "end_ms"), [(30_000, 50_000), (2_000, FAR_MS), (-60_000, -30_000)], ids=["gap", "after", "before"]
)
def test_an_interval_without_recording_gives_nothing(begin_ms: int, end_ms: int) -> None:
    groups = [*record("h264", begin_ms=T0), *(record("h264", begin_ms=T0 + 60_000) if begin_ms > 10_000 else [])]
    assert play(Recorder(groups), begin_ms, end_ms) == []


def test_an_empty_database_gives_nothing() -> None:
    assert play(Recorder([])) == []


def test_the_end_of_the_database_ends_playback_though_its_last_group_comes_again() -> None:
    recorder = Recorder(three_groups())
    assert len(play(recorder)) == 15
    assert recorder.methods.count("next") <= 4


def test_of_a_group_that_grew_only_the_new_pictures_come() -> None:
    (whole,) = record("h264", begin_ms=T0)
    recorder = Recorder([whole[:3]], grown=whole)
    assert offsets(play(recorder)) == [0, 100, 200, 300, 400]


def test_a_group_that_grows_into_the_interval_comes_whole() -> None:
    (whole,) = record("h264", begin_ms=T0)
    recorder = Recorder([whole[:2]], grown=whole)
    assert offsets(play(recorder, begin_ms=300)) == [0, 100, 200, 300, 400]


def test_a_change_of_codec_within_the_recording_is_played_through() -> None:
    groups = [*record("h264", begin_ms=T0), *record("hevc", begin_ms=T0 + 500)]
    decoder = Decoder()
    packets = play(Recorder(groups))
    shown = [frame.captured_at for packet in packets for frame in decoder.decode(packet)]
    shown += [frame.captured_at for frame in decoder.flush()]
    assert [packet.codec for packet in packets] == ["h264"] * 5 + ["hevc"] * 5
    assert len(shown) == 10


def test_a_fresh_token_is_given_before_the_old_one_ends() -> None:
    recorder = Recorder(three_groups())
    with playback(recorder.script, 0, FAR_MS, life_s=100.0) as setup:
        stream = setup.source.packets()
        next(stream)
        setup.clock.advance(51.0)
        assert len(list(stream)) == 14
    assert [request for request in recorder.requests if "connectupdate" in request and "TOKEN#2#" in request]


def test_a_link_that_breaks_within_the_interval_is_an_error_not_an_end() -> None:
    recorder = Recorder(three_groups(), hangs_up_after=2)
    with playback(recorder.script, 0, FAR_MS) as setup:
        stream = setup.source.packets()
        seen: list[Packet] = []
        with pytest.raises(VmsUnavailable, match="Quai 1: the recorder closed the link"):
            seen.extend(stream)
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            xml_block("<methodresponse><connected>no</connected><errorreason>Token</errorreason></methodresponse>"),
            "ends",
        ),
        (image(b"\x00\x10\x00"), "header"),
        (image(b"x", content_type="text/plain"), "text/plain"),
    ],
    ids=["refused", "cut", "unknown"],
)
def test_what_cannot_be_played_is_an_error(answer: bytes, kind: str) -> None:
    def script(link: Link) -> None:
        link.request()
        link.send(connected())
        link.request()
        link.send(answer)
        link.wait_for_end()

    with playback(script, 0, FAR_MS) as setup, pytest.raises((VmsUnavailable, ProtocolViolation), match=kind):
        list(setup.source.packets())


def test_an_account_that_may_not_play_back_is_told() -> None:
    def script(link: Link) -> None:
        link.request()
        link.send(refused("Access denied"))

    with playback(script, 0, FAR_MS) as setup, pytest.raises(AuthenticationRefused):
        list(setup.source.packets())


def test_a_codec_that_is_not_analysed_is_told() -> None:
    (group,) = record("h264", begin_ms=T0)
    recorder = Recorder([group])
    mpeg4 = recorder._group().replace(b"\x00\x0a\x00\x01\x00\x01", b"\x00\x0b\x00\x01\x00\x01")

    def script(link: Link) -> None:
        link.request()
        link.send(connected())
        link.request()
        link.send(mpeg4)
        link.wait_for_end()

    with playback(script, 0, FAR_MS) as setup, pytest.raises(VmsRefused, match="MPEG-4"):
        list(setup.source.packets())


def test_close_from_another_thread_ends_a_waiting_read_without_error() -> None:
    asked = threading.Event()

    def script(link: Link) -> None:
        link.request()
        link.send(connected())
        link.request()
        asked.set()
        link.wait_for_end()

    with playback(script, 0, FAR_MS) as setup:
        seen: list[Packet] = []
        thread = threading.Thread(target=lambda: seen.extend(setup.source.packets()))
        thread.start()
        assert asked.wait(WAIT_S)
        setup.source.close()
        setup.source.close()
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert seen == []


def test_a_source_closed_before_it_starts_dials_nobody() -> None:
    recorder = Recorder(three_groups())
    with scripted_server(recorder.script) as server:
        setup = Playback(server.port, 0, FAR_MS, 100.0)
        setup.source.close()
        assert list(setup.source.packets()) == []
        assert server.connections == setup.tokens.logins == 0
