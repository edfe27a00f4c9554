"""A device with cameras of given videos, and requests to its media and analytics services without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from lxml import etree

from config.model import CameraSettings
from connectors.onvif.device.calls import Call, Fault, Operation
from connectors.onvif.device.identity import identity_of
from connectors.onvif.device.model import Channel, Device, StreamProtocol
from connectors.onvif.device.xml import PREFIXES
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.live import LiveListener, LivePacket
from connectors.protocols.rtsp.feeds import MetadataFeed, VideoFeed, VideoFormat
from core.clock import ManualClock
from tests.connectors.onvif.schemas import validate

NAMES = dict(PREFIXES)
UNKNOWN = None
H264 = VideoFormat(
    codec="h264", width=1280, height=720, fps=12.5, parameter_sets=(b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c\x80")
)
H265 = VideoFormat(
    codec="hevc",
    width=3840,
    height=2160,
    fps=None,
    parameter_sets=(b"\x40\x01\x0c\x01", b"\x42\x01\x01\x02\x20\x00", b"\x44\x01\xc1"),
)
JPEG = VideoFormat(codec="mjpeg", width=640, height=480, fps=5.0)

GROUPS: dict[str, Any] = {"rtsp": "0.0.0.0:554", "multicast": {"address": "239.1.2.10", "port": 5006, "ttl": 4}}


class Video(VideoFeed):
    """A video of that format, of which nobody sees a picture."""

    def __init__(self, told: VideoFormat | None) -> None:
        self.told = told

    @property
    def format(self) -> VideoFormat | None:
        return self.told

    def gop(self) -> Sequence[LivePacket]:
        return ()

    def listen(self, limit: int = 256) -> AbstractAsyncContextManager[LiveListener]:
        raise AssertionError("no service listens to video")


def a_channel(
    index: int, video: VideoFeed | None, joined: Callable[[], None] = lambda: None, name: str = ""
) -> Channel:
    camera = CameraSettings(id=f"cam-{index}", name=name, vms="vms", device="0")
    return Channel(index=index, camera=camera, video=video, metadata=MetadataFeed(joined))


def a_device(*channels: Channel, uris: Mapping[StreamProtocol, str] | None = None, **own: Any) -> Device:
    settings = OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": "http://vms.site.local",
            "allow_http": True,
            "username": "vigie",
            "password": {"secret": "x"},
            "device": {"password": {"secret": "y"}, **own},
        }
    )
    addresses = uris or {}
    return Device(
        settings=settings,
        identity=identity_of(settings, host="here"),
        channels=channels,
        clock=ManualClock(),
        stream_uri=lambda channel, protocol, asked_at: (
            addresses[protocol].format(host=asked_at, token=channel.token) if protocol in addresses else None
        ),
    )


class Client:
    """Asks the operations of one service; each request and each answer is validated by ONVIF's schemas."""

    def __init__(self, operations: Sequence[Operation], prefix: str) -> None:
        self.operations = {operation.name: operation for operation in operations}
        self._prefix = prefix

    def ask(self, name: str, body: str = "") -> etree._Element:
        """``body`` may use every prefix of the device, and ``p`` for the service's."""
        spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
        request = etree.fromstring(
            f'<p:{name} xmlns:p="{PREFIXES[self._prefix]}" {spaces} xmlns:vigie="urn:vigie:onvif:analytics">{body}</p:{name}>'
        )
        validate(request)
        answer = self.operations[name].handle(
            Call(body=request, base_url="https://vigie.site.local:8443", path="/onvif/any")
        )
        assert isinstance(answer, etree._Element)
        assert answer.tag == f"{{{PREFIXES[self._prefix]}}}{name}Response"
        validate(answer)
        return etree.fromstring(etree.tostring(answer))

    def profiles(self) -> bytes:
        """Every profile with all that it holds, as told now."""
        return etree.tostring(self.ask("GetProfiles", "<p:Type>All</p:Type>" if self._prefix == "tr2" else ""))

    def refused(self, name: str, body: str = "") -> tuple[str, ...]:
        """Code and subcodes of the fault that the request gets."""
        with pytest.raises(Fault) as caught:
            self.ask(name, body)
        return caught.value.code, *caught.value.subcodes


def texts(answer: etree._Element, path: str) -> list[str]:
    """Texts of the elements on that path of prefixed names."""
    return [found.text or "" for found in answer.findall(path, NAMES)]


def attributes(answer: etree._Element, path: str, name: str) -> list[str | None]:
    return [found.get(name) for found in answer.findall(path, NAMES)]


NO_PROFILE = ("Sender", "InvalidArgVal", "NoProfile")
NO_CONFIG = ("Sender", "InvalidArgVal", "NoConfig")
CONFIG_MODIFY = ("Sender", "InvalidArgVal", "ConfigModify")
CONFLICT = ("Receiver", "Action", "ConfigurationConflict")
NO_STREAM = ("Sender", "InvalidArgVal", "InvalidStreamSetup")
NO_GROUPS = ("Sender", "InvalidArgVal", "InvalidMulticastSettings")
FIXED = ("Sender", "Action", "DeletionOfFixedProfile")
NO_MORE = ("Receiver", "Action", "MaxNVTProfiles")


def metadata_request(token: str, inner: str = "", attributes: str = "") -> str:
    """What clients send in ``SetMetadataConfiguration``; ``inner``: from ``PTZStatus`` to ``Analytics``."""
    return (
        f'<p:Configuration token="{token}" {attributes}><tt:Name>Boxes</tt:Name><tt:UseCount>1</tt:UseCount>{inner}'
        + multicast()
        + "<tt:SessionTimeout>PT10S</tt:SessionTimeout></p:Configuration>"
    )


def multicast(address: str = "0.0.0.0", port: int = 0, ttl: int = 0, auto_start: str = "false") -> str:
    return (
        f"<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>{address}</tt:IPv4Address></tt:Address>"
        f"<tt:Port>{port}</tt:Port><tt:TTL>{ttl}</tt:TTL><tt:AutoStart>{auto_start}</tt:AutoStart></tt:Multicast>"
    )
