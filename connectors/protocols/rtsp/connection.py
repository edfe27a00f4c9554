"""One client connection: reads requests, answers each in order (RFC 2326 §10).

What is ONVIF's: each track can be set up alone, and both in one session (SPEC:Streaming). A DESCRIBE before the video
showed its first key frame waits briefly; then the metadata is described alone, and a mount of video alone answers 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Protocol
from urllib.parse import urlsplit

from connectors.protocols.rtsp.auth import Authenticator
from connectors.protocols.rtsp.clock_range import clock_time
from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response, parse_parameters
from connectors.protocols.rtsp.mount import Mount, Recording
from connectors.protocols.rtsp.outlet import Outlet
from connectors.protocols.rtsp.sdp import describe
from connectors.protocols.rtsp.service import (
    Service,
    format_of,
    group_of,
    has_track,
    held_source,
    recorded_track,
    sent_track,
    split_track,
    ways_of,
)
from connectors.protocols.rtsp.session import Session, Track
from connectors.protocols.rtsp.source import TrackSource
from connectors.protocols.rtsp.transport import InterleavedTransport, RtpTransport, TransportOffer, Way, parse_transport
from connectors.protocols.rtsp.udp import UdpTransport
from core.errors import ProtocolViolation, VmsUnavailable

_READ_BYTES = 65_536
_MAX_CHANNELS = 256
_MAX_SESSIONS = 512
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
_KNOWN_ELSEWHERE = frozenset({"PAUSE", "ANNOUNCE", "RECORD", "REDIRECT"})
"""RTSP methods that a live stream does not have."""


class Incoming(Protocol):
    """What a client says: a stream's reader, or the POST half of a tunnel."""

    async def read(self, n: int) -> bytes:
        """At most ``n`` bytes; none when the client left."""


