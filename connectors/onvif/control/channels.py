"""What a VMS tells back through its ONVIF bridge: events that switch rules, and cameras that it lost."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final, TypeAlias

import structlog

from connectors.onvif.client.client import OnvifClient
from connectors.onvif.client.faults import ActionNotSupported
from connectors.onvif.client.media import Profile
from connectors.onvif.client.notifications import Notification
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.control.patterns import parse_pattern
from connectors.onvif.control.pulling import Puller
from connectors.onvif.control.telling import Telling
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.mailbox import Mailbox
from core.contracts import ConnectorServices, ControlSource
from core.errors import NotFoundInVms, RequestInvalid, VmsRefused, VmsUnavailable
from core.types import ControlMessage, Linked, UtcSeconds

EVENTS: Final = "events"
CHANNELS: Final = (EVENTS,)
"""Names of the channels that ``open_control`` opens."""

_WAITING: Final = 256
_UNREAD_S: Final = 30.0
"""Nobody reads for so long: the channel is given up."""
_LOOK_S: Final = 60.0
_LOOK_AGAIN_S: Final = 600.0
"""A bridge without events may get them."""
_LEAVE_S: Final = 1.0
"""So long is waited for the pull that the end of its pull point lets go; what a dead bridge holds ends by itself."""

_log = structlog.get_logger(component="onvif")

_Heard: TypeAlias = tuple[Notification, float] | Linked
"""A message, with how far the bridge's clock is ahead of ours."""


def open_control(
    channel: str,
    since: UtcSeconds,
    settings: OnvifSettings,
    services: ConnectorServices,
    client: OnvifClient,
    *,
    memory: PullPointMemory,
    cameras: Collection[str] = (),
) -> ControlSource:
    """A fresh, unconnected source of one channel.

    ``memory`` outlives sources: the connector keeps one, so that a new source goes on where the last one was cut off.
    ``cameras`` are the devices whose states are told; every video source when empty. Raises ``RequestInvalid`` for an
    unknown channel, and for a ``control:`` entry that names no topic.
    """
    if channel != EVENTS:
        raise RequestInvalid(f"an ONVIF bridge has no control channel {channel!r}", remedy=f"Known: {EVENTS}.")
    return PullPointSource(since, settings, services, client, memory=memory, cameras=cameras)


class PullPointSource(ControlSource):
    """Pulls in a thread of its own, as a pull cannot be woken: ``close`` stops what is told at once.

    The pull point is then ended in the bridge, within three seconds; after a failure it is left, to be resumed.
    """

    def __init__(
        self,
        since: UtcSeconds,
        settings: OnvifSettings,
        services: ConnectorServices,
        client: OnvifClient,
        *,
        memory: PullPointMemory,
        cameras: Collection[str],
    ) -> None:
        patterns = [parse_pattern(event) for event in dict.fromkeys(entry.event for entry in settings.control)]
        self._client = client
        self._memory = memory
        self._cameras = tuple(cameras)
        self._profiles: tuple[Profile, ...] = ()
        self._asks_for_events = bool(patterns)
        self._is_subscribed = False
        self._is_linked = False
        self._closed = threading.Event()
        self._mailbox: Mailbox[_Heard] = Mailbox(_WAITING)
        self._puller = Puller(settings, client, memory, patterns, services.clock, self._closed)
        self._telling = Telling(patterns, memory, services.clock, since, self._devices_of)

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed.is_set():
            return
        thread = threading.Thread(target=self._pull_into_mailbox, name="onvif-events", daemon=True)
        thread.start()
        try:
            yield from self._taken()
        finally:
            if self._closed.is_set():
                self._puller.leave(self._memory.held)
            self.close()
            thread.join(_LEAVE_S)

    def close(self) -> None:
        self._closed.set()
        self._mailbox.close()

    def _taken(self) -> Iterator[ControlMessage]:
        while not self._closed.is_set():
            try:
                heard = self._mailbox.take(_LOOK_S)
            except TimeoutError:  # nothing happens in the VMS: the pulls go on, each with its own time-out
                continue
            if heard is None:
                return
            if isinstance(heard, Linked):
                yield heard
            else:
                yield from self._telling.told(*heard)

    def _pull_into_mailbox(self) -> None:
        try:
            self._learn_cameras()
            while not self._closed.is_set() and not self._pulls():
                self._closed.wait(_LOOK_AGAIN_S)
        except Exception as error:  # noqa: BLE001 - thread edge: whatever ends it is raised in messages()
            self._mailbox.fail(error)

    def _pulls(self) -> bool:
        """Until closed. False for a bridge without events, which is no failure where the settings ask for none."""
        try:
            self._puller.run(self._subscribed, lambda message, ahead_s: self._put((message, ahead_s)))
        except (NotFoundInVms, ActionNotSupported) as error:
            if self._asks_for_events or self._is_subscribed:
                raise
            _log.info("the bridge tells no events: which cameras it has lost is not known", reason=str(error))
            self._link()
            return False
        return True

    def _subscribed(self) -> None:
        self._is_subscribed = True
        self._link()

    def _link(self) -> None:
        if not self._is_linked:
            self._is_linked = True
            self._put(Linked())

    def _put(self, heard: _Heard) -> None:
        try:
            self._mailbox.put(heard, _UNREAD_S)
        except TimeoutError as error:
            raise VmsUnavailable(f"events of the bridge: nobody read them for {_UNREAD_S:g} s") from error

    def _learn_cameras(self) -> None:
        """Which tokens mean which camera; without that, those of video sources still do."""
        with suppress(VmsRefused):
            self._profiles = self._client.profiles()

    def _devices_of(self, token: str) -> Collection[str]:
        """A message names a camera by its video source or that one's configuration, the settings by source or profile."""
        meant = {token}
        for profile in self._profiles:
            if token in {profile.source, profile.configuration}:
                meant |= {profile.source, profile.token}
        if self._cameras:
            return [device for device in self._cameras if device in meant]
        return sorted({profile.source for profile in self._profiles if profile.source in meant} or {token})
