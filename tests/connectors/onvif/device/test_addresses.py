from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.model import CameraSettings, SecretRef
from connectors.onvif.device.addresses import StreamAddressBook
from connectors.onvif.device.model import Channel, StreamProtocol
from connectors.onvif.settings import DeviceSettings
from connectors.protocols.rtsp.feeds import MetadataFeed

CHANNEL = Channel(
    index=0, camera=CameraSettings(id="quai-1", vms="vms", device="source"), video=None, metadata=MetadataFeed()
)
TLS: dict[str, Any] = {"certificate": Path("a.pem"), "key": Path("a.key")}
GROUPS: dict[str, Any] = {"multicast": {"address": "239.1.2.0"}}


def book(*, rtsp: int | None = None, rtsps: int | None = None, **given: Any) -> StreamAddressBook:
    ports = {"rtsp": f"0.0.0.0:{rtsp}"} if rtsp else {}
    settings = DeviceSettings.model_validate({"password": SecretRef(env="X"), **ports, **given})
    return StreamAddressBook(settings, web=8443, rtsp=rtsp, rtsps=rtsps)


@pytest.mark.parametrize(
    ("addresses", "protocol", "told"),
    [
        (book(**TLS), StreamProtocol.RTSP_OVER_HTTP, "https://vigie:8443"),
        (book(), StreamProtocol.RTSP_OVER_HTTP, "http://vigie:8443"),
        (book(**TLS), StreamProtocol.RTSP, "rtsps://vigie:8443"),
        (book(), StreamProtocol.RTSP, "rtsp://vigie:8443"),
        (book(rtsp=554, **TLS), StreamProtocol.RTSP, "rtsp://vigie:554"),
        (book(**TLS), StreamProtocol.RTSPS_UNICAST, "rtsps://vigie:8443"),
        (book(rtsps=322, **TLS), StreamProtocol.RTSPS_UNICAST, "rtsps://vigie:322"),
        (book(), StreamProtocol.RTSPS_UNICAST, None),
        (book(rtsp=554), StreamProtocol.RTSP_UNICAST, None),
        (book(rtsp=554, udp=True), StreamProtocol.RTSP_UNICAST, "rtsp://vigie:554"),
        (book(rtsp=554), StreamProtocol.RTSP_MULTICAST, None),
        (book(rtsp=554, **GROUPS), StreamProtocol.RTSP_MULTICAST, "rtsp://vigie:554"),
    ],
)
def test_a_stream_is_told_at_the_host_that_was_asked_where_the_settings_offer_it(
    addresses: StreamAddressBook, protocol: StreamProtocol, told: str | None
) -> None:
    found = addresses(CHANNEL, protocol, "vigie")
    assert found == (told and f"{told}/onvif/stream/quai-1")
