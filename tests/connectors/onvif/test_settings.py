from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.onvif.settings import OnvifSettings


def settings(**device: Any) -> OnvifSettings:
    return OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": "https://bridge.test",
            "username": "vigie",
            "password": {"env": "X"},
            "allow_http": True,
            "device": {"password": {"env": "X"}, **device},
        }
    )


@pytest.mark.parametrize("host", ["vigie.site.local", "192.0.2.7", "2001:db8::7", ""])
def test_a_host_is_a_bare_name_or_address(host: str) -> None:
    device = settings(host=host).device
    assert device is not None
    assert device.host == host


@pytest.mark.parametrize("host", ["https://vigie", "vigie:8443", "vigie/onvif", "user@vigie", "vigie site"])
def test_a_host_that_would_spoil_every_address_the_vms_is_told_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="bare host names"):
        settings(host=host)


@pytest.mark.parametrize("rtsp", ["0.0.0.0:8443", "127.0.0.1:8443"])
def test_two_servers_cannot_have_one_port(rtsp: str) -> None:
    with pytest.raises(ValidationError, match="a port each"):
        settings(listen="0.0.0.0:8443", rtsp=rtsp)


def test_any_free_port_may_be_asked_for_twice() -> None:
    device = settings(listen="127.0.0.1:0", rtsp="127.0.0.1:0").device
    assert device is not None
    assert (device.listen, device.rtsp) == ("127.0.0.1:0", "127.0.0.1:0")
