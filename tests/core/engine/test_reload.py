from __future__ import annotations

from typing import Any

import pytest

from config.model import (
    AnalysisSettings,
    CameraSettings,
    Day,
    RuleSettings,
    Site,
    SiteSettings,
    StorageSettings,
    Window,
)
from core.engine.reload import Change, change
from tests.core.engine.sites import camera, site, vms


def rule(name: str = "zone", **settings: Any) -> RuleSettings:
    return RuleSettings(id=name, type="zone_presence", **settings)


def with_rules(name: str, *rules: RuleSettings, **settings: Any) -> CameraSettings:
    return camera(name).model_copy(update={"rules": rules, **settings})


RUNNING = site(with_rules("a", rule(schedule="night")), with_rules("b", rule())).model_copy(
    update={"schedules": {"night": (Window(),)}}
)


def to(**changes: Any) -> Change:
    return change(RUNNING, RUNNING.model_copy(update=changes))


def of(done: Change) -> tuple[tuple[str, ...], ...]:
    return done.added, done.removed, done.changed, done.refused


def test_the_same_settings_change_nothing() -> None:
    done = to()
    assert of(done) == ((), (), (), ())
    assert done.is_empty
    assert done.site == RUNNING


def test_cameras_that_come_go_and_change_are_told_apart() -> None:
    done = to(cameras=(with_rules("a", rule(cooldown_s=5.0)), with_rules("c")))
    assert of(done) == (("c",), ("b",), ("a",), ())
    assert not done.is_empty


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"analysis": AnalysisSettings(fps=5.0)}, ("a", "b")),
        ({"schedules": {"night": (Window(days=(Day.MON,)),)}}, ("a",)),
        ({"schedules": {"night": (Window(),), "day": (Window(),)}}, ()),
        ({"cameras": (RUNNING.cameras[1], RUNNING.cameras[0])}, ()),
        ({"workers": 3}, ()),
    ],
    ids=["analysis", "a schedule in use", "a schedule that nobody uses", "another order", "workers"],
)
def test_a_camera_changes_with_what_it_uses_of_the_site(changes: dict[str, Any], changed: tuple[str, ...]) -> None:
    done = to(**changes)
    assert of(done) == ((), (), changed, ())
    assert done.site == RUNNING.model_copy(update=changes)


def test_a_camera_that_is_switched_off_is_watched_no_more_and_on_again_is_new() -> None:
    off = to(cameras=(RUNNING.cameras[0], RUNNING.cameras[1].model_copy(update={"enabled": False})))
    assert of(off) == ((), ("b",), (), ())
    assert of(change(off.site, RUNNING)) == (("b",), (), (), ())


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"site": Site(name="another")}, "site"),
        ({"storage": StorageSettings(keep_alerts_days=3)}, "storage"),
        ({"vms": (vms().model_copy(update={"timeout_s": 3.0}),)}, "vms vms"),
        ({"vms": (vms(), vms("second"))}, "vms second"),
    ],
)
def test_what_needs_a_restart_is_named_and_everything_else_is_taken(changes: dict[str, Any], refused: str) -> None:
    done = to(**changes, cameras=(*RUNNING.cameras, with_rules("c")))
    assert of(done) == (("c",), (), (), (refused,))
    assert {name: getattr(done.site, name) for name in changes} == {name: getattr(RUNNING, name) for name in changes}


def test_cameras_of_a_vms_that_is_not_there_yet_wait_and_one_that_went_there_stays_as_it_was() -> None:
    moved = RUNNING.cameras[0].model_copy(update={"vms": "second", "rules": ()})
    new = with_rules("c", vms="second")
    done = to(vms=(vms(), vms("second")), cameras=(moved, RUNNING.cameras[1], new), schedules={})
    assert of(done) == ((), (), (), ("vms second", "camera a", "camera c"))
    assert done.site.cameras == RUNNING.cameras
    assert done.site.schedules == RUNNING.schedules


def dialled(*cameras: CameraSettings) -> Change:
    return change(RUNNING, RUNNING.model_copy(update={"cameras": cameras}), fronts=["vms"])


def test_where_the_vms_dials_in_cameras_go_and_rules_change_but_no_camera_comes() -> None:
    done = dialled(with_rules("a"), with_rules("c"))
    assert of(done) == ((), ("b",), ("a",), ("camera c",))
    assert [camera.id for camera in done.site.cameras] == ["a"]


@pytest.mark.parametrize("settings", [{"device": "other"}, {"name": "other"}])
def test_where_the_vms_dials_in_a_camera_keeps_its_device_and_name(settings: dict[str, str]) -> None:
    done = dialled(RUNNING.cameras[0].model_copy(update=settings), RUNNING.cameras[1])
    assert of(done) == ((), (), (), ("camera a",))
    assert done.site == RUNNING


def a_site_of_nobody() -> SiteSettings:
    return site()


def test_a_first_camera_and_the_last_one() -> None:
    assert of(change(a_site_of_nobody(), site(camera("a")))) == (("a",), (), (), ())
    assert of(change(site(camera("a")), a_site_of_nobody())) == ((), ("a",), (), ())
