"""Starts the .NET runtime, and finds assemblies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import RequestInvalid


def load_runtime(start: Mapping[str, Any]) -> None:
    """Starts the runtime, once per process, and teaches it where assemblies are. Raises ``RequestInvalid``."""
    try:
        pythonnet = import_module("pythonnet")
    except ImportError as error:
        raise RequestInvalid("pythonnet is not installed", remedy="pip install 'vigie[genetec-sdk]'.") from error
    try:
        if start["runtime"] == "coreclr":
            _load_coreclr(pythonnet, start)
        else:
            pythonnet.load(start["runtime"])
        import_module("clr")
    except Exception as error:  # of cffi, clr_loader or pythonnet, each with its own classes
        raise RequestInvalid(
            f"the .NET runtime {start['runtime']} does not start: {str(error).rstrip('.')}",
            remedy="Install .NET Framework 4.8 (netfx) or the .NET 8 Desktop Runtime (coreclr).",
        ) from error


def _load_coreclr(pythonnet: Any, start: Mapping[str, Any]) -> None:
    """The configuration is read when the runtime starts, and not kept: every child would leave one behind."""
    with TemporaryDirectory(prefix="vigie-", ignore_cleanup_errors=True) as folder:
        path = Path(start["runtime_config"] or Path(folder, "vigie.runtimeconfig.json"))
        if not start["runtime_config"]:
            path.write_text(start["runtime_config_text"], encoding="utf-8")
        options = {"dotnet_root": start["dotnet_root"]} if start["dotnet_root"] else {}
        pythonnet.load("coreclr", runtime_config=str(path), **options)


class Resolver:
    """Finds the SDK's own assemblies in its folder; Genetec wants them never copied."""

    def __init__(self, folder: Path) -> None:
        self._folders = [folder, folder / "x64"]
        self._reflection = import_module("System.Reflection")
        system = import_module("System")
        self._handler = system.ResolveEventHandler(self._resolve)
        system.AppDomain.CurrentDomain.AssemblyResolve += self._handler
        if hasattr(os, "add_dll_directory"):
            for place in filter(Path.is_dir, self._folders):
                os.add_dll_directory(str(place))

    def load(self, file_name: str) -> Any:
        """The assembly of that file."""
        return self._reflection.Assembly.LoadFrom(str(self._folders[0] / file_name))

    def _resolve(self, _sender: Any, args: Any) -> Any:
        try:
            name = str(args.Name).partition(",")[0]
            if name.endswith((".XmlSerializers", ".resources")):
                return None
            candidates = (place / f"{name}{suffix}" for place in self._folders for suffix in (".dll", ".exe"))
            found = next((path for path in candidates if path.is_file()), None)
            return None if found is None else self._reflection.Assembly.LoadFrom(str(found))
        except BaseException:  # noqa: BLE001 - called by .NET: what leaves here ends the process
            return None
