"""A composition as its runner asks it: what its members said of the same frame, and where their objects are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from core.contracts import Composition
from core.types import Occurrence, Tick, Track


class Member(Protocol):
    """A rule that a composition is composed of; it is asked before the composition in each frame."""

    @property
    def occurrences(self) -> Sequence[Occurrence]:
        """What came true in the present frame."""


class Composed:
    """Stands where a ``Rule`` stands in its runner."""

    def __init__(
        self,
        composition: Composition,
        members: Mapping[str, Member],
        counted: Callable[[Iterable[Track]], tuple[Track, ...]],
    ) -> None:
        """``counted``: those of some objects that the composition's own settings let count."""
        self._composition = composition
        self._members = members
        self._counted = counted

    def update(self, tick: Tick) -> list[Occurrence]:
        """As ``Rule.update``, but of all tracks. Objects that are still seen are told as they are in this frame."""
        seen = {name: tuple(self._counting(member.occurrences)) for name, member in self._members.items()}
        made = self._composition.update(tick.captured_at, seen)
        present = {track.track_id: track for track in self._counted(tick.tracks)} if made else {}
        return [replace(one, tracks=tuple(present.get(track.track_id, track) for track in one.tracks)) for one in made]

    def figures(self) -> Mapping[str, int]:
        """As ``Rule.figures``: none."""
        return {}

    def _counting(self, occurrences: Sequence[Occurrence]) -> Iterator[Occurrence]:
        """Without objects that do not count, and without what is about such objects only."""
        for occurrence in occurrences:
            tracks = self._counted(occurrence.tracks)
            if tracks or not occurrence.tracks:
                yield replace(occurrence, tracks=tracks)
