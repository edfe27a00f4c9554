from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from analytics import replay
from analytics.commands.recorded import COMMAND
from config.load import SettingsProblems
from core import registry
from core.errors import UsageError, VmsUnavailable
from core.types import Packet, Picture
from tests.analytics.coded import START, coded
from tests.analytics.scenes import BrightSpotDetector, spot_at
from tests.plugins import install_plugin

pytestmark = pytest.mark.slow

PLUGIN = """
from contextlib import contextmanager
from typing import Literal
from config.model import VmsSettings
from core.contracts import Capability

class Settings(VmsSettings):
    type: Literal["taped"]

class DeafSettings(VmsSettings):
    type: Literal["deaf"]

class Source:
    def __init__(self, begin, end):
        self.begin, self.end = begin, end

    def packets(self):
        tape = Taped.tapes.pop(0) if Taped.tapes else Taped.tape
        for packet in tape:
            if isinstance(packet, Exception):
                raise packet
            if packet.captured_at <= self.end:
                yield packet

    def close(self):
        Taped.closed.append("source")

class Taped:
    settings_model = Settings
    capabilities = frozenset({Capability.RECORDINGS})
    tape, tapes, asked, closed = [], [], [], []

    def __init__(self, settings, services):
        pass

    def open_recording(self, camera, begin, end):
        self.asked.append((camera.device, begin, end))
        return Source(begin, end)

    def close(self):
        self.closed.append("connector")

class Deaf(Taped):
    settings_model = DeafSettings
    capabilities = frozenset()
"""
SITE = """
version: 1
site: {name: Gare, timezone: Europe/Paris}
analysis: {fps: 10}
vms:
  - {id: tape, type: taped, url: "https://vms.site.test", username: u, password: {env: P}}
  - {id: deaf, type: deaf, url: "https://vms.site.test", username: u, password: {env: P}}
cameras:
  - id: gate
    vms: tape
    device: d-1
    rules:
      - {id: yard, name: Yard, type: zone_presence, zone: [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], dwell_s: 0.5}
      - {id: asleep, type: zone_presence, zone: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0, state: off}
  - {id: mute, vms: deaf, device: d-2}
"""
RULES = """
rules:
  - {id: other, type: zone_presence, zone: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0.2}
"""
# START is 2023-11-14T22:13:20Z
INTERVAL = ("--from", "2023-11-14T22:13:20Z", "--to", "2023-11-14T22:14:00Z")


def stands(picture: Picture, _number: int) -> None:
    spot_at(picture, 0.5, 0.7)


@pytest.fixture(scope="module")
def standing() -> list[Packet]:
    return coded(options={"bf": "0"}, paint=stands)


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standing: list[Packet]) -> Iterator[Any]:
    """The connector class of a VMS that recorded two seconds."""
    monkeypatch.setattr(replay, "create_detector", lambda _settings: BrightSpotDetector())
    name = "vigie_taped_plugin"
    points = {"vigie.connectors:taped": f"{name}:Taped"}
    install_plugin(tmp_path / "plugin", monkeypatch, module=name, code=PLUGIN, entry_points=points)
    deaf: dict[str, str] = {"vigie.connectors:deaf": f"{name}:Deaf"}
    install_plugin(tmp_path / "deaf", monkeypatch, module="vigie_deaf_plugin", code="", entry_points=deaf)
    made = registry.connector("taped")
    made.tape[:] = standing  # type: ignore[attr-defined]
    yield made
    registry.kinds.cache_clear()


@pytest.fixture
def site(tmp_path: Path, tape: ModuleType) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(argument) for argument in arguments]))


def test_json_tells_each_alert_with_its_capture_time(site: Path, tape: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "gate", *INTERVAL, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    (alert,) = document["alerts"]
    assert (alert["rule"], alert["type"], alert["label"]) == ("yard", "zone_presence", "person")
    assert "2023-11-14T22:13:20.5" <= alert["captured_at"] <= "2023-11-14T22:13:21.5"
    assert (document["camera"], document["from"]) == ("gate", "2023-11-14T22:13:20.000Z")
    assert (document["recorded_s"], document["gaps"], document["failure"]) == (1.96, 0, None)
    assert document["frames_analysed"] == 20
    assert tape.asked[-1] == ("d-1", START, START + 40.0)
    assert tape.closed[-2:] == ["source", "connector"]


def test_other_rules_can_be_tried_on_the_camera(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    assert run(site, "gate", *INTERVAL, "--rules", rules, "--json") == 0
    assert [alert["rule"] for alert in json.loads(capsys.readouterr().out)["alerts"]] == ["other"]


def test_without_json_each_alert_is_a_line_in_the_sites_own_time(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, "gate", *INTERVAL) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("2023-11-14T23:13:2")
    assert "+01:00\tYard\tzone_presence\tperson" in shown.out
    assert "1 alerts in 2.0 s of recording with 0 gaps; 20 pictures analysed" in shown.err


def test_a_time_without_offset_is_the_sites_own(site: Path, tape: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(site, "gate", "--from", "2023-11-14T23:13:20", "--to", "2023-11-14T23:14:00", "--json")
    assert tape.asked[-1] == ("d-1", START, START + 40.0)


def test_an_interval_without_recording_is_told_and_no_success(
    site: Path, tape: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tape.tape.clear()
    assert run(site, "gate", *INTERVAL) == 1
    assert "nothing is recorded in that interval" in capsys.readouterr().err


def test_a_vms_that_fails_underway_leaves_what_was_found(
    site: Path, tape: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = VmsUnavailable("the recorder closed the link", remedy="Try again.")
    tape.tapes[:] = [[*tape.tape, failure], [failure]]
    with pytest.raises(VmsUnavailable, match="closed the link"):
        run(site, "gate", *INTERVAL, "--json")
    document = json.loads(capsys.readouterr().out)
    assert len(document["alerts"]) == 1
    assert document["failure"] == "the recorder closed the link. Try again."
    assert tape.closed[-2:] == ["source", "connector"]


def test_a_recording_that_breaks_off_is_taken_up_again_where_it_broke(
    site: Path, tape: Any, standing: list[Packet], capsys: pytest.CaptureFixture[str]
) -> None:
    tape.tapes[:] = [[*standing[:24], VmsUnavailable("the recorder closed the link")], standing[20:]]
    assert run(site, "gate", *INTERVAL, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [begin - START for _, begin, _ in tape.asked] == [0.0, pytest.approx(0.88)]
    assert (document["frames_analysed"], document["recorded_s"]) == (20, 1.96)
    assert (len(document["alerts"]), document["failure"]) == (1, None)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("attic", *INTERVAL), "no camera 'attic'"),
        (("mute", *INTERVAL), "no recordings"),
        (("gate", "--from", "yesterday", "--to", "2023-11-14T22:14:00Z"), "yesterday"),
        (("gate", "--from", "2023-11-14T22:14:00Z", "--to", "2023-11-14T22:14:00Z"), "not after"),
    ],
    ids=["camera", "VMS", "time", "order"],
)
def test_wrong_use_is_told(site: Path, arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        run(site, *arguments)


def test_a_site_file_that_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems):
        run(tmp_path / "absent.yaml", "gate", *INTERVAL)
