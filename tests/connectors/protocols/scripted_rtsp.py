"""An RTSP server small enough to be read, whose misbehaviour is scripted: only for tests.

One H.264 track over interleaved TCP (RFC 2326, RFC 3550, RFC 6184), one thread per connection.
"""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
import numpy as np

NTP_EPOCH = 2_208_988_800
RTP_CLOCK = 90_000
FPS = 25
_SSRC = 0x51EC0DE5
_MTU = 1200
_FIRST_RTP_TIME = 0xFFFF_F000
"""Wraps around in the first second, as a random start may."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Access units as lists of NAL units, and their parameter sets."""

    units: tuple[tuple[bytes, ...], ...]
    parameter_sets: tuple[bytes, ...]


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units without start codes."""
    return [nal.rstrip(b"\0") for nal in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if nal]


@cache
def clip(frames: int = 50, gop: int = 25) -> Clip:
    """Two seconds of a moving bar, really encoded."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, FPS), Fraction(FPS), gop
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}
    noise = np.random.default_rng(7).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    packets: list[av.Packet[av.VideoStream]] = []
    for number in range(frames):
        picture = np.roll(noise, 4 * number, axis=1)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    units = [split_annex_b(bytes(packet)) for packet in packets]
    sets = tuple(nal for nal in units[0] if nal[0] & 0x1F in {7, 8})
    pictures = tuple(tuple(nal for nal in unit if nal[0] & 0x1F in {1, 5}) for unit in units)
    return Clip(pictures, sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the server does, and does wrong."""

    status: str = "200 OK"
    """Answer to DESCRIBE."""
    encoding: str = "video H264"
    """Media type and encoding name in the session description."""
    setup_status: str = "200 OK"
    credentials: str = ""
    """``user:password`` asked for with Basic; empty: nobody is asked."""
    frames: int = 1_000_000
    """Pictures sent before ``after``."""
    after: str = "close"
    """``close`` the connection or ``freeze``."""
    answers: bool = True
    """False: accepts connections and never says a word."""
    first_utc: float | None = None
    """UTC of the first picture as sender reports tell it; None: real time."""
    report_at: int | None = 0
    """Number of the picture before which the first sender report goes; None: no report at all."""
    step_at: int | None = None
    """From this picture on, sender reports are ``step_s`` later."""
    step_s: float = 0.0
    pace_s: float = 0.0
    """Real wait between pictures; their timestamps are always 1/25 s apart."""
    tls: ssl.SSLContext | None = None


@dataclass(slots=True)
class Running:
    """A server at work."""

    port: int
    requests: list[str] = field(default_factory=list)
    frozen: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)


@contextmanager
def serve(script: Script) -> Iterator[Running]:
    """Runs the script on a free port of the loopback until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        running = Running(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, script, running))
        thread.start()
        try:
            yield running
        finally:
            running.stopped.set()
            thread.join(10)
            assert not thread.is_alive()


def _accept(listener: socket.socket, script: Script, running: Running) -> None:
    threads = []
    while not running.stopped.is_set():
        try:
            peer, _ = listener.accept()
        except TimeoutError:
            continue
        threads.append(threading.Thread(target=_guarded, args=(peer, script, running)))
        threads[-1].start()
    for thread in threads:
        thread.join(10)


def _guarded(peer: socket.socket, script: Script, running: Running) -> None:
    peer.settimeout(5)
    with peer:
        try:
            wrapped = script.tls.wrap_socket(peer, server_side=True) if script.tls else peer
            with wrapped:
                _Session(wrapped, script, running).run()
        except (OSError, EOFError) as error:
            running.errors.append(error)


