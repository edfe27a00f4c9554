from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from analytics.commands import replay as module
from analytics.commands.replay import COMMAND
from analytics.dossier.document import TICKS
from core.errors import UsageError
from tests.analytics.dossier.made import KINDS, YARD, dossiers, film, install

pytestmark = pytest.mark.slow


@pytest.fixture
def dossier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(monkeypatch)
    monkeypatch.setattr(module, "rule_kinds", lambda: KINDS)
    (made,) = dossiers(tmp_path / "d", film(tmp_path / "clip.mp4"), [YARD])
    return made.folder


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_same_verdict_is_told_and_exits_with_0(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dossier) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "Cour (zone_presence) at 2.10 s" in output.err
    assert "\nthe same verdict; sha256 " in output.err


def test_json_tells_the_alert_and_both_versions(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dossier, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["is_same"], document["differences"]) == (True, [])
    assert (document["alert"]["rule"], document["made_by"]) == ("yard", document["replayed_by"])
    assert len(document["sha256"]) == 64


def test_what_differs_is_one_line_each_and_exits_with_1(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (dossier / TICKS).write_bytes(b"")
    assert run(dossier) == 1
    output = capsys.readouterr()
    assert output.out == f"{TICKS} is altered\n"
    assert "not the same verdict" in output.err
    assert run(dossier, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["is_same"], document["alert"], document["made_by"]) == (False, None, None)


def test_a_folder_that_is_no_dossier_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dossier"):
        run(tmp_path)
