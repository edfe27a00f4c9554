from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from analytics.commands.probe import COMMAND
from core import registry
from core.errors import StreamEnded, UsageError, VmsUnavailable
from core.types import Packet, Picture
from tests.analytics.coded import coded
from tests.plugins import install_plugin

pytestmark = pytest.mark.slow

PLUGIN = """
import threading
import time
from dataclasses import replace
from typing import Literal
from config.model import VmsSettings

class Settings(VmsSettings):
    type: Literal["paced"]

class Source:
    def __init__(self, tape):
        self.tape = tape

    def packets(self):
        for item in self.tape:
            if isinstance(item, Exception):
                raise item
            threading.Event().wait(0.04)
            yield replace(item, captured_at=time.time(), received_at=time.monotonic())

    def close(self):
        Paced.closed.append("source")

class Paced:
    settings_model = Settings
    capabilities = frozenset()
    tapes, closed = {}, []

    def __init__(self, settings, services):
        pass

    def open_video(self, camera):
        return Source(self.tapes[camera.device])

    def close(self):
        Paced.closed.append("connector")
"""
SITE = """
version: 1
site: {name: "Quai <Nord>", timezone: Europe/Paris, language: LANGUAGE}
analysis: {fps: 5}
vms: [{id: hall, type: paced, url: "https://hall.site.test", username: u, password: {env: P}}]
cameras:
  - {id: gate, name: Porte, vms: hall, device: good}
  - {id: yard, vms: hall, device: gone}
  - {id: dock, vms: hall, device: broken}
  - {id: spare, vms: hall, device: absent, enabled: false}
"""


def squares(picture: Picture, _number: int) -> None:
    small = np.random.default_rng(1).integers(40, 216, (18, 22, 3), np.uint8)
    picture[:] = np.kron(small, np.ones((32, 32, 1), np.uint8))


@pytest.fixture(scope="module")
def packets() -> list[Packet]:
    return coded(count=60, gop=12, options={"bf": "0", "preset": "ultrafast"}, paint=squares, size=(704, 576))


@pytest.fixture
def paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packets: list[Packet]) -> Iterator[Any]:
    """The connector class of a VMS that plays each device's tape in real time."""
    name = "vigie_paced_plugin"
    points = {"vigie.connectors:paced": f"{name}:Paced"}
    install_plugin(tmp_path / "plugin", monkeypatch, module=name, code=PLUGIN, entry_points=points)
    made: Any = registry.connector("paced")
    made.tapes.update(
        good=packets,
        gone=[VmsUnavailable("the camera does not answer", remedy="Switch it on.")],
        broken=[*packets[:10], StreamEnded("the VMS closed the stream")],
    )
    yield made
    registry.kinds.cache_clear()


def probe(folder: Path, *more: str, language: str = "en") -> int:
    path = folder / "site.yaml"
    path.write_text(SITE.replace("LANGUAGE", language), encoding="utf-8")
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(path), "--seconds", "1.6", *more]))


def test_every_enabled_camera_is_reported_and_a_red_one_fails(
    tmp_path: Path, paced: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe(tmp_path, "--json") == 1
    gate, yard, dock = json.loads(capsys.readouterr().out)["cameras"]
    assert gate["camera"] == "gate"
    assert gate["level"] != "red", gate["findings"]
    assert gate["figures"]["fps"] > 5.0
    assert (gate["figures"]["width"], gate["figures"]["codec"]) == (704, "h264")
    assert gate["person_height_px"] > 0
    assert yard["figures"] is None
    assert [finding["remedy"] for finding in yard["findings"]] == ["Switch it on."]
    assert dock["figures"]["codec"] == "h264"
    assert dock["findings"][0]["message"] == "the VMS closed the stream"
    assert paced.closed.count("source") == 3
    assert paced.closed[-1] == "connector"


@pytest.mark.parametrize(("language", "word"), [("fr", "ne convient pas"), ("en", "does not fit")])
def test_the_page_is_whole_and_in_the_sites_language(
    tmp_path: Path, paced: ModuleType, language: str, word: str
) -> None:
    target = tmp_path / "report.html"
    assert probe(tmp_path, "--html", str(target), language=language) == 1
    page = target.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    assert word in page
    assert "Quai &lt;Nord&gt;" in page
    assert "704 x 576" in page
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_table_names_what_to_do(tmp_path: Path, paced: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    paced.tapes["gone"] = paced.tapes["broken"] = paced.tapes["good"]
    assert probe(tmp_path) == 0
    paced.tapes["gone"] = [VmsUnavailable("the camera does not answer", remedy="Switch it on.")]
    assert probe(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "red\tyard\t\t\tthe camera does not answer\tSwitch it on." in lines


def test_a_page_that_cannot_be_written_is_wrong_use(tmp_path: Path, paced: ModuleType) -> None:
    paced.tapes.update(good=[VmsUnavailable("gone")], broken=[VmsUnavailable("gone")])
    with pytest.raises(UsageError):
        probe(tmp_path, "--html", str(tmp_path))
