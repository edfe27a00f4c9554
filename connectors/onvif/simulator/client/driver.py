"""One driver at work: adds the hardware, then pulls events and plays streams, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from connectors.onvif.simulator.client.hardware import Hardware, HardwareAdder
from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.pulling import EventPuller
from connectors.onvif.simulator.client.receipt import EventReceiver
from connectors.onvif.simulator.client.roles import Login, Role, StreamMethod
from connectors.onvif.simulator.client.soap import Account, SoapClient, SoapFault
from connectors.onvif.simulator.client.streams import StreamSession, StreamTarget, Tracks
from connectors.onvif.simulator.client.takers import MetadataTaker, VideoTaker
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.errors import UsageError, VmsError
from core.types import Json

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_JOIN_S = 20.0


class Play(StrEnum):
    """Which tracks are played."""

    BOTH = "both"
    METADATA = "metadata"
    VIDEO = "video"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverOptions:
    """What one driver is told. ``url``: the device service; ``method``: None for what the role uses."""

    url: str
    role: Role
    account: Account = field(repr=False)
    login: Login | None = None
    method: StreamMethod | None = None
    pull_every_s: float = 5.0
    play: Play = Play.BOTH
    ca: Path | None = None

    @property
    def chosen_login(self) -> Login:
        """The role's where nobody chose."""
        return self.login or self.role.login

    @property
    def chosen_method(self) -> StreamMethod:
        """The role's where nobody chose."""
        return self.method or self.role.method(is_secure=urlsplit(self.url).scheme == "https")


@dataclass(frozen=True, slots=True)
class _ChannelMedia:
    metadata: MetadataTaker
    video: VideoTaker
    sessions: tuple[StreamSession, ...]


class Driver:
    """Use ``start`` and ``stop`` once each; acts are for between. Everything it sees is in the ledger."""

    def __init__(self, options: DriverOptions, ledger: Ledger, clock: Clock) -> None:
        self._options = options
        self._ledger = ledger
        self._clock = clock
        self._judge = Judge(ledger)
        self._soap = SoapClient(
            options.account, options.chosen_login, self._judge, clock,
            ca=options.ca, has_bare_nonce=options.role.has_bare_nonce,
        )  # fmt: skip
        self._receiver = EventReceiver(options.role, self._judge, ledger)
        self._puller = EventPuller(
            self._added, options.role, self._soap, self._judge, ledger, self._receiver, period_s=options.pull_every_s
        )
        self._hardware: Hardware | None = None
        self._media: list[_ChannelMedia] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._adding = threading.Lock()

    @property
    def is_satisfied(self) -> bool:
        """Whether the device was added and broke no expectation."""
        return self._hardware is not None and self._judge.is_satisfied

    def start(self) -> None:
        """Begins; returns at once."""
        self._begin("onvif-driver", self._run)

    def stop(self) -> None:
        """Ends every thread; returns when they ended, at the latest after their time-outs."""
        self._stop.set()
        while self._threads:
            self._threads.pop().join(_JOIN_S)
        self._soap.close()

    def add(self) -> Hardware:
        """Adds the hardware, or fetches profiles and event properties anew; running streams go on as they are."""
        options = self._options
        with self._adding:
            adder = HardwareAdder(
                options.url, options.role, options.chosen_login, self._soap, self._judge, self._clock,
                options.chosen_method,
            )  # fmt: skip
            hardware = adder.add()
            self._hardware = hardware
            self._ledger.add("hardware", role=options.role.name.value, **hardware.as_json())
            self._play_new(hardware)
        return hardware

    def restart_metadata(self, channel: int | None = None) -> int:
        """Ends the sessions that carry metadata and begins others; returns how many."""
        chosen = [
            session
            for index, media in enumerate(self._media)
            for session in media.sessions
            if session.has_metadata and channel in {None, index}
        ]
        if not chosen:
            raise UsageError("no such metadata session runs", remedy="Wait for the hardware to be added.")
        for session in chosen:
            session.restart()
        return len(chosen)

    def drop_subscription(self) -> None:
        """Forgets the pull point without unsubscribing; the next pull makes another."""
        self._puller.drop()

    def synchronise(self) -> None:
        """Asks for a synchronisation point before the next pull."""
        self._puller.synchronise()

    def conclude(self) -> None:
        """Judges what should have come by now and did not: for the end of a pass."""
        for index, media in enumerate(self._media):
            for session in media.sessions:
                if session.has_metadata:
                    seen = f"channel {index}: no metadata document came"
                    self._judge.require("stream", bool(media.metadata.counts["documents"]), seen)
                if session.has_video:
                    seen = f"channel {index}: no video packet came"
                    self._judge.require("stream", bool(media.video.counts["packets"]), seen)

    def report(self) -> dict[str, Json]:
        """What was expected and seen, and what came so far."""
        channels: list[Json] = [
            {"channel": index, "metadata": media.metadata.counts, "video": media.video.counts}
            for index, media in enumerate(self._media)
        ]
        return {
            "role": self._options.role.name.value,
            "is_added": self._hardware is not None,
            "is_satisfied": self.is_satisfied,
            "events": self._receiver.events,
            "events_ignored": self._receiver.ignored,
            "pulls": self._puller.pulls,
            "channels": channels,
            "expectations": self._judge.report(),
        }

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                self.add()
                break
            except VmsError as error:
                if isinstance(error, SoapFault):
                    self._judge.broken("answer", str(error))
                self._ledger.add("add-failed", reason=error.line())
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if self._hardware is not None:
            self._puller.run(self._stop)

    def _added(self) -> Hardware:
        assert self._hardware is not None, "events are pulled only after the hardware was added"
        return self._hardware

    def _play_new(self, hardware: Hardware) -> None:
        for channel in hardware.channels[len(self._media) :]:
            media = self._channel_media(channel.index)
            self._media.append(media)
            for number, session in enumerate(media.sessions):
                self._begin(f"onvif-stream-{channel.index}-{number}", partial(session.run, self._stop))

    def _channel_media(self, index: int) -> _ChannelMedia:
        metadata = MetadataTaker(index, self._judge, self._ledger, self._clock)
        video = VideoTaker(index, self._judge, self._ledger, self._clock)
        sessions = tuple(
            StreamSession(
                index, tracks, lambda: self._target(index), self._judge, self._ledger, metadata=metadata, video=video
            )
            for tracks in self._sessions()
        )
        return _ChannelMedia(metadata, video, sessions)

    def _sessions(self) -> tuple[Tracks, ...]:
        """XProtect starts metadata and video separately (MS:metadata)."""
        match self._options.play:
            case Play.NONE:
                return ()
            case Play.METADATA:
                return (Tracks.METADATA,)
            case Play.VIDEO:
                return (Tracks.VIDEO,)
            case Play.BOTH if self._options.role.is_xprotect:
                return (Tracks.METADATA, Tracks.VIDEO)
            case Play.BOTH:
                return (Tracks.BOTH,)

    def _target(self, index: int) -> StreamTarget | None:
        channels = self._added().channels
        if index >= len(channels):
            return None
        options = self._options
        return StreamTarget(
            uri=channels[index].uri, method=options.chosen_method, account=options.account, ca=options.ca
        )

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - thread edge: an answer that nobody foresaw is told, not lost
            self._judge.broken("answer", f"the driver failed: {type(error).__name__} {error}")

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
