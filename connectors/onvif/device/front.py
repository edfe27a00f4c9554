"""The running device: channels, events, SOAP and RTSP, in a thread of the supervisor that the VMS dials into."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import Final
from uuid import UUID

from aiohttp import web
from lxml import etree

from config.model import CameraSettings
from connectors.onvif.device.addresses import PREFIX, StreamAddressBook, host_in_url, require_groups
from connectors.onvif.device.channels import ChannelStreams
from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.identity import identity_of
from connectors.onvif.device.ledger import AlertState
from connectors.onvif.device.model import Channel, Device, StreamProtocol
from connectors.onvif.device.relay import Relay
from connectors.onvif.device.services import analytics, events, media, media2
from connectors.onvif.device.services import device as device_service
from connectors.onvif.device.soap import SoapApplication
from connectors.onvif.settings import DeviceSettings, OnvifSettings, address_of
from connectors.protocols.loop_thread import LoopThread
from connectors.protocols.rtsp.mount import Mount, MulticastGroups
from connectors.protocols.rtsp.one_port import one_port
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.server_tls import server_context
from core.contracts import ConnectorServices
from core.errors import NotYetTaken, SecretError, VmsRefused, VmsUnavailable
from core.types import Alert, FrameBoxes

REALM: Final = "Vigie"
TAKEN_WAIT_S: Final = 1.0
"""A VMS that waits for events fetches at once, and comes again at once; one that comes every few seconds is not waited
for: others' alerts are behind this one."""

