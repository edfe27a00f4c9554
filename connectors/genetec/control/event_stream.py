"""One connection to a Web-based SDK role's event stream.

Facts (Genetec's public sample EventsMonitor): the stream is opened before anything is subscribed; the role answers with
a redirect to its streaming port, where the credentials are to be given again. Unverified: how often it sends keep-alives,
hence how long its silence may last; whether one account may have several streams.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from connectors.genetec.access.websdk import Credentials, stream_refusal
from connectors.genetec.control.event_parts import Part, PartParser
from connectors.genetec.settings import GenetecSettings
from core.contracts import Clock
from core.errors import CertificateRejected, ProtocolViolation, VmsRefused, VmsUnavailable
from core.redaction import redact

SILENCE_S = 60.0
"""A stream from which not even a keep-alive came for so long counts as dead."""

_MOST_REDIRECTS = 3
_READ_BYTES = 65_536
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXCERPT = 200


class StreamLink:
    """An open stream, read in one thread."""

    def __init__(self, response: http.client.HTTPResponse, place: str, clock: Clock, silence_s: float) -> None:
        self._response = response
        self._place = place
        self._clock = clock
        self._silence_s = silence_s
        self._parser = PartParser()

    def parts(self) -> Iterator[Part]:
        """What comes, until the connection is cut. Raises ``VmsError`` when it ends or nothing whole comes in time."""
        heard_at = self._clock.monotonic()
        while True:
            with _translated(self._place):
                data = self._response.read1(_READ_BYTES)
            if not data:
                raise VmsUnavailable(f"{self._place}: the event stream ended")
            for part in self._parser.feed(data):
                yield part
                heard_at = self._clock.monotonic()  # only now: while it is dealt with, nobody listens
            if self._clock.monotonic() - heard_at > self._silence_s:
                raise VmsUnavailable(f"{self._place}: the event stream sent nothing whole for {self._silence_s:g} s")


class EventStreams:
    """Opens streams of one role."""

    def __init__(
        self,
        settings: GenetecSettings,
        credentials: Callable[[], Credentials],
        ca: Path | None,
        clock: Clock,
        *,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._ca = ca
        self._clock = clock
        self._silence_s = silence_s
        self._place = f"Security Center {urlsplit(settings.url).netloc}: event stream"

    @contextmanager
    def opened(self, hold: Callable[[socket.socket], None]) -> Iterator[StreamLink]:
        """An open stream, closed on leaving; its first part says that it stands.

        ``hold`` gets each socket before anything is asked on it, to ``cut`` it from another thread.
        """
        connection, response = self._answered(hold)
        try:
            yield StreamLink(response, self._place, self._clock, self._silence_s)
        finally:
            response.close()
            connection.close()

    def _answered(
        self, hold: Callable[[socket.socket], None]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        url = f"{self._settings.url}/events"
        for _ in range(_MOST_REDIRECTS + 1):
            with ExitStack() as stack:
                connection = stack.enter_context(closing(self._dialled(url, hold)))
                response = stack.enter_context(closing(self._asked(connection, url)))
                if response.status == _OK:
                    stack.pop_all()
                    return connection, response
                url = self._target(url, response)
        raise ProtocolViolation(f"{self._place}: it redirects without end")

    def _dialled(self, url: str, hold: Callable[[socket.socket], None]) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        connection = self._connection(parts)
        with _translated(self._place):
            connection.connect()
        assert connection.sock is not None
        hold(connection.sock)
        return connection

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, timeout_s = parts.hostname or "", self._settings.timeout_s
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
        with _translated(self._place, ca=self._ca):
            context = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=context)

    def _asked(self, connection: http.client.HTTPConnection, url: str) -> http.client.HTTPResponse:
        user, application_id, password = self._credentials()
        account = base64.b64encode(f"{user};{application_id}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {account}", "Accept": "text/json"}
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        with _translated(self._place):
            connection.request("GET", target, headers=headers)
            sock = connection.sock
            response = connection.getresponse()
            if response.status == _OK and sock is not None:
                sock.settimeout(self._silence_s)
        return response

    def _target(self, url: str, response: http.client.HTTPResponse) -> str:
        """Where a redirect leads: credentials go only to a declared host, and not from TLS to none."""
        if response.status not in _REDIRECTS:
            raise stream_refusal(response.status, self._place)
        location = response.headers.get("Location", "")
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            _ = parts.port
        except ValueError as error:
            raise ProtocolViolation(f"{self._place}: it redirects to no address") from error
        if not location or parts.scheme not in {"http", "https"} or parts.username is not None:
            raise ProtocolViolation(f"{self._place}: it redirects to no address: {redact(location)[:_EXCERPT]!r}")
        if parts.scheme == "http" and urlsplit(url).scheme == "https":
            raise VmsRefused(
                f"{self._place}: it redirects to an address without TLS",
                remedy="Enable 'Use SSL connection' on the Properties page of the Web-based SDK role.",
            )
        host = (parts.hostname or "").lower()
        if host not in self._settings.declared_hosts():
            raise VmsRefused(
                f"{self._place}: it redirects to {host}, which the site file does not declare",
                remedy=f"If it belongs to this Security Center, add {host} to 'hosts:' of {self._settings.id}.",
            )
        return target


def cut(link: socket.socket) -> None:
    """Ends a connection from another thread: whoever waits on it wakes."""
    # The socket's own shutdown: an SSLSocket's would take the TLS state from under the reading thread.
    with suppress(OSError):
        socket.socket.shutdown(link, socket.SHUT_RDWR)


@contextmanager
def _translated(place: str, ca: Path | None = None) -> Iterator[None]:
    """Turns what sockets, TLS and ``http.client`` raise into ``VmsError``."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise CertificateRejected(
            f"{place}: the TLS certificate does not verify ({error.verify_message or error.reason})",
            remedy="Give the site's CA with 'ca:', and connect by the name that the certificate carries.",
        ) from error
    except TimeoutError as error:
        raise VmsUnavailable(f"{place}: nothing came within the time-out", remedy=_REACH) from error
    except http.client.HTTPException as error:
        raise VmsUnavailable(f"{place}: the answer broke off ({_said(error)})") from error
    except (OSError, UnicodeError) as error:  # a host name that cannot be one is a UnicodeError
        if ca is not None and _is_of_the_file(error):
            raise CertificateRejected(
                f"{place}: the CA file cannot be used ({_said(error)})",
                remedy="Set 'ca:' to the PEM file of the site's certificate authority.",
            ) from error
        raise VmsUnavailable(f"{place}: the connection broke ({_said(error)})", remedy=_REACH) from error


_REACH = "Check that the Web-based SDK role is active, its streaming port (4591) and the firewall."


def _is_of_the_file(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError) or (
        isinstance(error, ssl.SSLError) and error.library == "X509"
    )


def _said(error: BaseException) -> str:
    return redact(str(error) or type(error).__name__)[:_EXCERPT]
