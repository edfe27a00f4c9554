"""Cameras: known, enabled, allowed; their recording servers, and what is asked of their recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import partial

from config.model import CameraSettings
from connectors.milestone.check.look import Look
from connectors.milestone.check.recorders import look_at_recorders
from connectors.milestone.inventory.config_client import ConfigClient
from connectors.milestone.inventory.inventory import canonical_id
from connectors.milestone.publish.bookmarks import BookmarkPublisher
from connectors.milestone.publish.evidence_locks import EvidenceLockPublisher
from core.errors import NotFoundInVms
from core.types import FindingLevel, VmsCamera

ENABLED_MENU = "Management Client → Servers → Recording Servers"
_DEVICE_RIGHTS = "Management Client → Security → Roles → the role → Device → the camera"
_MASK_MENU = "Management Client → Devices → Cameras → the camera → Privacy masking"
_NEAR_NAMES = 3
_RIGHTS: Mapping[str, Mapping[str, str]] = {
    "bookmark": {"BookmarkAdd": "Create bookmarks", "BookmarkView": "Read bookmarks"},
    "evidence_lock": {
        "RetentionCreate": "Create and extend evidence locks",
        "RetentionView": "Read evidence locks",
    },
}
"""Action → SOAP's name of the right → what the Management Client calls it."""
_LIVE = {"Live": "View live"}


def look_at_cameras(look: Look, *, has_soap: bool) -> None:
    """Raises ``VmsError`` where they cannot be listed."""
    known = {camera.device.lower(): camera for camera in look.inventory.cameras()}
    look.findings.ok(look.url, "cameras_ok", f"XProtect shows {len(known)} cameras to this account")
    usable = [camera for camera in look.cameras if _is_usable(look, camera, known)]
    if usable:
        look.findings.step("privacy_masks", look.url, lambda: _look_at_masks(look, usable), FindingLevel.WARNING)
    if not has_soap or not usable:
        return
    look.findings.step("rights", look.url, lambda: _look_at_rights(look, usable), FindingLevel.WARNING)
    if look.settings.video == "imageserver":
        look_at_recorders(look, usable)
    _look_at_searches(look, usable[0])


def _is_usable(look: Look, camera: CameraSettings, known: Mapping[str, VmsCamera]) -> bool:
    try:
        found = known.get(canonical_id(camera.device))
    except NotFoundInVms:
        found = None
    if found is None:
        message = f"XProtect shows no camera {camera.device} to this account"
        look.findings.fail(camera.id, "camera_unknown", message, _near(look, camera, known))
    elif not look.inventory.has_enabled_hardware(camera.device):
        message = f"the hardware of {found.name} is disabled"
        look.findings.fail(camera.id, "camera_hardware_disabled", message, f"{ENABLED_MENU} → the hardware → Enabled.")
    elif not found.is_enabled:
        message = f"{found.name} is disabled"
        look.findings.fail(camera.id, "camera_disabled", message, f"{ENABLED_MENU} → the camera → Enabled.")
    else:
        look.findings.ok(camera.id, "camera_ok", f"{found.name} is known and enabled")
        return True
    return False


def _look_at_masks(look: Look, cameras: Sequence[CameraSettings]) -> None:
    """A recorder's raw video carries no mask of XProtect, so that we see, and put into snapshots, what it hides."""
    if look.session.routes.config() == "soap":
        look.findings.ok(look.url, "privacy_masks_unseen", "privacy masks are not told", f"Look by hand: {_MASK_MENU}.")
        return
    client = ConfigClient(look.session)
    masked = [camera for camera in cameras if _has_mask(client, camera)]
    for camera in masked:
        look.findings.warn(
            camera.id,
            "privacy_mask",
            "XProtect masks part of its picture; Vigie sees, and shows in snapshots, what lies under the mask",
            f"Mask in the camera itself, or keep zones off the masked part. XProtect's mask: {_MASK_MENU}.",
        )
    if not masked:
        look.findings.ok(look.url, "privacy_masks_ok", "XProtect masks no part of these cameras' pictures")


def _has_mask(client: ConfigClient, camera: CameraSettings) -> bool:
    listed = client.listed(f"cameras/{canonical_id(camera.device)}/privacyProtections")
    return any(str(item.get("enabled")).lower() == "true" for item in listed)


def _near(look: Look, camera: CameraSettings, known: Mapping[str, VmsCamera]) -> str:
    """Cameras of nearly the same name, else a few for the shape of their ids."""
    if not known:
        return "Management Client → Security → Roles → Device: allow this account Read and View live on the cameras."
    by_name = {item.name.lower(): item for item in known.values()}
    near = get_close_matches((camera.name or camera.id).lower(), by_name, n=_NEAR_NAMES, cutoff=0.5)
    lead = "Cameras of a near name" if near else "It shows for example"
    listed = "; ".join(
        f"{by_name[name].name} = {by_name[name].device}" for name in near or sorted(by_name)[:_NEAR_NAMES]
    )
    hidden = " A disabled camera is not shown either." if look.session.routes.config() == "soap" else ""
    return f"{lead}: {listed}. Management Client shows a camera's id on Ctrl+click.{hidden}"


def _look_at_rights(look: Look, cameras: Sequence[CameraSettings]) -> None:
    """What SOAP tells of this account; an edition without an action shows here as a missing right."""
    wanted = dict(_LIVE)
    for action, names in _RIGHTS.items():
        wanted |= names if look.publishes(action) else {}
    for camera in cameras:
        _look_at_rights_on(look, camera, wanted)


def _look_at_rights_on(look: Look, camera: CameraSettings, wanted: Mapping[str, str]) -> None:
    rights = look.inventory.rights(camera.device)
    if rights is None:
        look.findings.ok(camera.id, "rights_unseen", "rights on it are not told", f"Look by hand: {_DEVICE_RIGHTS}.")
        return
    missing = [words for name, words in wanted.items() if name not in rights]
    if missing:
        message = f"this account lacks: {', '.join(missing)}"
        remedy = f"{_DEVICE_RIGHTS}: tick {', '.join(missing)}. Evidence locks need XProtect Corporate."
        look.findings.fail(camera.id, "rights_missing", message, remedy)
    else:
        look.findings.ok(camera.id, "rights_ok", f"this account may: {', '.join(wanted.values())}")


def _look_at_searches(look: Look, camera: CameraSettings) -> None:
    """Only the searches that follow a lost answer: what was made would stay."""
    if look.publishes("bookmark"):
        look.findings.step("bookmarks", camera.id, partial(_look_at_bookmarks, look, camera))
    if look.publishes("evidence_lock"):
        look.findings.step("evidence_locks", camera.id, partial(_look_at_evidence_locks, look, camera))


def _look_at_bookmarks(look: Look, camera: CameraSettings) -> None:
    publisher = BookmarkPublisher(look.session, look.settings, look.inventory)
    publisher.look(camera, look.services.clock.utc())
    look.findings.ok(camera.id, "bookmarks_ok", "this account may search bookmarks, as it must after a lost answer")


def _look_at_evidence_locks(look: Look, camera: CameraSettings) -> None:
    publisher = EvidenceLockPublisher(look.session, look.settings, look.inventory)
    publisher.look(camera, look.services.clock.utc())
    look.findings.ok(camera.id, "evidence_locks_ok", "this account may search evidence locks, likewise")
