"""What kind of machine this is, and what it tells of the power it draws."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from core.engine.workers import usable_cores
from core.types import Json

_CPU_INFO: Final = Path("/proc/cpuinfo")
_POWERCAP: Final = Path("/sys/class/powercap")
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine as figures are told for it. ``cores`` are those that this process may use."""

    cpu: str
    cores: int
    memory_mb: int
    system: str

    def as_json(self) -> dict[str, Json]:
        """As stored with a measurement."""
        return {"cpu": self.cpu, "cores": self.cores, "memory_mb": self.memory_mb, "system": self.system}


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(
        cpu=_cpu_name(),
        cores=usable_cores(),
        memory_mb=psutil.virtual_memory().total // _MIB,
        system=f"{platform.system()} {platform.machine()}",
    )


def package_joules(powercap: Path = _POWERCAP) -> float | None:
    """Energy that all processor packages have drawn, as Linux tells it (RAPL); None where the platform does not.

    Only differences mean something; the counter starts over at a limit that each package tells. Since 2020 Linux lets
    only root read it.
    """
    packages = sorted(powercap.glob("intel-rapl:?")) if powercap.is_dir() else []
    try:
        microjoules = [int((package / "energy_uj").read_text(encoding="ascii")) for package in packages]
    except (OSError, ValueError):
        return None
    return sum(microjoules) / 1e6 if microjoules else None


def _cpu_name() -> str:
    with suppress(OSError):
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
