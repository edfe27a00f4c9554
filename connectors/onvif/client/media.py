"""Device and media services of a bridge through zeep: who it is, its clock, its profiles, where streams and snapshots are.

The WSDLs are our own (``wsdl/``) with the published names and orders of parameters. Media2 is asked first, then the older
media service: many bridges have only that one (research, A2).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final, TypeVar

import zeep
import zeep.exceptions
import zeep.wsdl

from connectors.onvif.client.faults import ActionNotSupported
from connectors.onvif.client.soap import WSDL_FOLDER, OwnFiles, SoapPeer
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.rtsp_source import RtspTransport
from core.errors import NotFoundInVms, ProtocolViolation
from core.redaction import redact
from core.types import UtcSeconds

DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
EVENTS: Final = "http://www.onvif.org/ver10/events/wsdl"

_Value = TypeVar("_Value")

_SETTINGS: Final = zeep.Settings(strict=False, forbid_dtd=True)

_FILES: Final = {DEVICE: ("device.wsdl", "Device"), MEDIA: ("media.wsdl", "Media"), MEDIA2: ("media2.wsdl", "Media2")}
_ASKED_TYPES: Final = ("VideoSource", "VideoEncoder")
_EXCERPT: Final = 300
_LAST_SECOND: Final = 59
"""The 60 of a leap second is none for Python."""

MEDIA2_PROTOCOLS: Final[Mapping[RtspTransport, str]] = {
    "tcp": "RTSP",
    "udp": "RtspUnicast",
    "udp_multicast": "RtspMulticast",
    "http": "RtspOverHttp",
    "https": "RtspOverHttp",
}
"""Words of Media2's ``GetStreamUri`` (SPEC:Media2)."""

MEDIA_SETUPS: Final[Mapping[RtspTransport, tuple[str, str]]] = {
    "tcp": ("RTP-Unicast", "RTSP"),
    "udp": ("RTP-Unicast", "UDP"),
    "udp_multicast": ("RTP-Multicast", "UDP"),
    "http": ("RTP-Unicast", "HTTP"),
    "https": ("RTP-Unicast", "HTTP"),
}
"""Stream type and protocol of the older service's ``StreamSetup`` (its WSDL)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to see a video source. ``height`` in pixels, 0 where it is not told; ``encoding`` as in ``H264``."""

    token: str
    name: str
    source: str
    configuration: str
    source_name: str
    encoding: str
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInformation:
    """What the bridge says of itself."""

    manufacturer: str
    model: str
    firmware: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.manufacturer, self.model, self.firmware))) or "a bridge without a name"


class Services:
    """Zeep's services of one bridge, made when first needed. Thread-safe."""

    def __init__(self, settings: OnvifSettings, peer: SoapPeer) -> None:
        self._settings = settings
        self._peer = peer
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._addresses: dict[str, str] = {}

    def utc(self) -> UtcSeconds | None:
        """The bridge's clock, in whole seconds; None where it does not tell UTC."""
        with _spoken(f"the clock of {self._settings.url}") as what:
            told = self._device().GetSystemDateAndTime()
            moment = _member(told, "UTCDateTime")
            return _utc(moment, what) if moment is not None else None

    def information(self) -> DeviceInformation:
        """Maker, model, release."""
        with _spoken(f"device information of {self._settings.url}"):
            told = self._device().GetDeviceInformation()
            return DeviceInformation(
                manufacturer=_text(told, "Manufacturer"),
                model=_text(told, "Model"),
                firmware=_text(told, "FirmwareVersion"),
            )

    def addresses(self) -> Mapping[str, str]:
        """Namespace of each service → its address; asked once."""
        with self._lock:
            if not self._addresses:
                self._addresses = self._asked_addresses()
            return dict(self._addresses)

    def forget(self) -> None:
        """The addresses are asked again: the bridge may have been reconfigured."""
        with self._lock:
            self._addresses = {}

    def profiles(self) -> list[Profile]:
        """Every profile with a video source, by Media2 or else by Media."""
        return self._by_media(self._profiles2, self._profiles)

    def stream_uri(self, profile: str, transport: RtspTransport) -> str:
        """Where the bridge streams that profile."""
        return self._by_media(
            partial(self._stream_uri2, profile, transport), partial(self._stream_uri, profile, transport)
        )

    def snapshot_uri(self, profile: str) -> str:
        """Where it gives a JPEG of that profile."""
        return self._by_media(partial(self._snapshot_uri2, profile), partial(self._snapshot_uri, profile))

    def _by_media(self, newer: Callable[[Any], _Value], older: Callable[[Any], _Value]) -> _Value:
        addresses = self.addresses()
        if MEDIA2 in addresses:
            try:
                return newer(self._service(MEDIA2, addresses[MEDIA2]))
            except ActionNotSupported:
                if MEDIA not in addresses:
                    raise
        if MEDIA not in addresses:
            raise NotFoundInVms(
                f"{self._settings.url} announces no media service",
                remedy="Check that 'url' is a VMS's ONVIF bridge, and that video is enabled in it.",
            )
        return older(self._service(MEDIA, addresses[MEDIA]))

    def _profiles2(self, service: Any) -> list[Profile]:
        with _spoken(f"profiles of {self._settings.url}") as what:
            found = service.GetProfiles(Type=list(_ASKED_TYPES)) or []
            return list(_read(found, what, lambda item: _member(item, "Configurations"), "VideoSource", "VideoEncoder"))

    def _profiles(self, service: Any) -> list[Profile]:
        with _spoken(f"profiles of {self._settings.url}") as what:
            found = service.GetProfiles() or []
            names = ("VideoSourceConfiguration", "VideoEncoderConfiguration")
            return list(_read(found, what, lambda item: item, *names))

    def _stream_uri2(self, profile: str, transport: RtspTransport, service: Any) -> str:
        with _spoken(f"stream address of {profile}") as what:
            return _uri(service.GetStreamUri(Protocol=MEDIA2_PROTOCOLS[transport], ProfileToken=profile), what)

    def _stream_uri(self, profile: str, transport: RtspTransport, service: Any) -> str:
        stream, protocol = MEDIA_SETUPS[transport]
        with _spoken(f"stream address of {profile}") as what:
            setup = {"Stream": stream, "Transport": {"Protocol": protocol}}
            return _uri(service.GetStreamUri(StreamSetup=setup, ProfileToken=profile), what)

    def _snapshot_uri2(self, profile: str, service: Any) -> str:
        with _spoken(f"snapshot address of {profile}") as what:
            return _uri(service.GetSnapshotUri(ProfileToken=profile), what)

    def _snapshot_uri(self, profile: str, service: Any) -> str:
        with _spoken(f"snapshot address of {profile}") as what:
            return _uri(service.GetSnapshotUri(ProfileToken=profile), what)

    def _asked_addresses(self) -> dict[str, str]:
        try:
            with _spoken(f"services of {self._settings.url}"):
                told = self._device().GetServices(IncludeCapability=False) or []
                return {_text(item, "Namespace"): _text(item, "XAddr") for item in told if _text(item, "XAddr")}
        except ActionNotSupported:
            return self._asked_capabilities()

    def _asked_capabilities(self) -> dict[str, str]:
        """Bridges older than ``GetServices``."""
        with _spoken(f"capabilities of {self._settings.url}"):
            told = self._device().GetCapabilities(Category=["All"])
            named = {MEDIA: _member(told, "Media"), EVENTS: _member(told, "Events")}
            return {namespace: _text(item, "XAddr") for namespace, item in named.items() if _text(item, "XAddr")}

    def _device(self) -> Any:
        return self._service(DEVICE, self._settings.url)

    def _service(self, namespace: str, address: str) -> Any:
        file, name = _FILES[namespace]
        client = self._clients.get(namespace)
        if client is None:
            client = zeep.Client(_described(file), transport=self._peer, settings=_SETTINGS)  # type: ignore[no-untyped-call]
            self._clients[namespace] = client
        return client.create_service(f"{{{namespace}}}{name}Binding", address)


