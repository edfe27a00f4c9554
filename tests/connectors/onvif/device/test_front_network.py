"""What the running device does with the network that its settings name."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.errors import VmsRefused
from tests.connectors.onvif.device.test_front import CAMERA, front
from tests.connectors.protocols.rtsp.harness import connected_to, digest


@pytest.mark.parametrize(
    ("device", "url"),
    [
        ({"listen": "[::1]:0"}, "http://[::1]:"),
        ({"host": "fd00::5"}, "http://[fd00::5]:"),
        ({"host": "vigie.site.local"}, "http://vigie.site.local:"),
    ],
)
def test_the_address_that_the_vms_is_given_is_one(device: dict[str, Any], url: str) -> None:
    with closing(front(**device)) as made:
        made.start([CAMERA])
        assert made.url.startswith(url)


@pytest.mark.parametrize("udp", [True, False])
def test_rtp_leaves_by_udp_only_where_the_settings_say_so_whichever_port_is_asked(udp: bool) -> None:
    with closing(front(rtsp="127.0.0.1:0", udp=udp)) as made:
        made.start([CAMERA])
        assert asyncio.run(_status_of_udp(urlsplit(made.url).port or 0)) == (200 if udp else 461)


async def _status_of_udp(port: int) -> int:
    url = f"rtsp://127.0.0.1:{port}/onvif/stream/quai-1/trackID=1"
    async with connected_to(port) as client:
        challenge = (await client.ask("SETUP", url)).header("WWW-Authenticate")
        login = digest(challenge, "SETUP", url, user="vms", password="secret")
        wanted = "RTP/AVP;unicast;client_port=40000-40001"
        return (await client.ask("SETUP", url, Transport=wanted, Authorization=login)).status


@pytest.mark.parametrize(
    ("address", "is_enough"), [("239.255.255.248", True), ("239.255.255.249", False), ("239.255.255.255", False)]
)
def test_more_cameras_than_there_are_groups_for_are_refused_with_an_address_that_would_do(
    address: str, is_enough: bool
) -> None:
    cameras = [CAMERA.model_copy(update={"id": f"cam-{index}"}) for index in range(4)]
    with closing(front(rtsp="127.0.0.1:0", multicast={"address": address, "port": 5004})) as made:
        if is_enough:
            made.start(cameras)
            return
        with pytest.raises(VmsRefused, match="4 cameras") as raised:
            made.start(cameras)
        assert "239.255.255.248" in raised.value.remedy
