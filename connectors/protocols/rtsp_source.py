"""Video of any VMS that speaks RTSP: FFmpeg's demuxer, nothing is decoded.

FFmpeg cannot be woken while it waits, and resolves names without any time-out. So it runs in a thread of its own and
hands over through a mailbox: ``close`` ends ``packets`` at once, and FFmpeg's thread lets go of the connection within
its own time-outs (twice ``read_timeout_s``). Whatever goes wrong is known in less than 5 s. What FFmpeg does in each
failure was measured with FFmpeg 8.1 in PyAV 18.1.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

import av
import structlog
from av import error as av_error
from av.container import InputContainer
from av.video.stream import VideoStream
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connectors.protocols.capture_time import Arrived, CaptureTimeline, TimeSource
from connectors.protocols.mailbox import Mailbox
from core.contracts import Clock, VideoSource
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    MulticastLost,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    RightMissing,
    StreamEnded,
    StreamStalled,
    TimedOut,
    VmsError,
    VmsUnavailable,
)
from core.redaction import redact
from core.types import Packet

RtspTransport: TypeAlias = Literal["tcp", "udp", "udp_multicast", "http", "https"]
"""How RTP travels; ``http`` and ``https`` tunnel it through the server's web port."""

_WAITING_PACKETS = 64
"""Some two seconds: more backlog stays in the network, where the server sees it."""

_UNREAD_S = 30.0
"""Nobody reads for so long: the session is given up."""

OPEN_TIMEOUT_S = 4.0
"""Longest wait for a server to connect, answer and describe its stream."""

READ_TIMEOUT_S = 2.0
"""A stream that is silent for twice that is given up."""

_SLACK_S = 0.4
"""FFmpeg looks at its time-outs now and then."""

_MOST_OF = 0.9

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_REACH = "Check the address, the port, the firewall, and that RTSP is enabled in the VMS."
_log = structlog.get_logger(component="rtsp")

