from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.clips import ClipCodec, nal_units, parameter_sets
from connectors.protocols.rtsp.feeds import VideoFormat
from connectors.protocols.rtsp.rtcp import goodbye, ntp_time, sender_report
from connectors.protocols.rtsp.rtp import RtpStream, payloads_of
from connectors.protocols.rtsp.sdp import describe
from tests.connectors.protocols.rtsp.harness import clip

pytestmark = pytest.mark.slow

FORMAT = VideoFormat(
    codec="h264", width=320, height=180, fps=50.0, parameter_sets=parameter_sets(clip().packets[0].data, "h264")
)
HEADS: dict[ClipCodec, list[bytes]] = {"h264": [b"\x67", b"\x68", b"\x65", b"\x41"], "hevc": [b"\x40\x01", b"\x26\x01"]}


def _units(codec: ClipCodec) -> st.SearchStrategy[list[bytes]]:
    body = st.binary(min_size=1, max_size=400).map(lambda data: data.replace(b"\0", b"\1"))
    return st.lists(st.tuples(st.sampled_from(HEADS[codec]), body).map(b"".join), min_size=1, max_size=6)


def _unpacked(payloads: Iterable[bytes], codec: ClipCodec) -> list[bytes]:
    """What a receiver puts together (RFC 6184 §5.7-5.8, RFC 7798 §4.4)."""
    size = 1 if codec == "h264" else 2
    units: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F if codec == "h264" else payload[0] >> 1 & 0x3F
        if kind in {24, 48} and (kind == 24) == (codec == "h264"):
            rest = payload[size:]
            while rest:
                length = int.from_bytes(rest[:2], "big")
                units.append(rest[2 : 2 + length])
                rest = rest[2 + length :]
        elif kind == (28 if codec == "h264" else 49):
            edge = payload[size]
            if edge & 0x80:
                head = (
                    bytes((payload[0] & 0xE0 | edge & 0x1F,))
                    if codec == "h264"
                    else bytes((payload[0] & 0x81 | (edge & 0x3F) << 1, payload[1]))
                )
                units.append(head)
            units[-1] += payload[size + 1 :]
        else:
            units.append(payload)
    return units


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(data=st.data(), limit=st.integers(16, 200))
def test_a_receiver_puts_the_same_picture_together(codec: ClipCodec, data: st.DataObject, limit: int) -> None:
    units = data.draw(_units(codec))
    picture = b"".join(b"\0\0\0\1" + unit for unit in units)
    payloads = list(payloads_of(picture, codec, limit))
    assert _unpacked(payloads, codec) == units
    assert max(map(len, payloads)) <= limit


def test_packets_count_up_share_a_time_and_mark_the_end() -> None:
    stream = RtpStream(96)
    first_sequence = stream.next_sequence
    packets = list(stream.packets(list(payloads_of(clip().packets[0].data, "h264")), 1000.0))
    heads = [struct.unpack(">BBHII", packet[:12]) for packet in packets]
    assert len(packets) > 3
    assert [head[2] for head in heads] == [(first_sequence + index) & 0xFFFF for index in range(len(packets))]
    assert {head[3] for head in heads} == {stream.timestamp(1000.0)}
    assert {head[4] for head in heads} == {stream.ssrc}
    assert [head[1] for head in heads] == [96] * (len(packets) - 1) + [96 | 0x80]
    assert stream.packets_sent == len(packets)
    assert stream.octets_sent == sum(len(packet) - 12 for packet in packets)


def test_the_sequence_wraps() -> None:
    stream = RtpStream(96)
    stream._sequence = 65_535
    sequences = [int.from_bytes(packet[2:4], "big") for _ in range(2) for packet in stream.packets([b"\x41\x01"], 0.0)]
    assert sequences == [65_535, 0]


@pytest.mark.parametrize("moment", [0.0, 1_700_000_000.25, 1_795_169_730.123])
def test_a_sender_report_ties_rtp_time_to_utc(moment: float) -> None:
    stream = RtpStream(96)
    list(stream.packets([b"\x41\x01"], moment))
    version, kind, length, ssrc, ntp, rtp, packets, octets = struct.unpack(
        ">BBHIQIII", sender_report(stream, moment)[:28]
    )
    assert (version, kind, length, ssrc) == (0x80, 200, 6, stream.ssrc)
    assert ntp / (1 << 32) - 2_208_988_800 == pytest.approx(moment, abs=1e-5)
    assert rtp == stream.timestamp(moment)
    assert (packets, octets) == (stream.packets_sent, stream.octets_sent)


def test_compound_reports_are_whole_words() -> None:
    stream = RtpStream(96)
    report = sender_report(stream, 5.5)
    assert len(report) % 4 == 0
    assert struct.unpack(">BBH", report[28:32]) == (0x81, 202, (len(report) - 28) // 4 - 1)
    assert goodbye(stream)[:4] == struct.pack(">BBH", 0x81, 203, 1)


def test_ntp_time_starts_again_in_2036_and_still_fits_a_report() -> None:
    moment = 2.0**32 - 2_208_988_800 + 1.5
    assert ntp_time(moment) == 1 << 32 | 1 << 31
    assert sender_report(RtpStream(96), moment)


def test_ntp_time_has_fractions() -> None:
    assert ntp_time(0.5) == (2_208_988_800 << 32) | 1 << 31


def test_the_description_names_codec_parameters_and_track() -> None:
    lines = describe("Quai\r\n 1", FORMAT).splitlines()
    assert "s=Quai 1" in lines
    assert "m=video 0 RTP/AVP 96" in lines
    assert "a=rtpmap:96 H264/90000" in lines
    assert "a=control:trackID=0" in lines
    sps = next(unit for unit in nal_units(clip().packets[0].data) if unit[0] & 0x1F == 7)
    fmtp = next(line for line in lines if line.startswith("a=fmtp:96"))
    assert f"profile-level-id={sps[1:4].hex().upper()};" in fmtp
    assert "packetization-mode=1" in fmtp
