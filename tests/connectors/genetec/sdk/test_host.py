"""The child's duties without any .NET: a fake SDK, and pipes within one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from connectors.genetec.sdk.frames import PROTOCOL, Frame, FrameReader, FrameWriter
from connectors.genetec.sdk.host import NO_PARENT, Events, Host
from connectors.genetec.sdk.watchdog import HUNG
from core.errors import AuthenticationRefused, RightMissing

pytestmark = pytest.mark.slow

PATIENCE_S = 10.0
START = {"protocol": PROTOCOL, "hang_s": 0.5, "logon_s": 1.0}


class FakeSdk:
    """Does what ``what`` says."""

    def __init__(self, start: Mapping[str, Any], events: Events) -> None:
        self.start = start
        self.events = events
        self.released = threading.Event()
        self.is_closed = False

    def log_on(self) -> None:
        if self.start.get("user") == "misfit":
            raise ValueError("this SDK is another one")
        if self.start.get("user") == "denied":
            raise AuthenticationRefused("wrong password", remedy="Mend it.")

    def call(self, what: str, given: Mapping[str, Any]) -> Any:
        match what:
            case "echo":
                return given
            case "refuse":
                raise RightMissing("no right")
            case "hang":
                self.released.wait(given.get("seconds", PATIENCE_S))
            case "misfit":
                raise AttributeError("this SDK has no such member")
            case "odd":
                return object()
            case "storm":
                self.events.put_unread("custom_event", self._storm)
            case "raise":
                for number in range(given["count"]):
                    self.events.put("custom_event", number=number)
            case "unread":
                self.events.put_unread("custom_event", lambda: {"thread": threading.current_thread().name})
                self.events.put_unread("custom_event", lambda: {"broken": 1 / 0})
        return None

    def _storm(self) -> Mapping[str, Any]:
        """An event that comes as fast as events are read."""
        if not self.released.is_set():
            self.events.put_unread("custom_event", self._storm)
        return {}

    def close(self) -> None:
        self.is_closed = True


class Parent:
    """The core's end of the pipes."""

    def __init__(self) -> None:
        asks, answers = os.pipe(), os.pipe()
        self.reader = FrameReader(os.fdopen(answers[0], "rb"))
        self.writer = FrameWriter(os.fdopen(asks[1], "wb"))
        self.sdks: list[FakeSdk] = []
        self.exits: list[int] = []
        self.exited = threading.Event()
        self.code: int | None = None
        host = Host(
            FrameReader(os.fdopen(asks[0], "rb")),
            FrameWriter(os.fdopen(answers[1], "wb")),
            self._sdk,
            exit_now=self._exit,
        )
        self._host = host
        self.thread = threading.Thread(target=self._run, name="the SDK's thread", daemon=True)
        self.thread.start()
        assert self.heard("hello")["protocol"] == PROTOCOL

    def _sdk(self, start: Mapping[str, Any], events: Events) -> FakeSdk:
        self.sdks.append(FakeSdk(start, events))
        return self.sdks[-1]

    def _run(self) -> None:
        self.code = self._host.run()

    def _exit(self, code: int) -> None:
        self.exits.append(code)
        self.exited.set()

    def heard(self, kind: str) -> Frame:
        while (frame := self.reader.read()) is not None:
            if frame["kind"] == kind:
                return frame
        raise AssertionError(f"no {kind} came")

    def begin(self, **given: Any) -> None:
        self.writer.write("start", **START | given)

    def close(self) -> None:
        for sdk in self.sdks:
            sdk.released.set()
        self.writer._stream.close()
        drain = threading.Thread(target=self._drain, daemon=True)
        drain.start()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        self._host._writer._stream.close()
        drain.join(PATIENCE_S)
        for stream in (self._host._reader._stream, self.reader._stream):
            stream.close()

    def _drain(self) -> None:
        """What nobody reads any more would keep the other side from ending."""
        while self.reader.read() is not None:
            pass


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    yield parent
    parent.close()


