"""Every camera of the site file: known, a camera, on line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from config.model import CameraSettings
from connectors.genetec.check.look import Look
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.menus import USERS


def look_at_cameras(look: Look) -> None:
    """Raises ``VmsError``. Fills ``look.known``."""
    guids: dict[str, CameraSettings] = {}
    for camera in look.cameras:
        look.findings.step("camera", camera.id, partial(_note_guid, camera, guids))
    rows = look.inventory.described(list(guids), ("Guid", "Name", "EntityType", "IsOnline"))
    for guid, camera in guids.items():
        _look_at_camera(look, guid, camera, rows.get(guid))


def _note_guid(camera: CameraSettings, guids: dict[str, CameraSettings]) -> None:
    guids[camera_guid(camera)] = camera


def _look_at_camera(look: Look, guid: str, camera: CameraSettings, row: Mapping[str, Any] | None) -> None:
    if row is None:
        message = f"Security Center shows no entity {camera.device} to this account"
        remedy = f"Compare with the GUIDs listed as docs/security-center.md says; {USERS} → user → Access rights: the camera's partition."
        look.findings.fail(camera.id, "camera_not_found", message, remedy)
        return
    if str(row.get("EntityType", "Camera")).lower() != "camera":
        message = f"{row.get('Name')} is a {row['EntityType']}, not a camera"
        look.findings.fail(
            camera.id, "camera_wrong_type", message, "Compare with the GUIDs listed as docs/security-center.md says."
        )
        return
    look.known[guid] = camera
    if str(row.get("IsOnline", True)).lower() == "false":
        remedy = "Config Tool → Video: look at its unit and Archiver."
        look.findings.warn(camera.id, "camera_offline", f"{row.get('Name')} is off line", remedy)
    else:
        look.findings.ok(camera.id, "camera_ok", f"{row.get('Name')} is known")
