"""What the drivers expect of a device, what they saw, and what of it breaks an expectation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from connectors.protocols.simulation import Ledger
from core.errors import AuthenticationRefused, VmsRefused
from core.redaction import redact
from core.types import Json

_KEPT_TEXTS = 50
"""Different violations of one expectation that are told; more are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """``text``: what a device does; ``source``: who says so, as the research notes tag it."""

    text: str
    source: str


EXPECTATIONS: Final[Mapping[str, Expectation]] = {
    "clock": Expectation(text="GetSystemDateAndTime answers without credentials", source="SPEC:Core access classes"),
    "challenge": Expectation(
        text="a request without credentials is refused: 401 with a digest challenge where HTTP digest is used",
        source="SPEC:Core Authentication over HTTP and HTTPS",
    ),
    "answer": Expectation(text="every request is answered by its own SOAP 1.2 response", source="SPEC:Core, WSDL"),
    "services": Expectation(text="device, media and event services are listed", source="SPEC:Core Services overview"),
    "address": Expectation(
        text="every address announced is on the host that was asked, and encrypted where that was",
        source="MS:https, notes A3",
    ),
    "identity": Expectation(text="GetNetworkInterfaces tells a MAC address", source="notes A2, A4"),
    "https-port": Expectation(text="GetNetworkProtocols tells the HTTPS port", source="MS:https"),
    "scopes": Expectation(text="scopes tell Profile, hardware and name", source="SPEC:Core Device discovery"),
    "unsupported": Expectation(
        text="what is not offered is refused by env:Receiver/ter:ActionNotSupported", source="SPEC:Core"
    ),
    "profiles": Expectation(text="at least one profile has a video source", source="MS:metadata"),
    "same-token": Expectation(
        text="a video source and its configuration carry the same token", source="MS:implementation_specifics"
    ),
    "metadata-configuration": Expectation(
        text="each profile has a metadata configuration, or takes one of those listed", source="MS:metadata"
    ),
    "stream-method": Expectation(
        text="the streaming method is announced, and encrypted media come by RTP/RTSP/HTTP/TCP over HTTPS",
        source="MS:metadata, MS:https",
    ),
    "stream-uri": Expectation(
        text="a stream's address is stable, has at most 128 octets, and uses the web port where it is tunnelled",
        source="SPEC:Media2 GetStreamUri",
    ),
    "topics": Expectation(
        text="GetEventProperties lists both topic dialects and each topic with its message description",
        source="SPEC:Core Topic Type Information",
    ),
    "topic-name": Expectation(
        text="no analytics topic carries a word by which the driver takes it for another family",
        source="MS:events, MS:implementation_specifics",
    ),
    "topic-items": Expectation(
        text="a message has at most one token and one boolean, and no integer that is no window number",
        source="MS:limitations, MS:implementation_specifics",
    ),
    "predefined-form": Expectation(
        text="a topic of a pre-defined family has exactly that family's items",
        source="MS:intrusion_detector, MS:fire, MS:loitering_detector",
    ),
    "subscription": Expectation(
        text="a pull point is made, tells when it ends, and is prolonged or made again", source="SPEC:Core"
    ),
    "pull": Expectation(
        text="PullMessages answers at once when messages wait, otherwise at its time-out, with no more than asked",
        source="SPEC:Core Pull messages",
    ),
    "synchronisation": Expectation(
        text="a synchronisation point repeats properties as Initialized", source="WSDL events"
    ),
    "announced": Expectation(
        text="every event has a topic and items that GetEventProperties describes", source="SPEC:Core, MS:events"
    ),
    "changed": Expectation(text="events carry PropertyOperation Changed; all others are ignored", source="MS:events"),
    "event-time": Expectation(text="events carry a UTC time with Z", source="SPEC:Core Pull messages"),
    "channel": Expectation(
        text="an event's token is that of a video source or configuration: others go to channel 0",
        source="MS:implementation_specifics",
    ),
    "distinct-rules": Expectation(
        text="different rules of a channel do not trigger the same dynamic event", source="MS:limitations"
    ),
    "stream": Expectation(text="each track that is started arrives, also metadata alone", source="MS:metadata"),
    "metadata-document": Expectation(
        text="metadata are tt:MetadataStream documents; shapes have a box and a centre in -1..1, y up",
        source="SPEC:Streaming, SPEC:Analytics, metadatastream.xsd",
    ),
    "metadata-order": Expectation(text="the frames of a channel come in order of time", source="SPEC:Analytics"),
    "metadata-pace": Expectation(text="a document comes at least every second", source="SPEC:Streaming, notes A6"),
    "stream-clock": Expectation(
        text="RTCP sender reports map RTP time to UTC, for metadata to the very time in the document",
        source="SPEC:Streaming, SPEC:Analytics",
    ),
}


class Judge:
    """Keeps the score; thread-safe. Each new violation also goes into the ledger, as ``violation``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: Counter[str] = Counter()
        self._violations: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    def require(self, code: str, condition: bool, seen: str) -> bool:
        """Scores one look at an expectation; ``seen`` says what breaks it. Returns the condition."""
        text = redact(seen)
        with self._lock:
            self._seen[code] += 1
            if condition:
                return True
            told = self._violations.setdefault(code, Counter())
            is_new = text not in told and len(told) < _KEPT_TEXTS
            told[text if text in told or is_new else "further ones"] += 1
        if is_new:
            self._ledger.add("violation", code=code, expected=EXPECTATIONS[code].text, seen=text)
        return False

    def broken(self, code: str, seen: str) -> None:
        """A violation."""
        self.require(code, False, seen)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """A refusal of something that a device answers is a violation, and the driver goes on."""
        try:
            yield
        except AuthenticationRefused:
            raise
        except VmsRefused as error:
            self.broken("answer", str(error))

    @property
    def is_satisfied(self) -> bool:
        """Whether nothing was broken so far."""
        with self._lock:
            return not self._violations

    def report(self) -> list[Json]:
        """Each expectation: how often it was looked at, and how it was broken (text and times)."""
        with self._lock:
            return [
                {
                    "code": code,
                    "expected": expectation.text,
                    "source": expectation.source,
                    "looked_at": self._seen[code],
                    "violations": dict(self._violations.get(code, {})),
                }
                for code, expectation in EXPECTATIONS.items()
            ]
