from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.genetec.publish.wording import payload, text
from core.types import AlertObject
from tests.connectors.genetec.samples import CAMERA, alert, delivery


@given(st.text(max_size=300))
def test_the_text_is_one_line_with_rule_and_token_whatever_the_rule_is_called(name: str) -> None:
    line = text(delivery("event"), alert(name))
    assert line.isprintable()
    assert "#" not in line
    assert f" | rule:voie-interdite | {delivery('event').token}" in line


def test_the_longest_text_is_as_short_as_the_guide_says() -> None:
    longest = replace(alert("é" * 300), rule_id="r" * 64, objects=alert().objects * 20)
    assert len(text(delivery("event"), longest)) < 280


def test_an_alert_without_objects_and_name_is_told_by_its_rule() -> None:
    bare = replace(alert(""), objects=())
    assert text(delivery("event"), bare).startswith("voie-interdite | 2027-01-15T07:59:58.000Z | rule:")


@pytest.mark.parametrize("label", ["person", "véhicule"])
def test_the_payload_is_small_ascii_json_even_for_a_crowd(label: str) -> None:
    box = alert().objects[0].box
    crowd = tuple(AlertObject(track_id=number, label=label, score=1 / 3, box=box) for number in range(500))
    document = payload(delivery("event"), replace(alert(), objects=crowd), CAMERA)
    assert document.isascii()
    assert len(document) < 4000
    assert json.loads(document)["objects"][0] == {"label": label, "confidence": 0.333, "box": [0.41, 0.22, 0.5, 0.52]}
