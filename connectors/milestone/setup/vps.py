"""One hardware of the VPS driver for each watched camera, made over Config REST.

Each step is documented by itself; that they do the whole over REST is inferred from what Milestone's own sample does with
its SDK. As there, all hardware has the management server's address without TLS, as the driver knows no https there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from config.model import CameraSettings
from connectors.milestone.check.vps import HARDWARE_MENU, RELATED_MENU, SETTINGS_MENU
from connectors.milestone.inventory.config_client import ConfigClient, is_enabled, object_id, path_id
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.vps.devices import DRIVER_NUMBER, SETTINGS, VpsDevices, VpsHardware, VpsWanted, with_settings
from connectors.protocols.worklist import Worklist
from core.errors import VmsRefused

_POLL_S = 0.25
_PATIENCE_S = 180.0


class VpsSetup:
    """Hardware, its devices, its settings, and the relation that makes boxes appear."""

    def __init__(
        self,
        settings: MilestoneSettings,
        client: ConfigClient,
        inventory: Inventory,
        work: Worklist,
        address: str,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._client = client
        self._inventory = inventory
        self._work = work
        self._address = address or f"http://{urlsplit(settings.url).hostname}/"
        self._say = say
        self._devices = VpsDevices(client)

        self._found: dict[str, VpsHardware] = {}
        """By camera id of the site file."""

    def run(self, cameras: Sequence[CameraSettings]) -> None:
        """One camera after the other."""
        for camera in cameras:
            self._set_up(camera, VpsWanted.of(camera, self._settings))

    def _set_up(self, camera: CameraSettings, wanted: VpsWanted) -> None:
        values = "; ".join(f"{name} = {value}" for name, value in wanted.settings.items())
        ensure = self._work.ensure
        ensure(
            f"VPS hardware for {camera.id}",
            f"{HARDWARE_MENU} → Add Hardware: address {self._address}, no user name, no password,"
            f" driver number {DRIVER_NUMBER} (VPS); name it {wanted.name}.",
            partial(self._is_there, camera, wanted),
            partial(self._add, camera, wanted),
        )
        ensure(
            f"VPS hardware for {camera.id}: enabled with its devices",
            f"{HARDWARE_MENU} → {wanted.name}, its camera and its metadata device: Enabled.",
            partial(self._is_enabled, camera),
            partial(self._enable, camera, wanted),
        )
        ensure(
            f"VPS hardware for {camera.id}: settings",
            f"{SETTINGS_MENU}: {values}.",
            partial(self._is_pointed, camera, wanted),
            partial(self._point, camera, wanted),
        )
        if "metadata" in self._settings.publish:
            ensure(
                f"related metadata of {camera.id}",
                f"{RELATED_MENU}: tick {wanted.name} - Metadata.",
                partial(self._is_related, camera),
                partial(self._relate, camera),
            )

    def _is_there(self, camera: CameraSettings, wanted: VpsWanted) -> bool:
        found = self._devices.hardware_for(wanted, self._devices.driver(self._recorder(camera)))
        if found is not None:
            self._found[camera.id] = found
        return found is not None

    def _add(self, camera: CameraSettings, wanted: VpsWanted) -> None:
        """Adds it, and names it at once: by its name it is known again."""
        recorder = self._recorder(camera)
        order = {
            "hardwareAddress": self._address,
            "hardwareDriverPath": {"type": "hardwareDrivers", "id": self._devices.driver(recorder)},
            "userName": "",
            "password": "",
            "customData": "",
        }
        task = self._client.run_task(f"recordingServers/{recorder}", "AddHardware", order)
        made = self._client.made_by(task, _patience(), partial(self._tell, camera))
        self._client.change(f"hardware/{made}", {"name": wanted.name})
        self._found[camera.id] = self._devices.read(made)

    def _is_enabled(self, camera: CameraSettings) -> bool:
        hardware = self._found.get(camera.id)
        return hardware is not None and hardware.is_enabled and all(map(is_enabled, self._below(hardware)))

    def _enable(self, camera: CameraSettings, wanted: VpsWanted) -> None:
        """A device that is enabled already keeps its name."""
        hardware = self._hardware(camera)
        self._client.change(f"hardware/{hardware.hardware_id}", {"enabled": True})
        for kind, devices in self._devices_of(hardware).items():
            for device in devices:
                if not is_enabled(device):
                    body = {"name": f"{wanted.name} - {kind.capitalize()}", "enabled": True}
                    self._client.change(f"{_COLLECTIONS[kind]}/{object_id(device)}", body)

    def _is_pointed(self, camera: CameraSettings, wanted: VpsWanted) -> bool:
        hardware = self._found.get(camera.id)
        return (
            hardware is not None
            and wanted.settings.keys() <= hardware.settings.keys()
            and not wanted.differing(hardware)
        )

    def _point(self, camera: CameraSettings, wanted: VpsWanted) -> None:
        hardware = self._hardware(camera)
        body = with_settings(hardware, wanted.settings)
        if not wanted.settings.keys() <= hardware.settings.keys():
            raise VmsRefused("this release does not show these settings")
        self._client.change(f"{SETTINGS}/{hardware.hardware_id}", body)

    def _is_related(self, camera: CameraSettings) -> bool:
        hardware = self._found.get(camera.id)
        if hardware is None:
            return False
        related = {path_id(item) for item in self._devices.related(canonical_id(camera.device))}
        return related.issuperset(map(object_id, self._devices.metadata(hardware.hardware_id)))

    def _relate(self, camera: CameraSettings) -> None:
        device = canonical_id(camera.device)
        metadata = map(object_id, self._devices.metadata(self._hardware(camera).hardware_id))
        related = self._devices.related(device)
        known = {path_id(item) for item in related}
        fresh = [{"type": "metadata", "id": item} for item in metadata if item not in known]
        self._client.change(f"clientSettings/{device}", {"related": [*related, *fresh]})

    def _devices_of(self, hardware: VpsHardware) -> dict[str, list[dict[str, Any]]]:
        return {
            "camera": self._devices.cameras(hardware.hardware_id),
            "metadata": self._devices.metadata(hardware.hardware_id),
        }

    def _below(self, hardware: VpsHardware) -> list[dict[str, Any]]:
        return [device for devices in self._devices_of(hardware).values() for device in devices]

    def _recorder(self, camera: CameraSettings) -> str:
        """The camera's own recording server, as in Milestone's sample."""
        return self._inventory.camera(camera.device).recorder.recorder_id

    def _hardware(self, camera: CameraSettings) -> VpsHardware:
        hardware = self._found.get(camera.id)
        if hardware is None:
            raise VmsRefused("its hardware is not there yet")
        return hardware

    def _tell(self, camera: CameraSettings, percent: int) -> None:
        self._say(f"adding VPS hardware for {camera.id}: {percent} %")


_COLLECTIONS = {"camera": "cameras", "metadata": "metadata"}


def _patience() -> Callable[[], bool]:
    """Pauses at each call, and is False once the patience is over."""
    pause = threading.Event()
    rounds = iter(range(round(_PATIENCE_S / _POLL_S)))

    def wait() -> bool:
        pause.wait(_POLL_S)
        return next(rounds, None) is not None

    return wait
