from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from analytics.dossier.document import CLIP, DECISION, DOCUMENT, SUMS, TICKS, DossierAnalysis, settings_digest
from analytics.dossier.verdict import replay, sums_of
from config.model import Kinds
from core.errors import UsageError, VigieError
from tests.analytics.dossier.made import CLOSER, KINDS, YARD, dossiers, film, install
from tests.analytics.dossier.made import SUMS as SUMS_RULE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A dossier of each rule."""
    folder = tmp_path_factory.mktemp("dossiers")
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch)
        made = dossiers(folder / "d", film(folder / "clip.mp4"), [YARD, SUMS_RULE, CLOSER])
    return {one.folder.name.split("-")[1]: one.folder for one in made}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


@pytest.fixture
def copy(originals: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    def copied(rule: str) -> Path:
        return Path(shutil.copytree(originals[rule], tmp_path / rule))

    return copied


def forge(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Somebody alters the document and knows how to compute sums."""
    document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    change(document)
    analysis = DossierAnalysis.model_validate(document["analysis"])
    document["settings_sha256"] = settings_digest(document["rules"], analysis)
    (folder / DOCUMENT).write_text(json.dumps(document), encoding="utf-8")
    sign(folder)


def sign(folder: Path) -> None:
    (folder / SUMS).write_text(sums_of(folder), encoding="utf-8", newline="\n")


@pytest.mark.parametrize(("rule", "uses_pictures"), [("yard", False), ("sums", True), ("closer", False)])
def test_a_dossier_gives_the_same_verdict_again(copy: Callable[[str], Path], rule: str, uses_pictures: bool) -> None:
    outcome = replay(copy(rule), KINDS)
    assert outcome.differences == ()
    assert outcome.used_pictures is uses_pictures
    assert outcome.dossier is not None
    assert outcome.dossier.alert.rule == rule


@pytest.mark.parametrize("name", [DOCUMENT, TICKS, CLIP, DECISION])
def test_a_file_that_is_altered_or_missing_is_told_and_nothing_is_used(copy: Callable[[str], Path], name: str) -> None:
    folder = copy("yard")
    with (folder / name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00")
    outcome = replay(folder, KINDS)
    assert (outcome.dossier, outcome.differences) == (None, (f"{name} is altered",))
    (folder / name).unlink()
    assert replay(folder, KINDS).differences == (f"{name} is missing",)


@pytest.mark.parametrize("line", ["nonsense", "0" * 64 + "  ../outside"])
def test_altered_sums_are_told(copy: Callable[[str], Path], line: str) -> None:
    folder = copy("yard")
    with (folder / SUMS).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    assert f"{SUMS} is altered" in replay(folder, KINDS).differences


def test_a_file_left_out_of_the_sums_is_told(copy: Callable[[str], Path]) -> None:
    folder = copy("yard")
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / SUMS).write_text("".join(line for line in lines if CLIP not in line), encoding="utf-8", newline="\n")
    assert replay(folder, KINDS).differences == (f"{CLIP} is not listed in {SUMS}",)


def test_files_that_a_file_manager_leaves_do_not_matter(copy: Callable[[str], Path]) -> None:
    folder = copy("yard")
    (folder / "Thumbs.db").write_bytes(b"x")
    assert replay(folder, KINDS).differences == ()


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        target: Any = document
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("rule", "change", "expected"),
    [
        ("yard", _set("rules", 0, "dwell_s", value=3.0), "the rule does not fire at 2.100 s"),
        ("yard", _set("alert", "started_s", value=0.5), "it began at 1.100 s, not at 0.500 s"),
        ("yard", _set("alert", "time_s", value=1.5), "the rule does not fire at 1.500 s"),
        ("yard", _set("alert", "objects", 0, "track", value=77), "its objects are person 1, not person 77"),
        ("yard", _set("alert", "objects", value=[]), "its objects are person 1, not none"),
        ("sums", _set("alert", "details", "seen", value=[44]), "its seen is [45], not [44]"),
        ("sums", _set("alert", "details", value={}), "its seen is [45], not None"),
    ],
)
def test_what_differs_is_told(
    copy: Callable[[str], Path], rule: str, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    folder = copy(rule)
    forge(folder, change)
    assert expected in replay(folder, KINDS).differences


def test_a_figure_that_differs_in_the_last_digits_is_the_same(copy: Callable[[str], Path]) -> None:
    folder = copy("sums")
    document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    forge(folder, _set("alert", "details", "sum", value=document["alert"]["details"]["sum"] * (1 + 1e-9)))
    assert replay(folder, KINDS).differences == ()


def test_another_clip_gives_another_verdict(copy: Callable[[str], Path], originals: dict[str, Path]) -> None:
    folder = copy("sums")
    shutil.copy(originals["yard"] / CLIP, folder / CLIP)
    forge(folder, _set("clip", "from_s", value=0.1))
    assert any("sum" in difference or "fire" in difference for difference in replay(folder, KINDS).differences)


def test_a_rule_that_looks_elsewhere_now_is_a_difference(
    copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = copy("closer") / TICKS
    ticks.write_bytes(ticks.read_bytes().replace(b"[0.25,0.25,", b"[0.26,0.25,"))
    sign(ticks.parent)
    with capture_logs():
        differences = replay(ticks.parent, KINDS).differences
    assert "rule 'closer' failed 3 times" in differences
    assert "the rule does not fire at 3.000 s" in differences


@pytest.mark.parametrize(
    "change",
    [
        _set("version", value=2),
        _set("surprise", value=1),
        _set("alert", "rule", value="other"),
        _set("rules", 0, "zone", value=[[0, 0], [1, 1]]),
    ],
    ids=["another version", "an unknown key", "another rule", "a zone of two corners"],
)
def test_a_document_of_another_form_is_a_difference(
    copy: Callable[[str], Path], change: Callable[[dict[str, Any]], None]
) -> None:
    folder = copy("yard")
    forge(folder, change)
    (told,) = replay(folder, KINDS).differences
    assert "is not what this version of Vigie reads" in told


def test_settings_that_are_not_those_of_their_digest_are_told(copy: Callable[[str], Path]) -> None:
    folder = copy("yard")
    text = (folder / DOCUMENT).read_text(encoding="utf-8").replace('"dwell_s": 1.0', '"dwell_s": 0.9')
    (folder / DOCUMENT).write_text(text, encoding="utf-8", newline="\n")
    sign(folder)
    assert replay(folder, KINDS).differences == ("the settings are not those of their digest",)


def test_a_rule_that_is_not_installed_is_said(copy: Callable[[str], Path]) -> None:
    with pytest.raises(VigieError, match="'zone_presence' is not installed"):
        replay(copy("yard"), Kinds())


def test_a_folder_that_is_no_dossier_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no dossier"):
        replay(tmp_path, KINDS)
