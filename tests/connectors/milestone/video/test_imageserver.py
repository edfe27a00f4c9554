from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.milestone.video.imageserver import (
    ImageMessage,
    Message,
    MessageReader,
    XmlMessage,
    camera_is_lost,
    connect_request,
    goto_request,
    live_request,
    next_request,
    refusal,
    update_request,
)
from core.errors import AuthenticationRefused, NotFoundInVms, ProtocolViolation, VmsError, VmsRefused
from tests.connectors.milestone.support import DEVICE, connected, image, refused, status
from tests.connectors.milestone.video.recordings import multipart

STREAM = (
    connected()
    + image(b"\x00\x01<xml>\r\n\r\nImageResponse\r\n", at_ms=1000)
    + status()
    + image(b"", at_ms=1040)
    + image(b"<" * 70, at_ms=1080)
    + multipart([b"first\r\n--xyz--\r\n\r\n", b"", b"\r\nsecond"], at_ms=1120)
    + multipart([b"third"], at_ms=1160, outer_length=True)
    + status(camera_lost=1)
)
TOKEN = "TOKEN#6f6c1a0e#vms01//ServerConnector#&<odd>"


def gist(message: Message) -> tuple[str, bytes]:
    if isinstance(message, XmlMessage):
        return str(message.root.tag), etree.tostring(message.root)
    return message.headers["current"], b"".join(message.parts)


def read(*chunks: bytes) -> list[tuple[str, bytes]]:
    reader = MessageReader()
    return [gist(message) for chunk in chunks for message in reader.feed(chunk)]


def test_a_stream_in_one_piece_gives_its_messages_in_order() -> None:
    kinds = [kind for kind, _ in read(STREAM)]
    assert kinds == ["methodresponse", "1000", "livepackage", "1040", "1080", "1120", "1160", "livepackage"]


@settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_the_network_cuts_the_stream_the_messages_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[begin:end] for begin, end in pairwise(edges)]
    assert read(*chunks) == read(STREAM)


def test_byte_by_byte_gives_the_same_messages_too() -> None:
    assert read(*(bytes([byte]) for byte in STREAM)) == read(STREAM)


def test_an_image_is_handed_over_without_waiting_for_what_follows_its_body() -> None:
    whole = image(b"body", at_ms=5)
    assert read(whole.removesuffix(b"\r\n\r\n")) == [("5", b"body")]


def test_header_names_in_any_case_and_extra_headers_are_understood() -> None:
    block = b"ImageResponse\r\ncontent-LENGTH: 2\r\nPrivacyMask: x\r\nCONTENT-TYPE: Image/JPEG; q=1\r\n\r\nab\r\n\r\n"
    (message,) = MessageReader().feed(block)
    assert isinstance(message, ImageMessage)
    assert (message.parts, message.content_type) == ((b"ab",), "image/jpeg")


def test_the_parts_of_a_group_of_pictures_are_kept_apart_and_empty_ones_left_out() -> None:
    (message,) = MessageReader().feed(multipart([b"first", b"", b"\r\nsecond"]))
    assert isinstance(message, ImageMessage)
    assert (message.parts, message.content_type) == ((b"first", b"\r\nsecond"), "multipart/related")


def test_an_answer_of_length_0_holds_nothing_whatever_its_type() -> None:
    head = b"ImageResponse\r\nContent-length: 0\r\n"
    blocks = (head + b"\r\n\r\n\r\n", head + b"Content-type: multipart/related; boundary=x\r\n\r\n\r\n\r\n")
    messages = [message for block in blocks for message in MessageReader().feed(block)]
    assert [isinstance(message, ImageMessage) and message.parts for message in messages] == [(), ()]


MULTIPART = b"ImageResponse\r\nContent-type: multipart/related; boundary=xyz\r\n\r\n"


