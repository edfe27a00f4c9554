from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.types import Finding, FindingLevel
from tests.connectors.genetec.sdk.center import CAMERA, Center
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 60)]

NOBODY = "127.0.0.1:1"
PUBLISH = ["event", "alarm", "bookmark", "metadata"]


def look(center: Center, **given: Any) -> dict[str, Finding]:
    """By code; the Media Gateway is nobody's."""
    findings = center.connector(**{"media_gateway": NOBODY, "publish": PUBLISH, **given}).check([CAMERA])
    assert all(finding.remedy for finding in findings if finding.level is not FindingLevel.OK)
    return {finding.code: finding for finding in findings}


def test_a_good_site_lacks_nothing_but_its_video(center: Center) -> None:
    found = look(center)
    assert set(found) == {
        "sdk_logon_ok",
        "camera_ok",
        "overlay_ok",
        "custom_event_ok",
        "alarm_ok",
        "ask_event_ok",
        "ask_alarm_ok",
        "ask_bookmark_ok",
        "media_gateway_unavailable",
    }


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"username": "InvalidCredential"}, "sdk_logon_refused"),
        ({"username": "CertificateRegistrationError"}, "sdk_logon_refused"),
        ({"username": "DirectoryCertificateNotTrusted"}, "certificate_untrusted"),
        ({"url": "nobody"}, "sdk_logon_unavailable"),
        ({"event_id": 4711}, "custom_event_not_found"),
        ({"event_name": "Intrusion"}, "custom_event_name"),
        ({"alarm": "99999999-0000-4000-8000-000000000099"}, "alarm_not_found"),
    ],
)
def test_what_is_wrong_is_named(center: Center, given: dict[str, Any], code: str) -> None:
    assert look(center, **given)[code].level is not FindingLevel.OK


@pytest.mark.parametrize(("state", "code"), [("plain", "overlay_invalid"), ("stopped", "camera_offline")])
def test_a_camera_that_cannot_show_boxes_or_does_not_run_is_named(center: Center, state: str, code: str) -> None:
    center.cameras(CAMERA.device, state=state)
    assert look(center)[code].subject == CAMERA.id


def test_an_sdk_that_is_not_installed_is_named(center: Center, tmp_path: Path) -> None:
    assert "Genetec.Sdk.dll" in look(center, sdk_folder=tmp_path)["sdk_logon_refused"].message