def test_it_answers_in_order_tells_errors_and_ends_when_told(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    for number, what in enumerate(["echo", "refuse", "echo"]):
        parent.writer.write("ask", id=number, what=what, given={"é": 1})
    assert parent.heard("answer") == {"kind": "answer", "id": 0, "value": {"é": 1}}
    assert parent.heard("answer")["error"]["class"] == "RightMissing"
    assert parent.heard("answer")["id"] == 2
    parent.writer.write("stop")
    parent.thread.join(PATIENCE_S)
    assert parent.code == 0
    assert parent.sdks[0].is_closed


def test_a_log_on_that_fails_is_told_and_ends_it(parent: Parent) -> None:
    parent.begin(user="denied")
    told = parent.heard("failed")["error"]
    assert told == {"class": "AuthenticationRefused", "message": "wrong password", "remedy": "Mend it."}
    parent.thread.join(PATIENCE_S)
    assert parent.code == 1


def test_a_log_on_that_breaks_is_told(parent: Parent) -> None:
    parent.begin(user="misfit")
    assert "this SDK is another one" in parent.heard("failed")["error"]["message"]
    parent.thread.join(PATIENCE_S)
    assert parent.code == 1
    assert parent.sdks[0].is_closed


@pytest.mark.parametrize("what", ["misfit", "odd"])
def test_a_question_that_breaks_costs_that_question_alone(parent: Parent, what: str) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer.write("ask", id=1, what=what, given={})
    parent.writer.write("ask", id=2, what="echo", given={})
    assert parent.heard("answer")["error"]["class"] == "ProtocolViolation"
    assert parent.heard("answer") == {"kind": "answer", "id": 2, "value": {}}


def test_a_question_that_waited_too_long_is_not_begun(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    for number in range(3):
        parent.writer.write("ask", id=number, what="hang", given={"seconds": 0.35})
    answers = [parent.heard("answer") for _ in range(3)]
    assert [answer.get("error", {}).get("class") for answer in answers] == [None, None, "VmsUnavailable"]
    assert parent.exits == []


def test_events_without_end_keep_nobody_from_being_answered_and_do_not_wake_the_watchdog(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer.write("ask", id=1, what="storm", given={})
    parent.writer.write("ask", id=2, what="echo", given={})
    assert parent.heard("answer")["id"] == 1
    assert parent.heard("answer")["id"] == 2
    assert parent.exits == []


def test_a_handler_that_fails_raises_nothing_although_nobody_reads_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as broken:
        monkeypatch.setattr("sys.stderr", broken)
        events = Events()
        events.handler_failed("custom_event", ValueError())
        monkeypatch.undo()
        with suppress(OSError):
            broken.close()
    assert events.failed == 1


def test_another_version_of_the_protocol_is_refused_before_anything_else(parent: Parent) -> None:
    parent.begin(protocol=PROTOCOL + 1)
    assert "versions" in parent.heard("failed")["error"]["message"]
    assert parent.sdks == []


def test_it_ends_when_its_parent_goes_before_the_start(parent: Parent) -> None:
    parent.writer._stream.close()
    parent.thread.join(PATIENCE_S)
    assert parent.code == NO_PARENT


def test_it_ends_when_its_parent_goes(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer._stream.close()
    parent.thread.join(PATIENCE_S)
    assert parent.code == 0
    assert parent.sdks[0].is_closed


def test_pings_are_answered_while_a_call_hangs_and_the_watchdog_ends_it(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer.write("ask", id=1, what="hang", given={})
    parent.writer.write("ping")
    assert parent.heard("pong")["failed"] == 0
    assert parent.exited.wait(PATIENCE_S)
    assert parent.exits == [HUNG]


def test_events_come_in_order_and_those_that_need_the_sdk_are_read_on_its_thread(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer.write("ask", id=1, what="raise", given={"count": 3})
    assert [parent.heard("event")["number"] for _ in range(3)] == [0, 1, 2]
    parent.writer.write("ask", id=2, what="unread", given={})
    assert parent.heard("event")["thread"] == "the SDK's thread"
    parent.writer.write("ping")
    assert parent.heard("pong")["failed"] == 1


def test_who_listens_is_told_that_events_came_too_fast(parent: Parent) -> None:
    parent.begin()
    parent.heard("ready")
    parent.writer.write("ask", id=1, what="raise", given={"count": 40_000})
    assert parent.heard("lost")["stays"]


@pytest.mark.parametrize(
    "put",
    [
        lambda events: events.put("custom_event"),
        lambda events: events.put_unread("custom_event", dict),
    ],
)
def test_events_that_nobody_takes_are_dropped_and_counted(put: Callable[[Events], None]) -> None:
    events = Events(capacity=3)
    for _ in range(5):
        put(events)
    assert events.dropped == 2
    events.digest()
    assert [events.take(0.0) is None for _ in range(4)] == [False, False, False, True]
