from __future__ import annotations

import stat
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import UsageError, VigieError
from core.qualification.stills import sorted_stills, write_still
from core.types import Answer
from tests.core.qualification.samples import observed

JPEG = cv2.imencode(".jpg", np.full((90, 160, 3), 128, np.uint8))[1].tobytes()
WITH_ZONE = observed(snapshot_jpeg=JPEG, zone=((0.5, 0.1), (0.9, 0.1), (0.9, 0.9)), line=((0.0, 0.95), (1.0, 0.95)))


def test_a_still_shows_the_object_and_the_zone(tmp_path: Path) -> None:
    path = write_still(tmp_path / "stills", WITH_ZONE)
    assert path is not None
    assert path.name == f"a_zone_20231114T221320Z_{WITH_ZONE.alert_id}.jpg"
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (90, 160, 3)
    blue, green, red = picture[40, 16].tolist()  # the left edge of the object's box
    assert red > max(blue, green) + 60
    blue, green, red = picture[9, 110].tolist()  # the upper edge of the zone
    assert min(red, green) > blue + 60
    assert np.abs(picture[60, 70].astype(int) - 128).max() < 10


@pytest.mark.parametrize("jpeg", [b"", b"no picture"])
def test_an_alert_without_a_picture_makes_no_file(tmp_path: Path, jpeg: bytes) -> None:
    assert write_still(tmp_path / "stills", observed(snapshot_jpeg=jpeg)) is None
    assert not (tmp_path / "stills").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_nobody_else_may_look_at_stills(tmp_path: Path) -> None:
    path = write_still(tmp_path / "stills", WITH_ZONE)
    assert path is not None
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VigieError, match="cannot be written"):
        write_still(tmp_path / "file" / "stills", WITH_ZONE)


def test_what_a_person_sorted_into_folders_are_verdicts(tmp_path: Path) -> None:
    path = write_still(tmp_path, WITH_ZONE)
    assert path is not None
    (tmp_path / "false").mkdir()
    path.rename(tmp_path / "false" / path.name)
    assert list(sorted_stills(tmp_path)) == [(WITH_ZONE.alert_id, Answer.FALSE)]


def test_a_folder_without_the_three_folders_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the folders true, false, unknown"):
        list(sorted_stills(tmp_path))


def test_a_picture_that_is_not_of_an_alert_is_told(tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    (tmp_path / "true" / "holiday.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match=r"holiday\.jpg is no picture of --stills"):
        list(sorted_stills(tmp_path))
