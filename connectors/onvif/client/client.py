"""What Vigie asks of a VMS's ONVIF bridge. Reads only: no call here changes a camera or the bridge's settings."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import structlog

from connectors.onvif.client.events import EventService
from connectors.onvif.client.exchange import Exchange, require_ok
from connectors.onvif.client.media import DeviceInformation, Profile, Services
from connectors.onvif.client.soap import SoapPeer
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.http import HttpSession
from core.contracts import ConnectorServices
from core.errors import NotFoundInVms, ProtocolViolation, VmsRefused
from core.redaction import redact
from core.types import VmsCamera

_PLAYABLE: Final = frozenset({"H264", "H265", "JPEG", "H.264", "H.265", "HEVC", "MPEG4", "MPV4-ES", ""})
"""What FFmpeg decodes. Media writes JPEG, MPEG4, H264; Media2 IANA's names; empty where it is not told."""

_REMEMBERED_S: Final = 30.0
"""So long one answer serves all cameras: a site's streams are opened together."""

_MAX_SNAPSHOT_BYTES: Final = 32 * 1024 * 1024
_JPEG: Final = b"\xff\xd8"
_TOLD_STEP_S: Final = 1.0
"""``GetSystemDateAndTime`` tells whole seconds: on average its clock is half a step further."""

_WEB_PORTS: Final = {"https": 443, "http": 80}
_log = structlog.get_logger(component="onvif")


@dataclass(frozen=True, slots=True)
class _Known:
    profiles: tuple[Profile, ...]
    asked_at: float


