from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from structlog.testing import capture_logs

from connectors.protocols.capture_time import HELD_AT_MOST, TimeSource
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from core.clock import ManualClock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    RightMissing,
    StreamEnded,
    StreamStalled,
    TimedOut,
    VmsError,
    VmsUnavailable,
)
from core.types import Packet
from tests.connectors.protocols.scripted_rtsp import FPS, Running, Script, serve

pytestmark = pytest.mark.slow

START = 1_800_000_000.0
PASSWORD = "p@ss/w:rd %é"


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "rtsp-demux":
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> SiteAuthority:
    return SiteAuthority.create(tmp_path_factory.mktemp("ca"))


def source(server: Running, *, utc: float = START, **target: object) -> RtspSource:
    return RtspSource(RtspTarget(url=f"rtsp://127.0.0.1:{server.port}/quai", **target), ManualClock(utc))  # type: ignore[arg-type]


def collect(video: RtspSource, into: list[Packet]) -> VmsError:
    with pytest.raises(VmsError) as caught:
        into.extend(video.packets())
    return caught.value


def test_every_picture_arrives_decodable_and_with_the_recorders_time() -> None:
    packets: list[Packet] = []
    with serve(Script(frames=50, first_utc=START)) as server:
        video = source(server)
        error = collect(video, packets)
    assert isinstance(error, VmsUnavailable)
    assert video.time_source is TimeSource.RECORDER
    assert [packet.captured_at for packet in packets] == pytest.approx(
        [START + number / FPS for number in range(50)], abs=0.001
    )
    assert [number for number, packet in enumerate(packets) if packet.is_key] == [0, 25]
    assert {packet.codec for packet in packets} == {"h264"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = packets[0].extradata
    pictures = [picture for packet in packets for picture in decoder.decode(av.Packet(packet.data))]
    pictures += decoder.decode(None)
    assert len(pictures) == 50


def test_pictures_before_the_first_sender_report_get_the_recorders_time_too() -> None:
    packets: list[Packet] = []
    with serve(Script(frames=40, first_utc=START, report_at=20)) as server:
        collect(source(server), packets)
    assert [packet.captured_at for packet in packets] == pytest.approx(
        [START + number / FPS for number in range(40)], abs=0.001
    )


def test_a_step_of_the_recorders_clock_is_followed() -> None:
    packets: list[Packet] = []
    with serve(Script(frames=100, first_utc=START, step_at=25, step_s=3.0)) as server:
        collect(source(server), packets)
    times = [packet.captured_at for packet in packets]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(START + 3.0 + 99 / FPS, abs=0.001)


@pytest.mark.parametrize(
    ("script", "utc", "reason"),
    [
        (Script(frames=HELD_AT_MOST + 10, report_at=None), START, "no RTCP sender report"),
        (Script(frames=100, first_utc=START), START + 7200, "-7200 s from ours"),
    ],
    ids=["no-report", "not-believable"],
)
def test_a_recorder_that_tells_no_usable_time_leaves_the_arrival_time_and_is_said_once(
    script: Script, utc: float, reason: str
) -> None:
    packets: list[Packet] = []
    with serve(script) as server, capture_logs() as logs:
        video = source(server, utc=utc)
        collect(video, packets)
    assert video.time_source is TimeSource.ARRIVAL
    assert len(packets) == script.frames
    assert all(packet.captured_at == pytest.approx(utc, abs=30) for packet in packets)
    (log,) = logs
    assert reason in log["reason"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Script(credentials="vigie:other"), AuthenticationRefused),
        (Script(status="403 Forbidden"), RightMissing),
        (Script(status="404 Not Found"), NotFoundInVms),
        (Script(status="400 Bad Request"), RequestInvalid),
        (Script(status="453 Not Enough Bandwidth"), VmsUnavailable),
        (Script(status="500 Internal Server Error"), VmsUnavailable),
        (Script(setup_status="461 Unsupported Transport"), RequestInvalid),
        (Script(frames=3), StreamEnded),
        (Script(encoding="video X-UNKNOWN", frames=3), ProtocolViolation),
        (Script(encoding="audio PCMU", frames=3), ProtocolViolation),
    ],
    ids=["401", "403", "404", "400", "453", "500", "461", "end", "unknown-encoding", "audio-only"],
)
def test_a_refusal_says_what_it_means_and_never_the_password(script: Script, expected: type[VmsError]) -> None:
    with serve(script) as server:
        error = collect(source(server, username="vigie", password=PASSWORD), [])
    assert type(error) is expected
    assert "/quai" in str(error)
    assert error.remedy
    told = "".join(traceback.format_exception(error)) + repr(error.__cause__)
    for secret in (PASSWORD, "p%40ss", "w%3Ard"):
        assert secret not in told


def test_the_account_reaches_the_server_whatever_its_characters() -> None:
    with serve(Script(credentials=f"vigie:{PASSWORD}", frames=5)) as server:
        error = collect(source(server, username="vigie", password=PASSWORD), [])
    assert "ended the stream" in str(error)


def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    video = RtspSource(RtspTarget(url=f"rtsp://127.0.0.1:{port}/quai"), ManualClock())
    assert type(collect(video, [])) is VmsUnavailable


def test_an_unknown_host_name_is_unavailable() -> None:
    video = RtspSource(RtspTarget(url="rtsp://no-such-host.invalid/quai"), ManualClock())
    assert type(collect(video, [])) is VmsUnavailable


