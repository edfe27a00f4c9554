"""Real encoded pictures, and a recorder that plays them back, written by hand from the protocol's description."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

from tests.connectors.milestone.support import Link, connected, image, video_packet, xml_block

STEP_MS = 100
CODES = {"mjpeg": 0x0001, "h264": 0x000A, "hevc": 0x000E}
_ENCODERS = {
    "h264": ("libx264", "yuv420p", {"preset": "ultrafast", "tune": "zerolatency"}),
    "hevc": ("libx265", "yuv420p", {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "log-level=none"}),
    "mjpeg": ("mjpeg", "yuvj420p", {}),
}


@dataclass(frozen=True)
class Picture:
    codec: str
    at_ms: int
    data: bytes
    is_key: bool


Group = Sequence[Picture]


def record(codec: str, *, begin_ms: int, groups: int = 1, per_group: int = 5) -> list[Group]:
    """Groups of pictures of a bright spot that moves to the right, ``STEP_MS`` apart."""
    pictures = [
        Picture(codec, begin_ms + STEP_MS * number, data, is_key)
        for number, (data, is_key) in enumerate(_encoded(codec, groups * per_group, per_group))
    ]
    if codec == "mjpeg":
        return [[picture] for picture in pictures]
    assert [picture.is_key for picture in pictures] == [number % per_group == 0 for number in range(len(pictures))]
    return [pictures[start : start + per_group] for start in range(0, len(pictures), per_group)]


def _encoded(codec: str, count: int, per_group: int) -> list[tuple[bytes, bool]]:
    name, pixels, options = _ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, pixels
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 10), Fraction(10), per_group
    encoder.options = {**options, **({} if codec == "mjpeg" else {"forced-idr": "1"})}
    packets = []
    for number in range(count):
        pixel_rows = np.full((96, 160, 3), 40, np.uint8)
        pixel_rows[40:60, 5 * number : 5 * number + 20] = 230
        frame = av.VideoFrame.from_ndarray(pixel_rows, format="rgb24").reformat(format=pixels)
        frame.pts, frame.time_base = number, Fraction(1, 10)
        if number % per_group == 0:
            frame.pict_type = av.video.frame.PictureType.I
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


@dataclass
class Recorder:
    """Answers ``goto`` and ``next`` out of its groups; use its ``script`` on a ``scripted_server``."""

    groups: list[Group]
    multipart: bool = True
    outer_length: bool = False
    requests: list[str] = field(default_factory=list)
    hangs_up_after: int | None = None
    grown: Group | None = None
    """What the last group becomes when it is asked for again."""
    _place: int = 0
    _answers: int = 0

    def script(self, link: Link) -> None:
        while request := link.request():
            method = re.findall("<methodname>(.*?)</methodname>", request)[0]
            self.requests.append(request)
            match method:
                case "connect":
                    link.send(connected())
                case "connectupdate":
                    link.send(xml_block("<methodresponse><methodname>connectupdate</methodname></methodresponse>"))
                case "goto" | "next":
                    if self._answers == self.hangs_up_after:
                        return
                    self._answers += 1
                    link.send(self._goto(request) if method == "goto" else self._next())

    @property
    def methods(self) -> list[str]:
        return [re.findall("<methodname>(.*?)</methodname>", request)[0] for request in self.requests]

    def _goto(self, request: str) -> bytes:
        at_ms = int(re.findall("<time>(.*?)</time>", request)[0])
        begun = [place for place, group in enumerate(self.groups) if group[0].at_ms <= at_ms]
        self._place = begun[-1] if begun else 0
        return self._group()

    def _next(self) -> bytes:
        if self._place == len(self.groups) - 1 and self.grown is not None:
            self.groups[-1], self.grown = self.grown, None
        self._place = min(self._place + 1, len(self.groups) - 1)
        return self._group()

    def _group(self) -> bytes:
        if not self.groups:
            return b"ImageResponse\r\nRequestId: 1\r\nPrev: 0\r\nCurrent: 0\r\nNext: 0\r\nContent-length: 0\r\n\r\n\r\n\r\n"
        group = self.groups[self._place]
        bodies = [
            video_packet(picture.data, at_ms=picture.at_ms, codec=CODES[picture.codec], is_key=picture.is_key)
            for picture in group
        ]
        if not self.multipart:
            return image(b"".join(bodies), at_ms=group[0].at_ms)
        return multipart(bodies, at_ms=group[0].at_ms, outer_length=self.outer_length)


def multipart(bodies: Sequence[bytes], *, at_ms: int = 0, outer_length: bool = False) -> bytes:
    """Several packets in one answer."""
    parts = b"".join(
        f"--xyz\r\nContent-length: {len(body)}\r\nContent-type: application/x-genericbytedata-octet-stream\r\n\r\n".encode()
        + body
        + b"\r\n"
        for body in bodies
    )
    whole = parts + b"--xyz--"
    length = f"Content-length: {len(whole)}\r\n" if outer_length else ""
    head = (
        f"ImageResponse\r\nRequestId: 2\r\nPrev: {at_ms}\r\nCurrent: {at_ms}\r\nNext: {at_ms}\r\n{length}"
        'Content-type: multipart/related; boundary=xyz; type="application/x-genericbytedata-octet-stream"\r\n\r\n'
    )
    return head.encode() + whole + b"\r\n\r\n"
