from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from tests.connectors.genetec import samples
from tests.connectors.genetec.sdk.center import CAMERA, Center
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 60)]

TICKS_AT_EPOCH = 621_355_968_000_000_000
PICTURE = b"\xff\xd8 a picture \xff\xd9"


def test_what_is_published_carries_token_text_capture_time_and_context(center: Center) -> None:
    connector, alert = center.connector(), samples.alert("Zone «interdite»")
    receipts = [connector.publish(samples.delivery(action), alert, CAMERA) for action in ("event", "alarm", "bookmark")]
    ticks = str(TICKS_AT_EPOCH + round(alert.captured_at * 10_000_000))
    (event,), (alarm,), (bookmark,) = (center.rows(kind) for kind in ("event", "alarm", "bookmark"))
    assert [event[0], event[1], event[2]] == ["5000", CAMERA.device, ticks]
    assert samples.delivery("event").token in event[3]
    assert "Zone «interdite»" in event[3]
    assert json.loads(event[4])["objects"][0]["box"] == [0.41, 0.22, 0.5, 0.52]
    assert [alarm[0], alarm[2], alarm[4], alarm[6]] == ["1", CAMERA.device, "1", CAMERA.device]
    assert samples.delivery("alarm").token in alarm[5]
    assert bookmark[:2] == [CAMERA.device, ticks]
    assert samples.delivery("bookmark").token in bookmark[2]
    assert receipts[1].remote_id == "1"


def test_a_built_in_event_carries_metadata_and_picture_where_it_can_and_other_rules_become_the_custom_event(
    center: Center,
) -> None:
    connector, delivery = center.connector(publish=["analytics"]), samples.delivery("analytics")
    alert = replace(samples.alert(), snapshot_jpeg=PICTURE)
    connector.publish(delivery, alert, CAMERA)
    connector.publish(delivery, replace(alert, rule_type="line_crossing"), CAMERA)
    connector.publish(delivery, replace(alert, rule_type="weapon"), CAMERA)
    field, line = center.rows("analytics")
    assert field[0] == "VideoAnalyticsObjectInField"
    assert json.loads(field[3])["key"] == str(delivery.key)
    assert field[4] == str(len(PICTURE))
    assert line[0] == "VideoAnalyticsObjectCrossedLine"
    assert len(center.rows("event")) == 1
    assert connector.askable == frozenset()


@pytest.mark.parametrize(
    ("kind", "code", "wanted"),
    [
        ("throw", "UnsufficientPrivilege", RightMissing),
        ("throw", "UnableToRetrieveEntity", NotFoundInVms),
        ("throw", "InvalidValue", RequestInvalid),
        ("throw", "CertificateCountExceeded", AuthenticationRefused),
        ("throw", "SdkRequestError", ReplyLost),
        ("throw", "InvalidOperation", ProtocolViolation),
        ("throw", "of no code", ProtocolViolation),
        ("crash", "", ReplyLost),
    ],
)
def test_each_failure_of_the_sdk_is_the_error_that_delivery_decides_by(
    center: Center, kind: str, code: str, wanted: type[VmsError]
) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.fault("RaiseEvent", kind, code)
    with pytest.raises(VmsError) as raised:
        connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
    assert type(raised.value) is wanted
    assert " at Genetec" not in str(raised.value)
    assert center.rows("event") == []


@pytest.mark.parametrize(
    ("action", "call"), [("event", "RaiseEvent"), ("alarm", "TriggerAlarm"), ("bookmark", "AddCameraBookmark")]
)
def test_what_took_effect_before_it_failed_is_found(center: Center, action: str, call: str) -> None:
    connector = center.connector()
    delivery, alert = samples.delivery(action), samples.alert(captured_at=SystemClock().utc() - 2.0)
    assert connector.find(delivery, alert, CAMERA) is None
    center.fault(call, "throw-after", "SdkRequestError")
    with pytest.raises(ReplyLost):
        connector.publish(delivery, alert, CAMERA)
    assert len(center.rows(action)) == 1
    assert connector.find(delivery, alert, CAMERA) is not None


def test_an_alarm_that_is_not_triggered_and_a_camera_that_is_none_are_refused(center: Center) -> None:
    connector = center.connector(alarm="99999999-0000-4000-8000-000000000099")
    with pytest.raises(VmsRefused):
        connector.publish(samples.delivery("alarm"), samples.alert(), CAMERA)
    ghost = CAMERA.model_copy(update={"device": "99999999-0000-4000-8000-000000000098"})
    with pytest.raises(NotFoundInVms):
        connector.publish(samples.delivery("event"), samples.alert(), ghost)


def test_a_report_that_is_refused_takes_its_action_from_what_can_be_asked(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.fault("Query", "throw", "UnsufficientPrivilege")
    assert connector.find(samples.delivery("event"), samples.alert(), CAMERA) is None
    assert connector.askable == {"alarm", "bookmark"}


@pytest.mark.parametrize(
    ("user", "wanted", "recovers"),
    [
        ("InvalidCredential", AuthenticationRefused, False),
        ("LicenseError", AuthenticationRefused, False),
        ("CertificateRegistrationError", AuthenticationRefused, False),
        ("DirectoryCertificateNotTrusted", CertificateRejected, False),
        ("InvalidVersion", VmsRefused, False),
        ("Timeout", VmsUnavailable, True),
        ("crash", VmsUnavailable, True),
    ],
)
def test_a_log_on_that_fails_says_why_and_is_not_tried_again_at_once(
    center: Center, user: str, wanted: type[VmsError], recovers: bool
) -> None:
    connector = center.connector(username=user)
    for _ in range(2):
        with pytest.raises(VmsError) as raised:
            connector.list_cameras()
        assert isinstance(raised.value, wanted)
        assert raised.value.recovers is recovers
        assert "vigie-demo" not in f"{raised.value.line()}"
    assert connector.bridge.lives == 1
    assert len(center.rows("logon")) == 1


def test_an_sdk_that_is_not_there_holds_deliveries_rather_than_giving_them_up(center: Center, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationRefused, match=r"Genetec\.Sdk\.dll") as raised:
        center.connector(sdk_folder=tmp_path).publish(samples.delivery("event"), samples.alert(), CAMERA)
    assert type(raised.value) is AuthenticationRefused


def test_wrong_password_and_wrong_certificate_are_told_apart(center: Center) -> None:
    for secrets, code in (({"password": "x"}, "InvalidCredential"), ({"app": "x"}, "CertificateRegistrationError")):
        with pytest.raises(AuthenticationRefused, match=code):
            center.connector(secrets=secrets).list_cameras()
