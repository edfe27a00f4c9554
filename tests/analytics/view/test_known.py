from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.view.check import check_views
from analytics.view.known import watch_of
from analytics.view.watch import HOME, NOWHERE, SceneWatch
from config.model import CameraSettings, PresetSettings, RuleSettings, SecretRef, Site, SiteSettings, VmsSettings
from core.errors import SettingsError
from core.types import CameraFault, FindingLevel
from tests.analytics.view.scenery import Camera, Luma, fog, place, seen

PLACE, OTHER = place(1), place(2)


def rule(left: float = 0.1) -> RuleSettings:
    zone = [[left, 0.4], [0.9, 0.4], [0.9, 1.0], [left, 1.0]]
    return ZonePresenceSettings.model_validate({"id": "yard", "type": "zone_presence", "zone": zone})


def camera_of(
    *presets: PresetSettings, rules: tuple[RuleSettings, ...] = (), watch_view: bool = True
) -> CameraSettings:
    return CameraSettings(id="dome", vms="v", device="d", presets=presets, rules=rules, watch_view=watch_view)


def watch(settings: CameraSettings, storage: Path | None) -> SceneWatch:
    made = watch_of(settings, storage)
    assert made is not None
    return made


def still(folder: Path, name: str, luma: Luma) -> Path:
    path = folder / name
    path.write_bytes(cv2.imencode(".jpg", luma)[1].tobytes())
    return path


def test_a_view_that_was_learned_is_known_after_a_restart(tmp_path: Path) -> None:
    settings = camera_of(rules=(rule(),))
    Camera(watch(settings, tmp_path)).show(seen(PLACE), 10.0)
    again = Camera(watch(settings, tmp_path))
    (change,) = again.show(seen(OTHER), 10.0)
    assert change.fault is CameraFault.VIEW_CHANGED
    (kept,) = (tmp_path / "views").iterdir()
    assert kept.name in str(change.cause)
    assert again.watch.facing == NOWHERE
    again.show(seen(PLACE), 2.0)
    assert again.watch.facing == HOME


def test_a_start_in_fog_does_not_replace_the_still_that_is_kept(tmp_path: Path) -> None:
    settings = camera_of(rules=(rule(),))
    Camera(watch(settings, tmp_path)).show(seen(PLACE), 10.0)
    assert Camera(watch(settings, tmp_path)).show(fog(), 20.0) == []
    after = Camera(watch(settings, tmp_path))
    assert after.show(seen(PLACE), 20.0) == []
    assert after.watch.facing == HOME


def test_rules_that_are_drawn_anew_are_for_the_view_that_is_shown_then(tmp_path: Path) -> None:
    Camera(watch(camera_of(rules=(rule(0.1),)), tmp_path)).show(seen(PLACE), 10.0)
    redrawn = Camera(watch(camera_of(rules=(rule(0.2),)), tmp_path))
    assert redrawn.show(seen(OTHER), 10.0) == []
    assert redrawn.watch.facing == HOME
    assert len(list((tmp_path / "views").iterdir())) == 1


def test_the_stills_of_other_cameras_are_left_alone(tmp_path: Path) -> None:
    others = camera_of().model_copy(update={"id": "dome-2"})
    for settings in (others, camera_of()):
        Camera(watch(settings, tmp_path)).show(seen(PLACE), 10.0)
    assert len(list((tmp_path / "views").iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_told_once_and_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "views").write_text("a file where the folder should be")
    camera = Camera(watch(camera_of(), tmp_path))
    with capture_logs() as logs:
        for _ in range(3):
            assert camera.show(seen(PLACE), 10.0) == []
            camera.now += 600.0
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert camera.watch.facing == HOME


def test_a_kept_still_that_is_damaged_is_learned_anew(tmp_path: Path) -> None:
    Camera(watch(camera_of(), tmp_path)).show(seen(PLACE), 10.0)
    (kept,) = (tmp_path / "views").iterdir()
    kept.write_bytes(b"")
    assert Camera(watch(camera_of(), tmp_path)).show(seen(OTHER), 20.0) == []


def test_presets_are_recognised_by_their_stills_by_day_and_by_night(tmp_path: Path) -> None:
    night = (seen(PLACE) // 4).astype(np.uint8)
    gate = PresetSettings(id="gate", stills=(still(tmp_path, "g.jpg", seen(PLACE)), still(tmp_path, "n.jpg", night)))
    yard = PresetSettings(id="yard", stills=(still(tmp_path, "y.jpg", seen(OTHER)),))
    camera = Camera(watch(camera_of(gate, yard), tmp_path))
    camera.show(seen(OTHER), 2.0)
    assert camera.watch.facing.presets == {"yard"}
    camera.show(seen(PLACE), 2.0)
    assert camera.watch.facing.presets == {"gate", None}
    assert not (tmp_path / "views").exists()


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_still_that_cannot_be_read_is_told_with_its_preset(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gone.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"gone\.jpg of preset 'gate' of camera 'dome'"):
        watch_of(camera_of(PresetSettings(id="gate", stills=(path,))), tmp_path)


def test_a_watch_goes_on_while_it_watches_the_same(tmp_path: Path) -> None:
    running = watch(camera_of(rules=(rule(),)), tmp_path)
    slower = rule().model_copy(update={"cooldown_s": 60.0})
    assert watch_of(camera_of(rules=(slower,)), tmp_path, running) is running
    assert watch_of(camera_of(rules=(rule(0.3),)), tmp_path, running) is not running
    assert watch_of(camera_of(watch_view=False), tmp_path, running) is None


def site_of(camera: CameraSettings) -> SiteSettings:
    vms = VmsSettings(id="v", type="any", url="https://vms", username="u", password=SecretRef(secret="p"))
    return SiteSettings(version=1, site=Site(name="Gare"), vms=(vms,), cameras=(camera,))


def test_a_check_tells_stills_that_cannot_be_read_and_presets_that_look_alike(tmp_path: Path) -> None:
    gate = PresetSettings(id="gate", stills=(still(tmp_path, "gate.jpg", seen(PLACE)),))
    yard = PresetSettings(id="yard", stills=(still(tmp_path, "yard.jpg", seen(OTHER)),))
    twin = PresetSettings(id="twin", stills=(still(tmp_path, "twin.jpg", seen(PLACE)),))
    gone = PresetSettings(id="gone", stills=(tmp_path / "gone.jpg",))
    assert check_views(site_of(camera_of(gate, yard))) == []
    (alike,) = check_views(site_of(camera_of(gate, yard, twin)))
    assert (alike.level, alike.code, alike.subject) == (FindingLevel.WARNING, "presets_alike", "dome")
    assert "'gate' and 'twin'" in alike.message
    (unusable,) = check_views(site_of(camera_of(gate, gone)))
    assert (unusable.level, unusable.code) == (FindingLevel.FAILURE, "still_unusable")
    assert "vigie still" in unusable.remedy
    assert check_views(site_of(camera_of(gone).model_copy(update={"enabled": False}))) == []
