from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analytics.dossier.document import CLIP, DECISION, DOCUMENT, MARKED, START, SUMS, TICKS
from analytics.dossier.verdict import replay
from analytics.dossier.write import DossierWriter
from analytics.filevideo import FileVideo
from config.model import AnalysisSettings, RuleSettings
from core.errors import UsageError
from tests.analytics.detect.onnx_file import density_file
from tests.analytics.dossier.made import CLOSER, KINDS, MAP, YARD, dossiers, film, install, setting
from tests.analytics.dossier.made import SUMS as SUMS_RULE

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return film(tmp_path / "clip.mp4")


def only(folder: Path, video: Path, *rules: RuleSettings) -> tuple[Path, dict[str, Any]]:
    (made,) = dossiers(folder, video, rules)
    assert made.differences == ()
    return made.folder, json.loads((made.folder / DOCUMENT).read_text(encoding="utf-8"))


def test_a_dossier_says_what_was_decided_by_what(tmp_path: Path, video: Path) -> None:
    folder, document = only(tmp_path / "d", video, YARD)
    assert folder.name == "0001-yard-2.10s"
    assert {path.name for path in folder.iterdir()} == {DOCUMENT, SUMS, TICKS, CLIP, START, DECISION, MARKED}
    alert, (rule,), (path,) = document["alert"], document["rules"], document["paths"]
    assert (alert["rule"], alert["type"], alert["time_s"]) == ("yard", "zone_presence", 2.1)
    assert (rule["dwell_s"], rule["cooldown_s"], rule["state"]) == (1.0, 0.0, "armed")
    assert document["analysis"] == {"detector": "motion", "fps": 10.0, "min_confidence": 0.35, "density_model": None}
    assert document["video"]["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    assert document["model"] is None
    assert path["track"] == alert["objects"][0]["track"]
    moments = [point[0] for point in path["points"]]
    assert moments == sorted(moments)
    assert moments[-1] == 2.1


def test_the_sums_are_what_sha256sum_checks(tmp_path: Path, video: Path) -> None:
    folder, _ = only(tmp_path / "d", video, YARD)
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_the_pictures_are_those_of_the_decision_and_of_the_beginning(tmp_path: Path, video: Path) -> None:
    folder, document = only(tmp_path / "d", video, YARD)
    decision, marked, start = (cv2.imread(str(folder / name)) for name in (DECISION, MARKED, START))
    assert decision is not None
    assert marked is not None
    assert start is not None
    with FileVideo(video) as whole:
        frames = {round(frame.captured_at, 3): frame.rgb()[..., ::-1] for frame in whole.frames()}
    for picture, moment in ((decision, 2.1), (start, document["alert"]["started_s"])):
        assert np.abs(picture.astype(int) - frames[round(moment, 3)]).mean() < 5
    assert np.abs(decision.astype(int) - marked).mean() > 2


def test_the_same_film_gives_the_same_dossier(tmp_path: Path, video: Path) -> None:
    first, second = (dossiers(tmp_path / name, video, [YARD])[0].sha256 for name in ("a", "b"))
    assert first == second


def test_a_rule_that_needs_no_pictures_keeps_a_short_clip(tmp_path: Path) -> None:
    video = film(tmp_path / "long.mp4", seconds=20)
    late = setting("late", "zone_presence", zone=YARD.model_dump()["zone"], dwell_s=14.0)
    _, document = only(tmp_path / "d", video, late)
    assert document["ticks"]["from_s"] == 0.0
    assert document["clip"]["from_s"] == pytest.approx(document["alert"]["time_s"] - 5.0, abs=1.1)


def test_a_rule_that_looks_at_pictures_keeps_as_many_as_it_needs(tmp_path: Path, video: Path) -> None:
    _, document = only(tmp_path / "d", video, SUMS_RULE)
    assert (document["alert"]["time_s"], document["clip"]["from_s"]) == (4.4, 0.0)


def test_closer_looks_are_kept_with_their_answers(tmp_path: Path, video: Path) -> None:
    folder, document = only(tmp_path / "d", video, CLOSER)
    assert document["alert"]["details"]["bottom"] == pytest.approx(0.7, abs=0.02)
    assert b'"looks":[{"parts":[[0.25,0.25,0.75,1.0]]' in (folder / TICKS).read_bytes()


def test_what_a_density_map_told_is_kept_with_its_model_and_replayed_without_it(tmp_path: Path, video: Path) -> None:
    model = density_file(tmp_path, people=0.1)
    (made,) = dossiers(tmp_path / "d", video, [MAP], density=model)
    model.unlink()
    assert made.differences == ()
    assert replay(made.folder, KINDS).differences == ()
    document = json.loads((made.folder / DOCUMENT).read_text(encoding="utf-8"))
    assert document["alert"]["details"]["people"] > 1.0
    assert (document["model"], document["density_model"]["name"]) == (None, "crowd")
    assert document["density_model"]["licence"] == "MIT"
    assert b'"readings":[{"zone":[[0.3,0.3]' in (made.folder / TICKS).read_bytes()


def test_a_composition_s_dossier_has_the_settings_of_all_its_members(tmp_path: Path, video: Path) -> None:
    inner = setting("inner", "all_of", rules=["yard", "sums"])
    outer = setting("outer", "all_of", rules=["inner", "closer"])
    made = dossiers(tmp_path / "d", video, [outer, CLOSER, SUMS_RULE, inner, YARD])
    assert {one.folder.name.split("-")[1]: one.differences for one in made} == dict.fromkeys(
        ("yard", "closer", "sums", "inner", "outer"), ()
    )
    document = json.loads((made[-1].folder / DOCUMENT).read_text(encoding="utf-8"))
    assert [rule["id"] for rule in document["rules"]] == ["outer", "inner", "closer", "yard", "sums"]


def test_a_verdict_does_not_depend_on_the_cooldown_that_went_before(tmp_path: Path, video: Path) -> None:
    often = setting(
        "often", "zone_presence", zone=YARD.model_dump()["zone"], dwell_s=1.0, cooldown_s=100, state="observe"
    )
    _, document = only(tmp_path / "d", video, often)
    assert (document["alert"]["state"], document["rules"][0]["cooldown_s"]) == ("observe", 100.0)


def test_without_alerts_there_are_no_dossiers(tmp_path: Path, video: Path) -> None:
    nowhere = setting("nowhere", "zone_presence", zone=[[0.9, 0.0], [1.0, 0.0], [1.0, 0.1]])
    assert dossiers(tmp_path / "d", video, [nowhere]) == []
    assert list((tmp_path / "d").iterdir()) == []


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, video: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        DossierWriter(folder=tmp_path, video=video, rules=[], analysis=AnalysisSettings(), kinds=KINDS)
    with pytest.raises(UsageError, match="cannot be used"):
        DossierWriter(folder=video, video=video, rules=[], analysis=AnalysisSettings(), kinds=KINDS)
