"""A stub of Genetec's SDK for benches and tests: compiled from C# by Mono's ``mcs``, told what to do through files.

The stub's sources lie with the tests, as nobody but them needs it. What it did stands in the file ``ledger`` of its
folder, orders to it go to ``orders``; both outlive the process that hosts it. Fields are tab-separated and escaped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from connectors.genetec.sdk.launch import MEDIA_ASSEMBLY, PLATFORM_ASSEMBLY
from core.errors import UsageError

FOLDER_VARIABLE: Final = "VIGIE_STUB_CENTER"
"""Environment variable by which the stub finds its folder."""

CERTIFICATE: Final = "stub-certificate"
PASSWORD: Final = "vigie-demo"  # noqa: S105 - of a stub
ALARM: Final = "3f0d7c1e-8a3e-4a55-9a3f-2d5b0c7a9911"
OPERATOR: Final = "00000000-0000-0000-0000-0000000000a1"
"""What the stub knows."""

_COMPILE_S: Final = 60.0
_STAND_INS: Final = "Vigie.StandIns.dll"
_ASSEMBLIES: Final = {
    _STAND_INS: (["StandIns.cs"], []),
    PLATFORM_ASSEMBLY: (["Center.cs", "Sdk.cs", "Workflows.cs"], ["System.Data.dll", "System.Xml.dll", _STAND_INS]),
    MEDIA_ASSEMBLY: (["Media.cs"], [_STAND_INS, PLATFORM_ASSEMBLY]),
}


def compile_stub(sources: Path, folder: Path) -> Path:
    """Puts the assemblies into ``folder``. Raises ``UsageError`` where that cannot be done."""
    compiler = shutil.which("mcs")
    if compiler is None:
        raise UsageError("Mono's compiler mcs is not installed", remedy="See: python tasks.py system-packages.")
    for assembly, (files, references) in _ASSEMBLIES.items():
        options = [f"-r:{name}" if name.startswith("System") else f"-r:{folder / name}" for name in references]
        command = [compiler, "-target:library", "-nologo", f"-out:{folder / assembly}", *options]
        command += [str(sources / name) for name in files]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_COMPILE_S)  # noqa: S603 - our own command
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(f"the stub in {sources} does not compile: {error}") from error
    return folder


def stub_runtime_config(folder: Path) -> Path:
    """Names .NET Core 3.1; without the libraries of all languages, which a test machine may lack."""
    path = folder / "stub.runtimeconfig.json"
    options = {
        "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0", "rollForward": "Major"},
        "configProperties": {"System.Globalization.Invariant": True},
    }
    path.write_text(json.dumps({"runtimeOptions": options}), encoding="utf-8")
    return path


class StubCenter:
    """The Security Center behind the stub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def cameras(self, *devices: str, state: str = "ok") -> None:
        """What it has: ``ok``, ``stopped``, or ``plain`` (no overlays)."""
        rows = (f"{device}\t{quote(f'Camera {number}')}\t{state}\n" for number, device in enumerate(devices))
        (self.folder / "cameras").write_text("".join(rows), encoding="ascii")

    def rows(self, kind: str) -> list[list[str]]:
        """The fields of what was done, in order."""
        ledger = self.folder / "ledger"
        lines = ledger.read_text(encoding="ascii").splitlines() if ledger.exists() else []
        rows = [[unquote(field) for field in line.split("\t")] for line in lines]
        return [row[1:] for row in rows if row[0] == kind]

    def order(self, *words: object) -> None:
        """Has the stub do something, soon; nobody does it while no process hosts it."""
        with (self.folder / "orders").open("a", encoding="ascii") as file:
            file.write("\t".join(quote(str(word), safe="") for word in words) + "\n")
