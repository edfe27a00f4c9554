from __future__ import annotations

from collections.abc import Sequence

import pytest

from analytics import named_check
from analytics.named_check import check_named
from analytics.rules.crowd_movement import CrowdMovementSettings
from analytics.rules.weapon import WeaponSettings
from config.model import (
    AnalysisSettings,
    CameraSettings,
    RuleSettings,
    SecretRef,
    Site,
    SiteSettings,
    State,
    VmsSettings,
)
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
    return site_of(
        WeaponSettings.model_validate({"id": "shop", "type": "weapon", "zone": ZONE, **rule}), enabled=enabled
    )


def site_of(rule: RuleSettings, *, enabled: bool = True) -> SiteSettings:
    vms = VmsSettings(id="v", type="any", url="https://v", username="u", password=SecretRef(env="X"))
    camera = CameraSettings(id="till", vms="v", device="d", enabled=enabled, rules=(rule,))
    return SiteSettings(version=1, site=Site(name="Gare"), vms=(vms,), cameras=(camera,))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the model that every camera has; none: it does not open."""
    labels = ["person", "knife"]

    def create(_settings: AnalysisSettings) -> Detector:
        if not labels:
            raise ModelError("the model is altered", remedy="Copy it again.")
        return Names(*labels)

    monkeypatch.setattr(named_check, "create_detector", create)
    return labels


@pytest.mark.usefixtures("model")
def test_a_rule_whose_model_has_no_such_class_is_told_with_what_is_needed() -> None:
    (finding,) = check_named(site())
    assert (finding.level, finding.subject, finding.code) == (FindingLevel.FAILURE, "till/shop", "no_weapon_class")
    assert "can never tell a weapon" in finding.message
    assert "pistol" in finding.remedy


def test_a_rule_whose_model_has_one_is_fine(model: list[str]) -> None:
    model.append("pistol")
    assert check_named(site()) == []


@pytest.mark.usefixtures("model")
def test_the_kinds_that_the_rule_asks_for_decide() -> None:
    assert check_named(site(kinds=["knife"])) == []


@pytest.mark.usefixtures("model")
def test_what_is_off_is_not_told() -> None:
    assert check_named(site(enabled=False)) == []
    assert check_named(site(state=State.OFF)) == []


def test_a_model_that_does_not_open_is_told_elsewhere(model: list[str]) -> None:
    model.clear()
    assert check_named(site()) == []


@pytest.mark.parametrize(("kinds", "codes"), [(["running", "fight"], ["no_fight_class"]), (["running"], [])])
@pytest.mark.usefixtures("model")
def test_a_fight_that_is_asked_for_needs_a_class_too(kinds: list[str], codes: list[str]) -> None:
    settings = {"id": "square", "type": "crowd_movement", "zone": ZONE, "kinds": kinds}
    found = check_named(site_of(CrowdMovementSettings.model_validate(settings)))
    assert [finding.code for finding in found] == codes
    assert all("violence" in finding.remedy for finding in found)


def test_a_model_that_names_fights_is_fine(model: list[str]) -> None:
    model.append("violence")
    settings = {"id": "square", "type": "crowd_movement", "zone": ZONE, "kinds": ["fight"]}
    assert check_named(site_of(CrowdMovementSettings.model_validate(settings))) == []
