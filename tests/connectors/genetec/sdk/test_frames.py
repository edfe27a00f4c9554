from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.genetec.sdk.frames import MAX_BYTES, FrameReader, FrameWriter, error_as_json, error_from_json, packed
from core.errors import CertificateRejected, ProtocolViolation, ReplyLost, RightMissing, VmsError

pytestmark = pytest.mark.slow

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FRAMES = st.dictionaries(st.text(min_size=1).filter(lambda key: key != "kind"), VALUES, max_size=4)


@given(frames=st.lists(FRAMES, max_size=4), cut=st.integers(0, 40))
def test_frames_come_back_whole_and_one_that_is_cut_is_the_end(frames: list[dict[str, Any]], cut: int) -> None:
    stream = io.BytesIO()
    for number, frame in enumerate(frames):
        stream.write(packed({**frame, "kind": str(number)}))
    whole = stream.getvalue()
    reader = FrameReader(io.BytesIO(whole[: len(whole) - cut] if cut else whole))
    read = []
    while (frame_read := reader.read()) is not None:
        read.append(frame_read)
    wanted = [{**frame, "kind": str(number)} for number, frame in enumerate(frames)]
    assert read == wanted[: len(read)]
    assert cut or read == wanted


@given(noise=st.binary(max_size=64))
def test_noise_is_an_end_or_a_violation(noise: bytes) -> None:
    with suppress(ProtocolViolation):
        FrameReader(io.BytesIO(noise)).read()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", MAX_BYTES + 1),
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 2) + b"{'",
    ],
)
def test_what_is_no_frame_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        FrameReader(io.BytesIO(data)).read()


def test_a_frame_that_is_too_long_is_not_written() -> None:
    stream = io.BytesIO()
    with pytest.raises(ProtocolViolation):
        FrameWriter(stream).write("ask", text="x" * MAX_BYTES)
    assert stream.getvalue() == b""


@pytest.mark.parametrize(
    "error", [ReplyLost("a"), RightMissing("b", remedy="c"), CertificateRejected("d"), VmsError("e")]
)
def test_errors_cross_the_pipe(error: VmsError) -> None:
    crossed = error_from_json(error_as_json(error))
    assert type(crossed) is type(error)
    assert (str(crossed), crossed.remedy) == (str(error), error.remedy)


def test_an_error_of_no_known_class_is_a_violation() -> None:
    assert type(error_from_json({"class": "SystemExit", "message": "x"})) is ProtocolViolation
