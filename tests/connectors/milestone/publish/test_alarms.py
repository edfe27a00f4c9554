from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from core.clock import iso_utc
from core.errors import AuthenticationRefused, NotFoundInVms, ReplyLost, RequestInvalid, VmsError
from core.types import Receipt
from tests.connectors.milestone.gateway import gateway
from tests.connectors.milestone.publish.alarm_soap import ADDRESS, answer, line, sent, texts
from tests.connectors.milestone.publish.alarm_soap import serve as serve_soap
from tests.connectors.milestone.support import CAPTURED_AT, DEVICE, RECORDER, REST, alert, camera, connector, delivery

ALARMS = f"{REST}/alarms"
ALARM_ID = "55555555-5555-4555-8555-555555555555"
MARK = delivery("alarm").token


def publish() -> Receipt:
    return connector().publish(delivery("alarm"), alert(), camera())


def find() -> Receipt | None:
    return connector().find(delivery("alarm"), alert(), camera())


def test_an_alarm_carries_name_source_capture_time_and_ends_with_the_mark() -> None:
    with gateway() as mock:
        mock.post(ALARMS, json={"data": {"id": ALARM_ID}}, status=202)
        assert publish().remote_id == ALARM_ID
        body = json.loads(str(mock.calls[-1].request.body, "utf-8"))  # type: ignore[arg-type]
    assert body == {
        "name": "Voie interdite",
        "message": f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {MARK}",
        "source": DEVICE,
    }


@pytest.mark.parametrize("body", ['{"result":{"id":"x"}}', "accepted", ""])
def test_an_accepted_alarm_is_accepted_whatever_its_answer_looks_like(body: str) -> None:
    with gateway() as mock:
        mock.post(ALARMS, body=body, status=202)
        assert publish().remote_id in {"x", ""}


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, RequestInvalid, "2023 R2"),
        (403, AuthenticationRefused, "role"),
        (404, NotFoundInVms, "2023 R2"),
        (500, ReplyLost, ""),
    ],
)
def test_a_refused_alarm_says_what_to_mend(status: int, kind: type[VmsError], remedy: str) -> None:
    error = {"error": {"httpCode": status, "details": [{"errorText": "source unknown"}]}}
    with gateway() as mock:
        mock.post(ALARMS, json=error, status=status)
        with pytest.raises(kind, match="source unknown") as caught:
            publish()
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("is_there", [True, False])
def test_an_alarm_is_known_by_the_mark_in_its_message(*, is_there: bool) -> None:
    message = f"Voie interdite {MARK}" if is_there else "another"
    with gateway() as mock:
        mock.get(ALARMS, json={"array": [{"id": ALARM_ID, "message": message, "time": iso_utc(CAPTURED_AT)}]})
        assert find() == (Receipt(remote_id=ALARM_ID) if is_there else None)


@pytest.mark.parametrize(
    "shown", [{"id": str(delivery("alarm").key).upper()}, {"id": ALARM_ID, "customTag": MARK}], ids=["id", "tag"]
)
def test_by_rest_an_alarm_is_found_that_was_made_by_soap_before(shown: dict[str, str]) -> None:
    with gateway() as mock:
        mock.get(ALARMS, json={"array": [{"message": "Voie interdite", "time": iso_utc(CAPTURED_AT), **shown}]})
        assert find() == Receipt(remote_id=shown["id"])


def test_a_resend_that_knows_the_alarms_id_asks_for_it_and_for_nothing_else() -> None:
    with gateway() as mock:
        mock.get(f"{ALARMS}/{ALARM_ID}", json={"data": {"id": ALARM_ID}})
        found = connector().find(delivery("alarm", remote_id=ALARM_ID), alert(), camera())
    assert found == Receipt(remote_id=ALARM_ID)


@pytest.mark.parametrize("status", [400, 404])
def test_an_id_that_is_not_known_any_more_is_no_answer_yet(status: int) -> None:
    with gateway() as mock:
        mock.get(f"{ALARMS}/{ALARM_ID}", json={}, status=status)
        mock.get(ALARMS, json={"array": [{"id": "other", "message": f"x {MARK}", "time": iso_utc(CAPTURED_AT)}]})
        found = connector().find(delivery("alarm", remote_id=ALARM_ID), alert(), camera())
    assert found == Receipt(remote_id="other")


def requests_to(mock: responses.RequestsMock, url: str) -> int:
    return sum(str(call.request.url).partition("?")[0] == url for call in mock.calls)


@pytest.mark.parametrize(
    ("version", "changes", "by_soap"),
    [
        ("25.2.0.1", {}, False),
        ("23.2.0.1", {}, False),
        ("23.1.0.1", {}, True),
        ("25.2.0.1", {"alarm_route": "soap"}, True),
        ("22.3.0.1", {"alarm_route": "rest"}, False),
    ],
)
def test_the_release_decides_the_route_unless_the_settings_do(
    version: str, changes: dict[str, Any], *, by_soap: bool
) -> None:
    with gateway(version=version) as mock:
        mock.post(ALARMS, json={"data": {"id": ALARM_ID}}, status=202)
        serve_soap(mock, answer("Add"))
        used = connector(**changes)
        receipt = used.publish(delivery("alarm"), alert(), camera())
        used.close()
        assert (requests_to(mock, ADDRESS), requests_to(mock, ALARMS)) == ((1, 0) if by_soap else (0, 1))
    assert receipt.remote_id == (str(delivery("alarm").key) if by_soap else ALARM_ID)


def test_an_alarm_by_soap_carries_boxes_zone_picture_and_its_recorder() -> None:
    with gateway() as mock:
        serve_soap(mock, answer("Add"))
        connector(alarm_route="soap").publish(delivery("alarm"), alert(), camera())
        alarm = sent(mock)[1]
    assert texts(alarm, "CustomTag") == [MARK]
    assert texts(alarm, "Left") == ["0.2200"]
    assert texts(alarm, "Closed") == ["true", "true"]
    assert len(texts(alarm, "Image")) == 1
    assert RECORDER in texts(alarm, "Id")


def test_an_alarm_by_soap_does_not_wait_for_the_gateway() -> None:
    with gateway() as mock:
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=503)
        serve_soap(mock, answer("Add"))
        connector(alarm_route="soap").publish(delivery("alarm"), alert(), camera())
        assert RECORDER not in texts(sent(mock), "Id")


def test_by_soap_the_tag_is_asked_for_then_the_message() -> None:
    with gateway() as mock:
        serve_soap(mock, answer("GetAlarmLines"), answer("GetAlarmLines", line(Id=ALARM_ID, Message=f"seen {MARK}")))
        found = connector(alarm_route="soap").find(delivery("alarm"), alert(), camera())
        asked = [(texts(sent(mock, n), "Target")[0], texts(sent(mock, n), "Operator")[0]) for n in (0, 1)]
        assert texts(sent(mock, 0), "Value") == [MARK]
    assert found == Receipt(remote_id=ALARM_ID)
    assert asked == [("CustomTag", "Equals"), ("Message", "Contains")]


def test_by_soap_an_alarm_of_somebody_else_is_not_taken_for_ours() -> None:
    with gateway() as mock:
        serve_soap(mock, answer("GetAlarmLines", line(Id=ALARM_ID, CustomTag="zone-7", Message="Intrusion")))
        assert connector(alarm_route="soap").find(delivery("alarm"), alert(), camera()) is None


def test_by_soap_an_alarm_that_is_not_there_is_not_found() -> None:
    with gateway() as mock:
        serve_soap(mock, answer("GetAlarmLines"))
        assert connector(alarm_route="soap").find(delivery("alarm"), alert(), camera()) is None
