"""XProtect's end of the Video Processing Service, with ``video: vps``: driver, hardware, metadata devices, rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from config.model import CameraSettings
from connectors.milestone.check.look import Look
from connectors.milestone.inventory.config_client import ConfigClient, is_enabled, object_id, path_id
from connectors.milestone.inventory.inventory import Recorder, canonical_id
from connectors.milestone.vps.devices import SOURCE_CAMERA, VpsDevices, VpsHardware, VpsWanted
from connectors.milestone.vps.front import driver_remedy, driver_url
from core.errors import NotFoundInVms, VmsError, VmsRefused
from core.types import FindingLevel

HARDWARE_MENU = "Management Client → Servers → Recording Servers → the recording server"
SETTINGS_MENU = f"{HARDWARE_MENU} → the VPS hardware → Settings tab"
RELATED_MENU = "Management Client → Devices → Cameras → the watched camera → Client tab → Related metadata"
_RULES_MENU = "Management Client → Rules and Events → Rules"
_START_RECORDING = "StartRecording"


def look_at_vps(look: Look) -> None:
    """Each camera is a step of its own."""
    if look.session.routes.config() != "rest":
        look.findings.ok(
            look.url,
            "vps_unseen",
            "this release does not tell hardware and its settings",
            f"Look by hand, for each camera: {driver_remedy(driver_url(look.settings, '<camera>'))}",
        )
    else:
        _look_at_hardware(look, ConfigClient(look.session))
    if look.publishes("metadata"):
        look.findings.ok(
            look.url,
            "vps_views_unseen",
            "which metadata a view draws is told by nothing",
            "Look by hand: Smart Client → Setup → the camera's view properties → Bounding Box Providers: tick the device.",
        )


def _look_at_hardware(look: Look, client: ConfigClient) -> None:
    reader, devices = VpsDevices(client), list[str]()
    recorders = _recorders(look)
    drivers = {
        recorder.recorder_id: look.findings.step(
            "vps_driver", recorder.name, partial(_look_at_driver, look, reader, recorder)
        )
        for recorder in {recorder.recorder_id: recorder for recorder in recorders.values()}.values()
    }
    for camera in look.cameras:
        recorder = recorders.get(camera.id)
        if recorder is not None and drivers[recorder.recorder_id]:
            driver = reader.driver(recorder.recorder_id)
            look.findings.step(
                "vps_hardware", camera.id, partial(_look_at_camera, look, reader, driver, camera, devices)
            )
    if look.publishes("metadata") and devices:
        look.findings.step("vps_rules", look.url, lambda: _look_at_rules(look, client, devices), FindingLevel.WARNING)


def _recorders(look: Look) -> dict[str, Recorder]:
    """Camera → its recording server. Cameras that are not there have a finding of their own."""
    found = {}
    for camera in look.cameras:
        with suppress(VmsError):
            found[camera.id] = look.inventory.camera(camera.device).recorder
    return found


def _look_at_driver(look: Look, reader: VpsDevices, recorder: Recorder) -> None:
    reader.driver(recorder.recorder_id)
    look.findings.ok(recorder.name, "vps_driver_ok", f"{recorder.name} has the VPS driver")


def _look_at_camera(look: Look, reader: VpsDevices, driver: str, camera: CameraSettings, devices: list[str]) -> None:
    """Adds its metadata device to ``devices``. Raises ``NotFoundInVms`` where there is no hardware for it."""
    wanted = VpsWanted.of(camera, look.settings)
    found = reader.hardware_for(wanted, driver)
    if found is None:
        raise NotFoundInVms(
            f"no hardware of the VPS driver is for {camera.id}",
            remedy=f"Run 'vigie milestone setup'. Or by hand: {driver_remedy(driver_url(look.settings, camera.id))}",
        )
    if not found.is_enabled:
        remedy = f"{HARDWARE_MENU} → {found.name} → Enabled."
        look.findings.fail(camera.id, "vps_hardware_disabled", f"the hardware {found.name} is disabled", remedy)
    else:
        look.findings.ok(camera.id, "vps_hardware_ok", f"the hardware {found.name} is there and enabled")
    _look_at_settings(look, camera, found, wanted)
    if look.publishes("metadata"):
        _look_at_metadata(look, reader, camera, found, devices)


def _look_at_settings(look: Look, camera: CameraSettings, found: VpsHardware, wanted: VpsWanted) -> None:
    values = "; ".join(f"{name} = {value}" for name, value in wanted.settings.items())
    differing = wanted.differing(found)
    if differing:
        names = ", ".join(differing)
        message = f"{names} of {found.name} {'is' if len(differing) == 1 else 'are'} not as needed"
        look.findings.fail(camera.id, "vps_settings_wrong", message, f"{SETTINGS_MENU}: {values}.")
    elif SOURCE_CAMERA not in found.settings:
        message = f"the settings of {found.name} are not told"
        look.findings.ok(camera.id, "vps_settings_unseen", message, f"Look by hand: {SETTINGS_MENU}: {values}.")
    else:
        look.findings.ok(camera.id, "vps_settings_ok", f"{found.name} pushes this camera to Vigie")


def _look_at_metadata(
    look: Look, reader: VpsDevices, camera: CameraSettings, found: VpsHardware, devices: list[str]
) -> None:
    enabled = [item for item in reader.metadata(found.hardware_id) if is_enabled(item)]
    if not enabled:
        look.findings.fail(
            camera.id,
            "vps_metadata_disabled",
            f"the metadata device of {found.name} is disabled",
            f"{HARDWARE_MENU} → {found.name} → its metadata device → Enabled.",
        )
        return
    device = enabled[0]
    devices.append(object_id(device))
    look.findings.ok(camera.id, "vps_metadata_ok", f"the metadata device {device.get('name')} is enabled")
    if str(device.get("recordingEnabled", True)).lower() != "true":
        look.findings.warn(
            camera.id,
            "vps_metadata_not_recorded",
            f"{device.get('name')} is not recorded: no boxes in playback",
            f"Management Client → Devices → Metadata → {device.get('name')} → Record tab → Recording.",
        )
    _look_at_related(look, reader, camera, device)


def _look_at_related(look: Look, reader: VpsDevices, camera: CameraSettings, device: dict[str, Any]) -> None:
    by_hand = f"{RELATED_MENU}: tick {device.get('name')}."
    try:
        related = [path_id(item) for item in reader.related(canonical_id(camera.device))]
    except VmsRefused as error:
        message = f"related metadata is not told: {error}"
        look.findings.ok(camera.id, "vps_related_unseen", message, f"Look by hand: {by_hand}")
        return
    if object_id(device) in related:
        look.findings.ok(camera.id, "vps_related_ok", "the metadata device is related to the camera")
    else:
        message = f"{device.get('name')} is no related metadata of the camera: its boxes are not drawn"
        look.findings.fail(camera.id, "vps_related_missing", message, by_hand)


def _look_at_rules(look: Look, client: ConfigClient, devices: list[str]) -> None:
    """Whether a recording rule covers metadata devices. Under which key rules show devices is unverified."""
    remedy = f"{_RULES_MENU}: have a rule start recording on the metadata devices, too; the default one may not."
    try:
        rules = [rule for rule in client.listed("rules") if is_enabled(rule)]
    except VmsRefused as error:
        look.findings.ok(look.url, "vps_rules_unseen", f"rules are not told: {error}", f"Look by hand: {remedy}")
        return
    recording = [rule for rule in rules if _START_RECORDING in str(rule.get("startActions"))]
    paths = [path for rule in recording for path in _paths({**rule, "relations": None})]
    covered = {path_id(path) for path in paths if path.get("type") == "metadata"}
    if any(path.get("type") == "metadataGroups" for path in paths) or covered.issuperset(devices):
        look.findings.ok(look.url, "vps_rules_ok", "a rule records metadata devices")
    elif paths:
        message = "no recording rule covers our metadata devices: no boxes in playback"
        look.findings.warn(look.url, "vps_rules_missing", message, remedy)
    else:
        message = "rules do not tell their devices"
        look.findings.ok(look.url, "vps_rules_unseen", message, f"Look by hand: {remedy}")


def _paths(value: Any) -> Iterator[dict[str, Any]]:
    """Every ``{type, id}`` at any depth."""
    if isinstance(value, dict):
        if {"type", "id"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)
