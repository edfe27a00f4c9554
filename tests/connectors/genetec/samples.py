"""What several tests of this folder start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
import responses

from config.model import CameraSettings, SecretRef
from connectors.genetec.connector import GenetecConnector
from connectors.genetec.settings import GenetecSettings
from core.clock import ManualClock
from core.services import Services
from core.types import Alert, AlertObject, Box, Delivery, DeliveryState, Priority, RuleState

URL = "https://sc.example:4590/WebSdk"
GUID = "00000001-0000-babe-0000-0a0b0c0d0e01"
NOW = 1_800_000_000.0
ALARM = "3f0d7c1e-8a3e-4a55-9a3f-2d5b0c7a9911"
SECRETS = {"password": "pässword", "app": "KxsD11z7+/="}

CAMERA = CameraSettings(id="quai-1", name="Quai 1", vms="sc", device=GUID.upper())


def settings(**overrides: Any) -> GenetecSettings:
    values = {
        "id": "sc",
        "type": "genetec",
        "url": URL,
        "username": "vigie",
        "password": {"secret": "password"},
        "application_id": {"secret": "app"},
    }
    return GenetecSettings.model_validate(values | overrides)


def connector(clock: ManualClock | None = None, **overrides: Any) -> GenetecConnector:
    services = Services(clock=clock or ManualClock(NOW), secrets=_secret, site_dir=Path())
    return GenetecConnector(settings(**overrides), services)


def _secret(reference: object) -> str:
    assert isinstance(reference, SecretRef)
    assert reference.secret
    return SECRETS[reference.secret]


def alert(rule_name: str = "Zone interdite", *, captured_at: float = NOW - 2.0) -> Alert:
    box = Box(left=0.41, top=0.22, right=0.5, bottom=0.52)
    return Alert(
        alert_id=UUID(int=7),
        camera_id="quai-1",
        rule_id="voie-interdite",
        rule_type="zone_presence",
        rule_name=rule_name,
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=captured_at,
        started_at=captured_at - 2.0,
        objects=(AlertObject(track_id=3, label="person", score=0.914, box=box),),
    )


def delivery(action: str) -> Delivery:
    alert_id = UUID(int=7)
    return Delivery(
        key=Delivery.derive_key(alert_id, "sc", action),
        alert_id=alert_id,
        camera_id="quai-1",
        vms_id="sc",
        action=action,
        state=DeliveryState.SENDING,
        attempts=1,
    )


def ok(result: Any = None) -> dict[str, Any]:
    """The envelope of a success."""
    return {"Rsp": {"Status": "Ok"} | ({} if result is None else {"Result": result})}


def fail(code: str, message: str = "said no", *, inside: bool = True) -> dict[str, Any]:
    """The envelope of a failure, in either of the two shapes that are told of."""
    failure = {"SdkErrorCode": code, "Message": message}
    return {"Rsp": {"Status": "Fail"} | ({"Result": failure} if inside else failure)}


def queries(calls: responses.CallList) -> list[str]:
    """The decoded ``q`` of each call."""
    return [str(_params(call.request).get("q", "")) for call in calls]


def _params(request: requests.PreparedRequest) -> Mapping[str, Any]:
    return request.params  # type: ignore[attr-defined, no-any-return]
