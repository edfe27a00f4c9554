"""Commands, simulators, checks and a VMS of another distribution, as a user would install them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from core import registry
from tests.plugins import install_plugin

PLUGIN = """
import sys
from typing import Literal
from config.model import VmsSettings
from core.errors import AuthenticationRefused, VmsUnavailable
from core.types import Finding, FindingLevel

class Command:
    help = "does what its argument says"

    def __init__(self, name):
        self.name = name

    def configure(self, parser):
        parser.add_argument("what")
        parser.add_argument("--json", action="store_true")

    def run(self, arguments):
        if arguments.what == "refuse":
            raise AuthenticationRefused("xprotect: wrong password\\n password=Zq7 refused", remedy="Check the account.")
        if arguments.what == "interrupt":
            raise KeyboardInterrupt
        if arguments.what == "crash":
            raise ZeroDivisionError("by https://u:Zq7@vms")
        if arguments.what == "pipe":
            raise BrokenPipeError
        print(self.name, arguments.what, arguments.json)
        return 7

ACT = Command("act")
FAKE = Command("fake")

class AcmeSettings(VmsSettings):
    type: Literal["acme"]

class AcmeConnector:
    settings_model = AcmeSettings
    closed = []

    def __init__(self, settings, services):
        self.settings, self.services = settings, services

    def check(self, cameras):
        if self.settings.username == "silent":
            raise VmsUnavailable("acme: nobody answers", remedy="Start it.")
        password = self.services.secrets(self.settings.password)
        found = [Finding(level=FindingLevel.OK, subject=self.settings.id, code="login", message="logged in")]
        for camera in cameras:
            if camera.device == "absent":
                found.append(Finding(level=FindingLevel.FAILURE, subject=camera.id, code="unknown-camera",
                                     message="the VMS has no device 'absent'", remedy="Run 'vigie probe'."))
            if camera.device == "slow":
                found.append(Finding(level=FindingLevel.WARNING, subject=camera.id, code="drift", message="late"))
        return found

    def close(self):
        self.closed.append(self.settings.id)

def check_models(site):
    if site.analysis.detector == "broken.onnx" or site.analysis.detector.endswith("broken.onnx"):
        from core.errors import ModelError
        raise ModelError("the model is altered", remedy="Add it again.")
    return [Finding(level=FindingLevel.OK, subject="detector", code="model", message=site.analysis.detector)]
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install_plugin(
        tmp_path / "plugin",
        monkeypatch,
        module="vigie_cli_plugin",
        code=PLUGIN,
        entry_points={
            "vigie.commands:act": "vigie_cli_plugin:ACT",
            "vigie.simulators:fake": "vigie_cli_plugin:FAKE",
            "vigie.connectors:acme": "vigie_cli_plugin:AcmeConnector",
            "vigie.checks:acme-models": "vigie_cli_plugin:check_models",
        },
    )
    yield
    registry.kinds.cache_clear()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
