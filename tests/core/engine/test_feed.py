from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from core.clock import ManualClock
from core.contracts import Analyser, VideoSource
from core.engine import feed as feed_module
from core.engine.feed import CameraFeed
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    TimedOut,
    VigieError,
    VmsUnavailable,
)
from core.types import CameraFault, Packet, RuleState, StreamState

pytestmark = pytest.mark.slow

PATIENCE_S = 5.0


def packet(number: int) -> Packet:
    return Packet(codec="h264", data=bytes([number]), captured_at=float(number), is_key=True, received_at=0.0)


class Script(VideoSource):
    """Yields its packets, then raises, ends, or stays open until closed."""

    def __init__(self, count: int, ending: Exception | str) -> None:
        self._count = count
        self._ending = ending
        self._closed = threading.Event()

    def packets(self) -> Iterator[Packet]:
        yield from (packet(number) for number in range(self._count))
        if isinstance(self._ending, Exception):
            raise self._ending
        if self._ending == "stays":
            self._closed.wait(PATIENCE_S)

    def close(self) -> None:
        self._closed.set()


class CountingAnalyser(Analyser):
    def __init__(self) -> None:
        self.pushed = 0
        self.interruptions = 0
        self.on_push: Callable[[Packet], None] = lambda _packet: None

    def push(self, packet: Packet) -> None:
        self.pushed += 1
        self.on_push(packet)

    def switch(self, states: Mapping[str, RuleState]) -> None: ...

    def interrupted(self) -> None:
        self.interruptions += 1

    def statistics(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None: ...


class Harness:
    """A feed over a list of scripted sources; the last one stays open."""

    def __init__(self, *scripts: tuple[int, Exception | str]) -> None:
        self.clock = ManualClock()
        self.sources = [Script(*script) for script in scripts]
        self.analyser = CountingAnalyser()
        self.states: queue.Queue[tuple[StreamState, CameraFault | None]] = queue.Queue()
        self.feed = CameraFeed(
            "a",
            open_source=self._next_source,
            analyser=self.analyser,
            report=lambda told: self.states.put((told.state, told.fault)),
            clock=self.clock,
        )

    def _next_source(self) -> VideoSource:
        return self.sources.pop(0)

    def states_until(self, last: StreamState) -> list[StreamState]:
        seen: list[StreamState] = []
        while not seen or seen[-1] is not last:
            seen.append(self.states.get(timeout=PATIENCE_S)[0])
        return seen


def test_a_lost_stream_is_reported_with_its_cause_and_opened_again() -> None:
    harness = Harness((2, VmsUnavailable("no one answers")), (3, "stays"))
    harness.feed.start()
    assert harness.states_until(StreamState.LOST) == [
        StreamState.CONNECTING,
        StreamState.STREAMING,
        StreamState.LOST,
    ]
    assert harness.states_until(StreamState.STREAMING) == [StreamState.RETRYING, StreamState.STREAMING]
    assert harness.feed.stop(PATIENCE_S)
    assert harness.analyser.pushed == 5
    assert harness.analyser.interruptions == 1


@pytest.mark.parametrize("ending", ["ends", RuntimeError("a defect in a connector")])
def test_a_stream_that_ends_or_fails_unexpectedly_is_lost_and_tried_again(ending: Exception | str) -> None:
    harness = Harness((1, ending), (1, "stays"))
    harness.feed.start()
    assert StreamState.LOST in harness.states_until(StreamState.LOST)
    assert harness.states_until(StreamState.STREAMING)[-1] is StreamState.STREAMING
    assert harness.feed.stop(PATIENCE_S)


@pytest.mark.parametrize("refusal", [AuthenticationRefused("wrong password"), VigieError("the secret is absent")])
def test_what_a_person_must_mend_is_refused_and_not_hammered(refusal: VigieError) -> None:
    harness = Harness((0, refusal))
    harness.feed.start()
    assert harness.states_until(StreamState.REFUSED)[-1] is StreamState.REFUSED
    assert harness.sources == []
    assert harness.feed.stop(PATIENCE_S)


@pytest.mark.parametrize(
    ("stream_s", "after"), [(feed_module.STEADY_S, feed_module.FIRST_RETRY_S), (1.0, feed_module.LONGEST_RETRY_S)]
)
def test_the_back_off_doubles_to_its_bound_and_starts_again_only_after_a_steady_stream(
    stream_s: float, after: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    failures: list[tuple[int, Exception | str]] = [(0, VmsUnavailable("down"))] * 7
    harness = Harness(*failures, (2, VmsUnavailable("down")), (0, "stays"))
    harness.analyser.on_push = lambda _packet: harness.clock.advance(stream_s)
    wait = harness.feed._held.stopping.wait

    def no_wait(seconds: float) -> bool:
        waits.append(seconds)
        return wait(0.0)

    monkeypatch.setattr(harness.feed._held.stopping, "wait", no_wait)
    harness.feed.start()
    while len(waits) < 8:
        harness.states.get(timeout=PATIENCE_S)
    assert harness.feed.stop(PATIENCE_S)
    assert waits[:7] == [0.25, 0.5, 1.0, *[feed_module.LONGEST_RETRY_S] * 4]
    assert waits[7] == after


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (TimedOut("no answer"), CameraFault.TIMED_OUT),
        ("ends", CameraFault.ENDED),
        (CertificateRejected("of another CA"), CameraFault.TLS),
        (RuntimeError("a defect in a connector"), None),
    ],
)
def test_what_ended_a_stream_is_told_with_its_code(ending: Exception | str, code: CameraFault | None) -> None:
    harness = Harness((1, ending), (1, "stays"))
    harness.feed.start()
    told = [harness.states.get(timeout=PATIENCE_S) for _ in range(3)]
    assert told[-1] in {(StreamState.LOST, code), (StreamState.REFUSED, code)}
    assert harness.feed.stop(PATIENCE_S)


@pytest.mark.parametrize("refusal", [CertificateRejected("of another CA"), NotFoundInVms("no such camera")])
def test_a_refusal_that_is_not_of_the_account_is_tried_again_soon(refusal: VigieError) -> None:
    harness = Harness((0, refusal), (1, "stays"))
    harness.feed.start()
    assert harness.states_until(StreamState.STREAMING)[1] is StreamState.REFUSED
    assert harness.feed.stop(PATIENCE_S)


def test_stop_closes_a_source_that_is_waiting() -> None:
    harness = Harness((1, "stays"))
    harness.feed.start()
    harness.states_until(StreamState.STREAMING)
    assert harness.feed.stop(PATIENCE_S)
    assert harness.states_until(StreamState.STOPPED)[-1] is StreamState.STOPPED


def test_a_source_that_cannot_be_closed_costs_neither_its_camera_nor_the_stop() -> None:
    class Stubborn(Script):
        def close(self) -> None:
            super().close()
            raise RuntimeError("a defect in a connector")

    harness = Harness()
    harness.sources = [Stubborn(1, VmsUnavailable("down")), Stubborn(1, "stays")]
    harness.feed.start()
    harness.states_until(StreamState.LOST)
    harness.states_until(StreamState.STREAMING)
    assert harness.feed.stop(PATIENCE_S)
