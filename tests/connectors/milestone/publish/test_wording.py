from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.milestone.publish import wording
from core.types import AlertObject, Box
from tests.connectors.milestone.support import alert, camera, delivery

DELIVERY = delivery("alarm")
BOX = Box(left=0, top=0, right=1, bottom=1)


def people(count: int) -> tuple[AlertObject, ...]:
    return tuple(AlertObject(track_id=number, label="person", score=0.9, box=BOX) for number in range(count))


@pytest.mark.parametrize(
    ("count", "end"),
    [(0, "Voie interdite on Quai 1"), (1, ": person 0.90"), (7, "person 0.90, person 0.90 and 2 more")],
)
def test_the_summary_names_rule_camera_and_the_first_objects(count: int, end: str) -> None:
    assert wording.summary(alert(objects=people(count)), camera()).endswith(end)


def test_without_names_the_ids_stand_in() -> None:
    assert wording.summary(alert(rule_name="", objects=()), camera(name="")) == "voie on quai-1"


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_the_names_the_message_fits_and_ends_with_the_token(rule: str, place: str) -> None:
    message = wording.description(DELIVERY, alert(rule_name=rule), camera(name=place))
    assert len(message) <= 255
    assert message.endswith(DELIVERY.token)
    assert message == wording.xml_text(message)