_MEANINGS: tuple[tuple[type[Exception], type[VmsError], str, str], ...] = (
    (
        av_error.HTTPUnauthorizedError,
        AuthenticationRefused,
        "the user name or password is refused",
        "Check the account, and that it may use RTSP. FFmpeg knows Basic and Digest MD5, not Digest SHA-256 alone.",
    ),
    (
        av_error.HTTPForbiddenError,
        RightMissing,
        "access is denied",
        "Give the account the right to this camera.",
    ),
    (av_error.HTTPNotFoundError, NotFoundInVms, "no such stream", "Check the camera's id and the stream's name."),
    (
        av_error.HTTPBadRequestError,
        RequestInvalid,
        "the request is called malformed",
        "Check the address of the stream.",
    ),
    (
        av_error.HTTPClientError,
        VmsUnavailable,
        "the stream is not given now",
        "Check that the licence has an RTSP stream left.",
    ),
    (av_error.HTTPServerError, VmsUnavailable, "the server failed", "See the VMS's own log."),
    (av_error.ConnectionRefusedError, VmsUnavailable, "the connection is refused", _REACH),
    (av_error.TimeoutError, VmsUnavailable, "no connection within the time-out", _REACH),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtspTarget:
    """One stream: ``url`` without credentials, ``rtsp://`` or ``rtsps://``. ``ca``: PEM file of the site's authority."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    transport: RtspTransport = "tcp"
    ca: Path | None = None
    open_timeout_s: float = OPEN_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S

    @property
    def is_tls(self) -> bool:
        """Whether a certificate is verified."""
        return self.url.startswith("rtsps:") or self.transport == "https"

    def authenticated_url(self) -> str:
        """With the credentials, percent-encoded: for FFmpeg alone, never for a text."""
        if not self.username:
            return self.url
        parts = urlsplit(self.url)
        account = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{account}@{parts.netloc}"))

    def options(self) -> dict[str, str]:
        """FFmpeg's: first picture at once, only video is set up, TLS is verified (FFmpeg does not by default)."""
        options = {
            "rtsp_transport": self.transport,
            "analyzeduration": "0",
            "probesize": "32",
            "allowed_media_types": "video",
        }
        if self.is_tls:
            options |= {"tls_verify": "1", "ca_file": str(self.ca or DEFAULT_CA_BUNDLE_PATH)}
        return options


class RtspSource(VideoSource):
    """One RTSP session. ``time_source`` says, once packets came, whose clock stamped them."""

    def __init__(self, target: RtspTarget, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._place = f"video {redact(target.url)}"
        self._mailbox: Mailbox[Arrived] = Mailbox(_WAITING_PACKETS)
        self._timeline = CaptureTimeline()
        self._is_open = False
        self._last_at = self._last_wait_s = 0.0

    @property
    def time_source(self) -> TimeSource:
        """``recorder``, or ``arrival`` when the server does not tell the time."""
        return self._timeline.source

    def packets(self) -> Iterator[Packet]:
        if self._mailbox.is_closed:
            return
        threading.Thread(target=self._demux_into_mailbox, name="rtsp-demux", daemon=True).start()
        try:
            while (arrived := self._next()) is not None:
                was = self._timeline.source
                yield from self._timeline.place(arrived)
                if was is TimeSource.UNKNOWN and self._timeline.source is TimeSource.ARRIVAL:
                    _log.warning("capture times are arrival times", stream=self._place, reason=self._timeline.reason)
        finally:
            self.close()

    def close(self) -> None:
        self._mailbox.close()

    def _next(self) -> Arrived | None:
        """FFmpeg says itself when nothing comes; who waits longer met a name server that does not answer, say."""
        if not self._is_open:
            try:
                return self._mailbox.take(self._target.open_timeout_s + _SLACK_S)
            except TimeoutError as error:
                if not self._is_open:
                    raise TimedOut(f"{self._place}: no answer within the time-out", remedy=_REACH) from error
        try:
            return self._mailbox.take(2 * self._target.read_timeout_s + 2 * _SLACK_S)
        except TimeoutError as error:
            raise self._silence() from error

    def _silence(self) -> StreamStalled:
        if self._target.transport == "udp_multicast":
            remedy = "Look whether the network carries multicast here (IGMP snooping and querier, TTL), or choose tcp."
            return MulticastLost(f"{self._place}: nothing comes from the multicast group", remedy=remedy)
        return StreamStalled(f"{self._place}: the stream is open and nothing comes", remedy="It is opened again.")

    def _was_silent(self) -> bool:
        """Over TLS a time-out is an input/output error like any other: the clock tells it.

        FFmpeg holds the last picture back until its first time-out, so that the wait may lie before or after that.
        """
        wait_s = max(self._last_wait_s, time.monotonic() - self._last_at)
        return wait_s >= _MOST_OF * self._target.read_timeout_s

    def _break(self, error: av_error.FFmpegError) -> StreamEnded:
        return StreamEnded(f"{self._place}: the connection broke ({error.strerror})", remedy="It is opened again.")

    def _demux_into_mailbox(self) -> None:
        try:
            self._demux()
            self._mailbox.fail(StreamEnded(f"{self._place}: the server ended the stream", remedy="It is opened again."))
        except Exception as error:  # noqa: BLE001 - thread edge: whatever ends it is raised in packets()
            self._mailbox.fail(error)

    def _demux(self) -> None:
        target, began = self._target, time.monotonic()
        try:
            with av.open(
                target.authenticated_url(),
                options=target.options(),
                # In clear the first time-out only flushes the last picture; over TLS it ends the stream (measured).
                timeout=(target.open_timeout_s, target.read_timeout_s * (2 if target.is_tls else 1)),
            ) as container:
                self._is_open, self._last_at = True, time.monotonic()
                self._forward(container)
        except av_error.FFmpegError as error:
            # Its text and its traceback would show the address with the password.
            error.args = (error.errno, error.strerror, redact(target.url))
            is_late = time.monotonic() - began >= target.open_timeout_s
            raise self._meaning_of(error, is_late=is_late) from error

    def _forward(self, container: InputContainer) -> None:
        if not container.streams.video:
            raise ProtocolViolation(f"{self._place}: the server offers no video track", remedy="Check the stream.")
        stream = container.streams.video[0]
        decoder: Any = stream.codec_context
        if decoder is None:  # possible, whatever PyAV's type says
            raise ProtocolViolation(
                f"{self._place}: the video's encoding is not known", remedy="Choose H.264 or H.265."
            )
        codec, extradata = str(decoder.name), bytes(decoder.extradata or b"")
        pts_s = 0.0
        for encoded in container.demux(stream):
            if not encoded.size:  # FFmpeg's last words: an empty packet that flushes decoders
                continue
            packet = Packet(
                codec=codec,
                data=bytes(encoded),
                captured_at=self._clock.utc(),
                is_key=encoded.is_keyframe,
                received_at=self._clock.monotonic(),
                extradata=extradata,
            )
            if encoded.pts is not None:
                pts_s = float(encoded.pts * encoded.time_base)
            if not self._hand_over(Arrived(packet=packet, pts_s=pts_s, recorder_utc=_recorder_utc(encoded))):
                return
            now = time.monotonic()
            self._last_at, self._last_wait_s = now, now - self._last_at

    def _hand_over(self, arrived: Arrived) -> bool:
        try:
            return self._mailbox.put(arrived, _UNREAD_S)
        except TimeoutError as error:
            raise VmsUnavailable(f"{self._place}: nobody read it for {_UNREAD_S:g} s") from error

    def _meaning_of(self, error: av_error.FFmpegError, *, is_late: bool) -> VmsError:
        """``is_late``: the time to open is over. FFmpeg calls that invalid data, or by other names (research, B3)."""
        if self._is_open:
            return self._silence() if self._was_silent() else self._break(error)
        if is_late:
            return TimedOut(f"{self._place}: no answer within the time-out", remedy=_REACH)
        for kind, meaning, text, remedy in _MEANINGS:
            if isinstance(error, kind):
                return meaning(f"{self._place}: {text}", remedy=remedy)
        if error.errno == errno.EPROTONOSUPPORT:
            remedy = "Choose another transport. SRTP is not supported; use rtsps:// for encryption."
            return RequestInvalid(f"{self._place}: the transport {self._target.transport} is refused", remedy=remedy)
        reason = _why_tls_fails(self._target) if self._target.is_tls else ""
        if reason:
            remedy = "Give the site's CA with 'ca:', and connect by the name that the certificate carries."
            return CertificateRejected(f"{self._place}: the TLS certificate does not verify ({reason})", remedy=remedy)
        return VmsUnavailable(f"{self._place}: no RTSP answer ({error.strerror})", remedy=_REACH)


def _recorder_utc(encoded: av.Packet[VideoStream]) -> float | None:
    """From the side data that FFmpeg derives from RTCP sender reports (AVProducerReferenceTime: int64 microseconds)."""
    if not encoded.has_sidedata("prft"):
        return None
    (microseconds,) = struct.unpack_from("=q", bytes(encoded.get_sidedata("prft")))
    return float(microseconds) / 1e6


def _why_tls_fails(target: RtspTarget) -> str:
    """FFmpeg says no more than "input/output error": asks the certificate again, and says what is wrong with it."""
    parts = urlsplit(target.url)
    address = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    try:
        context = ssl.create_default_context(cafile=str(target.ca or DEFAULT_CA_BUNDLE_PATH))
    except OSError as error:
        return f"the CA file {target.ca} cannot be used: {error}"
    try:
        with (
            socket.create_connection(address, timeout=target.open_timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=address[0]),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, UnicodeError):  # a host name that cannot be one is a UnicodeError
        return ""
