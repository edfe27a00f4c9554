from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detect.density_look import Reading
from analytics.dossier.ticks import History, KeptLooks, KeptReadings, read, written
from analytics.scene import Look
from core.types import Box, Detection, Tick, Track

SHARES = st.floats(min_value=-0.5, max_value=1.5, allow_nan=False)
BOXES = st.builds(Box, left=SHARES, top=SHARES, right=SHARES, bottom=SHARES)
LABELS = st.text(max_size=8)
TRACKS = st.builds(
    Track, track_id=st.integers(0, 2**40), label=LABELS, score=SHARES, box=BOXES, first_seen=SHARES,
    is_measured=st.booleans(),
)  # fmt: skip
DETECTIONS = st.builds(Detection, label=LABELS, score=SHARES, box=BOXES)
ZONES = st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=4).map(tuple)
READINGS = st.builds(Reading, ZONES, st.lists(BOXES, max_size=2).map(tuple), SHARES)
LOOKS = st.builds(Look, st.lists(BOXES, max_size=2).map(tuple), st.lists(DETECTIONS, max_size=2).map(tuple))


@given(
    st.floats(0, 2e9, allow_nan=False),
    st.lists(TRACKS, max_size=3).map(tuple),
    st.none() | st.lists(LOOKS, max_size=2),
    st.none() | st.lists(READINGS, max_size=2),
)
def test_what_is_written_is_read_back_exactly(
    moment: float, tracks: tuple[Track, ...], looks: list[Look] | None, readings: list[Reading] | None
) -> None:
    line = written(moment, tracks, looks, readings)
    assert "\n" not in line
    kept = read(line.encode())
    assert kept.tick == Tick(captured_at=moment, tracks=tracks)
    assert kept.looks == looks
    assert kept.readings == readings


def test_lines_of_earlier_versions_tell_of_no_density_map() -> None:
    assert b"readings" not in written(1.0, (), None).encode()
    assert read(b'{"time_s": 1, "tracks": [], "looks": null}').readings is None


@pytest.mark.parametrize("line", [b"", b"{}", b"3", b'{"time_s": 1}', b'{"time_s": 1, "tracks": [3], "looks": null}'])
def test_another_line_is_an_expected_error(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read(line)


def times(history: History, begin: float, end: float) -> list[float]:
    return [read(line).tick.captured_at for line in history.lines(begin, end)]


def test_any_part_of_the_history_can_be_had() -> None:
    with History() as history:
        for number in range(10):
            history.add(float(number), (), None)
        assert history.begins_at == 0.0
        assert times(history, 2.5, 5.0) == [3.0, 4.0, 5.0]
        assert times(history, 0.0, 1.0) == [0.0, 1.0]
        history.add(10.0, (), None)
        assert times(history, 9.0, 99.0) == [9.0, 10.0]


def test_when_time_goes_back_the_history_begins_anew() -> None:
    with History() as history:
        for moment in (100.0, 101.0, 5.0, 6.0):
            history.add(moment, (), None)
        assert history.begins_at == 5.0
        assert times(history, 0.0, 200.0) == [5.0, 6.0]


def test_only_looks_that_were_taken_have_an_answer() -> None:
    part, other = Box(left=0, top=0, right=0.5, bottom=1), Box(left=0.5, top=0, right=1, bottom=1)
    found = Detection(label="person", score=0.5, box=part)
    looks = KeptLooks([Look((part,), (found,)), Look((), ())], frozenset({"person"}))
    assert looks([part]) == [found]
    assert looks([]) == []
    assert looks.labels == {"person"}
    with pytest.raises(LookupError, match="did not look"):
        looks([other])


def test_only_what_the_density_map_was_asked_then_has_an_answer() -> None:
    zone, somebody = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), Box(left=0.1, top=0.1, right=0.2, bottom=0.5)
    density = KeptReadings([Reading(zone, (somebody,), 17.25)])
    assert density(zone, [somebody]) == 17.25
    with pytest.raises(LookupError, match="did not ask then"):
        density(zone, [])
