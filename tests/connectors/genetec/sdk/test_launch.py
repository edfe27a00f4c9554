from __future__ import annotations

import ast
import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import connectors.genetec.sdk as package
from connectors.genetec.sdk.dotnet.runtime import load_runtime
from connectors.genetec.sdk.launch import Launch, child_environment, sdk_folder
from core.errors import RequestInvalid

ROOT = Path(package.__file__).parent


def launch(**given: str) -> Launch:
    return Launch(
        runtime=given.pop("runtime", "coreclr"),  # type: ignore[arg-type]
        folder=Path("sdk"),
        server="directory",
        username="vigie",
        password="pässword",
        certificate="certificate",
        hang_s=10.0,
        logon_s=30.0,
        **given,
    )


@pytest.mark.parametrize(("runtime", "variable"), [("netfx", "GSC_SDK"), ("coreclr", "GSC_SDK_CORE")])
def test_the_sdks_folder_is_the_one_configured_else_what_its_installer_says(
    runtime: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RequestInvalid, match=variable):
        sdk_folder(None, runtime)  # type: ignore[arg-type]
    monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(RequestInvalid, match=r"Genetec\.Sdk\.dll"):
        sdk_folder(None, runtime)  # type: ignore[arg-type]
    (tmp_path / "Genetec.Sdk.dll").touch()
    assert sdk_folder(None, runtime) == tmp_path  # type: ignore[arg-type]
    monkeypatch.setenv(variable, "elsewhere")
    assert sdk_folder(tmp_path, runtime) == tmp_path  # type: ignore[arg-type]


def test_secrets_are_in_the_start_frame_and_nowhere_else() -> None:
    assert launch().as_frame()["password"] == "pässword"
    assert "pässword" not in repr(launch())
    assert "pässword" not in str(child_environment(launch().secrets))


def test_mono_is_told_how_to_suspend_threads_before_its_process_starts() -> None:
    assert child_environment(())["MONO_THREADS_SUSPEND"] == "preemptive"


def test_coreclr_gets_the_desktop_framework_unless_the_site_names_another() -> None:
    text = launch().as_frame()["runtime_config_text"]
    names = {framework["name"] for framework in json.loads(text)["runtimeOptions"]["frameworks"]}
    assert "Microsoft.WindowsDesktop.App" in names
    assert launch(runtime_config="own.json").as_frame()["runtime_config_text"] == ""
    assert launch(runtime="netfx").as_frame()["runtime_config_text"] == ""


def test_a_coreclr_that_is_started_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def load(_runtime: str, **options: str) -> None:
        told.append(Path(options["runtime_config"]).read_text(encoding="utf-8"))

    monkeypatch.setitem(sys.modules, "pythonnet", SimpleNamespace(load=load))
    monkeypatch.setitem(sys.modules, "clr", SimpleNamespace())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load_runtime(launch().as_frame())
    assert told == [launch().as_frame()["runtime_config_text"]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_package_dotnet_touches_dot_net_and_nothing_awaits_a_blocking_property(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert "Result" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if path.parent.name != "dotnet":
        assert not imported(tree) & {"clr", "pythonnet", "System", "Genetec"}


def imported(tree: ast.AST) -> set[str]:
    """First parts of what is imported, also by ``import_module``."""
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module"
        if isinstance(node.args[0], ast.Constant)
    ]
    return {name.partition(".")[0] for name in names}
