"""What rules saw of analysed pictures, one line of JSON each; all of it while a file is analysed, on disk."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, NamedTuple, Self

from analytics.detect.density_look import Reading
from analytics.dossier.document import box_of, edges
from analytics.scene import Look
from core.types import Box, Detection, Polygon, Tick, Track, UtcSeconds


class History:
    """Every tick since the beginning of the analysis, in a file without a name that ends with it."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by close, lives as long as the analysis
        self._times: array[float] = array("d")
        self._places: array[int] = array("q")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(
        self,
        captured_at: UtcSeconds,
        tracks: Sequence[Track],
        looks: Sequence[Look] | None,
        readings: Sequence[Reading] | None = None,
    ) -> None:
        """The next analysed picture. Where time goes back rules start over, and so does the history."""
        if self._times and captured_at < self._times[-1]:
            del self._times[:], self._places[:]
        self._times.append(captured_at)
        self._places.append(self._file.seek(0, 2))
        self._file.write(written(captured_at, tracks, looks, readings).encode() + b"\n")

    @property
    def begins_at(self) -> UtcSeconds:
        """Time of the oldest tick; only where there is one."""
        return self._times[0]

    def lines(self, begin: UtcSeconds, end: UtcSeconds) -> Iterator[bytes]:
        """The ticks from ``begin`` to ``end``, both included."""
        first = bisect_left(self._times, begin)
        for index in range(first, len(self._times)):
            if self._times[index] > end:
                return
            self._file.seek(self._places[index])
            yield self._file.readline()


class KeptTick(NamedTuple):
    """A tick as it was kept."""

    tick: Tick
    """Without pixels."""
    looks: Sequence[Look] | None
    readings: Sequence[Reading] | None = None


def written(
    captured_at: UtcSeconds,
    tracks: Sequence[Track],
    looks: Sequence[Look] | None,
    readings: Sequence[Reading] | None = None,
) -> str:
    """One line. Numbers are written so that they are read back exactly."""
    document: dict[str, Any] = {
        "time_s": captured_at,
        "tracks": [
            {
                "track": track.track_id,
                "label": track.label,
                "score": track.score,
                "box": edges(track.box),
                "first_seen_s": track.first_seen,
                "is_measured": track.is_measured,
                "origin": None if track.origin is None else edges(track.origin),
            }
            for track in tracks
        ],
        "looks": None if looks is None else [_look(look) for look in looks],
    }
    if readings is not None:
        document["readings"] = [_reading(reading) for reading in readings]
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def read(line: bytes) -> KeptTick:
    """What ``written`` wrote.

    Raises:
        ValueError, KeyError, TypeError: something else did.
    """
    document = json.loads(line)
    looks, readings = document["looks"], document.get("readings")
    tracks = tuple(_track(track) for track in document["tracks"])
    return KeptTick(
        Tick(captured_at=float(document["time_s"]), tracks=tracks),
        None if looks is None else [_read_look(look) for look in looks],
        None if readings is None else [_read_reading(reading) for reading in readings],
    )


def _track(document: dict[str, Any]) -> Track:
    return Track(
        track_id=document["track"],
        label=document["label"],
        score=document["score"],
        box=box_of(document["box"]),
        first_seen=document["first_seen_s"],
        is_measured=document["is_measured"],
        origin=None if document.get("origin") is None else box_of(document["origin"]),
    )


def _look(look: Look) -> dict[str, Any]:
    found = [{"label": seen.label, "score": seen.score, "box": edges(seen.box)} for seen in look.found]
    return {"parts": [edges(part) for part in look.parts], "found": found}


def _read_look(document: dict[str, Any]) -> Look:
    found = (Detection(label=seen["label"], score=seen["score"], box=box_of(seen["box"])) for seen in document["found"])
    return Look(tuple(box_of(part) for part in document["parts"]), tuple(found))


def _reading(reading: Reading) -> dict[str, Any]:
    return {"zone": reading.zone, "seen": [edges(box) for box in reading.seen], "people": reading.people}


def _read_reading(document: dict[str, Any]) -> Reading:
    zone = tuple((float(x), float(y)) for x, y in document["zone"])
    return Reading(zone, tuple(box_of(box) for box in document["seen"]), float(document["people"]))


class KeptReadings:
    """Tells what the density map told then; a rule that asks for other people or places now has no answer."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._people = {reading[:2]: reading.people for reading in readings}

    def __call__(self, zone: Polygon, seen: Sequence[Box]) -> float:
        """As ``core.types.DensityLook``. Raises ``LookupError`` where nobody asked then."""
        if (people := self._people.get((zone, tuple(seen)))) is None:
            raise LookupError("the rule asks the density map what it did not ask then")
        return people


class KeptLooks:
    """Answers as the detector did then; a rule that looks elsewhere now has no answer."""

    def __init__(self, looks: Sequence[Look], labels: frozenset[str]) -> None:
        """``labels``: what the detector could find."""
        self.labels = labels
        self._found = {look.parts: look.found for look in looks}

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        """As ``core.types.CloserLook``. Raises ``LookupError`` where nobody looked then."""
        if (found := self._found.get(tuple(parts))) is None:
            raise LookupError("the rule takes a closer look at parts that it did not look at then")
        return list(found)
