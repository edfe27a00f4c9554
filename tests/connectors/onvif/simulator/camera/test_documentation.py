from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from connectors.onvif.simulator.camera.simulator import FAULTS
from connectors.onvif.simulator.camera.streams import CAMERA_OUTCOMES, VIDEO_OUTCOMES
from tests.connectors.onvif.simulator.camera.running import Bridge

PAGE = Path(__file__).parents[5] / "docs" / "simulators-onvif.md"


def _half() -> str:
    return PAGE.read_text(encoding="utf-8").partition("simulate onvif-camera`\n")[2]


@pytest.mark.parametrize("plan", FAULTS)
def test_every_fault_is_on_its_page(plan: str) -> None:
    told = set(re.findall(r"`([^`\s]+)`", _half()))
    assert {plan, *FAULTS[plan]} <= told


def test_every_act_is_on_its_page(bridge: Bridge) -> None:
    acts = requests.get(f"{bridge.announced.admin}/acts", timeout=5).json()
    assert set(acts) <= set(re.findall(r"`([^`\s]+)`", _half()))


def test_one_camera_takes_what_all_can_take_but_for_what_befalls_the_service() -> None:
    assert {"stall", "away", "refuse"} == VIDEO_OUTCOMES - CAMERA_OUTCOMES
