"""The site that demo and bench watch: two simulated VMS with the made scene, written as a real site file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from core.demo.simulators import SimulatorProcess

USERNAME = "vigie"
PASSWORD = "vigie-demo"  # noqa: S105 - of simulators on loopback, that nobody else reaches

CROSSING: Mapping[str, Any] = {
    "id": "passage",
    "name": "Passage franchi",
    "type": "line_crossing",
    "line": [[0.5, 0.35], [0.5, 1.0]],
    "classes": ["person"],
}
PRESENCE: Mapping[str, Any] = {
    "id": "zone-reservee",
    "name": "Zone réservée",
    "type": "zone_presence",
    "zone": [[0.68, 0.45], [0.97, 0.45], [0.97, 1.0], [0.68, 1.0]],
    "classes": ["person"],
    "dwell_s": 2.0,
    "priority": "high",
}
DEMO_RULES = (CROSSING, PRESENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """Where the site file lies, and what the two simulators are called in it."""

    path: Path
    milestone: str = "xprotect"
    genetec: str = "security-center"


def write_site(
    folder: Path,
    simulators: Sequence[SimulatorProcess],
    *,
    rules: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any] | None = None,
) -> DemoSite:
    """Writes site file and secrets into ``folder`` for simulators that have announced themselves.

    ``more`` goes into the settings of every VMS. The id of a VMS is the name of its simulator.
    """
    site = DemoSite(path=folder / "site.yaml")
    _write_secrets(folder / "secrets", simulators)
    document = {
        "version": 1,
        "site": {"name": "Démonstration", "timezone": "Europe/Paris", "language": "fr"},
        "storage": {"dir": "var"},
        "vms": [{**_VMS[vms.name](vms.name, vms.announced), **(more or {})} for vms in simulators],
        "cameras": [camera for vms in simulators for camera in _cameras(vms.name, vms.announced, rules)],
    }
    site.path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return site


def _write_secrets(folder: Path, simulators: Sequence[SimulatorProcess]) -> None:
    folder.mkdir(mode=0o700)
    ids = [str(vms.announced["application_id"]) for vms in simulators if "application_id" in vms.announced]
    secrets = {"vms-password": PASSWORD, **({"application-id": ids[0]} if ids else {})}
    for name, value in secrets.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")


def _xprotect(vms_id: str, announced: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": vms_id,
        "type": "milestone",
        "url": announced["url"],
        "username": USERNAME,
        "password": {"secret": "vms-password"},
        "ca": announced["ca"],
        "event_server": announced["event_server"],
        "alarm_server": urlsplit(announced["alarm_service"]).netloc,
        "publish": ["event", "alarm", "bookmark"],
    }


def _security_center(vms_id: str, announced: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": vms_id,
        "type": "genetec",
        "url": announced["url"],
        "username": USERNAME,
        "password": {"secret": "vms-password"},
        "application_id": {"secret": "application-id"},
        "ca": announced["ca"],
        "media_gateway": urlsplit(announced["rtsp"]).netloc,
        "publish": ["event", "alarm", "bookmark"],
    }


_VMS: Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "xprotect": _xprotect,
    "security-center": _security_center,
}


def _cameras(vms_id: str, announced: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{vms_id}-{number}",
            "name": camera["name"],
            "vms": vms_id,
            "device": camera["device"],
            "rules": [dict(rule) for rule in rules],
        }
        for number, camera in enumerate(announced["cameras"], start=1)
    ]
