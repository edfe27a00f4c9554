from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.document import MAX_BYTES, Document, read_document
from config.problems import SettingsProblems

pytestmark = pytest.mark.slow


def read(tmp_path: Path, text: str | bytes) -> Document:
    path = tmp_path / "site.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(SettingsProblems) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "").replace(f"{tmp_path}\\", "")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("22:00", "22:00"),
        ("06:00", "06:00"),
        ("off", "off"),
        ("no", "no"),
        ("true", True),
        ("False", False),
        ("007", "007"),
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("~", None),
        ("", None),
        ("2026-11-20", "2026-11-20"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("6d2b1f5e-0000-4000-8000-000000000001", "6d2b1f5e-0000-4000-8000-000000000001"),
    ],
)
def test_scalars_are_read_by_yaml_1_2(tmp_path: Path, written: str, expected: object) -> None:
    value = read(tmp_path, f"key: {written}\n").data["key"]
    assert value == expected
    assert type(value) is type(expected)


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    document = read(tmp_path, "a:\n  - x: 1\n    y:\n      - 5\n      - 6\nb: {c: 1,\n  d: 2}\n")
    lines = {("a",): 1, ("a", 0): 2, ("a", 0, "y"): 3, ("a", 0, "y", 1): 5, ("b", "d"): 7}
    assert {location: document.line_of(location) for location in lines} == lines


@pytest.mark.parametrize(
    ("location", "line"), [(("a", 9), 1), (("a", 0, "z"), 2), (("nowhere",), 1), ((), 1), (("a", "x"), 1)]
)
def test_what_is_not_there_has_the_line_of_what_is_around_it(
    tmp_path: Path, location: tuple[str | int, ...], line: int
) -> None:
    assert read(tmp_path, "a:\n  - x: 1\n").line_of(location) == line


def test_anchors_and_merges_are_expanded_and_own_keys_win(tmp_path: Path) -> None:
    document = read(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc:\n  <<: [*a, {x: 7, z: 4}]\n  y: 9\n")
    assert document.data["b"] == {"x": 1, "y": 3}
    assert document.data["c"] == {"x": 1, "z": 4, "y": 9}
    assert document.line_of(("c", "z")) == 4
    assert document.problems == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "site.yaml:3: a: is written twice, first in line 1. Keep one of them."),
        ("a:\n  - {x: 1,\n     x: 2}\n", "site.yaml:3: a[0].x: is written twice, first in line 2. Keep one of them."),
        ("? [a]\n: 1\n", "site.yaml:1: a list or mapping cannot be a key"),
        ("a: !!int x\n", "site.yaml:1: a: is not a value of its tag !!int. Remove the tag."),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "site.yaml:1: a: has the tag '!!python/object/apply:os.system', which settings do not use. Remove it.",
        ),
        ("a: !x {b: 1}\n", "site.yaml:1: a: has the tag '!x', which settings do not use. Remove it."),
        ("<<: 5\n", "site.yaml:1: '<<' takes a mapping, or a list of mappings"),
    ],
)
def test_what_is_readable_but_wrong_is_a_problem_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    problems = read(tmp_path, text).problems
    assert [problem.text().replace(str(tmp_path / "site.yaml"), "site.yaml") for problem in problems] == [line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "site.yaml: the file is empty. docs/settings.md shows a complete one."),
        ("# only a remark\n", "site.yaml: the file is empty. docs/settings.md shows a complete one."),
        (b"a: 1\nb: \xff\n", "site.yaml:2: is not UTF-8 text. Save the file as UTF-8."),
        ("a: 1\nb: \x01\n", "site.yaml:2: holds a control character. Delete it."),
        (b"# " + b"x" * MAX_BYTES, "site.yaml: is larger than 8 MiB; is it a settings file?"),
        ("a: &a [*a]\n", "site.yaml:1: an alias stands inside its own anchor. Write the value out."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert refusal(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a:\n\t- b\n", "site.yaml:2: is not valid YAML: "),
        ("a: b: c\n", "site.yaml:1: is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "site.yaml:2: is not valid YAML: "),
        ("a: *b\n", "site.yaml:1: is not valid YAML: "),
        ("[" * 100_000, "site.yaml:1: is not valid YAML: nested too deeply"),
    ],
)
def test_broken_yaml_is_refused_with_the_line_and_what_to_look_at(tmp_path: Path, text: str, start: str) -> None:
    line = refusal(tmp_path, text)
    assert line.startswith(start)
    assert line.endswith("Check the indentation (spaces, no tabs) and the quotes here and on the line before.")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems, match="cannot be read: No such file"):
        read_document(tmp_path / "site.yaml")


def test_an_alias_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    names = "abcdefghij"
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise(names)
    )
    assert "aliases expand to more than 1000000 values" in refusal(tmp_path, text)


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), exclude_characters="\ufeff"))
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@given(data=st.dictionaries(_TEXT, _PLAIN, min_size=1, max_size=4))
def test_a_json_document_is_read_as_json(scratch: Path, data: dict[str, Any]) -> None:
    document = read(scratch, json.dumps(data, ensure_ascii=False))
    assert document.data == data
    assert document.problems == ()


@given(text=st.text(max_size=80) | st.text("[]{}:-,&*!|>'\"%@ \n\tab1<", max_size=60))
def test_no_text_makes_the_reader_fail_otherwise_than_with_problems(scratch: Path, text: str) -> None:
    try:
        document = read(scratch, text.encode("utf-8", "surrogatepass"))
    except SettingsProblems:
        return
    assert document.line_of(("a", 0)) >= 1
