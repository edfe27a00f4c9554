"""Reports that are cut."""

from __future__ import annotations

import pytest

from connectors.genetec.access.spans import TooManyRows, whole_answers
from connectors.genetec.access.websdk import Answer

NOW = 1_800_000_000.0


def test_a_moment_that_stays_cut_is_not_taken_for_whole() -> None:
    def ask(begin: float, end: float) -> Answer:
        return Answer(result=[], is_complete=not begin <= NOW <= end, date="")

    with pytest.raises(TooManyRows):
        list(whole_answers(ask, NOW - 0.001, NOW + 0.002))


def test_halves_are_asked_for_until_each_is_whole() -> None:
    spans: list[tuple[float, float]] = []

    def ask(begin: float, end: float) -> Answer:
        spans.append((begin, end))
        return Answer(result=[], is_complete=end - begin <= 1.0, date="")

    assert len(list(whole_answers(ask, NOW, NOW + 4.0))) == 7
    assert spans[0] == (NOW, NOW + 4.0)
