"""Hardware of the VPS driver, added by hand-written requests."""

from __future__ import annotations

import time
from typing import Any

from tests.connectors.milestone.simulator.running import Running

VPS_NUMBER = 20002
_DEADLINE_S = 10.0


def driver_path(simulator: Running, number: int = VPS_NUMBER) -> dict[str, str]:
    recorder = recorder_id(simulator)
    drivers = simulator.rest("GET", f"/recordingServers/{recorder}/hardwareDrivers").json()["array"]
    return {"type": "hardwareDrivers", "id": next(item["id"] for item in drivers if item["number"] == number)}


def recorder_id(simulator: Running) -> str:
    return str(simulator.rest("GET", "/recordingServers").json()["array"][0]["id"])


def order_hardware(simulator: Running, address: str, number: int = VPS_NUMBER) -> Any:
    """The answer to the task ``AddHardware``."""
    body = {
        "hardwareAddress": address,
        "hardwareDriverPath": driver_path(simulator, number),
        "userName": "",
        "password": "",
        "customData": "",
    }
    answer = simulator.rest("POST", f"/recordingServers/{recorder_id(simulator)}?task=AddHardware", json=body)
    assert answer.status_code == 200
    return answer.json()["result"]


def ended(simulator: Running, task_id: str) -> dict[str, Any]:
    """The task once it has ended, without the wrapper of 2022 R3."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        shown = simulator.rest("GET", f"/tasks/{task_id}").json()["data"]
        task: dict[str, Any] = shown.get("result", shown)
        if task["state"] in {"Success", "Error"}:
            return task
    raise AssertionError(f"the task {task_id} did not end")


def add_vps_hardware(simulator: Running, address: str = "http://192.0.2.7:8081/") -> str:
    """The id of new hardware, still disabled."""
    result = order_hardware(simulator, address)
    path = ended(simulator, result["path"]["id"])["path"]
    return str(path.rpartition("/")[2] if isinstance(path, str) else path["id"])
