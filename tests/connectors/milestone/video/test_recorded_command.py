"""``vigie recorded`` on a simulated site, from the site file to the alerts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import requests

from analytics.commands.recorded import COMMAND
from connectors.protocols.scene import write_scene
from core.clock import SystemClock, iso_utc, parse_iso
from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME
from tests.connectors.milestone.sites import running_site

pytestmark = pytest.mark.slow

SITE = """
version: 1
site: {{name: Gare, timezone: Europe/Paris}}
analysis: {{fps: 8}}
vms:
  - {{id: x, type: milestone, url: "{url}", username: {username}, password: {{env: VIGIE_TEST_PW}}, ca: "{ca}"}}
cameras:
  - id: gate
    vms: x
    device: {device}
    rules:
      - {{id: z, type: zone_presence, zone: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0.5, cooldown_s: 5}}
"""


def test_a_recorded_interval_is_replayed_through_the_cameras_rules_and_nothing_is_written_to_the_vms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, path = tmp_path / "scene.mp4", tmp_path / "site.yaml"
    write_scene(clip, seconds=8.0)
    monkeypatch.setenv("VIGIE_TEST_PW", PASSWORD)
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    with running_site(clip, "--recorded-seconds", "40", "--recording-gap", "25-15") as site:
        now = SystemClock().utc()
        path.write_text(
            SITE.format(
                url=site.announced.url,
                username=USERNAME,
                ca=Path(site.ca).as_posix(),
                device=site.announced.cameras[0].device,
            ),
            encoding="utf-8",
        )
        interval = ["--from", iso_utc(now - 30.0), "--to", iso_utc(now - 5.0)]
        code = COMMAND.run(parser.parse_args([str(path), "gate", *interval, "--json"]))
        ledger = requests.get(f"{site.announced.admin}/ledger", timeout=10.0).json()
    document = json.loads(capsys.readouterr().out)
    moments = [parse_iso(alert["captured_at"]) - now for alert in document["alerts"]]
    assert (code, document["failure"], document["gaps"], document["corrupt"]) == (0, None, 1, 0)
    assert document["recorded_s"] == pytest.approx(15.0, abs=1.5)
    assert document["frames_analysed"] == pytest.approx(8 * document["recorded_s"], rel=0.1)
    assert any(-30.0 <= moment <= -24.0 for moment in moments)
    assert any(-15.5 <= moment <= -5.0 for moment in moments)
    assert "alarm" not in json.dumps(ledger)
    assert "bookmark" not in json.dumps(ledger)
