"""A running server, and a client that speaks RTSP by hand."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.protocols.clips import Clip, load_clip
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.door import DoorLimits
from connectors.protocols.rtsp.feeds import Document, MetadataFeed
from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response
from connectors.protocols.rtsp.mount import Flow, Mount
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.scene import write_scene
from connectors.protocols.serving import background
from core.clock import SystemClock
from core.contracts import Clock

FPS = 50.0
USERS = {"vigie": "p@ss:w/rd"}
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
SECOND_TCP = "RTP/AVP/TCP;unicast;interleaved=2-3"
JOINED = Document(data=b"<MetadataStream/>", captured_at=SystemClock().utc())


@cache
def clip() -> Clip:
    """Two seconds of the scene while people walk: its key frames need several RTP packets."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        write_scene(path, seconds=2.0, fps=FPS, size=(320, 180))
        return load_clip(path)


def run(body: Callable[[], Awaitable[None]]) -> None:
    """Runs an asynchronous test with a time limit."""

    async def limited() -> None:
        async with asyncio.timeout(30):
            await body()

    asyncio.run(limited())


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what tells nobody."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.002)


@dataclass(kw_only=True)
class Serving:
    """A server with one mount ``/cam`` whose flow can be ordered."""

    server: RtspServer
    feed: LiveFeed
    documents: MetadataFeed
    mount: Mount
    flow: Flow = Flow.OK

    @property
    def url(self) -> str:
        return f"{self.server.url}/cam"

    @property
    def url_with_password(self) -> str:
        return self.url.replace("://", "://vigie:p%40ss%3Aw%2Frd@")


@asynccontextmanager
async def serving(
    users: Mapping[str, str] = USERS,
    *,
    ssl_context: ssl.SSLContext | None = None,
    session_timeout_s: float = 60.0,
    send_timeout_s: float = 10.0,
    clock: Clock | None = None,
    udp: bool = True,
    limits: DoorLimits | None = None,
) -> AsyncIterator[Serving]:
    """``clock`` is the server's; the feed always plays in real time. Who joins the metadata gets ``JOINED``."""
    feed = LiveFeed(clip(), SystemClock())
    documents = MetadataFeed(lambda: documents.push(JOINED))
    state: list[Serving] = []
    mount = Mount(video=feed, metadata=documents, name="Dock", flow=lambda: state[0].flow)
    server = RtspServer(
        "127.0.0.1",
        0,
        lambda path: state[0].mount if path == "/cam" else None,
        users,
        ssl_context=ssl_context,
        clock=clock,
        session_timeout_s=session_timeout_s,
        send_timeout_s=send_timeout_s,
        udp=udp,
        limits=limits,
    )
    async with server, background(feed.run()):
        state.append(Serving(server=server, feed=feed, documents=documents, mount=mount))
        yield state[0]


class RawClient:
    """Sends requests as given and reads what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.frames: list[InterleavedFrame] = []
        self._messages = MessageReader()
        self._responses: list[Response] = []
        self._cseq = 0

    async def ask(self, method: str, url: str, **headers: str) -> Response:
        self._cseq += 1
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method=method, url=url, headers={"CSeq": str(self._cseq), **named})
        response = await self.exchange(request.to_bytes())
        assert response.header("CSeq") == str(self._cseq)
        return response

    async def exchange(self, data: bytes) -> Response:
        self.writer.write(data)
        while not self._responses:
            await self._read()
        return self._responses.pop(0)

    async def frame(self) -> InterleavedFrame:
        while not self.frames:
            await self._read()
        return self.frames.pop(0)

    async def ended(self) -> bool:
        """Reads on until the server closes."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        return True

    async def _read(self) -> None:
        data = await self.reader.read(65536)
        assert data, "the server closed the connection"
        for message in self._messages.feed(data):
            if isinstance(message, Response):
                self._responses.append(message)
            elif isinstance(message, InterleavedFrame):
                self.frames.append(message)

    async def set_up(self, url: str, transport: str = TCP, track: str = "trackID=0", **headers: str) -> str:
        """Session id of a track that was set up."""
        response = await self.ask("SETUP", f"{url}/{track}", Transport=transport, **headers)
        assert response.status == 200
        return response.header("Session").partition(";")[0]


@asynccontextmanager
async def connected(serving: Serving) -> AsyncIterator[RawClient]:
    async with connected_to(serving.server.port) as client:
        yield client


@asynccontextmanager
async def connected_to(port: int, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl_context)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()


def digest(challenge: str, method: str, url: str, user: str = "vigie", password: str = USERS["vigie"]) -> str:
    """An ``Authorization`` value, computed independently of the server's code (RFC 7616 §3.4, without qop)."""
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))
    algorithm = hashlib.sha256 if given["algorithm"] == "SHA-256" else hashlib.md5

    def hashed(text: str) -> str:
        return algorithm(text.encode()).hexdigest()

    first, second = hashed(f"{user}:{given['realm']}:{password}"), hashed(f"{method}:{url}")
    response = hashed(f"{first}:{given['nonce']}:{second}")
    return (
        f'Digest username="{user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{url}", '
        f'algorithm={given["algorithm"]}, response="{response}"'
    )