@cache
def _described(file: str) -> Any:
    """What one of our WSDLs says; read once in a process."""
    files: Any = OwnFiles()  # zeep's annotation asks for the class of its own transport
    return zeep.wsdl.Document(str(WSDL_FOLDER / file), files, settings=_SETTINGS)


@contextmanager
def _spoken(what: str) -> Iterator[str]:
    """Around an operation: what zeep, or we, cannot read becomes ``ProtocolViolation``."""
    try:
        yield what
    except (zeep.exceptions.Error, ValueError, KeyError, TypeError, OverflowError) as error:
        # KeyError, TypeError: of an answer of another shape zeep makes objects of another shape, without complaint.
        raise ProtocolViolation(
            f"{what}: the answer cannot be read ({redact(str(error))[:_EXCERPT]})",
            remedy="Look at the bridge's version; other ONVIF clients, such as ONVIF Device Manager, show whether they read it.",
        ) from error


def _read(items: Any, what: str, configurations: Any, source_name: str, encoder_name: str) -> Iterator[Profile]:
    """Profiles without video source or encoder show nothing that could be analysed."""
    for item in items:
        token = _text(item, "token")
        source = _member(configurations(item), source_name)
        encoder = _member(configurations(item), encoder_name)
        if not token:
            raise ProtocolViolation(f"{what}: a profile has no token", remedy="Look at the bridge's version.")
        if encoder is None:
            continue
        yield Profile(
            token=token,
            name=_text(item, "Name"),
            source=_text(source, "SourceToken") or token,
            configuration=_text(source, "token"),
            source_name=_text(source, "Name"),
            encoding=_text(encoder, "Encoding").upper(),
            height=_member(_member(encoder, "Resolution"), "Height") or 0,
        )


def _utc(moment: Any, what: str) -> UtcSeconds:
    date, time = _member(moment, "Date"), _member(moment, "Time")
    numbers = [_member(date, name) for name in ("Year", "Month", "Day")]
    numbers += [_member(time, name) for name in ("Hour", "Minute", "Second")]
    if any(number is None for number in numbers):
        raise ProtocolViolation(f"{what}: the time is not complete", remedy="Set the bridge's clock.")
    year, month, day, hour, minute, second = map(int, numbers)
    return datetime(year, month, day, hour, minute, min(second, _LAST_SECOND), tzinfo=UTC).timestamp()


def _uri(told: Any, what: str) -> str:
    """Zeep hands on the only member of an element instead of the element, here down to the text."""
    uri = str(told or "").strip()
    if not uri:
        raise ProtocolViolation(f"{what}: the answer holds no address", remedy="Look at the profile in the bridge.")
    return uri


def _member(item: Any, name: str) -> Any:
    """None where the item, or the member, is not there."""
    return None if item is None else getattr(item, name, None)


def _text(item: Any, name: str) -> str:
    return str(_member(item, name) or "").strip()
