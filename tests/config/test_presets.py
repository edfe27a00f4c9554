"""Presets of a camera, as the settings see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import SettingsProblems, load_rules, load_site
from config.model import SiteSettings
from tests.config.kinds import KINDS

SITE = """\
version: 1
site: {name: Gare}
vms:
  - {id: rec, type: recorder, url: "https://vms.site.local", username: vigie, password: {secret: rec}}
cameras:
  - id: dome
    vms: rec
    device: '1'
    presets:
      - {id: gate, stills: [stills/gate.jpg]}
      - {id: yard, stills: [stills/yard.jpg, stills/night.jpg]}
    rules:
      - {id: a, type: presence, zone: [[0, 0], [1, 0], [1, 1]]}
      - {id: b, type: presence, zone: [[0, 0], [1, 0], [1, 1]], preset: yard}
"""


def loaded(folder: Path, old: str = "", new: str = "") -> SiteSettings:
    path = folder / "site.yaml"
    path.write_text(SITE.replace(old, new) if old else SITE, encoding="utf-8")
    return load_site(path, KINDS)


def test_rules_name_presets_and_stills_are_found_beside_the_file(tmp_path: Path) -> None:
    (camera,) = loaded(tmp_path).cameras
    assert [rule.preset for rule in camera.rules] == [None, "yard"]
    assert camera.presets[1].stills == (tmp_path / "stills/yard.jpg", tmp_path / "stills/night.jpg")
    assert camera.watch_view


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "preset: yard",
            "preset: yrad",
            (
                "14: cameras[0].rules[1].preset: 'yrad' is not declared under 'presets'."
                " Did you mean 'yard'? Declared: gate, yard."
            ),
        ),
        (
            "id: yard, stills",
            "id: gate, stills",
            (
                "11: cameras[0].presets[1].id: 'gate' is already the id of the preset in line 10."
                " Give each preset an id of its own."
            ),
        ),
        (
            "stills: [stills/gate.jpg]",
            "stills: []",
            "10: cameras[0].presets[0].stills: must have at least 1 entry (has 0)",
        ),
        (
            "    presets:",
            "    watch_view: false\n    presets:",
            "9: cameras[0].watch_view: presets cannot be told apart unwatched. Leave it out.",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_and_remedy(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(SettingsProblems) as caught:
        loaded(tmp_path, old, new)
    told = [problem.text().partition("site.yaml:")[2] for problem in caught.value.problems]
    assert expected in told


def test_a_file_of_rules_knows_no_presets(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n  - {id: a, type: presence, zone: [[0, 0], [1, 0], [1, 1]], preset: yard}\n", encoding="utf-8"
    )
    assert [rule.preset for rule in load_rules(path, KINDS)] == [None]
