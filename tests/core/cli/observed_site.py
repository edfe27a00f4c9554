"""A site with one observed rule, and its store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from config.model import Kinds, RuleSettings
from core import registry
from core.cli.main import main
from core.clock import SystemClock
from core.fakes import FakeConnector
from core.store.store import Store

SITE = """\
version: 1
site: {name: test, timezone: Europe/Paris}
storage: {url: "URL"}
vms: [{id: vms, type: fake, url: "https://vms", username: vigie, password: {env: UNUSED}}]
cameras:
  - {id: a, vms: vms, device: "1", rules: [{id: zone, type: zone_presence, state: STATE}]}
  - {id: b, vms: vms, device: "2"}
"""


class ObservedSite:
    def __init__(self, folder: Path, url: str) -> None:
        self.path = folder / "site.yaml"
        self.url = url
        self.write("observe")

    def write(self, state: str) -> None:
        self.path.write_text(SITE.replace("URL", self.url).replace("STATE", state), encoding="utf-8")

    def open(self) -> Store:
        return Store.open(self.url, clock=SystemClock())

    def run(self, capsys: pytest.CaptureFixture[str], command: str, *words: str | Path) -> tuple[int, Any]:
        """Its exit code, and its JSON document or else what it says on standard error."""
        arguments: Sequence[str] = [command, str(self.path), *map(str, words)]
        code = main(arguments)
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if "--json" in arguments and captured.out else captured.err


def install_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = Kinds(rules={"zone_presence": RuleSettings}, vms={"fake": FakeConnector.settings_model})
    monkeypatch.setattr(registry, "kinds", lambda: kinds)
