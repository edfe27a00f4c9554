"""Installs a distribution for one test, as pip would: a module and its entry points on the path."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from core import registry


def install_plugin(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, module: str, code: str, entry_points: Mapping[str, str]
) -> None:
    """``entry_points`` maps ``group:name`` to ``module:object``. Child processes that are spawned see it too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{key.split(':')[0]}]\n{key.split(':')[1]} = {value}\n" for key, value in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    registry.kinds.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, module)