class OnvifClient:
    """One bridge, by the account of the settings. Connects lazily; thread-safe; every wait has a time-out.

    Raises ``VmsError`` only: see ``faults.MEANINGS`` for what the bridge's own words mean.
    """

    def __init__(self, settings: OnvifSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._clock = services.clock
        self._secrets = services.secrets
        self._http = HttpSession(ca=settings.ca_file(services.site_dir), timeout_s=settings.timeout_s)
        self._exchange = Exchange(settings, self._http, self.password, services.clock)
        peer = SoapPeer(settings, self._exchange, self.password, services.clock, self._offset_s)
        self._services = Services(settings, peer)
        self._known = _Known((), float("-inf"))
        self._asking = threading.Lock()
        self._offset: float | None = None
        self.events: Final = EventService(settings, peer, self._services, services.clock)

    def password(self) -> str:
        """The account's password. Raises ``SecretError``."""
        return self._secrets(self._settings.password)

    def information(self) -> DeviceInformation:
        """Who the bridge says it is; the first call that needs the account."""
        return self._services.information()

    def addresses(self) -> Mapping[str, str]:
        """Namespace of each service that it has → its address."""
        return self._services.addresses()

    def cameras(self) -> list[VmsCamera]:
        """Its video sources: ``device`` is the token of the source. A source that has no profile cannot be seen."""
        named: dict[str, str] = {}
        for profile in self.profiles(fresh=True):
            named.setdefault(profile.source, profile.source_name or profile.name or profile.source)
        return [VmsCamera(device=device, name=name) for device, name in named.items()]

    def profiles(self, *, fresh: bool = False) -> tuple[Profile, ...]:
        """What it offers; remembered for half a minute unless ``fresh``."""
        with self._asking:
            if fresh or self._clock.monotonic() - self._known.asked_at > _REMEMBERED_S:
                if fresh:
                    self._services.forget()
                self._known = _Known(tuple(self._services.profiles()), self._clock.monotonic())
            return self._known.profiles

    def stream_uri(self, device: str) -> str:
        """Where its video is, without credentials. ``device``: the token of a video source, or of a profile.

        Raises ``NotFoundInVms``, and ``VmsRefused`` for a host or a scheme that the site file does not allow.
        """
        profile = self._profile(device)
        what = f"the stream of {device}"
        told = self._services.stream_uri(profile.token, self._settings.transport)
        self._settings.require_declared(told, what)
        parts = self._stream_parts(urlsplit(told), what)
        is_encrypted = parts.scheme == "rtsps" or self._settings.transport == "https"
        if not is_encrypted and not self._settings.allow_http:
            raise VmsRefused(
                f"{what} is {redact(told)}, which is not encrypted",
                remedy="Choose transport: https, or enable RTSPS in the bridge; or set allow_http: true to accept that"
                " video travels in clear.",
            )
        return urlunsplit(parts)

    def snapshot(self, device: str) -> bytes:
        """A JPEG of what it shows now. Raises ``ActionNotSupported`` where the bridge has no snapshots."""
        profile, what = self._profile(device), f"the snapshot of {device}"
        url = self._services.snapshot_uri(profile.token)
        reply = self._exchange.send("GET", url, what=what, max_bytes=_MAX_SNAPSHOT_BYTES, digest=True)
        picture = require_ok(reply, what).content
        if not picture.startswith(_JPEG):
            raise ProtocolViolation(f"{what} is no JPEG", remedy="Look at the snapshot's address in a browser.")
        return picture

    def measured_offset_s(self) -> float | None:
        """How far its clock is ahead of ours; None where it does not tell. Asked afresh, needs no account."""
        before = self._clock.utc()
        told = self._services.utc()
        now = (before + self._clock.utc()) / 2
        self._offset = None if told is None else told + _TOLD_STEP_S / 2 - now
        return self._offset

    def close(self) -> None:
        """Lets go of its connections. May be called twice."""
        self._http.close()

    def _offset_s(self, afresh: bool) -> float:
        """For UsernameTokens. A bridge that does not tell its time is taken to have ours."""
        if self._offset is None or afresh:
            try:
                offset = self.measured_offset_s() or 0.0
            except (VmsRefused, ProtocolViolation) as error:
                _log.warning("the bridge does not tell its time", vms=self._settings.id, reason=str(error))
                offset = 0.0
            if abs(offset) > self._settings.clock_skew_s:
                _log.warning("the bridge's clock is wrong", vms=self._settings.id, ahead_s=round(offset, 1))
            self._offset = offset
        return self._offset

    def _profile(self, device: str) -> Profile:
        """The one whose height is nearest to the settings', of those that show this source and can be decoded."""
        for fresh in (False, True):
            profiles = [item for item in self.profiles(fresh=fresh) if device in {item.source, item.token}]
            if profiles:
                break
        else:
            raise NotFoundInVms(
                f"{self._settings.id}: the bridge shows no video source and no profile {device!r} to this account",
                remedy="Run 'vigie check': it lists the tokens that the bridge has.",
            )
        exact = [item for item in profiles if item.token == device and item.source != device]
        playable = [item for item in exact or profiles if item.encoding in _PLAYABLE]
        if not playable:
            offered = ", ".join(sorted({item.encoding for item in profiles}))
            raise VmsRefused(f"{device} is only offered as {offered}", remedy="Offer H.264 or H.265 in the bridge.")
        wanted = self._settings.height
        return min(playable, key=lambda item: -item.height if wanted is None else abs(item.height - wanted))

    def _stream_parts(self, told: SplitResult, what: str) -> SplitResult:
        """As FFmpeg takes it: ``rtsp://``, also through a tunnel, which is on the web service's port (SPEC:Media2)."""
        if told.scheme not in {"rtsp", "rtsps", *_WEB_PORTS}:
            raise ProtocolViolation(f"{what} is announced as {redact(urlunsplit(told))}, which is no RTSP address")
        try:
            port = told.port
        except ValueError as error:
            raise ProtocolViolation(f"{what} is announced with a port that is none") from error
        is_tunnelled = self._settings.transport in _WEB_PORTS
        if told.scheme in _WEB_PORTS:
            port = port or _WEB_PORTS[told.scheme]
        elif is_tunnelled and port is None:
            own = urlsplit(self._settings.url)
            port = own.port or _WEB_PORTS[own.scheme]
        host = told.hostname or ""
        host = f"[{host}]" if ":" in host else host
        scheme = "rtsps" if told.scheme == "rtsps" and not is_tunnelled else "rtsp"
        return told._replace(scheme=scheme, netloc=f"{host}:{port}" if port else host, fragment="")