def test_a_server_that_never_answers_has_timed_out() -> None:
    with serve(Script(answers=False)) as server:
        began = time.monotonic()
        assert type(collect(source(server, open_timeout_s=0.3), [])) is TimedOut
    assert time.monotonic() - began < 3


def test_a_stream_that_freezes_has_stalled() -> None:
    packets: list[Packet] = []
    with serve(Script(frames=10, first_utc=START, after="freeze")) as server:
        began = time.monotonic()
        assert type(collect(source(server, read_timeout_s=0.3), packets)) is StreamStalled
    assert len(packets) == 10
    assert time.monotonic() - began < 3


@pytest.mark.skipif(sys.platform == "win32", reason="FFmpeg's TLS on Windows has other trust stores: unverified")
@pytest.mark.parametrize(("after", "kind"), [("freeze", StreamStalled), ("close", StreamEnded)])
def test_over_tls_silence_is_told_from_an_end(authority: SiteAuthority, after: str, kind: type[VmsError]) -> None:
    script = Script(frames=10, first_utc=START, after=after, tls=authority.server_context(["localhost"]))
    with serve(script) as server:
        target = RtspTarget(url=f"rtsps://localhost:{server.port}/quai", ca=authority.ca, read_timeout_s=0.4)
        assert type(collect(RtspSource(target, ManualClock(START)), [])) is kind


def test_closing_from_another_thread_ends_a_frozen_stream_at_once() -> None:
    with serve(Script(frames=10, first_utc=START, after="freeze")) as server:
        video = source(server, read_timeout_s=30.0)
        read: list[Packet] = []
        reader = threading.Thread(target=lambda: read.extend(video.packets()))
        reader.start()
        assert server.frozen.wait(10)
        video.close()
        video.close()
        reader.join(1)
        assert not reader.is_alive()


def test_closing_while_the_server_does_not_answer_returns_at_once() -> None:
    with serve(Script(answers=False)) as server:
        video = source(server, open_timeout_s=30.0)
        reader = threading.Thread(target=lambda: list(video.packets()))
        reader.start()
        video.close()
        reader.join(1)
        assert not reader.is_alive()


def test_a_source_closed_before_its_use_connects_to_nobody() -> None:
    with serve(Script()) as server:
        video = source(server)
        video.close()
        assert list(video.packets()) == []
        assert not server.requests


def test_a_reader_that_leaves_ends_the_session() -> None:
    with serve(Script(first_utc=START, pace_s=0.01)) as server:
        assert len(list(itertools.islice(source(server).packets(), 3))) == 3


@pytest.mark.parametrize(
    ("certified", "connected", "is_trusted", "reason"),
    [
        ("localhost", "localhost", True, ""),
        ("127.0.0.1", "127.0.0.1", True, ""),
        ("localhost", "localhost", False, "self-signed certificate in certificate chain"),
        ("other.example", "localhost", True, "not valid for 'localhost'"),
    ],
    ids=["name", "address", "wrong-ca", "wrong-name"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="FFmpeg's TLS on Windows has other trust stores: unverified")
def test_rtsps_verifies_the_servers_certificate(
    authority: SiteAuthority, tmp_path: Path, certified: str, connected: str, is_trusted: bool, reason: str
) -> None:
    ca = authority.ca if is_trusted else SiteAuthority.create(tmp_path).ca
    packets: list[Packet] = []
    with serve(Script(frames=5, first_utc=START, tls=authority.server_context([certified]))) as server:
        target = RtspTarget(url=f"rtsps://{connected}:{server.port}/quai", ca=ca)
        error = collect(RtspSource(target, ManualClock(START)), packets)
    if reason:
        assert isinstance(error, CertificateRejected)
        assert reason in str(error)
        assert not server.requests
    else:
        assert len(packets) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="FFmpeg's TLS on Windows has other trust stores: unverified")
def test_a_ca_file_that_is_missing_is_named(authority: SiteAuthority, tmp_path: Path) -> None:
    with serve(Script(tls=authority.server_context(["localhost"]))) as server:
        target = RtspTarget(url=f"rtsps://localhost:{server.port}/quai", ca=tmp_path / "missing.pem")
        error = collect(RtspSource(target, ManualClock(START)), [])
    assert isinstance(error, CertificateRejected)
    assert "missing.pem cannot be used" in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="FFmpeg's TLS on Windows has other trust stores: unverified")
def test_a_tunnel_through_https_verifies_the_servers_certificate(authority: SiteAuthority, tmp_path: Path) -> None:
    other = SiteAuthority.create(tmp_path)
    with serve(Script(tls=authority.server_context(["localhost"]))) as server:
        target = RtspTarget(url=f"rtsp://localhost:{server.port}/quai", transport="https", ca=other.ca)
        assert isinstance(collect(RtspSource(target, ManualClock(START)), []), CertificateRejected)
        assert not server.requests


def test_a_tls_server_that_does_not_answer_has_timed_out_rather_than_being_untrusted(authority: SiteAuthority) -> None:
    with serve(Script(answers=False)) as server:
        target = RtspTarget(url=f"rtsps://127.0.0.1:{server.port}/quai", ca=authority.ca, open_timeout_s=0.3)
        assert type(collect(RtspSource(target, ManualClock(START)), [])) is TimedOut
