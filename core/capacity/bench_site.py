"""The site that the bench of streams watches: an ONVIF bridge on loopback, with so many cameras of the same shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from core.demo.site import CROSSING, PASSWORD, PRESENCE, USERNAME

SIMULATOR: Final = "onvif-camera"
VMS: Final = "bridge"

_CLASSES: Final = ("person", "car", "truck", "bus", "bicycle", "motorcycle")

RULES: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {**rule, "classes": list(_CLASSES)} for rule in (CROSSING, PRESENCE)
)
"""Of every camera: a line and a zone of the made scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured. ``detector`` as in ``analysis.detector``; ``seconds`` is the window after the warm-up."""

    streams: int
    workers: int
    seconds: float
    fps: float
    width: int
    height: int
    stream_fps: float
    detector: str
    clips: tuple[Path, ...] = ()
    rules: tuple[Sequence[Mapping[str, Any]], ...] = (RULES,)
    """Of the first clip, of the second …; in turn as the clips are."""
    is_quiet: bool = False

    @property
    def megapixels(self) -> float:
        """Of one picture."""
        return self.width * self.height / 1e6

    def rules_of(self, index: int) -> Sequence[Mapping[str, Any]]:
        """Of the camera with this index."""
        return self.rules[index % len(self.rules)]

    @property
    def simulator_arguments(self) -> list[str]:
        """What the bridge is started with: plain HTTP and RTSP, for a camera's own TLS is not what is measured."""
        shape = f"{self.width}x{self.height}@{self.stream_fps:g}"
        clips = [word for clip in self.clips for word in ("--video", str(clip.resolve()))]
        still = ["--still"] if self.is_quiet else []
        account = ["--username", USERNAME, "--password", PASSWORD]
        return ["--http-only", "--as", shape, "--cameras", str(self.streams), *account, *clips, *still]


def camera_id(index: int) -> str:
    """What a camera is called in the site."""
    return f"camera-{index + 1}"


def write_bench_site(path: Path, announced: Mapping[str, Any], plan: Plan, devices: Sequence[str]) -> None:
    """Writes the site file and its secret; ``devices``: the bridge's cameras that are watched."""
    secrets = path.parent / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "vms-password").touch(mode=0o600)
    (secrets / "vms-password").write_text(PASSWORD, encoding="utf-8")
    bridge = {
        "id": VMS,
        "type": "onvif",
        "url": announced["url"],
        "username": USERNAME,
        "password": {"secret": "vms-password"},
        "allow_http": True,
        "publish": [],
    }
    document = {
        "version": 1,
        "site": {"name": "Bench"},
        "storage": {"dir": "var"},
        "analysis": {"detector": plan.detector, "fps": plan.fps},
        "workers": min(plan.workers, len(devices)),
        "vms": [bridge],
        "cameras": [
            {
                "id": camera_id(index),
                "vms": VMS,
                "device": device,
                "rules": [dict(rule) for rule in plan.rules_of(index)],
            }
            for index, device in enumerate(devices)
        ],
    }
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
