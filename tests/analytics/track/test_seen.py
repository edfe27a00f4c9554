from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.kalman import SMALLEST
from analytics.track.seen import as_seen
from core.types import Box, Detection

WHOLE = Box(left=0.2, top=0.2, right=0.6, bottom=0.8)
FRONT = Box(left=0.22, top=0.25, right=0.4, bottom=0.75)
ELSEWHERE = Box(left=0.7, top=0.2, right=0.9, bottom=0.8)


def found(box: Box, score: float = 0.8, label: str = "car") -> Detection:
    return Detection(label=label, score=score, box=box)


def test_boxes_are_told_by_centre_and_size_in_heights_of_the_picture() -> None:
    seen = as_seen([found(WHOLE)], 2.0, 0.35)
    assert seen.boxes == pytest.approx(np.array([[0.8, 0.5, 0.8, 0.6]]))


def test_an_empty_frame_has_no_rows() -> None:
    seen = as_seen([], 1.5, 0.35)
    assert seen.boxes.shape == (0, 4)
    assert seen.edges.shape == (4, 0)
    assert [len(rows) for rows in seen[2:]] == [0] * 6


def test_a_box_without_an_area_still_has_a_size() -> None:
    seen = as_seen([found(Box(left=0.4, top=0.4, right=0.4, bottom=0.4))], 1.5, 0.35)
    assert (seen.boxes[:, 2:] >= SMALLEST).all()


@pytest.mark.parametrize(("score", "strong"), [(0.34, False), (0.35, True)])
def test_a_detection_is_strong_from_the_least_score_on(score: float, strong: bool) -> None:
    assert as_seen([found(WHOLE, score)], 1.5, 0.35).strong.tolist() == [strong]


@pytest.mark.parametrize(("label", "moves"), [("person", True), ("truck", True), ("object", True), ("bench", False)])
def test_it_is_known_what_moves_by_itself(label: str, moves: bool) -> None:
    assert as_seen([found(WHOLE, label=label)], 1.5, 0.35).moves.tolist() == [moves]


@pytest.mark.parametrize(
    ("other", "doubtful"),
    [
        (found(FRONT, 0.4), True),
        (found(FRONT, 0.4, "truck"), True),
        (found(FRONT, 0.4, "person"), False),
        (found(FRONT, 0.7), False),
        (found(ELSEWHERE, 0.4), False),
    ],
    ids=["second box", "of its group", "of another group", "as sure", "elsewhere"],
)
def test_a_poorer_box_that_shares_most_of_a_better_one_of_its_group_is_doubtful(
    other: Detection, doubtful: bool
) -> None:
    seen = as_seen([found(WHOLE, 0.9), other], 1.5, 0.35)
    assert seen.doubtful.tolist() == [False, doubtful]
    assert seen.strong.tolist() == [True, not doubtful]


scores = st.floats(0.05, 1.0)
coordinates = st.floats(0.0, 0.8)
boxes = st.builds(
    lambda left, top, width, height: Box(left=left, top=top, right=left + width, bottom=top + height),
    coordinates,
    coordinates,
    st.floats(0.01, 0.2),
    st.floats(0.01, 0.2),
)
detections = st.builds(found, boxes, scores, st.sampled_from(["person", "car", "truck", "object"]))


@given(st.lists(detections, min_size=1, max_size=12))
def test_the_surest_is_never_doubtful_and_what_is_doubtful_is_never_strong(several: list[Detection]) -> None:
    seen = as_seen(several, 1.5, 0.35)
    assert not seen.doubtful[int(seen.scores.argmax())]
    assert not (seen.doubtful & seen.strong).any()


@given(st.lists(detections, min_size=1, max_size=8))
def test_the_order_of_detections_does_not_matter(several: list[Detection]) -> None:
    backwards = as_seen(several[::-1], 1.5, 0.35)
    assert as_seen(several, 1.5, 0.35).doubtful.tolist() == backwards.doubtful.tolist()[::-1]
