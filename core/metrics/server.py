"""A small HTTP server for one page: bounded in threads and in time, and on one address only."""

from __future__ import annotations

import io
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import TCPServer
from typing import Any, Final, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import structlog

from core.contracts import Clock
from core.logs import describe

MAX_CONNECTIONS: Final = 8
"""Beyond, a connection is closed at once: a reader that wants the page asks again."""

SILENCE_S: Final = 5.0
"""Longest wait for the next byte of a client."""

CONNECTION_S: Final = 15.0
"""Longest life of a connection, for a client that sends or reads byte by byte."""

POLL_S: Final = 0.5
"""How often the server looks whether it is to stop, and whose time is over."""

JOIN_S: Final = 2.0
"""Longest wait for a request under way at the end: its connection is cut already."""

_log = structlog.get_logger(component="metrics")


class PageServer(WSGIServer):
    """Serves a WSGI application, one request a connection, each in a thread of its own.

    Constructing binds; OSError where that fails.
    """

    allow_reuse_address = os.name == "posix"  # on Windows it would let two programs share the port
    timeout = POLL_S
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], application: WSGIApplication, *, tls: ssl.SSLContext | None, clock: Clock
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._tls = tls
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, tuple[socket.socket, float]] = {}
        super().__init__(address, _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Without asking the DNS for our name, as ``HTTPServer`` would."""
        if self.address_family == socket.AF_INET6:  # an IPv6 address must not open IPv4 too
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def serve_until(self, is_stopping: Callable[[], bool]) -> None:
        """Serves; then cuts who is left and frees the address."""
        try:
            while not is_stopping():
                self.handle_request()
                self._cut(opened_before=self._clock.monotonic() - CONNECTION_S)
        finally:
            self.server_close()
            for thread in self._cut(opened_before=float("inf")):
                thread.join(JOIN_S)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS:
                self.shutdown_request(request)
                return
            thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
            self._open[thread] = request, self._clock.monotonic()
        try:
            thread.start()
        except RuntimeError:  # the system has no thread left
            self._forget(thread, request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the library's
        """A connection that cannot even be begun."""
        _log.debug("a reader of the metrics was not served", exc_info=True)

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        thread = threading.current_thread()
        try:
            if self._tls:  # the handshake belongs to this thread: it is done at the first read
                request.settimeout(SILENCE_S)
                request = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                with self._lock:
                    self._open[thread] = request, self._open[thread][1]
            self.finish_request(request, client_address)
        except (OSError, ValueError) as error:  # ValueError: a TLS connection that was cut meanwhile
            _log.debug("a reader of the metrics went away", cause=describe(error))
        except Exception:  # noqa: BLE001 - edge of the thread: a defect of ours is logged
            _log.exception("defect in the metrics page")
        finally:
            self._forget(thread, request)

    def _forget(self, thread: threading.Thread, request: socket.socket) -> None:
        self.shutdown_request(request)
        with self._lock:
            self._open.pop(thread, None)

    def _cut(self, *, opened_before: float) -> list[threading.Thread]:
        """Ends connections; their threads see it at once and end."""
        with self._lock:
            overdue = {thread: request for thread, (request, since) in self._open.items() if since < opened_before}
        for request in overdue.values():
            with suppress(OSError):
                socket.socket.shutdown(request, socket.SHUT_RDWR)  # not TLS's own, which belongs to the other thread
        return list(overdue)


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_S

    def get_stderr(self) -> TextIO:
        """What is wrong with a client's request is no news for our log."""
        return io.StringIO()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Requests are not logged: one comes every few seconds."""
