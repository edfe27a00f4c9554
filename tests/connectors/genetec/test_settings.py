from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.connectors.genetec.samples import ALARM, settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "sc.example:4590/WebSdk"}, "address of the Web-based SDK role"),
        ({"url": "https://vigie:secret@sc.example/WebSdk"}, "the account has its own fields"),
        ({"url": "http://sc.example:4590/WebSdk"}, "allow_http"),
        ({"url": "HTTP://sc.example:4590/WebSdk"}, "allow_http"),
        ({"publish": ["metadata"]}, "publish"),
        ({"publish": ["alarm"], "alarm_route": "direct"}, "GUID of the alarm"),
        ({"media_gateway": "rtsp://mg:654"}, "host:port"),
        ({"media_gateway": "mg:far"}, "host:port"),
        ({"media_gateway": "vigie@mg:654"}, "host:port"),
        ({"stream": "playback"}, "stream"),
        ({"application_id": "KxsD11z7"}, "application_id"),
        ({"verdicts": {"true": ["default"], "false": ["default"]}}, "both true and false"),
        ({"verdicts": {"true": ["loud"]}}, "verdicts"),
        ({"hosts": ["https://sc02"]}, "bare host names"),
        ({"hosts": ["sc02:4591"]}, "bare host names"),
        ({"hosts": [""]}, "bare host names"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_write(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**given)


@pytest.mark.parametrize(
    ("given", "gateway"),
    [
        ({}, ("sc.example", 654)),
        ({"media_gateway": "mg01"}, ("mg01", 654)),
        ({"media_gateway": "mg01:8554"}, ("mg01", 8554)),
        ({"media_gateway": "[fd00::7]:655"}, ("fd00::7", 655)),
    ],
)
def test_the_media_gateway_is_beside_the_web_sdk_unless_said(given: dict[str, Any], gateway: tuple[str, int]) -> None:
    assert settings(**given).gateway() == gateway


def test_plain_http_and_direct_alarms_are_possible_when_said() -> None:
    assert settings(url="http://sc.example/WebSdk/", allow_http=True).url == "http://sc.example/WebSdk"
    assert settings(publish=["alarm"], alarm_route="direct", alarm=ALARM).alarm


def test_credentials_go_to_the_role_s_host_and_to_those_that_are_named() -> None:
    made = settings(hosts=["SC02.example", "[fd00::7]"])
    assert made.declared_hosts() == {"sc.example", "sc02.example", "fd00::7"}


def test_control_is_accepted() -> None:
    assert settings(control=[{"event": "Nuit", "state": "armed"}]).control[0].event == "Nuit"
