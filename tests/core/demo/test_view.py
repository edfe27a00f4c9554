from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from core import registry
from core.clock import ManualClock
from core.demo.view import view
from core.engine.service import Service
from core.fakes import FakeConnector
from core.services import services_for
from core.types import Alert, Priority, RuleState
from tests.core.engine.sites import camera, site


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(registry, "connector", lambda _name: FakeConnector)
    path = tmp_path / "site.yaml"
    made = Service(site(camera("gate"), folder=tmp_path / "var"), path, services_for(path, ManualClock()))
    yield made
    made.stop()


def fire(service: Service, rule_name: str) -> None:
    service.accept(
        Alert(
            alert_id=uuid4(),
            camera_id="gate",
            rule_id="zone",
            rule_type="zone_presence",
            rule_name=rule_name,
            priority=Priority.LOW,
            state=RuleState.ARMED,
            captured_at=1_700_000_000.0,
            started_at=1_700_000_000.0,
        )
    )


def test_a_terminal_shows_each_alert_while_it_runs_and_not_only_at_the_end(service: Service) -> None:
    out = io.StringIO()
    with view(Console(file=out, force_terminal=True, width=120)) as shown:
        shown.update(service, 20.0)
        assert "20 s left" in out.getvalue()
        fire(service, "Zone A")
        shown.update(service, 19.5)
        assert "Zone A" in out.getvalue()
        assert "vms/vms" in out.getvalue()


def test_elsewhere_each_alert_is_one_line(service: Service) -> None:
    out = io.StringIO()
    with view(Console(file=out, width=200)) as shown:
        fire(service, "Zone A")
        shown.update(service, 20.0)
        fire(service, "Zone B")
        shown.update(service, 19.5)
    lines = out.getvalue().splitlines()
    assert ["Zone A" in lines[0], "Zone B" in lines[1], len(lines)] == [True, True, 2]
