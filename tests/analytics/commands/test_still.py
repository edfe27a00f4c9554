from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analytics.commands.still import COMMAND, first_picture
from core import registry
from core.errors import UsageError, VmsError, VmsUnavailable
from core.fakes import FakeVideoSource
from tests.analytics.coded import coded, h264, number_of
from tests.plugins import install_plugin

pytestmark = pytest.mark.slow

PLUGIN = """
from typing import Literal
from config.model import VmsSettings
from core.fakes import FakeVideoSource

class Settings(VmsSettings):
    type: Literal["filming"]

class Filming:
    settings_model = Settings
    film, closed = [], []

    def __init__(self, settings, services):
        pass

    def open_video(self, camera):
        return FakeVideoSource(self.film)

    def close(self):
        self.closed.append("connector")
"""
SITE = """
version: 1
site: {name: Gare}
vms: [{id: v, type: filming, url: 'https://vms', username: u, password: {secret: p}}]
cameras: [{id: dome, vms: v, device: d}]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    name = "vigie_filming_plugin"
    points = {"vigie.connectors:filming": f"{name}:Filming"}
    install_plugin(tmp_path / "plugin", monkeypatch, module=name, code=PLUGIN, entry_points=points)
    connector: Any = registry.connector("filming")
    connector.film[:] = h264()
    path = tmp_path / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    yield path
    registry.kinds.cache_clear()


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(argument) for argument in arguments]))


def test_a_still_shows_what_the_camera_shows(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "dome.jpg"
    assert run(site, "dome", out) == 0
    picture = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert number_of(np.asarray(picture, np.uint8)) == 0
    connector: Any = registry.connector("filming")
    assert connector.closed == ["connector"]


def test_an_unknown_camera_is_told_with_those_there_are(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no camera 'dom'") as caught:
        run(site, "dom", tmp_path / "dome.jpg")
    assert "dome" in caught.value.remedy


def test_a_place_that_cannot_be_written_is_told(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        run(site, "dome", tmp_path / "absent" / "dome.jpg")


def test_the_first_picture_is_the_one_of_the_next_key_frame() -> None:
    source = FakeVideoSource(h264()[3:])
    assert number_of(first_picture(source).gray()) == 10


def test_a_stream_that_fails_says_why() -> None:
    with pytest.raises(VmsUnavailable, match="gone"):
        first_picture(FakeVideoSource([], failure=VmsUnavailable("gone")))


def test_a_stream_without_a_picture_ends_the_wait() -> None:
    packets = [packet for packet in coded(count=60, gop=600, options={"bf": "0"}) if not packet.is_key]
    with pytest.raises(VmsError, match="no picture"):
        first_picture(FakeVideoSource(packets * 10))
