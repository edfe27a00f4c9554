"""RTCP sender reports: they tell receivers the UTC time of RTP timestamps (RFC 3550 §6)."""

from __future__ import annotations

import struct

from connectors.protocols.rtsp.rtp import RtpStream
from core.types import UtcSeconds

_NTP_EPOCH_OFFSET_S = 2_208_988_800
"""From 1900-01-01, where NTP starts, to 1970-01-01."""
_SENDER_REPORT, _SOURCE_DESCRIPTION, _GOODBYE = 200, 202, 203
_CNAME = 1
_CNAME_TEXT = b"vigie"


def ntp_time(moment: UtcSeconds) -> int:
    """As 64-bit NTP fixed point, whose seconds start again at zero in 2036 (RFC 5905 §6)."""
    seconds = int(moment)
    return (seconds + _NTP_EPOCH_OFFSET_S & 0xFFFFFFFF) << 32 | int((moment - seconds) * (1 << 32))


def sender_report(stream: RtpStream, moment: UtcSeconds) -> bytes:
    """Sender report and CNAME, which RFC 3550 wants together in one compound packet."""
    report = struct.pack(
        ">BBHIQIII",
        0x80,
        _SENDER_REPORT,
        6,
        stream.ssrc,
        ntp_time(moment),
        stream.timestamp(moment),
        stream.packets_sent & 0xFFFFFFFF,
        stream.octets_sent & 0xFFFFFFFF,
    )
    item = bytes((_CNAME, len(_CNAME_TEXT))) + _CNAME_TEXT
    item += b"\0" * (4 - len(item) % 4)
    return report + struct.pack(">BBHI", 0x81, _SOURCE_DESCRIPTION, 1 + len(item) // 4, stream.ssrc) + item


def goodbye(stream: RtpStream) -> bytes:
    """Tells the receiver that the stream ended."""
    return struct.pack(">BBHI", 0x81, _GOODBYE, 1, stream.ssrc)
