"""An RTSP server that says what a test wrote: only for tests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response

SDP = (
    "v=0\r\ns=-\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAHg==,aM4=\r\na=control:trackID=0\r\n"
)
SESSION = ("Session", "77;timeout=60")

Said = bytes | Response | InterleavedFrame


@dataclass(slots=True)
class Scripted:
    """A server at work, and the requests it got."""

    port: int
    requests: list[Request] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam/playback"


Answer = Callable[[Request], Sequence[Said] | None]
"""What is said to a request, CSeq added to responses; None hangs up."""


@contextmanager
def scripted(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Serves one connection after the other on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Scripted(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, answer, running, tls))
        thread.start()
        try:
            yield running
        finally:
            running.stopped.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", running.port), 1.0):
                pass  # wakes accept
            thread.join(10)
            assert not thread.is_alive()


def playing(*said: Said, play: Response | None = None, described: str = SDP) -> Answer:
    """Answers as a server that plays: ``said`` follows the answer to PLAY."""

    def answer(request: Request) -> Sequence[Said]:
        match request.method:
            case "DESCRIBE":
                return [Response(status=200, headers=(("Content-Type", "application/sdp"),), body=described.encode())]
            case "SETUP":
                return [Response(status=200, headers=(("Transport", request.headers["transport"]), SESSION))]
            case "PLAY":
                return [play or Response(status=200, headers=(SESSION,)), *said]
            case _:
                return [Response(status=200)]

    return answer


def _accept(listener: socket.socket, answer: Answer, running: Scripted, tls: ssl.SSLContext | None) -> None:
    while not running.stopped.is_set():
        peer, _ = listener.accept()
        peer.settimeout(5)
        with peer, suppress(OSError), tls.wrap_socket(peer, server_side=True) if tls else peer as link:
            _talk(link, answer, running)


def _talk(link: socket.socket, answer: Answer, running: Scripted) -> None:
    messages = MessageReader()
    while data := link.recv(65_536):
        for request in messages.feed(data):
            if not isinstance(request, Request):
                continue
            running.requests.append(request)
            said = answer(request)
            if said is None:
                return
            for part in said:
                link.sendall(_bytes(part, request))


def _bytes(part: Said, request: Request) -> bytes:
    if isinstance(part, Response):
        return part.with_headers(("CSeq", request.headers["cseq"])).to_bytes()
    return part.to_bytes() if isinstance(part, InterleavedFrame) else part
