from __future__ import annotations

import struct
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.vps.protocol import Configuration, Event, Media, Metadata, decode, encode
from core.errors import ProtocolViolation

GUIDS = UUID("00112233-4455-6677-8899-aabbccddeeff"), UUID("6d2b1f5e-0000-4000-8000-000000000001")
MILLISECONDS = st.integers(min_value=0, max_value=2**64 - 1)

MESSAGES = st.one_of(
    st.builds(Configuration, text=st.text().filter(lambda text: not text.endswith("\0"))),
    st.builds(Media, block=st.binary(max_size=200)),
    st.builds(Metadata, milliseconds=MILLISECONDS, document=st.binary(max_size=200)),
    st.builds(
        Event,
        milliseconds=MILLISECONDS,
        source=st.uuids(),
        event=st.uuids(),
        name=st.text(st.characters(max_codepoint=127), max_size=40),
        custom=st.binary(max_size=40),
    ),
)


def raw(kind: int, payload: bytes, *, version: int = 1, length: int | None = None) -> bytes:
    return struct.pack(">HHI", kind, version, len(payload) if length is None else length) + payload


@given(MESSAGES)
def test_what_is_written_is_read_back(message: Configuration | Media | Metadata | Event) -> None:
    assert decode(encode(message)) == message


@given(MESSAGES, st.integers(min_value=1, max_value=400))
def test_a_message_cut_short_or_too_long_is_refused(
    message: Configuration | Media | Metadata | Event, cut: int
) -> None:
    whole = encode(message)
    for broken in (whole[:-cut], whole + b"\0" * cut):
        with pytest.raises(ProtocolViolation):
            decode(broken)


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused_as_a_violation(data: bytes) -> None:
    with suppress(ProtocolViolation):
        assert decode(encode(decode(data))) == decode(data)


@given(st.integers(0, 6), st.integers(0, 3), st.binary(max_size=80))
def test_any_payload_in_a_good_frame_is_read_or_refused(kind: int, version: int, payload: bytes) -> None:
    with suppress(ProtocolViolation):
        decode(raw(kind, payload, version=version))


def test_metadata_is_the_time_and_then_the_document() -> None:
    message = encode(Metadata(milliseconds=1_763_632_923_456, document=b"<x/>"))
    assert message == b"\x00\x03\x00\x01\x00\x00\x00\x0c" + struct.pack(">Q", 1_763_632_923_456) + b"<x/>"


def test_an_event_is_version_2_with_guids_in_microsofts_byte_order() -> None:
    message = encode(Event(milliseconds=1, source=GUIDS[0], event=GUIDS[1], name="Alert", custom=b"+"))
    assert message[:4] == b"\x00\x04\x00\x02"
    assert message[16:32] == GUIDS[0].bytes_le
    assert message[32:48] == GUIDS[1].bytes_le
    assert message[48:] == b"\x00\x05Alert+"


@pytest.mark.parametrize("text", ["RULESET=gate3,LANG=en", "RULESET=gate3,LANG=en\0"])
def test_service_parameters_may_be_null_terminated(text: str) -> None:
    assert decode(raw(1, text.encode())) == Configuration(text="RULESET=gate3,LANG=en")


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"\0\1\0", "shorter than its header"),
        (raw(2, b"", version=3), "version 3"),
        (raw(2, b"abc", length=4), "says 4 bytes where 3 are"),
        (raw(5, b""), "unknown type 5"),
        (raw(1, b"\xff"), "not utf-8"),
        (raw(3, b"1234567"), "within its timestamp"),
        (raw(4, b"0" * 60), "events need 2"),
        (raw(4, b"0" * 41, version=2), "within its header"),
        (raw(4, b"0" * 40 + b"\0\2x", version=2), "within its name"),
        (raw(4, b"0" * 40 + b"\0\1\xe9", version=2), "not ascii"),
    ],
)
def test_what_breaks_the_protocol_is_told(message: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolViolation, match=complaint):
        decode(message)


def test_a_time_before_the_epoch_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="before the epoch"):
        encode(Metadata(milliseconds=-1, document=b""))
