"""What a changed site file changes in a service that runs, and what must wait for its next start. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from config.model import CameraSettings, SiteSettings

RESTART_REMEDY = "Restart Vigie for this; everything else is in force."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From the settings in force to those in the file, as far as that can be done now."""

    site: SiteSettings
    """In force from now on: the new settings, with the old ones where a restart is needed."""
    added: tuple[str, ...]
    """Cameras that are watched from now on."""
    removed: tuple[str, ...]
    """Cameras that are no longer watched."""
    changed: tuple[str, ...]
    """Cameras that go on under other settings."""
    refused: tuple[str, ...]
    """What needs a restart, as one reads it in the file."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do now."""
        return not (self.added or self.removed or self.changed)


_AT_START = ("site", "storage", "metrics")
"""Read once: clock and names, database, addresses that are listened on."""


def change(running: SiteSettings, wanted: SiteSettings, *, fronts: Collection[str] = ()) -> Change:
    """Compares two sites.

    Args:
        running: the settings in force.
        wanted: the settings in the file, valid.
        fronts: VMS that dial into Vigie: where they do is opened at the start, for the cameras of that moment.
    """
    refused = [name for name in _AT_START if getattr(running, name) != getattr(wanted, name)]
    refused += [f"vms {name}" for name in _changed_vms(running, wanted)]
    cameras = list(_cameras(running, wanted, fronts, refused))
    kept = {name: getattr(running, name) for name in (*_AT_START, "vms")}
    schedules = {**running.schedules, **wanted.schedules}  # a camera that stays as it was may need one that is gone
    site = wanted.model_copy(update={**kept, "cameras": tuple(cameras), "schedules": schedules})
    before, after = _watched(running), _watched(site)
    return Change(
        site=site,
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and _differs(name, running, site)),
        refused=tuple(refused),
    )


def _changed_vms(running: SiteSettings, wanted: SiteSettings) -> Iterator[str]:
    before, after = ({vms.id: vms for vms in site.vms} for site in (running, wanted))
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield name


def _cameras(
    running: SiteSettings, wanted: SiteSettings, fronts: Collection[str], refused: list[str]
) -> Iterator[CameraSettings]:
    """Each camera as it can be watched now: as wanted, or as before, or not at all."""
    before = {camera.id: camera for camera in running.cameras}
    known = {vms.id for vms in running.vms}
    for camera in wanted.cameras:
        earlier = before.get(camera.id)
        if camera.vms in known and (camera.vms not in fronts or not camera.enabled or _is_same_stream(earlier, camera)):
            yield camera
            continue
        refused.append(f"camera {camera.id}")
        if earlier is not None:
            yield earlier


def _is_same_stream(earlier: CameraSettings | None, camera: CameraSettings) -> bool:
    if earlier is None or not earlier.enabled:
        return False
    return (earlier.vms, earlier.device, earlier.name) == (camera.vms, camera.device, camera.name)


def _watched(site: SiteSettings) -> Mapping[str, CameraSettings]:
    return {camera.id: camera for camera in site.cameras if camera.enabled}


def _differs(name: str, running: SiteSettings, site: SiteSettings) -> bool:
    before, after = _watched(running)[name], _watched(site)[name]
    schedules = {rule.schedule for rule in after.rules if rule.schedule}
    return (
        before != after
        or running.analysis_of(before) != site.analysis_of(after)
        or any(running.schedules.get(schedule) != site.schedules.get(schedule) for schedule in schedules)
    )
