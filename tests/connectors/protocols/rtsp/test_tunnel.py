from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.rtsp.tunnel import Base64Reader
from core.errors import ProtocolViolation


@given(messages=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5), step=st.integers(1, 50))
def test_messages_padded_on_their_own_and_cut_anywhere_are_read(messages: list[bytes], step: int) -> None:
    text = b"\r\n".join(base64.b64encode(message) for message in messages)
    decoder = Base64Reader()
    read = b"".join(decoder.feed(text[start : start + step]) for start in range(0, len(text), step))
    assert read == b"".join(messages)


@pytest.mark.parametrize("text", [b"OPTIONS * RTSP/1.0\r\n\r\n", b"=QUI", b"QUJ\x00", b"Q==="])
def test_what_is_not_base64_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="Base64"):
        Base64Reader().feed(text)
