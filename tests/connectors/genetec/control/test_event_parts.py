"""The body of event streams, written by hand."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.genetec.control.event_parts import MAX_LINE_BYTES, KeepAlive, Message, Opened, Part, PartParser
from core.errors import ProtocolViolation

pytestmark = pytest.mark.slow

EVENT = {"EventType": "CameraMotionOn", "Timestamp": "2026-11-20T10:15:31.003Z", "SourceGuid": "é \u2028"}
NAME = "6b1f5b0e-6d0a-4a7e-8c55-0f7a5b9a1c22"
JSON = json.dumps({"Rsp": {"Status": "Ok", "Result": EVENT}}, ensure_ascii=False)
STREAM = f"""ConnectionId:{NAME}

--GENETECBOUNDARY
Content-type: text/plain

KeepAlive
--GENETECBOUNDARY
Content-type: text/json

{JSON}
--genetecboundary
content-type: text/json; charset=utf-8
{JSON}
--GENETECBOUNDARY
Content-type: text/plain

KeepAlive
"""
PARTS: list[Part] = [Opened(NAME), KeepAlive(), Message(EVENT), Message(EVENT), KeepAlive()]
BEGIN = f"ConnectionId:{NAME}\n"


def parsed(*pieces: bytes) -> list[Part]:
    parser = PartParser()
    return [part for piece in pieces for part in parser.feed(piece)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_stream_is_its_name_keep_alives_and_events(line_end: str) -> None:
    assert parsed(STREAM.replace("\n", line_end).encode()) == PARTS


@given(cuts=st.lists(st.integers(min_value=0, max_value=len(STREAM.encode()))))
def test_in_whatever_pieces_it_comes_it_says_the_same(cuts: list[int]) -> None:
    data = STREAM.encode()
    edges = [0, *sorted(cuts), len(data)]
    assert parsed(*(data[start:end] for start, end in pairwise(edges))) == PARTS


def test_a_part_with_several_events_tells_each() -> None:
    line = json.dumps({"Rsp": {"Status": "Ok", "Result": [EVENT, EVENT]}})
    stream = f"{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n{line}\n"
    assert parsed(stream.encode())[1:] == [Message(EVENT), Message(EVENT)]


def test_a_head_of_more_lines_and_a_name_that_is_told_again_are_taken() -> None:
    head = "--GENETECBOUNDARY\nContent-type: text/json\nContent-Length: 80\n"
    assert parsed(f"{BEGIN}{head}\n{JSON}\nConnectionId:2\n".encode())[1:] == [Message(EVENT), Opened("2")]


@pytest.mark.parametrize(
    "stream",
    [
        "<html>\n",
        "ConnectionId:\n",
        f"ConnectionId:{'x' * 101}\n",
        f"{BEGIN}KeepAlive\n",
        f"{BEGIN}--GENETECBOUNDARY\nKeepAlive\n",
        f"{BEGIN}--GENETECBOUNDARY\nContent-type: application/jsonrequest\n\n{{}}\n",
        f"{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n\n{{\n",
        f"{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n\n[]\n",
        f'{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n\n{{"Rsp":{{"Status":"Ok"}}}}\n',
        f'{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n\n{{"Rsp":{{"Result":[1]}}}}\n',
        f"{BEGIN}--GENETECBOUNDARY\nContent-type: text/json\n\n{'[' * 100_000}\n",
    ],
)
def test_what_is_no_event_stream_is_a_violation(stream: str) -> None:
    with pytest.raises(ProtocolViolation):
        parsed(stream.encode())


def test_a_line_without_end_is_not_kept() -> None:
    with pytest.raises(ProtocolViolation):
        parsed(*[b"x" * 1000] * (MAX_LINE_BYTES // 1000 + 2))


def test_a_violation_shows_no_credential() -> None:
    with pytest.raises(ProtocolViolation) as raised:
        parsed(b"Authorization: Basic dXNlcjphcHA6cGFzc3dvcmQ=\n")
    assert "dXNlc" not in str(raised.value)


@given(
    st.lists(
        st.binary(max_size=200)
        | st.sampled_from([BEGIN.encode(), b"--GENETECBOUNDARY\n", b"Content-type: text/json\n"])
    )
)
def test_no_bytes_make_it_fail_otherwise(pieces: list[bytes]) -> None:
    with suppress(ProtocolViolation):
        parsed(*pieces)
