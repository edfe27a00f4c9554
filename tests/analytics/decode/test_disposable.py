from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.decode.disposable import DisposableTest
from core.types import Packet

START = b"\x00\x00\x01"
AUD_264, SEI_264 = b"\x09\xf0", b"\x06\x05\x01"


def packet(codec: str, *units: bytes, is_key: bool = False, extradata: bytes = b"") -> Packet:
    data = b"".join(START + unit for unit in units)
    return Packet(codec=codec, data=data, captured_at=0.0, is_key=is_key, received_at=0.0, extradata=extradata)


def h265_unit(kind: int, layer: int = 0) -> bytes:
    return bytes([kind << 1, layer + 1]) + b"slice"


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ((b"\x01slice",), True),
        ((AUD_264, SEI_264, b"\x01slice"), True),
        ((b"\x41slice",), False),
        ((b"\x21slice",), False),
        ((b"\x65slice",), False),
        ((AUD_264,), False),
        ((), False),
    ],
)
def test_h264_pictures_are_disposable_when_their_reference_idc_is_zero(
    units: tuple[bytes, ...], expected: bool
) -> None:
    assert DisposableTest()(packet("h264", *units)) is expected


@pytest.mark.parametrize(("kind", "expected"), [(0, True), (1, False), (8, True), (9, False), (14, True), (19, False)])
def test_h265_pictures_are_disposable_by_their_type(kind: int, expected: bool) -> None:
    assert DisposableTest()(packet("hevc", h265_unit(32), h265_unit(39), h265_unit(kind))) is expected


def test_h265_pictures_of_a_lower_sub_layer_may_be_needed_by_a_higher_one() -> None:
    is_disposable = DisposableTest()
    assert is_disposable(packet("hevc", h265_unit(0, layer=2)))
    assert not is_disposable(packet("hevc", h265_unit(0, layer=1)))
    assert is_disposable(packet("hevc", h265_unit(0, layer=2)))


@pytest.mark.parametrize(
    "kept",
    [
        packet("h264", b"\x01slice", is_key=True),
        packet("h264", b"\x01slice", extradata=b"\x01\x64"),
        packet("mpeg4", b"\x01slice"),
        packet("mjpeg", b"\x01slice"),
    ],
    ids=["key frame", "length-prefixed", "mpeg4", "mjpeg"],
)
def test_when_in_doubt_a_picture_is_kept(kept: Packet) -> None:
    assert not DisposableTest()(kept)


@given(st.sampled_from(["h264", "hevc"]), st.lists(st.binary(max_size=12), max_size=5))
def test_any_bytes_are_judged_without_error(codec: str, units: list[bytes]) -> None:
    assert DisposableTest()(packet(codec, *units)) in {True, False}
