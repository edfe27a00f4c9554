from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.genetec.sdk.connector import GenetecSdkConnector
from core import registry
from core.contracts import Capability
from tests.connectors.genetec import samples
from tests.connectors.genetec.sdk.center import sdk_settings, services


@pytest.mark.parametrize(
    "given",
    [
        {"url": ""},
        {"url": "https://directory"},
        {"url": "user:password@directory"},
        {"media_gateway": "rtsp://mg"},
        {"media_gateway": "mg:notaport"},
        {"runtime": "wine"},
        {"publish": ["alarm"], "alarm": None},
        {"overlays": [{"camera": "a", "rotation_deg": 45}]},
        {"overlays": [{"camera": "a", "width": 0}]},
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        sdk_settings(**given)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ("directory", 654)),
        ({"url": "directory:5501"}, ("directory", 654)),
        ({"media_gateway": "mg"}, ("mg", 654)),
        ({"media_gateway": "mg:8554"}, ("mg", 8554)),
    ],
)
def test_the_media_gateway_is_on_the_directory_unless_named(given: dict[str, str], wanted: tuple[str, int]) -> None:
    assert sdk_settings(**given).gateway() == wanted


def test_the_connector_is_installed_by_its_type_and_starts_nothing_by_itself() -> None:
    assert registry.connector("genetec-sdk") is GenetecSdkConnector
    connector = GenetecSdkConnector(sdk_settings(publish=["event", "metadata", "event"], control=[]), services())
    assert Capability.BOXES in connector.capabilities
    assert connector.actions() == ("event",)
    assert connector.control_channels() == ()
    assert connector.bridge.lives == 0
    connector.close()


def test_settings_of_another_connector_are_a_defect() -> None:
    with pytest.raises(TypeError):
        GenetecSdkConnector(samples.settings(), services())
