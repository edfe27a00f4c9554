from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.models.biometrics import REFUSED, refusal
from analytics.models.manifest import known_manifests


@pytest.mark.parametrize(
    "name",
    [
        "face",
        "Face",
        "human face",
        "human_face",
        "HumanFace",
        "face-mask",
        "faceMask",
        "re-id",
        "ReID",
        "person_reid_embedding",
        "Démarche",
        "Identité",
        "iris",
        "age",
        "age 20-30",
        "gender:female",
        "woman",
        "car owner",
        "license_plate_owner",
        "emotion.happy",
        "fingerprint",
        "skin",
    ],
)
def test_a_class_about_who_somebody_is_is_refused_however_it_is_written(name: str) -> None:
    assert name in refusal(["person", name, "car"])


@pytest.mark.parametrize(
    "name",
    [
        "person",
        "surface",
        "interface",
        "package",
        "luggage",
        "garage",
        "truck",
        "bear",
        "earth",
        "racer",
        "human",
        "manhole",
    ],
)
def test_a_harmless_class_that_holds_such_letters_is_permitted(name: str) -> None:
    assert refusal([name]) == ""


def test_no_class_of_a_shipped_model_is_refused() -> None:
    assert [refusal(manifest.classes) for manifest in known_manifests()] == [""] * len(known_manifests())


@given(st.lists(st.text()))
def test_any_text_is_judged_and_the_first_offender_is_named(names: list[str]) -> None:
    reason = refusal(names)
    assert reason == "" or any(repr(name) in reason for name in names)


@given(st.sampled_from(sorted(REFUSED)), st.sampled_from([str.upper, str.title, str.lower]))
def test_case_hides_nothing(word: str, written: type[str]) -> None:
    assert refusal([written(word)])