class Connection:
    """Serves one client until it leaves; sessions inside the connection end with it.

    ``is_private``: packets stay in the connection, since they would leave TLS or a tunnel by UDP. ``settled`` is called
    when the client has shown, by a session, that it means it.
    """

    def __init__(
        self,
        service: Service,
        reader: Incoming,
        writer: asyncio.StreamWriter,
        *,
        is_private: bool,
        settled: Callable[[], None],
    ) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._outlet = Outlet(writer, service.clock, service.send_timeout_s)
        self._ways = frozenset({Way.INTERLEAVED}) if is_private else _ways_in_clear(service)
        self._settled = settled
        self._authenticator = Authenticator(service.users, service.realm)
        self._interleaved: dict[int, Session] = {}
        self._own: set[Session] = set()
        self._handlers: dict[str, Callable[[Request, str], Awaitable[Response]]] = {
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "GET_PARAMETER": self._parameter,
            "SET_PARAMETER": self._parameter,
            "TEARDOWN": self._teardown,
        }

    async def serve(self) -> None:
        """Until the client leaves, breaks the protocol, or is silent for too long."""
        messages = MessageReader()
        try:
            while data := await self._read():
                for message in messages.feed(data):
                    if isinstance(message, Request):
                        await self._reply(await self._answer(message), message)
                    elif isinstance(message, InterleavedFrame) and message.channel in self._interleaved:
                        self._interleaved[message.channel].touch()
        except ProtocolViolation as error:
            with suppress(OSError, TimeoutError):
                await self._reply(Response(status=400, body=f"{error}\r\n".encode()), None)
        except (OSError, TimeoutError):
            return
        finally:
            self._leave()

    async def _read(self) -> bytes:
        """Who neither plays nor asks is sent away; who plays by TCP is watched by the session's own time-out."""
        while True:
            try:
                async with asyncio.timeout(self._service.session_timeout_s):
                    return await self._reader.read(_READ_BYTES)
            except TimeoutError:
                if not any(session.id in self._service.sessions for session in self._own):
                    raise

    def _leave(self) -> None:
        """Sessions inside the connection end with it; those by UDP may be taken up by another until they time out."""
        for session in set(self._interleaved.values()):
            self._end(session)

    async def _reply(self, response: Response, request: Request | None) -> None:
        """Packets follow the answer to PLAY at once, so that they are those that it names."""
        cseq = request.headers.get("cseq", "") if request else ""
        head = (("CSeq", cseq),) if cseq else ()
        self._outlet.write(response.with_headers(*head, ("Date", formatdate(usegmt=True))).to_bytes())
        if response.status == 200 and request and request.method == "PLAY":  # noqa: PLR2004 - RTSP's own
            session = self._service.sessions.get(_session_id(request))
            if session and not session.is_playing:
                session.play()
        await self._outlet.drained()

    async def _answer(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        if request.method == "OPTIONS":
            return self._touched(request) or Response(status=200, headers=(("Public", ", ".join(_METHODS)),))
        authorization = request.headers.get("authorization", "")
        user = self._authenticator.user_of(authorization, request.method, request.url)
        if user is None:
            challenges = self._authenticator.challenges(authorization)
            return Response(status=401, headers=tuple(("WWW-Authenticate", value) for value in challenges))
        return await self._handlers[request.method](request, user)

    def _refusal(self, request: Request) -> Response | None:
        if request.version != "RTSP/1.0":
            return Response(status=505)
        if not request.headers.get("cseq", "").isdigit():
            return Response(status=400, body=b"CSeq is missing\r\n")
        if required := request.headers.get("require") or request.headers.get("proxy-require"):
            return Response(status=551, headers=(("Unsupported", required),))
        if request.method in _KNOWN_ELSEWHERE:
            return Response(status=405, headers=(("Allow", ", ".join(_METHODS)),))
        return None if request.method in _METHODS else Response(status=501)

    async def _describe(self, request: Request, _user: str) -> Response:
        mount = self._service.mounts(request.path)
        if mount is None:
            return Response(status=404)
        accept = request.headers.get("accept", "application/sdp")
        if not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
            return Response(status=406)
        video = await format_of(mount)
        if video is None and mount.metadata is None:
            return Response(status=503)
        headers = (("Content-Type", "application/sdp"), ("Content-Base", f"{_plain(request.url)}/"))
        description = describe(
            mount.name, video, has_metadata=mount.metadata is not None, is_live=mount.recording is None
        )
        return Response(status=200, headers=headers, body=description.encode())

    async def _setup(self, request: Request, user: str) -> Response:
        path, name = split_track(request.path)
        mount = self._service.mounts(path)
        if mount is None or (name and not has_track(mount, name)):
            return Response(status=404)
        session = self._session_of(request, user)
        if refusal := self._setup_refusal(request, session):
            return refusal
        offer = parse_transport(request.headers.get("transport", ""), allowed=ways_of(mount, name, self._ways))
        if offer is None:
            return Response(status=461)
        return await self._set_up(mount, name, session or Session(path, user, self._service.clock, self._lose), offer)

    def _setup_refusal(self, request: Request, session: Session | None) -> Response | None:
        path, name = split_track(request.path)
        if not name:
            return Response(status=459)
        if session is None and "session" not in request.headers:
            return Response(status=453) if len(self._service.sessions) >= _MAX_SESSIONS else None
        if session is None or session.path != path:
            return Response(status=454)
        return Response(status=455) if session.is_playing or name in session.tracks else None

    async def _set_up(self, mount: Mount, name: str, session: Session, offer: TransportOffer) -> Response:
        if mount.recording:
            return self._set_up_recording(mount, mount.recording, name, session, offer)
        try:
            hold = await held_source(self._service, mount, name)
        except VmsUnavailable:
            return Response(status=503)
        try:
            track = await self._opened(mount, name, session, offer, hold)
        except VmsUnavailable:
            return Response(status=453)
        return self._added(session, name, track)

    def _set_up_recording(
        self, mount: Mount, recording: Recording, name: str, session: Session, offer: TransportOffer
    ) -> Response:
        try:
            transport = self._take_channels(session, offer.pair)
        except VmsUnavailable:
            return Response(status=453)
        return self._added(session, name, recorded_track(self._service, mount, recording, transport, session.lose))

    def _added(self, session: Session, name: str, track: Track) -> Response:
        session.tracks[name] = track
        if session.id not in self._service.sessions:
            self._service.sessions[session.id] = session
            self._service.statistics.sessions += 1
            self._own.add(session)
            self._settled()
        return Response(
            status=200,
            headers=(
                ("Transport", f"{track.header};ssrc={track.stream.ssrc:08X}"),
                ("Session", f"{session.id};timeout={round(self._service.session_timeout_s)}"),
            ),
        )

    async def _opened(
        self, mount: Mount, name: str, session: Session, offer: TransportOffer, hold: Callable[[], TrackSource]
    ) -> Track:
        group = group_of(mount, name)
        if offer.way is Way.MULTICAST and mount.multicast and group:
            local = self._writer.get_extra_info("sockname")[0]
            return await self._service.groups.join(group, mount.multicast.ttl, local, hold, mount.flow, session.lose)
        transport = await self._transport(session, offer)
        return sent_track(self._service, mount, hold(), transport, session.lose)

    async def _transport(self, session: Session, offer: TransportOffer) -> RtpTransport:
        if offer.way is Way.INTERLEAVED or offer.pair is None:
            return self._take_channels(session, offer.pair)
        local, client = (self._writer.get_extra_info(name)[0] for name in ("sockname", "peername"))
        return await UdpTransport.to_client(local, client, offer.pair, session.touch)

    def _take_channels(self, session: Session, wanted: tuple[int, int] | None) -> InterleavedTransport:
        free = (pair for pair in ((low, low + 1) for low in range(0, _MAX_CHANNELS, 2)) if self._is_free(pair))
        pair = wanted if wanted and self._is_free(wanted) else next(free, None)
        if pair is None:
            raise VmsUnavailable("every interleaved channel is taken")
        self._interleaved |= dict.fromkeys(pair, session)
        return InterleavedTransport(self._outlet, pair)

    def _is_free(self, pair: tuple[int, int]) -> bool:
        return not self._interleaved.keys() & set(pair)

    async def _play(self, request: Request, user: str) -> Response:
        session = self._session_of(request, user)
        if session is None:
            return Response(status=454)
        path, name = split_track(request.path)
        if path != session.path or (name and name not in session.tracks):
            return Response(status=404)
        if name and len(session.tracks) > 1:
            return Response(status=460)
        if not all(track.seek(request.headers.get("range", "")) for track in session.tracks.values()):
            return Response(status=457)
        if session.is_playing:
            return Response(status=200, headers=(("Session", session.id),))
        return await self._start_of(session, _plain(request.url).removesuffix(f"/{name}"))

    async def _start_of(self, session: Session, url: str) -> Response:
        """Where every track begins: one moment, and what that is in each track's RTP time."""
        try:
            moments = [await track.ready() for track in tuple(session.tracks.values())]
        except VmsUnavailable:
            return Response(status=503)
        start = min((moment for moment in moments if moment is not None), default=self._service.clock.utc())
        infos = ",".join(
            f"url={url}/{name};seq={track.sequence()};rtptime={track.stream.timestamp(start)}"
            for name, track in session.tracks.items()
        )
        return Response(
            status=200, headers=(("Session", session.id), ("Range", f"clock={clock_time(start)}-"), ("RTP-Info", infos))
        )

    async def _parameter(self, request: Request, _user: str) -> Response:
        """An empty one keeps the session alive; there are no parameters."""
        return self._touched(request) or Response(status=451 if request.body.strip() else 200)

    async def _teardown(self, request: Request, user: str) -> Response:
        """Of one track among several, or of the session."""
        session = self._session_of(request, user)
        if session is None:
            return Response(status=454)
        track = session.tracks.get(split_track(request.path)[1])
        if track and len(session.tracks) > 1:
            session.tracks = {name: other for name, other in session.tracks.items() if other is not track}
            track.end()
        else:
            self._end(session)
        return Response(status=200)

    def _touched(self, request: Request) -> Response | None:
        """Notes that the session named, if any, is in use; 454 when there is none of that name."""
        session = self._service.sessions.get(_session_id(request))
        if session:
            session.touch()
        return None if session or "session" not in request.headers else Response(status=454)

    def _session_of(self, request: Request, user: str) -> Session | None:
        session = self._service.sessions.get(_session_id(request))
        if session is None or session.user != user:
            return None
        session.touch()
        return session

    def _lose(self, session: Session) -> None:
        """The client is too slow or silent, or the video ended: nothing is left to be said."""
        self._end(session)
        self._writer.transport.abort()

    def _end(self, session: Session) -> None:
        self._service.sessions.pop(session.id, None)
        self._own.discard(session)
        self._interleaved = {channel: other for channel, other in self._interleaved.items() if other is not session}
        session.end()


def _session_id(request: Request) -> str:
    return next(iter(parse_parameters(request.headers.get("session", ""))), "")


def _plain(url: str) -> str:
    """The URL without credentials, as it may be repeated to the client."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _ways_in_clear(service: Service) -> frozenset[Way]:
    """Groups are a mount's own choice, whether or not single clients get UDP."""
    return frozenset(Way) if service.udp else frozenset({Way.INTERLEAVED, Way.MULTICAST})
