from __future__ import annotations

import pickle
from datetime import time

import pytest
from pydantic import ValidationError

from config.model import CameraSettings, RuleSettings, SiteSettings, StorageSettings, Window
from tests.config.kinds import KINDS, PresenceSettings

VMS = {"id": "rec", "type": "recorder", "url": "https://a", "username": "u", "password": {"env": "P"}}
RULE = {"id": "a", "type": "presence", "zone": [[0, 0], [1, 0], [1, 1]]}
CAMERA = {"id": "c", "vms": "rec", "device": "d", "rules": [RULE]}
SITE = {"version": 1, "site": {"name": "Gare"}, "vms": [VMS], "cameras": [CAMERA]}


def test_a_site_survives_the_way_to_a_worker_process_with_its_kinds() -> None:
    site = SiteSettings.model_validate(SITE, context=KINDS)
    copy = pickle.loads(pickle.dumps(site))
    assert copy == site
    assert isinstance(copy.cameras[0].rules[0], PresenceSettings)


def test_a_site_is_dumped_with_the_fields_of_its_kinds() -> None:
    dumped = SiteSettings.model_validate(SITE, context=KINDS).model_dump(mode="json", by_alias=True)
    assert dumped["cameras"][0]["rules"][0]["dwell_s"] == 2.0


def test_a_site_finds_its_cameras_their_vms_and_their_analysis() -> None:
    site = SiteSettings.model_validate({**SITE, "analysis": {"fps": 5}}, context=KINDS)
    camera = site.camera("c")
    assert camera is not None
    assert site.camera("other") is None
    assert site.vms_of(camera).id == "rec"
    assert site.analysis_of(camera).fps == 5
    own = CameraSettings.model_validate({**CAMERA, "analysis": {"fps": 7}}, context=KINDS)
    assert site.analysis_of(own).fps == 7


def test_two_rules_of_one_id_are_refused_without_a_file_too() -> None:
    with pytest.raises(ValidationError, match="'a' is used twice"):
        CameraSettings.model_validate({**CAMERA, "rules": [RULE, RULE]}, context=KINDS)


def test_settings_made_in_code_need_no_kinds() -> None:
    rule = RuleSettings(id="a", type="presence")
    assert CameraSettings(id="c", vms="v", device="d", rules=(rule,)).rules == (rule,)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("22:00", time(22)), ("06:30:15", time(6, 30, 15)), ("24:00", time(0)), (time(5), time(5))],
)
def test_a_window_takes_times_of_day(written: object, expected: time) -> None:
    assert Window.model_validate({"to": written}).to == expected


@pytest.mark.parametrize("written", ["24:01", "7:00", "22h", "22:00Z", "22:60", 1320, None, "", "22:00\n"])
def test_a_window_refuses_what_is_no_time_of_day(written: object) -> None:
    with pytest.raises(ValidationError, match="must be a time of day"):
        Window.model_validate({"from": written})


@pytest.mark.parametrize("url", ["postgresql+psycopg://vigie@db/vigie", "sqlite:///var/vigie.db", ""])
def test_a_database_address_without_a_password_is_taken(url: str) -> None:
    assert StorageSettings(url=url).url == url


def test_a_folder_of_the_time_zone_data_is_no_time_zone() -> None:
    with pytest.raises(ValidationError, match="unknown time zone 'Europe'"):
        SiteSettings.model_validate({**SITE, "site": {"name": "x", "timezone": "Europe"}}, context=KINDS)
