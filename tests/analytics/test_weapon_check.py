from __future__ import annotations

from collections.abc import Sequence

import pytest

from analytics import weapon_check
from analytics.rules.weapon import WeaponSettings
from analytics.weapon_check import check_weapons
from config.model import AnalysisSettings, CameraSettings, SecretRef, Site, SiteSettings, State, VmsSettings
from core.contracts import Detector
from core.errors import ModelError
from core.types import Detection, FindingLevel, Picture

ZONE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


class Names(Detector):
    def __init__(self, *labels: str) -> None:
        self._labels = frozenset(labels)

    @property
    def labels(self) -> frozenset[str]:
        return self._labels

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [[] for _ in pictures]


def site(*, enabled: bool = True, **rule: object) -> SiteSettings:
    weapon = WeaponSettings.model_validate({"id": "shop", "type": "weapon", "zone": ZONE, **rule})
    vms = VmsSettings(id="v", type="any", url="https://v", username="u", password=SecretRef(env="X"))
    camera = CameraSettings(id="till", vms="v", device="d", enabled=enabled, rules=(weapon,))
    return SiteSettings(version=1, site=Site(name="Gare"), vms=(vms,), cameras=(camera,))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the model that every camera has; none: it does not open."""
    labels = ["person", "knife"]

    def create(_settings: AnalysisSettings) -> Detector:
        if not labels:
            raise ModelError("the model is altered", remedy="Copy it again.")
        return Names(*labels)

    monkeypatch.setattr(weapon_check, "create_detector", create)
    return labels


@pytest.mark.usefixtures("model")
def test_a_rule_whose_model_has_no_such_class_is_told_with_what_is_needed() -> None:
    (finding,) = check_weapons(site())
    assert (finding.level, finding.subject, finding.code) == (FindingLevel.FAILURE, "till/shop", "no_weapon_class")
    assert "can never fire" in finding.message
    assert "pistol" in finding.remedy


def test_a_rule_whose_model_has_one_is_fine(model: list[str]) -> None:
    model.append("pistol")
    assert check_weapons(site()) == []


@pytest.mark.usefixtures("model")
def test_the_kinds_that_the_rule_asks_for_decide() -> None:
    assert check_weapons(site(kinds=["knife"])) == []


@pytest.mark.usefixtures("model")
def test_what_is_off_is_not_told() -> None:
    assert check_weapons(site(enabled=False)) == []
    assert check_weapons(site(state=State.OFF)) == []


def test_a_model_that_does_not_open_is_told_elsewhere(model: list[str]) -> None:
    model.clear()
    assert check_weapons(site()) == []
