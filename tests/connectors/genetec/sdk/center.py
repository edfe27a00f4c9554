"""The Security Center behind the stub SDK, as a test sees it: what was done, orders to it, and connectors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from config.model import CameraSettings, SecretRef
from connectors.genetec.sdk import bench_stub
from connectors.genetec.sdk.connector import GenetecSdkConnector
from connectors.genetec.sdk.settings import GenetecSdkSettings
from core.clock import SystemClock
from core.services import Services
from tests.connectors.genetec.sdk.runtimes import Hosted

ALARM = bench_stub.ALARM
ALICE = bench_stub.OPERATOR
CAMERA = CameraSettings(id="quai-1", name="Quai 1", vms="sc", device="00000001-0000-babe-0000-0a0b0c0d0e01")
PASSWORD = bench_stub.PASSWORD
PATIENCE_S = 20.0
POLL_S = 0.02


def until(condition: Callable[[], object], what: str) -> None:
    """Waits for another process; there is nothing to be woken by."""
    clock = SystemClock()
    end = clock.monotonic() + PATIENCE_S
    while not condition():
        assert clock.monotonic() < end, f"not in time: {what}"
        threading.Event().wait(POLL_S)


def sdk_settings(**given: Any) -> GenetecSdkSettings:
    values = {
        "id": "sc",
        "type": "genetec-sdk",
        "url": "directory",
        "username": "vigie",
        "password": {"secret": "password"},
        "application_id": {"secret": "app"},
        "publish": ["event", "alarm", "bookmark"],
        "alarm": ALARM,
        "control": [{"event": "Vigie off", "state": "off"}],
    }
    return GenetecSdkSettings.model_validate(values | given)


def services(**secrets: str) -> Services:
    known = {"password": PASSWORD, "app": bench_stub.CERTIFICATE} | secrets

    def secret(reference: object) -> str:
        assert isinstance(reference, SecretRef)
        assert reference.secret
        return known[reference.secret]

    return Services(clock=SystemClock(), secrets=secret, site_dir=Path())


class Center(bench_stub.StubCenter):
    """Outlives the processes that host its SDK. Ends all connectors it made."""

    def __init__(self, folder: Path, host: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self._host = host
        self._connectors: list[GenetecSdkConnector] = []
        self.cameras(CAMERA.device)
        monkeypatch.setenv(bench_stub.FOLDER_VARIABLE, str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connector in self._connectors:
            connector.close()

    @property
    def sdk_folder(self) -> Path:
        return self._host.sdk_folder

    def connector(self, *, secrets: dict[str, str] | None = None, **given: Any) -> GenetecSdkConnector:
        settings = sdk_settings(**{**self._host.settings(), **given})
        connector = GenetecSdkConnector(settings, services(**(secrets or {})))
        self._connectors.append(connector)
        return connector

    def do(self, *words: object) -> None:
        """An order that is done on return."""
        before = len(self.rows("done"))
        self.order(*words)
        until(lambda: len(self.rows("done")) > before, f"the stub does {words[0]}")

    def fault(self, call: str, kind: str, detail: str = "") -> None:
        """What the next call of that name does: throw, throw-after (its effect), slow, hang, hang-after, crash."""
        self.do("fault", call, kind, detail)
