from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from config.model import Kinds
from core import registry
from core.cli.main import main
from core.clock import SystemClock
from core.fakes import FakeConnector
from core.store.store import Store
from core.types import Alert, DeliveryState, Priority, RuleState

SITE = """\
version: 1
site: {name: test}
vms: [{id: vms, type: fake, url: "https://vms", username: vigie, password: {env: UNUSED}}]
cameras: [{id: gate, vms: vms, device: "1"}]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kinds = Kinds(vms={"fake": FakeConnector.settings_model})
    monkeypatch.setattr(registry, "kinds", lambda: kinds)
    path = tmp_path / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    return path


def store(site: Path) -> Store:
    return Store.open(f"sqlite:///{(site.parent / 'var' / 'vigie.db').as_posix()}", clock=SystemClock())


def park_one(site: Path) -> None:
    alert = Alert(
        alert_id=uuid4(),
        camera_id="gate",
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone",
        priority=Priority.LOW,
        state=RuleState.ARMED,
        captured_at=1_700_000_000.0,
        started_at=1_700_000_000.0,
    )
    with closing(store(site)) as opened:
        opened.add_alert(alert, [("vms", "bookmark")])
        opened.park(opened.deliveries()[0].key, "no right to add bookmarks")


def test_nothing_parked_is_no_finding(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parked", str(site), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"parked": [], "retried": 0}


def test_what_is_parked_is_a_finding_with_its_reason(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    park_one(site)
    assert main(["parked", str(site)]) == 1
    line = capsys.readouterr().out
    assert "gate\tzone\t2023-11-14T22:13:20.000Z\tbookmark\tno right to add bookmarks" in line


def test_retry_makes_them_pending_again(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    park_one(site)
    assert main(["parked", str(site), "--retry", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["retried"] == 1
    with closing(store(site)) as opened:
        assert [delivery.state for delivery in opened.deliveries()] == [DeliveryState.PENDING]


def test_a_running_service_keeps_its_database(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(store(site)):
        assert main(["parked", str(site)]) == 1
    assert "another Vigie service" in capsys.readouterr().err
