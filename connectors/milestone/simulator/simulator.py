"""Starts the whole simulated site: management server, recorder and event server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from aiohttp import web

from connectors.milestone.simulator.alarms.book import AlarmBook
from connectors.milestone.simulator.alarms.lines import SESSION_OUTCOMES
from connectors.milestone.simulator.alarms.rest import AlarmsRest
from connectors.milestone.simulator.alarms.service import PATH as ALARM_PATH
from connectors.milestone.simulator.config.acts import config_acts
from connectors.milestone.simulator.config.rest import ConfigRest
from connectors.milestone.simulator.config.tasks import ConfigTasks
from connectors.milestone.simulator.devices import UNIVERSAL, Hardware
from connectors.milestone.simulator.event_services import EventServices
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.events.event_server import EventServer
from connectors.milestone.simulator.events.event_types import built_in_user_defined
from connectors.milestone.simulator.events.rest import EventsRest
from connectors.milestone.simulator.events.websocket import OUTCOMES as ESS_OUTCOMES
from connectors.milestone.simulator.gateway.faults import GATEWAY_FAULTS, GatewayFaults
from connectors.milestone.simulator.gateway.port import HTML_ERRORS, Gateway, Service
from connectors.milestone.simulator.idp.ntlm import NtlmGate
from connectors.milestone.simulator.idp.provider import IDP_OUTCOMES, IdentityProvider
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.marks.bookmarks import BookmarkBook, BookmarksRest
from connectors.milestone.simulator.marks.evidence_locks import EvidenceLockBook
from connectors.milestone.simulator.marks.evidence_locks_rest import EvidenceLocksRest
from connectors.milestone.simulator.media.services import media
from connectors.milestone.simulator.options import Options
from connectors.milestone.simulator.recorder.imageserver import VIDEO_OUTCOMES
from connectors.milestone.simulator.recorder.native_clips import native_videos
from connectors.milestone.simulator.recorder.recorders import Recorders
from connectors.milestone.simulator.site import Camera, Site, stable_id
from connectors.milestone.simulator.soap.bookmark_operations import BookmarkOperations
from connectors.milestone.simulator.soap.event_operations import EventOperations
from connectors.milestone.simulator.soap.lock_operations import LockOperations
from connectors.milestone.simulator.soap.server_command import ServerCommand
from connectors.milestone.simulator.soap.server_configuration import ConfigurationOperations
from connectors.milestone.simulator.soap.service_registration import ServiceRegistration
from connectors.milestone.simulator.web.publishing import OUTCOMES, PublishGate
from connectors.protocols.certificate_change import certificate_act
from connectors.protocols.live import LiveFeed
from connectors.protocols.serving import background, listening
from connectors.protocols.simulation import Announcement, Simulation
from connectors.protocols.variants import Variants, ordered_picture
from connectors.protocols.varied_feed import SetClock, VariedFeed
from core.types import Json, UtcSeconds, VmsCamera

FAULTS: Mapping[str, frozenset[str]] = {
    "publish": OUTCOMES,
    "video": VIDEO_OUTCOMES,
    "clock": frozenset({"jump"}),
    "idp": IDP_OUTCOMES,
    "token-expired": frozenset({"now"}),
    "html-error": HTML_ERRORS,
    **GATEWAY_FAULTS,
    "alarm-session": SESSION_OUTCOMES,
    "ess": ESS_OUTCOMES,
}
"""Every fault that can be ordered, with its outcomes."""

_FIRST_ADDRESS = IPv4Address("10.20.0.1")


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Serves until the context is left."""
    options = Options.of(simulation.arguments)
    servers = _Servers.build(simulation, options)
    site = servers.site
    host, scheme = simulation.address, "http" if options.http_only else "https"
    tls = None if options.http_only else simulation.authority.server_context(options.rest.names(simulation.names))
    if tls:
        simulation.acts["change-certificate"] = certificate_act(simulation, tls)
    async with AsyncExitStack() as stack:
        for feed in {id(camera.feed): camera.feed for camera in site.cameras if camera.feed}.values():
            await stack.enter_async_context(background(feed.run()))
        await stack.enter_async_context(servers.recorders.listening(simulation, options.recorder_port, tls))
        gateway_port = await stack.enter_async_context(
            listening(servers.gateway.app(), simulation.host, options.port, ssl_context=tls)
        )
        site.gateway_url = f"{scheme}://{host}:{gateway_port}/"
        alarm_port = await stack.enter_async_context(
            listening(servers.told.alarm_server.app(), simulation.host, options.told.alarm_port, ssl_context=tls)
        )
        await stack.enter_async_context(background(servers.gateway.disasters.watch()))
        extra: dict[str, Json] = {"recorder": site.recorder_url, "event_server": None}
        extra["alarm_service"] = f"{scheme}://{host}:{alarm_port}{ALARM_PATH}"
        if options.takes_analytics_events:
            event_port = await stack.enter_async_context(
                listening(servers.event_server.app(), simulation.host, options.event_port)
            )
            extra["event_server"] = f"{host}:{event_port}"
        extra |= await stack.enter_async_context(media(simulation, site, options.media))
        yield Announcement(
            simulator="xprotect",
            url=site.gateway_url.rstrip("/"),
            cameras=tuple(
                VmsCamera(device=camera.camera_id, name=camera.name) for camera in site.cameras if camera.is_enabled
            ),
            extra=extra,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Servers:
    site: Site
    gateway: Gateway
    recorders: Recorders
    event_server: EventServer
    told: EventServices

    @classmethod
    def build(cls, simulation: Simulation, options: Options) -> _Servers:
        clock, faults = simulation.clock, simulation.faults
        site, tokens = _site(simulation, options), _tokens(simulation, options)
        gate = PublishGate(faults=faults, slow_s=options.slow_s)
        books = _Books.build(simulation, options, site)
        sockets: set[web.WebSocketResponse] = set()
        told = EventServices.build(
            simulation,
            options.told,
            site=site,
            tokens=tokens,
            gate=gate,
            alarms=books.alarms,
            events=books.events,
            user=options.username,
            sockets=sockets,
        )
        simulation.acts.update(config_acts(site))
        services = (*_Services(simulation, options, site, tokens, gate, books).all(), told.websocket)
        disasters = GatewayFaults(faults=faults, clock=clock, options=options.rest)
        return cls(
            site=site,
            gateway=Gateway(
                site=site, tokens=tokens, faults=faults, services=services, sockets=sockets, disasters=disasters
            ),
            recorders=Recorders.build(simulation, site, tokens, options.recorded_s, options.recording_gap),
            event_server=EventServer(site=site, book=books.events, gate=gate, allowed=options.allowed_addresses),
            told=told,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What the site remembers of what was made."""

    alarms: AlarmBook
    bookmarks: BookmarkBook
    locks: EvidenceLockBook
    events: EventBook

    @classmethod
    def build(cls, simulation: Simulation, options: Options, site: Site) -> _Books:
        clock, ledger, user = simulation.clock, simulation.ledger, options.username
        alarms = AlarmBook(clock=clock, ledger=ledger)
        days = options.event_retention_days
        return cls(
            alarms=alarms,
            bookmarks=BookmarkBook(clock=clock, ledger=ledger, user=user),
            locks=EvidenceLockBook(clock=clock, ledger=ledger, user=user),
            events=EventBook(site=site, clock=clock, ledger=ledger, alarms=alarms, retention_days=days),
        )


@dataclass(frozen=True, slots=True)
class _Services:
    """What the gateway's port serves, apart from WebSockets."""

    simulation: Simulation
    options: Options
    site: Site
    tokens: Tokens
    gate: PublishGate
    books: _Books

    def all(self) -> tuple[Service, ...]:
        """Identity provider, configuration and SOAP, and REST."""
        site, faults = self.site, self.simulation.faults
        ntlm = NtlmGate(self.options.windows, self.simulation.folder)
        config = ConfigRest(site=site, clock=self.simulation.clock, options=self.options.rest)
        return (
            IdentityProvider(site=site, tokens=self.tokens, faults=faults, ntlm=ntlm),
            config,
            ConfigTasks(config=config),
            ServiceRegistration(site=site),
            self._soap(ntlm),
            *self._publishing(),
        )

    def _soap(self, ntlm: NtlmGate) -> ServerCommand:
        site, books = self.site, self.books
        groups = (
            ConfigurationOperations(site=site, clock=self.simulation.clock),
            BookmarkOperations(site=site, book=books.bookmarks),
            LockOperations(site=site, book=books.locks),
            EventOperations(site=site, book=books.events),
        )
        return ServerCommand(site=site, tokens=self.tokens, ntlm=ntlm, gate=self.gate, groups=groups)

    def _publishing(self) -> tuple[Service, ...]:
        site, books, gate = self.site, self.books, self.gate
        return (
            AlarmsRest(site=site, book=books.alarms, gate=gate, user=self.options.username),
            BookmarksRest(site=site, book=books.bookmarks, gate=gate),
            EvidenceLocksRest(site=site, book=books.locks, gate=gate),
            EventsRest(site=site, book=books.events, gate=gate, tokens=self.tokens),
        )


def _tokens(simulation: Simulation, options: Options) -> Tokens:
    return Tokens(
        username=options.username,
        password=options.password,
        jwt_s=options.jwt_s,
        soap_s=options.soap_s,
        clock=simulation.clock,
        faults=simulation.faults,
        windows=options.windows,
        clients=options.clients,
    )


def _site(simulation: Simulation, options: Options) -> Site:
    clock = simulation.clock
    # One feed for all cameras that show the same clip: a site of thousands costs as little as one of few.
    videos = native_videos(simulation)
    faults = simulation.faults
    recorder_clock = SetClock(clock, lambda: options.jump_s if faults.current("clock") == "jump" else 0.0)
    feeds = {
        id(clip): VariedFeed(Variants(clip), recorder_clock, partial(ordered_picture, faults)) for _, clip in videos
    }
    enabled = [(name, feeds[id(clip)], True) for name, clip in videos]
    disabled = [(name, enabled[0][1], False) for name in options.disabled_cameras]
    now = clock.utc()
    site = Site(
        host=simulation.address,
        created_at=now,
        release=options.release,
        edition=options.edition,
        cameras=tuple(_camera(number, *known) for number, known in enumerate([*enabled, *disabled])),
    )
    site.hardware = {camera.hardware_id: _hardware(camera, now) for camera in site.cameras}
    site.masked = frozenset(camera.camera_id for camera in site.cameras if camera.name in options.masked_cameras)
    site.add_events(site.analytics_events, "analytics event", options.analytics_events, now)
    site.add_events(site.user_defined_events, "user-defined event", options.user_defined_events, now)
    site.user_defined_events |= {event.event_type_id: event for event in built_in_user_defined(now)}
    return site


def _camera(number: int, name: str, feed: LiveFeed, is_enabled: bool) -> Camera:
    return Camera(
        camera_id=stable_id("camera", f"{number}|{name}"),
        name=name,
        hardware_id=stable_id("hardware", f"{number}|{name}"),
        address=f"http://{_FIRST_ADDRESS + number}/",
        stream_id=stable_id("stream", f"{number}|{name}"),
        feed=feed,
        is_enabled=is_enabled,
    )


def _hardware(camera: Camera, now: UtcSeconds) -> Hardware:
    return Hardware(
        hardware_id=camera.hardware_id,
        name=f"{camera.name} hardware",
        address=camera.address,
        driver=UNIVERSAL,
        user="root",
        modified_at=now,
        is_enabled=camera.is_enabled,
    )
