from __future__ import annotations

import pytest

from analytics.detect.figure import is_walker, label_sized, label_unsized, score


@pytest.mark.parametrize(
    ("width", "height", "label"),
    [
        (0.4, 1.0, "person"),
        (0.6, 0.95, "person"),
        (0.45, 0.6, "person"),  # sits or is a child
        (2.5, 0.85, "car"),  # from the side
        (1.05, 0.85, "car"),  # from the front
        (3.0, 1.8, "car"),  # a van
        (0.2, 0.2, "object"),
        (1.2, 0.2, "object"),
        (0.9, 2.4, "object"),
    ],
)
def test_size_in_persons_tells_what_it_may_be(width: float, height: float, label: str) -> None:
    assert label_sized(width, height) == label


@pytest.mark.parametrize(
    ("aspect", "height", "fill", "is_cut", "label"),
    [
        (0.4, 0.2, 0.7, False, "person"),
        (0.4, 0.2, 0.7, True, "person"),
        (1.5, 0.2, 0.7, False, "car"),
        (1.5, 0.2, 0.7, True, "object"),
        (1.5, 0.03, 0.7, False, "object"),
        (1.5, 0.2, 0.3, False, "object"),
        (0.85, 0.2, 0.7, False, "object"),
    ],
)
def test_without_a_measure_shape_alone_tells(
    aspect: float, height: float, fill: float, *, is_cut: bool, label: str
) -> None:
    assert label_unsized(aspect, height, fill, is_cut=is_cut) == label


@pytest.mark.parametrize(
    ("aspect", "fill", "expected"), [(0.4, 0.6, True), (0.4, 0.3, False), (0.15, 0.6, False), (0.8, 0.6, False)]
)
def test_only_who_walks_alone_is_a_measure(aspect: float, fill: float, *, expected: bool) -> None:
    assert is_walker(aspect, fill) is expected


def test_a_score_is_a_share_and_grows_with_fit_and_clearness() -> None:
    assert 0.0 < score("person", 3.0, 0.0) < score("person", 0.5, 0.0) < score("person", 0.42, 255.0) <= 1.0
