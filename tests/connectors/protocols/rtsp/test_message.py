from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.rtsp.message import (
    MAX_HEAD_BYTES,
    InterleavedFrame,
    Message,
    MessageReader,
    Request,
    Response,
    parse_parameters,
)
from core.errors import ProtocolViolation

pytestmark = pytest.mark.slow

TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).filter(lambda name: name != "content-length")
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20).map(
    lambda text: "".join(text.split()) or "x"
)
URLS = st.text("abcdefgh/0123456789%.", max_size=20).map(lambda path: f"rtsp://host:554/{path}")
REQUESTS = st.builds(
    Request, method=TOKENS, url=URLS, headers=st.dictionaries(NAMES, VALUES, max_size=4), body=st.binary(max_size=64)
)
RESPONSES = st.builds(
    Response,
    status=st.sampled_from([200, 401, 404, 454, 551]),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=4).map(tuple),
    body=st.binary(max_size=64),
)
FRAMES = st.builds(InterleavedFrame, channel=st.integers(0, 255), data=st.binary(max_size=100))


def _without_length(message: Message) -> Message:
    if isinstance(message, Request):
        kept = {name: value for name, value in message.headers.items() if name.lower() != "content-length"}
        return Request(method=message.method, url=message.url, headers=kept, body=message.body)
    if isinstance(message, Response):
        headers = tuple(pair for pair in message.headers if pair[0].lower() != "content-length")
        return Response(status=message.status, headers=headers, body=message.body)
    return message


@given(st.lists(st.one_of(REQUESTS, RESPONSES, FRAMES), max_size=5), st.data())
def test_messages_are_read_the_same_however_the_stream_is_cut(messages: list[Message], data: st.DataObject) -> None:
    stream = b"".join(message.to_bytes() for message in messages)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    reader = MessageReader()
    read: list[Message] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += reader.feed(stream[start:end])
    assert [_without_length(message) for message in read] == messages


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_a_protocol_violation(data: bytes) -> None:
    with suppress(ProtocolViolation):
        list(MessageReader().feed(data))


@pytest.mark.parametrize(
    "data",
    [
        b"DESCRIBE\r\n\r\n",
        b"DESCRIBE rtsp://h/a HTTP/1.1\r\n\r\n",
        b"DESCRIBE rtsp://h/a b RTSP/1.0\r\n\r\n",
        b"DES CRIBE rtsp://h/a RTSP/1.0\r\n\r\n",
        b"DESCRIBE rtsp://[h/a RTSP/1.0\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\n: no name\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 00000000099999999\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"OPTIONS * RTSP/1.0\r\nX: \xff\r\n\r\n",
        b"RTSP/1.0 20x OK\r\n\r\n",
        b"A" * MAX_HEAD_BYTES,
    ],
)
def test_what_is_not_rtsp_is_a_protocol_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(MessageReader().feed(data))


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS * RTSP/1.0\nCSeq: 7\n\n",
        b"\r\n\r\nOPTIONS * RTSP/1.0\r\ncseq:7\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nCSeq:\r\n 7\r\n\r\n",
    ],
)
def test_what_old_clients_write_is_read(data: bytes) -> None:
    (request,) = MessageReader().feed(data)
    assert isinstance(request, Request)
    assert request.headers["cseq"] == "7"


def test_repeated_headers_are_joined() -> None:
    (request,) = MessageReader().feed(b"SETUP rtsp://h/a RTSP/1.0\r\nTransport: a\r\nTransport: b\r\n\r\n")
    assert isinstance(request, Request)
    assert request.headers["transport"] == "a, b"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("rtsp://u:p@h:554/a%20b/c/", "/a b/c"),
        ("rtsp://h", ""),
        ("*", "*"),
        ("rtsp://h/a?x=1#y", "/a"),
    ],
)
def test_the_path_is_decoded_and_ends_without_a_slash(url: str, path: str) -> None:
    assert Request(method="OPTIONS", url=url).path == path


def test_parameters_are_named_in_lower_case_and_unquoted() -> None:
    text = 'RTP/AVP;Unicast;client_port=5000-5001;mode="PLAY";'
    assert parse_parameters(text) == {"rtp/avp": "", "unicast": "", "client_port": "5000-5001", "mode": "PLAY"}


@pytest.mark.parametrize(("status", "reason"), [(200, "OK"), (454, "Session Not Found"), (503, "Service Unavailable")])
def test_a_status_has_its_rtsp_reason(status: int, reason: str) -> None:
    assert Response(status=status).to_bytes() == f"RTSP/1.0 {status} {reason}\r\n\r\n".encode()
