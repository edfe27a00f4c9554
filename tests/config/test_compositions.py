"""Compositions of rules, as the settings see them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from config.load import SettingsProblems, load_rules, load_site
from config.model import CompositionSettings, Kinds, RuleSettings
from tests.config.kinds import KINDS, PresenceSettings


class TallySettings(RuleSettings):
    """A rule that only counts."""

    fires: ClassVar[bool] = False


ALL = Kinds(rules={"presence": PresenceSettings, "both": CompositionSettings, "tally": TallySettings}, vms=KINDS.vms)
ZONE = "zone: [[0, 0], [1, 0], [1, 1]]"


def rule(name: str, kind: str = "presence", more: str = ZONE) -> str:
    return f"- {{id: {name}, type: {kind}, {more}}}"


def both(name: str, *members: str) -> str:
    return rule(name, "both", f"rules: [{', '.join(members)}]")


def loaded(folder: Path, *rules: str) -> tuple[RuleSettings, ...]:
    path = folder / "rules.yaml"
    path.write_text("\n".join(["rules:", *rules]) + "\n", encoding="utf-8")
    return load_rules(path, ALL)


def problems(folder: Path, *rules: str) -> list[str]:
    with pytest.raises(SettingsProblems) as caught:
        loaded(folder, *rules)
    return [problem.text().partition("rules.yaml:")[2] for problem in caught.value.problems]


def test_a_composition_names_rules_beside_it_before_or_after(tmp_path: Path) -> None:
    composed, *_ = loaded(tmp_path, both("c", "a", "d"), rule("a"), rule("b"), both("d", "a", "b"))
    assert isinstance(composed, CompositionSettings)
    assert (composed.rules, composed.within_s) == (("a", "d"), 10.0)


def test_an_unknown_member_is_told_with_line_and_remedy(tmp_path: Path) -> None:
    assert problems(tmp_path, rule("gate"), rule("yard"), both("c", "gate", "yrad")) == [
        "4: rules[2].rules[1]: no rule beside it is called 'yrad'. Did you mean 'yard'? Its rules: c, gate, yard."
    ]


@pytest.mark.parametrize(
    ("rules", "circle"),
    [
        ((both("c", "a", "c"), rule("a")), "c → c"),
        ((both("c", "a", "d"), rule("a"), both("d", "a", "c")), "c → d → c"),
        ((both("c", "a", "d"), rule("a"), both("d", "a", "e"), both("e", "a", "c")), "c → d → e → c"),
    ],
)
def test_a_rule_composed_of_itself_is_told_with_the_circle(tmp_path: Path, rules: tuple[str, ...], circle: str) -> None:
    told = problems(tmp_path, *rules)
    assert told[0].startswith(f"2: rules[0].rules[1]: 'c' is composed of itself: {circle}. ")
    assert len(told) == circle.count("→")


def test_one_who_leads_into_a_circle_but_is_not_part_of_it_is_not_blamed(tmp_path: Path) -> None:
    told = problems(tmp_path, both("x", "a", "c"), rule("a"), both("c", "a", "c"))
    assert [line.partition(":")[0] for line in told] == ["4"]


def test_what_only_counts_cannot_be_a_member(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, rule("a"), rule("n", "tally", "name: x"), both("c", "a", "n"))
    assert told == "4: rules[2].rules[1]: 'n' only counts and never fires. Name a rule that raises alerts."


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("rules: [a]", "rules"),
        ("name: x", "rules: is missing"),
        ("rules: [a, b], within_s: 0", "within_s"),
        ("rules: [a, b], within_s: 3601", "within_s"),
    ],
)
def test_parameters_out_of_range_are_told(tmp_path: Path, more: str, expected: str) -> None:
    (told,) = problems(tmp_path, rule("a"), rule("b"), rule("c", "both", more))
    assert told.startswith("4: ")
    assert expected in told


@pytest.mark.parametrize("members", ["3", "{a: b}", "[a, 3]", "[[a], b]"])
def test_malformed_members_are_one_problem_not_a_crash(tmp_path: Path, members: str) -> None:
    assert problems(tmp_path, rule("a"), rule("b"), rule("c", "both", f"rules: {members}"))


def test_in_a_site_only_rules_of_the_same_camera_count(tmp_path: Path) -> None:
    text = f"""\
version: 1
site: {{name: Gare}}
vms:
  - {{id: rec, type: recorder, url: "https://vms", username: v, password: {{env: X}}}}
cameras:
  - id: one
    vms: rec
    device: a
    rules:
      {rule("a")}
      {both("c", "a", "b")}
  - id: two
    vms: rec
    device: b
    rules:
      {rule("b")}
"""
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsProblems) as caught:
        load_site(path, ALL)
    (told,) = caught.value.problems
    assert (told.line, told.path) == (11, "cameras[0].rules[1].rules[1]")
