"""What arrives in a channel's media sessions: counted, judged, and written into the ledger."""

from __future__ import annotations

import threading

from connectors.onvif.simulator.client.documents import SeenDocument, read_document
from connectors.onvif.simulator.client.judge import Judge
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.errors import ProtocolViolation
from core.types import Json, UtcSeconds

_PACE_S = 1.0
_PACE_SPARE_S = 0.5
_CLOCK_TOLERANCE_S = 0.010
_MISMATCHES = 5
"""A lone report may be off (notes B7, an outlier was seen): so many documents in a row are no outlier."""
_REPORT_WITHIN_S = 5.0
"""RFC 3550 6.2: the first sender report is due within 3.1 s."""
_TELL_EVERY_S = 1.0


class _Reports:
    """Whether sender reports come at all; one track."""

    def __init__(self, what: str, judge: Judge) -> None:
        self._what = what
        self._judge = judge
        self._begun: float | None = None

    def note(self, utc: UtcSeconds | None, now: float) -> None:
        if utc is not None:
            self._begun = now
            return
        self._begun = now if self._begun is None else self._begun
        if now - self._begun > _REPORT_WITHIN_S:
            self._judge.broken("stream-clock", f"{self._what}: no sender report within {_REPORT_WITHIN_S:g} s")

    def restart(self) -> None:
        self._begun = None


class MetadataTaker:
    """The documents of one channel: ``metadata`` in the ledger, with the objects and boxes of each frame."""

    def __init__(self, channel: int, judge: Judge, ledger: Ledger, clock: Clock) -> None:
        self._channel = channel
        self._judge = judge
        self._ledger = ledger
        self._clock = clock
        self._reports = _Reports(f"channel {channel} metadata", judge)
        self._newest: UtcSeconds | None = None
        self._last_at: float | None = None
        self._mismatches = 0
        self._lock = threading.Lock()
        self._counts = {"documents": 0, "broken": 0, "frames": 0, "objects": 0, "events": 0}

    @property
    def counts(self) -> dict[str, Json]:
        """What came so far."""
        with self._lock:
            return dict(self._counts)

    def pause(self) -> None:
        """The session ended: what comes next is not late."""
        self._last_at = None
        self._newest = None
        self._mismatches = 0
        self._reports.restart()

    def take(self, data: bytes, reported: UtcSeconds | None) -> None:
        """One whole document; ``reported``: the UTC that the sender reports give its RTP time."""
        now = self._clock.monotonic()
        self._judge_pace(now)
        self._reports.note(reported, now)
        try:
            document = read_document(data)
        except ProtocolViolation as error:
            self._count("broken", 1)
            self._judge.broken("metadata-document", f"channel {self._channel}: {error}")
            return
        self._judge.require("metadata-document", True, "")
        self._judge_times(document, reported)
        self._write(document)

    def _judge_pace(self, now: float) -> None:
        if self._last_at is not None:
            late_s = now - self._last_at
            seen = f"channel {self._channel}: more than {_PACE_S + _PACE_SPARE_S:g} s without a document"
            self._judge.require("metadata-pace", late_s <= _PACE_S + _PACE_SPARE_S, seen)
        self._last_at = now

    def _judge_times(self, document: SeenDocument, reported: UtcSeconds | None) -> None:
        for frame in document.frames:
            is_in_order = self._newest is None or frame.utc >= self._newest
            self._judge.require("metadata-order", is_in_order, f"channel {self._channel}: a frame went back in time")
            self._newest = frame.utc if self._newest is None else max(self._newest, frame.utc)
        if reported is None or not document.frames:
            return
        if abs(document.frames[0].utc - reported) <= _CLOCK_TOLERANCE_S:
            self._mismatches = 0
            self._judge.require("stream-clock", True, "")
            return
        self._mismatches += 1
        if self._mismatches >= _MISMATCHES:
            seen = f"channel {self._channel}: UtcTime and the sender reports differ by more than 10 ms"
            self._judge.broken("stream-clock", seen)

    def _write(self, document: SeenDocument) -> None:
        self._count("documents", 1)
        self._count("events", document.events)
        arrived = self._clock.utc()
        for frame in document.frames:
            self._count("frames", 1)
            self._count("objects", len(frame.objects))
            self._ledger.add(
                "metadata",
                channel=self._channel,
                utc=frame.utc,
                lag_ms=round((arrived - frame.utc) * 1000, 1),
                objects=[seen.as_json() for seen in frame.objects],
            )

    def _count(self, name: str, number: int) -> None:
        with self._lock:
            self._counts[name] += number


class VideoTaker:
    """The video of one channel, counted: ``video`` in the ledger once a second."""

    def __init__(self, channel: int, judge: Judge, ledger: Ledger, clock: Clock) -> None:
        self._channel = channel
        self._ledger = ledger
        self._clock = clock
        self._reports = _Reports(f"channel {channel} video", judge)
        self._told_at: float | None = None
        self._lock = threading.Lock()
        self._counts = {"packets": 0, "key_frames": 0, "bytes": 0}

    @property
    def counts(self) -> dict[str, Json]:
        """What came so far."""
        with self._lock:
            return dict(self._counts)

    def take(self, size: int, *, is_key: bool, utc: UtcSeconds | None) -> None:
        """One access unit; ``utc``: its time by the sender reports."""
        now = self._clock.monotonic()
        self._reports.note(utc, now)
        with self._lock:
            self._counts["packets"] += 1
            self._counts["key_frames"] += is_key
            self._counts["bytes"] += size
        if self._told_at is None or now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self._ledger.add("video", channel=self._channel, utc=utc, **self.counts)
