from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.simulator.client.documents import read_document
from core.errors import ProtocolViolation
from tests.connectors.onvif.simulator.client.scripted_streams import PERSON, document

UTC = 1_795_168_923.456


def test_an_empty_frame_is_a_document() -> None:
    (frame,) = read_document(document(UTC)).frames
    assert frame.utc == pytest.approx(UTC, abs=1e-6)
    assert frame.objects == ()


def test_a_transformation_is_applied() -> None:
    moved = """<tt:Transformation><tt:Translate x="-1" y="-1"/><tt:Scale x="0.00625" y="0.0083333333"/></tt:Transformation>
        <tt:Object ObjectId="1"><tt:Appearance><tt:Shape><tt:BoundingBox left="0" top="240" right="160" bottom="120"/>
        <tt:CenterOfGravity x="80" y="180"/></tt:Shape></tt:Appearance></tt:Object>"""
    (seen,) = read_document(document(UTC, moved)).frames[0].objects
    assert seen.box == pytest.approx((-1.0, 1.0, 0.0, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('left="-0.5"', 'left="0.5"'),
        ('right="0"', 'right="1.5"'),
        ('right="0"', 'right="NaN"'),
        ('right="0"', ""),
        ('<tt:CenterOfGravity x="-0.25" y="0.125"/>', ""),
        ('x="-0.25" y="0.125"', 'x="0.25" y="0.125"'),
        ('ObjectId="7"', 'ObjectId="seven"'),
    ],
)
def test_a_shape_that_cannot_be_drawn_is_refused(old: str, new: str) -> None:
    assert old in PERSON
    with pytest.raises(ProtocolViolation):
        read_document(document(UTC, PERSON.replace(old, new)))


@pytest.mark.parametrize("utc", [b"yesterday", b"", b"2026-11-20T10:02:03", b"2026-11-20T10:02:03+00:00"])
def test_a_time_that_is_not_utc_is_refused(utc: bytes) -> None:
    before, _, rest = document(UTC).partition(b'UtcTime="')
    with pytest.raises(ProtocolViolation):
        read_document(before + b'UtcTime="' + utc + rest[rest.index(b'"') :])


@given(st.binary(max_size=200), st.integers(0, 300))
def test_whatever_comes_is_read_or_refused(noise: bytes, where: int) -> None:
    whole = document(UTC, PERSON)
    for data in (noise, whole[:where] + noise + whole[where:]):
        with contextlib.suppress(ProtocolViolation):
            read_document(data)
