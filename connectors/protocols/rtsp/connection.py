"""One client connection: reads requests, answers each in order (RFC 2326 §10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import urlsplit

from connectors.protocols.rtsp.auth import Authenticator
from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response, parse_parameters
from connectors.protocols.rtsp.mount import Mount, Mounts
from connectors.protocols.rtsp.sdp import TRACK, describe
from connectors.protocols.rtsp.session import Session, Statistics
from connectors.protocols.rtsp.transport import InterleavedTransport, TransportOffer, UdpTransport, parse_transport
from core.clock import iso_utc
from core.contracts import Clock
from core.errors import ProtocolViolation, VmsUnavailable

_READ_BYTES = 65_536
_MAX_CHANNELS = 256
_MAX_SESSIONS = 256
_WRITE_BUFFER_BYTES = 512 * 1024
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
_KNOWN_ELSEWHERE = frozenset({"PAUSE", "ANNOUNCE", "RECORD", "REDIRECT"})
"""RTSP methods that a live stream does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the connections of one server share."""

    mounts: Mounts
    users: Mapping[str, str]
    realm: str
    clock: Clock
    session_timeout_s: float
    send_timeout_s: float
    is_secure: bool
    sessions: dict[str, Session]
    statistics: Statistics


class Connection:
    """Serves one client until it leaves; sessions inside the connection end with it."""

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
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
        self._writer.transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
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
        cseq = request.headers.get("cseq", "") if request else ""
        head = (("CSeq", cseq),) if cseq else ()
        self._writer.write(response.with_headers(*head, ("Date", formatdate(usegmt=True))).to_bytes())
        async with asyncio.timeout(self._service.send_timeout_s):
            await self._writer.drain()
        if response.status == 200 and request and request.method == "PLAY":  # noqa: PLR2004 - RTSP's own
            self._start_playing(request)

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
        headers = (("Content-Type", "application/sdp"), ("Content-Base", f"{_plain(request.url)}/"))
        return Response(status=200, headers=headers, body=describe(mount.feed.clip, mount.name).encode())

    async def _setup(self, request: Request, user: str) -> Response:
        path = request.path.removesuffix(f"/{TRACK}")
        mount = self._service.mounts(path)
        if mount is None:
            return Response(status=404)
        if path == request.path:
            return Response(status=459)
        if "session" in request.headers:
            session = self._session_of(request, user)
            return Response(status=455) if session else Response(status=454)
        offer = parse_transport(request.headers.get("transport", ""), allow_udp=not self._service.is_secure)
        if offer is None:
            return Response(status=461)
        return await self._set_up(mount, path, user, offer)

    async def _set_up(self, mount: Mount, path: str, user: str, offer: TransportOffer) -> Response:
        service = self._service
        if len(service.sessions) >= _MAX_SESSIONS:
            return Response(status=453)
        session = Session(mount, path, user, service.clock, service.statistics, self._lose)
        try:
            if offer.is_interleaved:
                self._take_channels(session, offer.pair)
            elif offer.pair:
                local, client = (self._writer.get_extra_info(name)[0] for name in ("sockname", "peername"))
                session.transport = await UdpTransport.open(local, client, offer.pair, session.touch)
        except VmsUnavailable:
            return Response(status=453)
        assert session.transport is not None
        service.sessions[session.id] = session
        service.statistics.sessions += 1
        self._own.add(session)
        return Response(
            status=200,
            headers=(
                ("Transport", f"{session.transport.header};ssrc={session.stream.ssrc:08X}"),
                ("Session", f"{session.id};timeout={round(service.session_timeout_s)}"),
            ),
        )

    def _take_channels(self, session: Session, wanted: tuple[int, int] | None) -> None:
        free = (pair for pair in ((low, low + 1) for low in range(0, _MAX_CHANNELS, 2)) if self._is_free(pair))
        pair = wanted if wanted and self._is_free(wanted) else next(free, None)
        if pair is None:
            raise VmsUnavailable("every interleaved channel is taken")
        session.transport = InterleavedTransport(self._writer, pair, self._service.send_timeout_s)
        self._interleaved |= dict.fromkeys(pair, session)

    def _is_free(self, pair: tuple[int, int]) -> bool:
        return not self._interleaved.keys() & set(pair)

    async def _play(self, request: Request, user: str) -> Response:
        session = self._session_of(request, user)
        if session is None:
            return Response(status=454)
        if request.path != session.path:
            return Response(status=460 if request.path == f"{session.path}/{TRACK}" else 404)
        if request.headers.get("range", "npt").partition("=")[0].strip().lower() != "npt":
            return Response(status=457)
        gop = session.mount.feed.gop()
        start = gop[0].captured_at if gop else self._service.clock.utc()
        stamp = iso_utc(start).translate(str.maketrans("", "", "-:"))
        track = f"url={_plain(request.url).rstrip('/')}/{TRACK}"
        info = f"{track};seq={session.stream.next_sequence};rtptime={session.stream.timestamp(start)}"
        return Response(status=200, headers=(("Session", session.id), ("Range", f"clock={stamp}-"), ("RTP-Info", info)))

    def _start_playing(self, request: Request) -> None:
        """After the answer, so that no packet comes before it."""
        session = self._service.sessions.get(_session_id(request))
        if session and not session.is_playing:
            session.play()

    async def _parameter(self, request: Request, _user: str) -> Response:
        """An empty one keeps the session alive; there are no parameters."""
        return self._touched(request) or Response(status=451 if request.body.strip() else 200)

    async def _teardown(self, request: Request, user: str) -> Response:
        session = self._session_of(request, user)
        if session is None:
            return Response(status=454)
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
