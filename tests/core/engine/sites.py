"""Small sites, built without a file."""

from __future__ import annotations

from pathlib import Path

from config.model import CameraSettings, SecretRef, Site, SiteSettings, StorageSettings, VmsSettings


def vms(name: str = "vms") -> VmsSettings:
    return VmsSettings(id=name, type="fake", url="https://vms", username="vigie", password=SecretRef(env="UNUSED"))


def camera(name: str, *, enabled: bool = True) -> CameraSettings:
    return CameraSettings(id=name, vms="vms", device=f"device-{name}", enabled=enabled)


def site(*cameras: CameraSettings, workers: int = 1, folder: Path = Path("var")) -> SiteSettings:
    return SiteSettings(
        version=1,
        site=Site(name="test"),
        vms=(vms(),),
        cameras=cameras,
        workers=workers,
        storage=StorageSettings(dir=folder),
    )
