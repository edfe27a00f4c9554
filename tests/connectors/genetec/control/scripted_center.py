"""A Web SDK and an event stream that say what the test writes, without any connection."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from connectors.genetec.access.websdk import Answer, WebSdk
from connectors.genetec.control.event_parts import Message, Opened, Part
from connectors.genetec.control.event_stream import EventStreams
from core.errors import VmsError, VmsUnavailable


class Ended(VmsUnavailable):
    """The script is at its end."""


@dataclass
class ScriptedSdk:
    """``rows`` answers reports: a list, or a function of report and query; an error is raised."""

    rows: Callable[[str, str], Sequence[Any] | VmsError] = lambda _report, _query: []
    names: Mapping[str, str] = field(default_factory=dict)
    entity: Mapping[str, Any] = field(default_factory=dict)
    refused: VmsError | None = None
    """What a ping meets."""
    asked: list[str] = field(default_factory=list)
    check: Callable[[], None] = lambda: None
    """Of the last source that was given this."""

    def checked_by(self, check: Callable[[], None]) -> WebSdk:
        self.check = check
        return self.as_sdk()

    def ask(self, path: str, query: str = "", *, what: str) -> Answer:
        self.check()
        self.asked.append(f"{path} {query}")
        rows = self.rows(path.rpartition("/")[2], query) if path.startswith("/report/") else []
        if isinstance(rows, VmsError):
            raise rows
        return Answer(result=list(rows), is_complete=True, date="")

    def do(self, method: str, path: str, query: str = "", *, what: str) -> Answer:
        self.check()
        self.asked.append(f"{method} {path}")
        return Answer(result=None, is_complete=True, date="")

    def ping(self) -> None:
        self.check()
        if self.refused is not None:
            raise self.refused

    def entities(self, guids: Sequence[str], properties: Sequence[str]) -> list[Mapping[str, Any]]:
        self.check()
        return [
            {"Guid": guid, **({"Name": self.names[guid]} if guid in self.names else {}), **self.entity}
            for guid in guids
        ]

    def as_sdk(self) -> WebSdk:
        return cast("WebSdk", self)


@dataclass
class ScriptedStreams:
    """Each item is a part, an event, or something to do before the next one comes; then the stream ends."""

    script: Sequence[Part | Mapping[str, Any] | Callable[[], Any]] = ()

    @contextmanager
    def opened(self, hold: Callable[[socket.socket], None]) -> Iterator[ScriptedStreams]:
        yield self

    def parts(self) -> Iterator[Part]:
        yield Opened("1")
        for item in self.script:
            if isinstance(item, Mapping):
                yield Message(item)
            elif callable(item):
                item()
            else:
                yield item
        raise Ended("the script is at its end")

    def as_streams(self) -> EventStreams:
        return cast("EventStreams", self)
