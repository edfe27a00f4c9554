from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from analytics.commands.models import COMMAND
from analytics.models.manifest import MANIFEST_SUFFIX, Manifest, known_manifests, open_density_model, open_model
from core import registry
from core.cli.parsing import run_command
from core.errors import VigieError
from tests.analytics.detect.onnx_file import constant_model, density_file, document
from tests.shared import shared


def model_file(folder: Path, name: str = "m.onnx", *, is_altered: bool = False, detail: float = 0.0) -> Path:
    data = constant_model([np.full((1, 21, 8), detail, np.float32)], shape=(1, 3, 32, 32))
    manifest = document(data, "yolox", (32, 32))
    path = folder / name
    path.write_bytes(data + b"." if is_altered else data)
    path.with_name(name + MANIFEST_SUFFIX).write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, output and remarks, or the error's line."""
    try:
        code = run_command(COMMAND, "vigie models", [str(argument) for argument in arguments])
    except VigieError as error:
        return error.exit_code, capsys.readouterr().out, error.line()
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, out, err = run(capsys, *arguments, "--json")
    assert err == ""
    return code, json.loads(out)


def test_it_is_installed() -> None:
    assert registry.command(registry.Group.COMMANDS, "models") is COMMAND


def test_list_gives_every_known_model_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [row[0] for row in rows] == [manifest.name for manifest in known_manifests()]
    assert rows[-1][:5] == ["yolox_nano", "yolox", "416x416", "80", "Apache-2.0"]


def test_list_as_json_holds_whole_manifests(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = document_of(capsys, "list")
    assert code == 0
    assert [Manifest.model_validate(entry) for entry in document["models"]] == list(known_manifests())


def test_verify_says_of_each_file_what_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, other = model_file(tmp_path), model_file(tmp_path, "n.onnx")
    assert run(capsys, "verify", good, other)[:2] == (
        0,
        f"ok\t{good}\tm (yolox), licence MIT, 3 classes\t\nok\t{other}\tm (yolox), licence MIT, 3 classes\t\n",
    )


def test_verify_fails_when_one_file_is_altered_and_still_says_what_the_others_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    altered, good = model_file(tmp_path, "a.onnx", is_altered=True), model_file(tmp_path, "b.onnx")
    code, document = document_of(capsys, "verify", altered, good)
    assert (code, document["ok"]) == (1, False)
    first, second = document["findings"]
    assert (first["level"], first["code"], first["subject"]) == ("failure", "model_unusable", str(altered))
    assert "sha256" in first["message"]
    assert first["remedy"]
    assert second["level"] == "ok"


def test_verify_runs_the_model_and_does_not_only_compare_its_checksum(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"weights")
    manifest = yaml.safe_dump(document(b"weights", "yolox", (32, 32)))
    path.with_name(path.name + MANIFEST_SUFFIX).write_text(manifest, encoding="utf-8")
    code, out, _ = run(capsys, "verify", path)
    assert code == 1
    assert "not an ONNX model that can be run" in out


@pytest.mark.parametrize("arguments", [(), ("verify",), ("verify", "motion"), ("add", "m.onnx"), ("learn",)])
def test_wrong_use_is_said(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err


def test_add_copies_a_model_with_its_manifest_so_that_it_opens_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, folder = model_file(tmp_path), tmp_path / "site" / "models"
    code, document = document_of(capsys, "add", path, "--to", folder)
    assert (code, document["path"]) == (0, str(folder / "m.onnx"))
    assert document["model"]["licence"] == "MIT"
    copy = open_model(folder / "m.onnx")
    assert (copy.data, copy.manifest) == (path.read_bytes(), open_model(path).manifest)
    assert sorted(entry.name for entry in folder.iterdir()) == ["m.onnx", f"m.onnx{MANIFEST_SUFFIX}"]


def test_add_tells_the_path_for_the_site_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "add", model_file(tmp_path), "--to", tmp_path / "models")
    assert (code, out) == (0, f"m\t{tmp_path / 'models' / 'm.onnx'}\n")
    assert "analysis.detector" in err


def test_a_density_map_model_is_verified_and_added_as_what_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, folder = density_file(tmp_path), tmp_path / "models"
    assert run(capsys, "verify", path)[:2] == (0, f"ok\t{path}\tcrowd (density), licence MIT, draws density maps\t\n")
    code, out, err = run(capsys, "add", path, "--to", folder)
    assert (code, out) == (0, f"crowd\t{folder / 'crowd.onnx'}\n")
    assert "analysis.density_model" in err
    assert open_density_model(folder / "crowd.onnx").data == path.read_bytes()


def test_add_again_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, folder = model_file(tmp_path), tmp_path / "models"
    for _ in range(2):
        assert run(capsys, "add", path, "--to", folder)[0] == 0
    assert open_model(folder / "m.onnx").data == path.read_bytes()


def test_add_never_overwrites_another_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    before = model_file(folder, detail=0.5)
    manifest = before.with_name(before.name + MANIFEST_SUFFIX).read_text(encoding="utf-8")
    code, out, err = run(capsys, "add", model_file(tmp_path), "--to", folder)
    assert (code, out) == (1, "")
    assert "exists and is another model" in err
    assert before.with_name(before.name + MANIFEST_SUFFIX).read_text(encoding="utf-8") == manifest
    open_model(before)


def test_add_refuses_an_altered_model_and_copies_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "add", model_file(tmp_path, is_altered=True), "--to", tmp_path / "models")
    assert code == 1
    assert "sha256" in err
    assert not (tmp_path / "models").exists()


def test_add_says_where_it_cannot_write(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    code, _, err = run(capsys, "add", model_file(tmp_path), "--to", tmp_path / "models")
    assert code == 1
    assert "cannot be copied" in err


def test_a_copy_that_is_cut_short_leaves_no_model_under_the_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = model_file(tmp_path), tmp_path / "models"
    writing = Path.write_bytes

    def full(target: Path, data: bytes) -> int:
        if target.name.startswith("m.onnx.part"):
            writing(target, data[:10])
            raise OSError(28, "No space left on device")
        return writing(target, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run(capsys, "add", path, "--to", folder)
    assert code == 1
    assert "No space left on device" in err
    assert not (folder / "m.onnx").exists()


@pytest.mark.shared_data
def test_a_known_model_is_added_with_the_manifest_that_came_with_vigie(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _ = document_of(capsys, "add", shared("data/models/yolox_nano.onnx"), "--to", tmp_path)
    assert code == 0
    assert (tmp_path / f"yolox_nano.onnx{MANIFEST_SUFFIX}").exists()
    assert open_model(tmp_path / "yolox_nano.onnx").manifest in known_manifests()
