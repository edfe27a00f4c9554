"""The stub assemblies, compiled, and the .NET runtimes that host them on Linux."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from connectors.genetec.sdk.bench_stub import compile_stub, stub_runtime_config

STUB = Path(__file__).parent / "stub"
CORECLR = "dotnetcore2==3.1.23"
"""A wheel on PyPI that holds .NET Core: out of support, for tests only."""

DOWNLOAD_S = 240


@dataclass(frozen=True)
class Hosted:
    """Settings by which a connector finds a stub SDK and a runtime."""

    runtime: str
    sdk_folder: Path
    dotnet_root: Path | None = None
    runtime_config: Path | None = None

    def settings(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in found.items() if value is not None}


def compiled_stub(folder: Path) -> Path:
    """The folder with the stub's assemblies; skips where they cannot be made or hosted."""
    if shutil.which("mcs") is None:
        pytest.skip("needs Mono's compiler mcs (python tasks.py system-packages)")
    if find_spec("pythonnet") is None:
        pytest.skip("needs pythonnet (pip install 'vigie[genetec-sdk]')")
    return compile_stub(STUB, folder)


def coreclr(cache: Path) -> Path:
    """The folder of .NET Core out of its wheel, downloaded once; skips where pip cannot."""
    root = cache / "dotnetcore2" / "bin"
    if not root.exists():
        if sys.platform != "linux":
            pytest.skip("the wheel of .NET Core is for Linux")
        work = Path(mkdtemp(dir=cache))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), CORECLR]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=DOWNLOAD_S)
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(work, ignore_errors=True)
            pytest.skip(f"pip cannot download {CORECLR}: {error}")
        with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
            wheel.extractall(work)
        _move(work / "dotnetcore2", cache / "dotnetcore2")
        shutil.rmtree(work, ignore_errors=True)
    return root


def _move(source: Path, target: Path) -> None:
    """Another test process may have been faster."""
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise


def hosted(runtime: str, sdk_folder: Path, cache: Path) -> Hosted:
    """A runtime to host that stub; skips where it is absent."""
    if runtime == "mono":
        if shutil.which("mono") is None:
            pytest.skip("needs Mono (python tasks.py system-packages)")
        return Hosted("mono", sdk_folder)
    return Hosted("coreclr", sdk_folder, coreclr(cache), stub_runtime_config(sdk_folder))
