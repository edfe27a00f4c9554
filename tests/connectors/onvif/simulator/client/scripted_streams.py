"""An RTSP server with a video and a metadata track over interleaved TCP, small enough to be read: only for tests.

RFC 2326 and 3550; the metadata track as the notes tell it (A6): payload type 107, 90 kHz, marker on a document's last packet.
"""

from __future__ import annotations

import base64
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from core.clock import iso_utc
from tests.connectors.protocols.scripted_rtsp import NTP_EPOCH, RTP_CLOCK, clip

PACE_S = 0.04
_MTU = 200
"""Small, so that documents come in fragments."""


def document(utc: float, objects: str = "") -> bytes:
    """One frame."""
    return (
        f'<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
        f'<tt:Frame UtcTime="{iso_utc(utc)}">{objects}</tt:Frame></tt:VideoAnalytics></tt:MetadataStream>'
    ).encode()


PERSON = """<tt:Object ObjectId="7"><tt:Appearance><tt:Shape><tt:BoundingBox left="-0.5" top="0.5" right="0" bottom="-0.25"/>
    <tt:CenterOfGravity x="-0.25" y="0.125"/></tt:Shape><tt:Class><tt:Type Likelihood="0.9">Human</tt:Type></tt:Class>
    </tt:Appearance></tt:Object>"""


@dataclass(kw_only=True)
class StreamScript:
    """What is sent. ``write`` makes the document of a moment; ``drift_s``: the reports' error; ``limit``: documents."""

    write: Callable[[float], bytes] = lambda utc: document(utc, PERSON)
    drift_s: float = 0.0
    reports: bool = True
    has_metadata: bool = True
    pace_s: float = PACE_S
    limit: int = 1_000_000
    setups: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve_streams(script: StreamScript) -> Iterator[str]:
    """Yields the address of the stream."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        threads = [threading.Thread(target=_accept, args=(listener, script))]
        threads[0].start()
        try:
            yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"
        finally:
            script.stopped.set()
            threads[0].join(10)


def _accept(listener: socket.socket, script: StreamScript) -> None:
    peers = []
    while not script.stopped.is_set():
        with suppress(TimeoutError):
            peer, _ = listener.accept()
            peers.append(threading.Thread(target=_serve, args=(peer, script)))
            peers[-1].start()
    for thread in peers:
        thread.join(10)


def _serve(peer: socket.socket, script: StreamScript) -> None:
    peer.settimeout(5)
    channels: dict[str, int] = {}
    with peer, suppress(OSError), peer.makefile("rb") as reader:
        while True:
            lines = iter(lambda: reader.readline().decode().strip(), "")
            method, url, *_ = next(lines).split()
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            peer.sendall(_answer(method, url, headers, channels, script))
            if method == "PLAY":
                _play(peer, channels, script)
                return


def _answer(method: str, url: str, headers: dict[str, str], channels: dict[str, int], script: StreamScript) -> bytes:
    told, body = [f"CSeq: {headers['cseq']}", "Session: 7"], ""
    if method == "DESCRIBE":
        body = _sdp(script)
        told.append("Content-Type: application/sdp")
    if method == "SETUP":
        channel = int(headers["transport"].partition("interleaved=")[2].partition("-")[0])
        channels[url.rpartition("/")[2]] = channel
        script.setups.append(url.rpartition("/")[2])
        told.append(f"Transport: RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}")
    told.append(f"Content-Length: {len(body)}")
    return "\r\n".join(["RTSP/1.0 200 OK", *told, "", body]).encode()


def _sdp(script: StreamScript) -> str:
    sets = ",".join(base64.b64encode(nal).decode() for nal in clip().parameter_sets)
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "t=0 0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"]
    lines += [f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}", "a=control:video"]
    if script.has_metadata:
        lines += ["m=application 0 RTP/AVP 107", "a=rtpmap:107 vnd.onvif.metadata/90000", "a=control:metadata"]
    return "\r\n".join([*lines, ""])


def _play(peer: socket.socket, channels: dict[str, int], script: StreamScript) -> None:
    sequence = dict.fromkeys(channels, 0)
    for number in range(script.limit):
        now = round(time.time(), 3)
        rtp_time = int(now * RTP_CLOCK) & 0xFFFFFFFF
        for name, channel in channels.items():
            if script.reports and number % 5 == 0:
                _send(peer, channel + 1, _report(now + script.drift_s, rtp_time, channel))
            for payload, is_last in _payloads(name, number, now, script):
                kind = (107 if name == "metadata" else 96) | is_last << 7
                header = struct.pack(">BBHII", 0x80, kind, sequence[name] & 0xFFFF, rtp_time, channel + 1)
                sequence[name] += 1
                _send(peer, channel, header + payload)
        if script.stopped.wait(script.pace_s):
            return


def _payloads(name: str, number: int, now: float, script: StreamScript) -> Iterator[tuple[bytes, bool]]:
    if name == "metadata":
        data = script.write(now)
        for start in range(0, len(data), _MTU):
            yield data[start : start + _MTU], start + _MTU >= len(data)
        return
    units = clip().units
    unit = units[number % len(units)]
    is_key = unit[0][0] & 0x1F == 5
    nals = (*(clip().parameter_sets if is_key else ()), *unit)
    for index, nal in enumerate(nals):  # one per packet, however large: interleaving allows it
        yield nal[:65_000], index == len(nals) - 1


def _report(utc: float, rtp_time: int, channel: int) -> bytes:
    moment = utc + NTP_EPOCH
    fraction = int((moment - int(moment)) * 2**32)
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, channel + 1, int(moment), fraction, rtp_time, 1, 1)


def _send(peer: socket.socket, channel: int, data: bytes) -> None:
    peer.sendall(struct.pack(">cBH", b"$", channel, len(data)) + data)
