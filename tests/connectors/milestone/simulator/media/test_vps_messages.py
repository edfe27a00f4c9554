from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.simulator.media.vps_messages import (
    BrokenMessage,
    Kind,
    UnusableMetadata,
    check_media,
    event,
    message,
    metadata,
    opened,
)

AT_MS = 1_763_632_923_456
XML = (
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
    '<tt:Frame UtcTime="2025-11-20T10:02:03.456Z"/></tt:VideoAnalytics></tt:MetadataStream>'
)


def told(xml: str | bytes, at_ms: int = AT_MS) -> bytes:
    return at_ms.to_bytes(8, "big") + (xml.encode() if isinstance(xml, str) else xml)


def test_a_message_is_type_version_and_length_in_front_of_the_payload() -> None:
    assert message(Kind.CONFIGURATION, b"RULESET=gate3") == b"\x00\x01\x00\x02\x00\x00\x00\x0dRULESET=gate3"


@pytest.mark.parametrize(("kind", "version"), [(2, 1), (2, 2), (3, 1), (3, 2), (4, 2)])
def test_what_a_service_may_send_is_opened(kind: int, version: int) -> None:
    assert opened(struct.pack(">HHI", kind, version, 3) + b"abc") == (kind, b"abc")


@pytest.mark.parametrize(
    "received",
    [
        "text",
        b"",
        b"\x00\x03\x00\x01\x00\x00\x00",
        struct.pack(">HHI", 1, 1, 0),
        struct.pack(">HHI", 5, 1, 0),
        struct.pack(">HHI", 3, 0, 0),
        struct.pack(">HHI", 3, 3, 0),
        struct.pack(">HHI", 4, 1, 0),
        struct.pack(">HHI", 3, 1, 1),
        struct.pack(">HHI", 3, 1, 0) + b"x",
        struct.pack("<HHI", 3, 1, 0),
    ],
    ids=["text", "empty", "cut", "ours", "unknown", "v0", "v3", "event v1", "short", "long", "little-endian"],
)
def test_framing_that_cannot_be_followed_is_broken(received: bytes | str) -> None:
    with pytest.raises(BrokenMessage):
        opened(received)


def test_metadata_of_a_picture_is_taken() -> None:
    assert (metadata(told(XML)).at_ms, metadata(told(XML)).xml) == (AT_MS, XML)


@pytest.mark.parametrize(
    "payload",
    [
        told("<tt:MetadataStream>"),
        told(XML.encode().replace(b"<tt:Frame", b"\xff<tt:Frame")),
        told(XML.replace("http://www.onvif.org/ver10/schema", "urn:x")),
        told(XML.replace("tt:MetadataStream", "tt:Stream")),
        told(XML.replace("tt:Frame", "tt:Event")),
        told(XML.replace(' UtcTime="2025-11-20T10:02:03.456Z"', "")),
        told(XML.replace("03.456Z", "soon")),
        told(XML, AT_MS + 1),
        told(""),
    ],
    ids=["XML", "UTF-8", "namespace", "root", "no frame", "no time", "no date", "another time", "empty"],
)
def test_metadata_that_no_recorder_could_match_is_unusable(payload: bytes) -> None:
    with pytest.raises(UnusableMetadata):
        metadata(payload)


def test_metadata_without_a_time_is_broken() -> None:
    with pytest.raises(BrokenMessage):
        metadata(b"1234567")


def video(payload: bytes = b"picture", **changes: int) -> bytes:
    fields = {"kind": 0x0010, "length": 32 + len(payload), **changes}
    return struct.pack(">HIHHHQQI", fields["kind"], fields["length"], 0x000A, 1, 1, AT_MS, AT_MS, 0) + payload


def test_processed_video_is_taken() -> None:
    check_media(video())


@pytest.mark.parametrize("payload", [b"", video()[:31], video(kind=0x20), video(length=7)])
def test_processed_video_that_is_none_is_broken(payload: bytes) -> None:
    with pytest.raises(BrokenMessage):
        check_media(payload)


def test_an_event_has_a_time_and_an_ascii_name() -> None:
    told = event(AT_MS.to_bytes(8, "big") + bytes(32) + b"\x00\x04gate" + b"custom")
    assert (told.at_ms, told.name) == (AT_MS, "gate")


@pytest.mark.parametrize("rest", [b"", b"\x00\x05gate", b"\x00\x02\xc3\xa9"], ids=["no name", "cut", "not ASCII"])
def test_a_malformed_event_is_broken(rest: bytes) -> None:
    with pytest.raises(BrokenMessage):
        event(AT_MS.to_bytes(8, "big") + bytes(32) + rest)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_but_the_known_errors(received: bytes) -> None:
    with suppress(BrokenMessage, UnusableMetadata):
        opened(received)
    for parse in (metadata, event, check_media):
        with suppress(BrokenMessage, UnusableMetadata):
            parse(received)


def _with_box(sides: str) -> str:
    return XML.replace("/></tt:Video", f"><tt:Object><tt:BoundingBox {sides}/></tt:Object></tt:Frame></tt:Video")


def test_a_box_in_onvifs_coordinates_is_taken() -> None:
    assert metadata(told(_with_box('left="-1" top="0.38" right="-0.28" bottom="-0.56"'))).at_ms == AT_MS


@pytest.mark.parametrize(
    "sides",
    [
        'left="-0.5" top="-0.5" right="0.5" bottom="0.5"',
        'left="0.5" top="0.5" right="-0.5" bottom="-0.5"',
        'left="10" top="40" right="120" bottom="20"',
        'left="nan" top="0.5" right="0.5" bottom="-0.5"',
        'left="0" top="0.5" right="0.5"',
    ],
    ids=["y downwards", "mirrored", "pixels", "no number", "no bottom"],
)
def test_a_box_in_other_coordinates_is_unusable(sides: str) -> None:
    with pytest.raises(UnusableMetadata, match="BoundingBox"):
        metadata(told(_with_box(sides)))