@pytest.mark.parametrize(
    "stream",
    [
        MULTIPART.replace(b"; boundary=xyz", b""),
        MULTIPART + b"--other\r\nContent-length: 1\r\n\r\n",
        MULTIPART + b"--xyz\r\nContent-type: a\r\n\r\n",
        MULTIPART + b"--xyz\r\nContent-length: 99999999999\r\n\r\n",
        MULTIPART + b"--xyz\r\nContent-length: 0\r\n\r\n" * 5000,
    ],
    ids=["no boundary", "another boundary", "no length", "huge", "endless"],
)
def test_malformed_parts_are_a_protocol_violation(stream: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        MessageReader().feed(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
        b"<methodresponse>\r\n\r\n",
        b"ImageResponse\r\nContent-type: image/jpeg\r\n\r\n",
        b"ImageResponse\r\nContent-length: -1\r\n\r\n",
        b"ImageResponse\r\nContent-length: \xb2\r\n\r\n",
        b"ImageResponse\r\nContent-length: 99999999999\r\n\r\n",
        b"x" * 70_000,
        b"<" + b"x" * 70_000,
    ],
    ids=["HTTP", "cut XML", "no length", "negative", "odd digit", "huge", "endless text", "endless XML"],
)
def test_anything_else_is_a_protocol_violation(stream: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        MessageReader().feed(stream)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_but_the_known_errors(stream: bytes) -> None:
    with contextlib.suppress(VmsError):
        MessageReader().feed(stream)


def test_entities_in_xml_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><livepackage>&b;</livepackage>\r\n\r\n'
    (message,) = MessageReader().feed(bomb)
    assert isinstance(message, XmlMessage)
    assert "aaaa" not in (message.root.text or "")


def parsed(request: bytes) -> etree._Element:
    assert request.endswith(b"\r\n\r\n")
    assert b"\n" not in request[:-4], "a request is one line"
    return etree.fromstring(request[:-4])


def test_the_connect_request_is_the_documented_one() -> None:
    call = parsed(connect_request(1, DEVICE, TOKEN))
    assert [item.tag for item in call] == [
        "requestid",
        "methodname",
        "username",
        "password",
        "cameraid",
        "alwaysstdjpeg",
        "connectparam",
        "clientcapabilities",
    ]
    assert call.findtext("methodname") == "connect"
    assert call.findtext("alwaysstdjpeg") == "no"
    assert call.findtext("connectparam") == f"id={DEVICE}&connectiontoken={TOKEN}"


def test_a_fresh_token_is_given_in_the_same_form() -> None:
    call = parsed(update_request(3, DEVICE, TOKEN))
    assert (call.findtext("requestid"), call.findtext("methodname")) == ("3", "connectupdate")
    assert call.findtext("connectparam") == f"id={DEVICE}&connectiontoken={TOKEN}"


def test_live_asks_for_a_compression_rate_in_range() -> None:
    call = parsed(live_request(2))
    assert call.findtext("methodname") == "live"
    assert 1 <= int(call.findtext("compressionrate") or 0) <= 100
    assert call.findtext("sendinitialimage") == "no"


def test_playback_asks_by_milliseconds() -> None:
    call = parsed(goto_request(2, 1_763_632_923_456))
    assert (call.findtext("methodname"), call.findtext("time")) == ("goto", "1763632923456")
    assert parsed(next_request(3)).findtext("methodname") == "next"


def answer_of(block: bytes) -> etree._Element:
    return etree.fromstring(block.strip())


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Security token is invalid", AuthenticationRefused),
        ("Access denied", AuthenticationRefused),
        ("Unknown camera", NotFoundInVms),
        ("Camera not found", NotFoundInVms),
        ("Too many connections", VmsRefused),
        ("", VmsRefused),
    ],
)
def test_a_refused_connect_says_why_and_names_the_camera(reason: str, kind: type[VmsRefused]) -> None:
    error = refusal(answer_of(refused(reason)), "Quai 1")
    assert type(error) is kind
    assert "Quai 1" in str(error)
    assert error.remedy


def test_a_reason_that_quotes_the_token_is_redacted() -> None:
    error = refusal(answer_of(refused("TOKEN#6f6c1a0e#vms01//ServerConnector# is not valid")), "Quai 1")
    assert "6f6c1a0e" not in str(error)


def test_an_accepted_connect_is_no_refusal() -> None:
    assert refusal(answer_of(connected()), "Quai 1") is None


@pytest.mark.parametrize("lost", [0, 1])
def test_only_status_item_5_with_value_1_means_a_lost_camera(lost: int) -> None:
    assert camera_is_lost(answer_of(status(camera_lost=lost))) is bool(lost)
