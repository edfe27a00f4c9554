"""Reports of a time span that is too full for one answer: halved until every row was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from connectors.genetec.access.query import call
from core.clock import iso_utc
from core.errors import ProtocolViolation
from core.types import UtcSeconds

_SHORTEST_SPAN_S = 0.001
"""As finely as times are written."""
_MOST_QUESTIONS = 128


class Part(Protocol):
    """What a report shows of a span."""

    @property
    def is_complete(self) -> bool:
        """Whether these are all of its rows."""


P = TypeVar("P", bound=Part)


class TooManyRows(ProtocolViolation):
    """A report stays cut however short the spans that are asked for."""


def whole_answers(ask: Callable[[UtcSeconds, UtcSeconds], P], begin: UtcSeconds, end: UtcSeconds) -> Iterator[P]:
    """Asks for the span, then for the halves of what was cut. Raises ``TooManyRows`` when there is no end to it."""
    spans, is_cut = deque([(begin, end)]), False
    for _ in range(_MOST_QUESTIONS):
        if not spans:
            break
        begin, end = spans.popleft()
        answer = ask(begin, end)
        yield answer
        if answer.is_complete:
            continue
        if end - begin > _SHORTEST_SPAN_S:
            middle = (begin + end) / 2
            spans.extend([(begin, middle), (middle, end)])
        else:
            is_cut = True
    if spans or is_cut:
        raise TooManyRows("Security Center: a report has too many rows")


def time_range(begin: UtcSeconds, end: UtcSeconds, *, member: str = "TimeRange") -> str:
    """The filter for a span."""
    return call(f"{member}.SetTimeRange", iso_utc(begin), iso_utc(end))
