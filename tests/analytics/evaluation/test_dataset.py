from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from analytics.commands.options import rule_kinds
from analytics.evaluation.dataset import load_dataset
from analytics.evaluation.scoring import Interval
from config.load import SettingsProblems
from config.model import Kinds
from tests.shared import shared

pytestmark = pytest.mark.slow

ZONE = [[0, 0], [1, 0], [1, 1]]


def content() -> dict[str, Any]:
    return {
        "version": 1,
        "name": "made",
        "scoring": {"max_delay_s": 10, "early_tolerance_s": 1},
        "clips": [
            {
                "id": "yard",
                "video": "videos/yard.mp4",
                "conditions": ["day"],
                "rules": [
                    {"id": "in", "type": "zone_presence", "zone": ZONE, "dwell_s": 2.0},
                    {"id": "dream", "type": "levitation", "height_m": 3, "exhaustive": False},
                    {"id": "count", "type": "counting", "line": [[0, 0], [1, 1]]},
                ],
                "truth": [
                    {"rule": "in", "start_s": 5, "end_s": 9},
                    {"rule": "in", "start_s": 1.5, "end_s": 3},
                    {"rule": "dream", "start_s": 0, "end_s": 1},
                ],
                "expected_counts": [{"rule": "count", "counts": {"to_left": 2, "to_right": 0}}],
            }
        ],
    }


def written(folder: Path, data: Any) -> Path:
    path = folder / "set.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def kinds() -> Kinds:
    return Kinds(rules={name: kind for name, kind in rule_kinds().rules.items() if name == "zone_presence"})


def test_rules_get_settings_truth_and_expected_counts(tmp_path: Path) -> None:
    dataset = load_dataset(written(tmp_path, content()), kinds())
    (clip,) = dataset.clips
    inside, dream, count = clip.rules
    assert clip.video == tmp_path / "videos" / "yard.mp4"
    assert inside.settings is not None
    assert inside.intervals == (Interval(start_s=1.5, end_s=3.0), Interval(start_s=5.0, end_s=9.0))
    assert (dream.settings, dream.exhaustive, len(dream.intervals)) == (None, False, 1)
    assert count.expected_counts == {"to_left": 2, "to_right": 0}
    assert dataset.types == ["counting", "levitation", "zone_presence"]


def test_clips_and_types_can_be_selected(tmp_path: Path) -> None:
    dataset = load_dataset(written(tmp_path, content()), kinds())
    (clip,) = dataset.selected(types=["levitation"], clips=[]).clips
    assert [rule.id for rule in clip.rules] == ["dream"]
    assert dataset.selected(types=[], clips=["elsewhere"]).clips == ()


def composed_of(*members: str) -> dict[str, Any]:
    data = content()
    data["clips"][0]["rules"].append({"id": "both", "type": "any_of", "rules": list(members)})
    return data


def test_a_composition_is_selected_with_what_it_is_composed_of(tmp_path: Path) -> None:
    dataset = load_dataset(written(tmp_path, composed_of("in", "dream")), rule_kinds())
    (clip,) = dataset.selected(types=["any_of"], clips=[]).clips
    assert [rule.id for rule in clip.rules] == ["in", "dream", "both"]


@pytest.mark.parametrize(
    ("members", "expected"), [(("in", "inn"), "no rule beside it is called 'inn'"), (("in", "count"), "only counts")]
)
def test_a_composition_of_what_cannot_be_a_member_is_told(
    tmp_path: Path, members: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(SettingsProblems, match=expected):
        load_dataset(written(tmp_path, composed_of(*members)), rule_kinds())


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"note": "other words"}, True),
        ({"truth": [{"rule": "in", "start_s": 1.5, "end_s": 3}]}, False),
    ],
)
def test_a_rule_s_definition_changes_with_its_truth_and_not_with_notes(
    tmp_path: Path, change: dict[str, Any], is_same: bool
) -> None:
    before = load_dataset(written(tmp_path, content()), kinds())
    data = content()
    data["clips"][0].update(change)
    after = load_dataset(written(tmp_path, data), kinds())
    assert (before.clips[0].rules[0].definition == after.clips[0].rules[0].definition) is is_same


def _set(*path: str | int, value: Any) -> Any:
    def change(data: dict[str, Any]) -> None:
        target: Any = data
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


CLIP = ("clips", 0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_set("version", value=2), "version: this Vigie reads version 1"),
        (_set("scoring", value={"max_delay_s": 10}), "scoring.early_tolerance_s: is missing"),
        (_set("clips", value=[]), "clips: must have at least 1 entry"),
        (_set(*CLIP, "vidoe", value="x"), "vidoe: clip 'yard': is not a known key. Did you mean 'video'?"),
        (_set(*CLIP, "rules", 0, "dwell_s", value=-1), "dwell_s: clip 'yard', rule 'in': must be at least 0"),
        (
            _set(*CLIP, "rules", 0, "dwel_s", value=1),
            "clip 'yard', rule 'in': is not a known key. Did you mean 'dwell_s'",
        ),
        (_set(*CLIP, "rules", 0, "zone", value=[[0, 0]]), "zone: clip 'yard', rule 'in': must have at least 3"),
        (_set(*CLIP, "rules", 1, "id", value="in"), "clip 'yard', rule 'in': 'in' is the id of another rule"),
        (_set(*CLIP, "rules", 1, "exhaustive", value="often"), "clip 'yard', rule 'dream': must be true or false"),
        (
            _set(*CLIP, "truth", 0, "rule", value="inn"),
            "clip 'yard', rule 'inn': the clip has no such rule. Did you mean 'in'",
        ),
        (_set(*CLIP, "truth", 0, "end_s", value=1), "clip 'yard', rule 'in': ends before it starts"),
        (_set(*CLIP, "truth", 0, "rule", value="count"), "a rule of type counting is not measured so"),
        (_set(*CLIP, "expected_counts", value=[]), "clip 'yard', rule 'count': has 0 entries in expected_counts"),
        (_set(*CLIP, "expected_counts", 0, "rule", value="in"), "a rule of type zone_presence is not measured so"),
    ],
)
def test_what_is_wrong_is_told_with_line_clip_and_rule(tmp_path: Path, change: Any, expected: str) -> None:
    data = content()
    change(data)
    path = written(tmp_path, data)
    with pytest.raises(SettingsProblems) as caught:
        load_dataset(path, kinds())
    told = [problem.text() for problem in caught.value.problems]
    assert any(expected in text for text in told), told
    assert all(text.startswith(f"{path}:") for text in told)


def test_two_clips_of_one_id_are_refused(tmp_path: Path) -> None:
    data = content()
    data["clips"] *= 2
    with pytest.raises(SettingsProblems, match="'yard' is the id of another clip"):
        load_dataset(written(tmp_path, data), kinds())


@pytest.mark.parametrize("text", ["", "{", "- 1", "clips: 3"])
def test_a_file_that_is_no_data_set_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsProblems):
        load_dataset(path, kinds())


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems, match="cannot be read"):
        load_dataset(tmp_path / "absent.yaml", kinds())


@pytest.mark.shared_data
def test_the_shared_data_set_is_read_whole() -> None:
    dataset = load_dataset(shared("data/dataset.yaml"), rule_kinds())
    assert len(dataset.clips) == 29
    assert all(clip.video.is_file() for clip in dataset.clips)
    counting = [rule for clip in dataset.clips for rule in clip.rules if rule.type == "counting"]
    assert sum(sum((rule.expected_counts or {}).values()) for rule in counting) == 84