_CALL_S: Final = 5.0
_SERVICES: Final = (media2, media, events, analytics)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What ``publish`` and ``show`` need of the running device. ``url``: what the VMS is given."""

    front: Mapping[str, str]
    hub: EventHub
    streams: ChannelStreams
    device: Device
    url: str


class DeviceFront:
    """One VMS's device. Methods may be called from any thread; nothing that happens to a worker closes a connection."""

    def __init__(self, settings: OnvifSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._services = services
        self._server: LoopThread[_Running] = LoopThread("onvif-device", "the ONVIF device")
        self._running: _Running | None = None

    @property
    def url(self) -> str:
        """Address of the device service; empty while it does not run."""
        return self._running.url if self._running else ""

    def start(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:
        """Listens; returns what ``TeeSource`` needs in the workers.

        Raises ``VmsUnavailable`` where it cannot listen, ``VmsRefused`` where certificate or password cannot be used,
        or where the multicast groups do not last for the cameras.
        """
        settings = self._own()
        require_groups(settings, cameras)
        password = self._password(settings)
        self._running = self._server.start(partial(self._serve, settings, password, self._tls(settings), cameras))
        return self._running.front

    def publish(self, alert: Alert, key: UUID) -> None:
        """Returns once a subscriber fetched the alert.

        Raises ``NotYetTaken`` while it waits for one, ``VmsUnavailable`` where nobody subscribes, ``VmsRefused`` where
        everybody who does leaves it out.
        """
        running = self._require_running()
        if not self._server.run(_publish(running, alert, key), _CALL_S + TAKEN_WAIT_S):
            raise self._not_yet()

    def has(self, key: UUID) -> bool:
        """Whether a subscriber fetched the alert. Raises ``NotYetTaken`` while it waits for one."""
        state = self._server.run(_state_of(self._require_running(), key), _CALL_S)
        if state == "waiting":
            raise self._not_yet()
        return state == "taken"

    def show(self, boxes: FrameBoxes) -> None:
        """Puts the boxes of one frame on their channel; never waits."""
        self._require_running().streams.post(boxes)

    def statistics(self) -> Mapping[str, float]:
        """Counters since the start; nothing while it does not run."""
        return self._running.device.statistics() if self._running else {}

    def close(self) -> None:
        """Ends every connection and the thread. May be called twice."""
        self._running = None
        self._server.close()

    async def _serve(
        self,
        settings: DeviceSettings,
        password: str,
        tls: ssl.SSLContext | None,
        cameras: Sequence[CameraSettings],
        ready: Callable[[_Running], None],
        stop: asyncio.Event,
    ) -> None:
        async with AsyncExitStack() as ending:
            book = _Book()
            streams = ChannelStreams(
                cameras, self._services.clock, with_video=settings.video, notification=book.notification
            )
            device = Device(
                settings=self._settings,
                identity=identity_of(self._settings),
                channels=streams.channels,
                clock=self._services.clock,
                stream_uri=book.stream_uri,
                statistics=book.statistics,
            )
            hub = book.hub = EventHub(device)
            ending.callback(hub.close)
            book.streams = streams
            await ending.enter_async_context(streams.running())
            front = await ending.enter_async_context(Relay(streams.videos).listening())
            accounts = {settings.username: password}
            web_port = await self._listen(settings, accounts, tls, device, hub, book, ending)
            ready(_Running(front=front, hub=hub, streams=streams, device=device, url=_url(settings, web_port)))
            await stop.wait()

    async def _listen(
        self,
        settings: DeviceSettings,
        accounts: Mapping[str, str],
        tls: ssl.SSLContext | None,
        device: Device,
        hub: EventHub,
        book: _Book,
        ending: AsyncExitStack,
    ) -> int:
        """Opens every port that the settings name; the number of the one port."""
        serve = partial(
            RtspServer,
            mounts=partial(_mount, device),
            users=accounts,
            clock=self._services.clock,
            realm=REALM,
            udp=settings.udp,
        )
        rtsp = rtsps = None
        if settings.rtsp:
            rtsp = await ending.enter_async_context(serve(*address_of(settings.rtsp)))
        if settings.rtsps:
            rtsps = await ending.enter_async_context(serve(*address_of(settings.rtsps), ssl_context=tls))
        tunnelled = await ending.enter_async_context(serve(settings.address[0], None, ssl_context=tls))
        app = self._soap(settings, accounts, device, hub)
        web_port = await ending.enter_async_context(
            one_port(app, tunnelled, *settings.address, ssl_context=tls, app_settles=True)
        )
        book.addresses = StreamAddressBook(
            settings, web=web_port, rtsp=rtsp.port if rtsp else None, rtsps=rtsps.port if rtsps else None
        )
        return web_port

    def _soap(
        self, settings: DeviceSettings, accounts: Mapping[str, str], device: Device, hub: EventHub
    ) -> web.Application:
        operations = [
            *device_service.operations(device, _SERVICES),
            *media2.operations(device),
            *media.operations(device),
            *analytics.operations(device),
            *hub.operations(),
        ]
        application = SoapApplication(
            operations,
            accounts,
            self._services.clock,
            username_token=settings.username_token,
            realm=REALM,
            host=settings.host,
        )
        return application.app()

    def _own(self) -> DeviceSettings:
        if self._settings.device is None:
            raise VmsRefused(f"{self._settings.id} has no 'device:' in the site file")
        return self._settings.device

    def _password(self, settings: DeviceSettings) -> str:
        try:
            return self._services.secrets(settings.password)
        except SecretError as error:  # this VMS's trouble, not that of the others
            raise VmsRefused(f"device: {error}", remedy=error.remedy) from error

    def _tls(self, settings: DeviceSettings) -> ssl.SSLContext | None:
        site_dir = self._services.site_dir
        if settings.certificate is None or settings.key is None:
            return None
        return server_context(site_dir / settings.certificate, site_dir / settings.key, "device:")

    def _require_running(self) -> _Running:
        if self._running is None:
            raise VmsUnavailable(
                f"the ONVIF device of {self._settings.id} does not run",
                remedy="Where it could not start, the log of the start says why; mend that and restart the service.",
            )
        return self._running

    def _not_yet(self) -> NotYetTaken:
        return NotYetTaken(f"the VMS of {self._settings.id} has not fetched the event yet")


class _Book:
    """What the device's parts need of parts that are made after them."""

    def __init__(self) -> None:
        self.hub: EventHub
        self.streams: ChannelStreams
        self.addresses: StreamAddressBook

    def notification(self, alert: Alert, channel: Channel) -> Sequence[etree._Element]:
        """For the metadata stream."""
        return self.hub.notification(alert, channel)

    def stream_uri(self, channel: Channel, protocol: StreamProtocol, asked_at: str) -> str | None:
        """For the media services."""
        return self.addresses(channel, protocol, asked_at)

    def statistics(self) -> Mapping[str, float]:
        """Of events and streams."""
        return {**self.hub.statistics(), **self.streams.statistics()}


async def _publish(running: _Running, alert: Alert, key: UUID) -> bool:
    running.streams.alerted(alert)
    hub = running.hub
    hub.publish(alert, key)
    return await hub.wait_taken(key, TAKEN_WAIT_S if hub.is_awaited(key, TAKEN_WAIT_S) else 0.0)


async def _state_of(running: _Running, key: UUID) -> AlertState:
    return running.hub.state_of(key)


def _mount(device: Device, path: str) -> Mount | None:
    """What is under a path of the RTSP servers."""
    channel = device.channel(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
    if channel is None:
        return None
    return Mount(video=channel.video, metadata=channel.metadata, name=channel.name, multicast=_groups(device, channel))


def _groups(device: Device, channel: Channel) -> MulticastGroups | None:
    settings = device.settings.device.multicast if device.settings.device else None
    if settings is None:
        return None
    first = int(settings.address) + 2 * channel.index
    video, metadata = (str(IPv4Address(first + step)) for step in (0, 1))
    return MulticastGroups(video=(video, settings.port), metadata=(metadata, settings.port), ttl=settings.ttl)


def _url(settings: DeviceSettings, port: int) -> str:
    host = host_in_url(settings.host or settings.address[0])
    return f"{'https' if settings.certificate else 'http'}://{host}:{port}/onvif/device_service"
