from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import main
from core.demo.run import work_folder


@pytest.mark.parametrize("command", [["demo"], ["bench", "delivery"]])
def test_a_folder_with_things_of_an_earlier_run_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.yaml").touch()
    assert main([*command, "--keep", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--keep", str(tmp_path / "file")]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_a_folder_to_keep_is_made_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with work_folder(Path("a/b")) as folder:
        assert folder == tmp_path / "a" / "b"
    assert folder.is_dir()


def test_without_one_the_folder_goes() -> None:
    with work_folder(None) as folder:
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["storm", "--minutes", "0"],
        ["storm", "--cameras", "x"],
        ["control", "--rounds", "0"],
        ["delivery", "--kills", "-1"],
    ],
)
def test_a_bench_of_nothing_is_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *wrong]) == 2
    assert "above 0" in capsys.readouterr().err