class _Session:
    def __init__(self, peer: socket.socket, script: Script, running: Running) -> None:
        self._peer, self._script, self._running = peer, script, running
        self._buffer = b""

    def run(self) -> None:
        if not self._script.answers:
            self._running.stopped.wait(20)
            return
        while True:
            request = self._read_request()
            method = request.split(" ", 1)[0]
            self._running.requests.append(request)
            self._peer.sendall(self._answer(method, request))
            if method == "PLAY":
                self._play()
                return

    def _read_request(self) -> str:
        while b"\r\n\r\n" not in self._buffer:
            received = self._peer.recv(4096)
            if not received:
                raise EOFError
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head.decode()

    def _answer(self, method: str, request: str) -> bytes:
        number = next(line.split(":")[1].strip() for line in request.splitlines() if line.lower().startswith("cseq"))
        headers, body, status = [f"CSeq: {number}"], "", "200 OK"
        if method == "OPTIONS":
            headers.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        elif method == "DESCRIBE":
            status, body = self._describe(request)
            headers += ['WWW-Authenticate: Basic realm="scripted"', "Content-Type: application/sdp"]
        elif method == "SETUP":
            status = self._script.setup_status
            headers += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=51EC0DE5", "Session: 77"]
        elif method == "PLAY":
            headers += ["Session: 77", "Range: npt=0.000-"]
        headers.append(f"Content-Length: {len(body)}")
        return "\r\n".join([f"RTSP/1.0 {status}", *headers, "", body]).encode()

    def _describe(self, request: str) -> tuple[str, str]:
        expected = base64.b64encode(self._script.credentials.encode()).decode()
        if self._script.credentials and f"Authorization: Basic {expected}" not in request:
            return "401 Unauthorized", ""
        return self._script.status, _sdp(clip(), *self._script.encoding.split()) if self._script.status.startswith(
            "200"
        ) else ""

    def _play(self) -> None:
        script, sequence = self._script, 0
        begun = time.time() if script.first_utc is None else script.first_utc
        units = clip().units
        for number in range(script.frames):
            if self._running.stopped.is_set():
                return
            self._maybe_report(number, begun)
            for payload, marker in _packetised(_with_sets(units[number % len(units)])):
                header = struct.pack(">BBHII", 0x80, 96 | marker << 7, sequence & 0xFFFF, _rtp_time(number), _SSRC)
                self._interleave(0, header + payload)
                sequence += 1
            if script.pace_s:
                self._running.stopped.wait(script.pace_s)
        if script.after == "freeze":
            self._running.frozen.set()
            self._running.stopped.wait(20)

    def _maybe_report(self, number: int, begun: float) -> None:
        script = self._script
        if script.report_at is None or number < script.report_at or (number - script.report_at) % FPS:
            return
        stepped = script.step_s if script.step_at is not None and number >= script.step_at else 0.0
        moment = begun + number / FPS + stepped + NTP_EPOCH
        seconds = int(moment)
        report = struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            _SSRC,
            seconds,
            int((moment - seconds) * 2**32),
            _rtp_time(number),
            number,
            number * 1000,
        )
        self._interleave(1, report)

    def _interleave(self, channel: int, data: bytes) -> None:
        self._peer.sendall(struct.pack(">cBH", b"$", channel, len(data)) + data)


def _rtp_time(number: int) -> int:
    return (_FIRST_RTP_TIME + number * RTP_CLOCK // FPS) & 0xFFFFFFFF


def _with_sets(unit: tuple[bytes, ...]) -> tuple[bytes, ...]:
    is_key = unit[0][0] & 0x1F == 5
    return (*clip().parameter_sets, *unit) if is_key else unit


def _packetised(unit: tuple[bytes, ...]) -> Iterator[tuple[bytes, int]]:
    for number, nal in enumerate(unit):
        is_last = number == len(unit) - 1
        if len(nal) <= _MTU:
            yield nal, int(is_last)
            continue
        indicator, kind, rest = nal[0] & 0xE0 | 28, nal[0] & 0x1F, nal[1:]
        for start in range(0, len(rest), _MTU):
            ends = start + _MTU >= len(rest)
            head = (start == 0) << 7 | ends << 6 | kind
            yield bytes([indicator, head]) + rest[start : start + _MTU], int(is_last and ends)


def _sdp(video: Clip, media: str, encoding: str) -> str:
    sets = ",".join(base64.b64encode(nal).decode() for nal in video.parameter_sets)
    level = video.parameter_sets[0][1:4].hex()
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=scripted",
        "t=0 0",
        "a=control:*",
        f"m={media} 0 RTP/AVP 96",
        "c=IN IP4 0.0.0.0",
        f"a=rtpmap:96 {encoding}/90000",
        f"a=fmtp:96 packetization-mode=1;profile-level-id={level};sprop-parameter-sets={sets}",
        "a=control:track1",
        "",
    ]
    return "\r\n".join(lines)
