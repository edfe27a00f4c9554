"""Which .NET runtime hosts the SDK, and where both are found: decided in the core, before the child starts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.errors import RequestInvalid

Runtime: TypeAlias = Literal["netfx", "coreclr", "mono"]
"""``netfx``: .NET Framework 4.8 on Windows, the only one with overlays. ``coreclr``: .NET 8, from SDK 5.12.2. ``mono``:
for tests; the SDK itself is not supported there."""

SDK_VARIABLES: Mapping[str, str] = {"netfx": "GSC_SDK", "coreclr": "GSC_SDK_CORE", "mono": "GSC_SDK"}
"""Environment variables that Genetec's installer sets to the SDK's folder, by runtime."""

PLATFORM_ASSEMBLY = "Genetec.Sdk.dll"
MEDIA_ASSEMBLY = "Genetec.Sdk.Media.dll"

_DOTNET_8 = {
    "runtimeOptions": {
        "tfm": "net8.0",
        "rollForward": "LatestMinor",
        "frameworks": [
            {"name": "Microsoft.NETCore.App", "version": "8.0.0"},
            {"name": "Microsoft.WindowsDesktop.App", "version": "8.0.0"},
        ],
    }
}
"""The SDK's engine uses the desktop framework's dispatcher even without a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All that a child is started with."""

    runtime: Runtime
    folder: Path
    server: str
    username: str
    password: str
    certificate: str
    hang_s: float
    logon_s: float
    runtime_config: str = ""
    dotnet_root: str = ""

    def as_frame(self) -> dict[str, Any]:
        """The fields of the ``start`` frame; unlike ``repr``, with the secrets."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"folder": str(self.folder)} | {"runtime_config_text": self._config_text()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be shown nowhere."""
        return tuple(filter(None, (self.password, self.certificate)))

    def __repr__(self) -> str:
        return f"Launch({self.runtime}, {self.folder}, {self.server}, {self.username})"

    def _config_text(self) -> str:
        """What a CoreCLR is started with where the site names no file of its own."""
        return "" if self.runtime_config or self.runtime != "coreclr" else json.dumps(_DOTNET_8)


def sdk_folder(configured: Path | None, runtime: Runtime) -> Path:
    """The SDK's folder. Raises ``RequestInvalid`` where none is named, or it holds no SDK."""
    variable = SDK_VARIABLES[runtime]
    named = configured or os.environ.get(variable)
    if not named:
        raise RequestInvalid(
            f"the folder of Genetec's SDK is not known: {variable} is not set",
            remedy="Install Security Center's SDK on this machine, or set 'sdk_folder'.",
        )
    folder = Path(named).absolute()
    if not (folder / PLATFORM_ASSEMBLY).is_file():
        raise RequestInvalid(
            f"there is no {PLATFORM_ASSEMBLY} in {folder}", remedy="Set 'sdk_folder' to the folder of Genetec's SDK."
        )
    return folder


def child_environment(secrets: Container[str]) -> dict[str, str]:
    """The child's environment, without the variables from which these secrets were read.

    Mono must be told before its process starts: with its default way of suspending threads, a thread that waits for
    Python's lock while another collects garbage stops both for ever (pythonnet PR 1779).
    """
    inherited = {name: value for name, value in os.environ.items() if value not in secrets}
    return inherited | {"MONO_THREADS_SUSPEND": "preemptive", "PYTHONUNBUFFERED": "1"}


def child_command() -> list[str]:
    """How the child is started; nothing is imported from the folder where it runs."""
    return [sys.executable, "-P", "-m", "connectors.genetec.sdk.host"]
