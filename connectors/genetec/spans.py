"""Reports of a time span that is too full for one answer: halved until every row was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from connectors.genetec.query import call
from connectors.genetec.websdk import Answer
from core.clock import iso_utc
from core.errors import ProtocolViolation
from core.types import UtcSeconds

_SHORTEST_SPAN_S = 0.01
_MOST_QUESTIONS = 128


class TooManyRows(ProtocolViolation):
    """A report stays cut however short the spans that are asked for."""


def whole_answers(
    ask: Callable[[UtcSeconds, UtcSeconds], Answer], begin: UtcSeconds, end: UtcSeconds
) -> Iterator[Answer]:
    """Asks for the span, then for the halves of what was cut. Raises ``TooManyRows`` when there is no end to it."""
    spans = deque([(begin, end)])
    for _ in range(_MOST_QUESTIONS):
        if not spans:
            return
        begin, end = spans.popleft()
        answer = ask(begin, end)
        yield answer
        if not answer.is_complete and end - begin > _SHORTEST_SPAN_S:
            middle = (begin + end) / 2
            spans.extend([(begin, middle), (middle, end)])
    if spans:
        raise TooManyRows("Security Center: a report has too many rows")


def time_range(begin: UtcSeconds, end: UtcSeconds, *, member: str = "TimeRange") -> str:
    """The filter for a span."""
    return call(f"{member}.SetTimeRange", iso_utc(begin), iso_utc(end))
