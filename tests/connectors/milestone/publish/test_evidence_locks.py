from __future__ import annotations

import json

import pytest

from core.errors import (
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Receipt
from tests.connectors.milestone.access.soap_server import SoapServer
from tests.connectors.milestone.gateway import OAUTH, add_list, gateway, login_answer, soap_answer, soap_fault
from tests.connectors.milestone.support import DEVICE, REST, alert, camera, connector, delivery

LOCKS = f"{REST}/evidenceLocks"
LOCK_ID = "66666666-6666-4666-8666-666666666667"
KEY = str(delivery("evidence_lock").key)
MARK = delivery("evidence_lock").token
REFERENCE = soap_answer("MarkedDataGetNewReference", "<Reference>no.1</Reference>")


def publish() -> Receipt:
    used = connector(bookmark_before_s=5, bookmark_after_s=10, evidence_lock_days=7)
    return used.publish(delivery("evidence_lock"), alert(), camera())


def find() -> Receipt | None:
    return connector().find(delivery("evidence_lock"), alert(), camera())


def test_a_lock_covers_the_alerts_own_time_and_expires_after_the_settings_days() -> None:
    with gateway() as mock:
        mock.post(LOCKS, json={"result": {"id": LOCK_ID, "state": "Success"}}, status=201)
        assert publish() == Receipt(remote_id=LOCK_ID)
        body = json.loads(bytes(mock.calls[-1].request.body or b""))  # type: ignore[arg-type]
    assert body == {
        "header": "Voie interdite",
        "description": f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {MARK}",
        "startTime": "2025-11-20T10:01:56.456Z",
        "tagTime": "2025-11-20T10:02:03.456Z",
        "endTime": "2025-11-20T10:02:13.456Z",
        "retentionExpire": "2025-11-27T10:02:03.456Z",
        "devicePaths": [{"type": "cameras", "id": DEVICE}],
    }


def test_before_2024_r2_a_lock_is_marked_data_under_the_deliverys_key() -> None:
    made = soap_answer("MarkedDataCreate", f"<Status>Success</Status><MarkedData><Id>{KEY}</Id></MarkedData>")
    with gateway(version="23.3.1.2") as mock:
        server = SoapServer(mock, MarkedDataGetNewReference=REFERENCE, MarkedDataCreate=made)
        assert publish() == Receipt(remote_id=KEY)
        sent = bytes(mock.calls[-1].request.body or b"")  # type: ignore[arg-type]
    assert server.asked[-2:] == ["MarkedDataGetNewReference", "MarkedDataCreate"]
    assert KEY.encode() in sent
    assert MARK.encode() in sent


@pytest.mark.parametrize(("status", "kind"), [(400, RequestInvalid), (403, RightMissing), (404, NotFoundInVms)])
def test_an_edition_without_locks_parks_and_says_why(status: int, kind: type[VmsError]) -> None:
    with gateway() as mock:
        mock.post(LOCKS, json={"error": {"details": [{"errorText": "unknown request"}]}}, status=status)
        with pytest.raises(kind) as caught:
            publish()
    assert isinstance(caught.value, VmsRefused)
    assert "Only XProtect Corporate" in caught.value.remedy


def test_an_older_edition_without_locks_parks_too() -> None:
    with gateway(version="23.3.1.2") as mock:
        SoapServer(mock, MarkedDataGetNewReference=soap_fault("VMO61008: not supported"))
        with pytest.raises(VmsRefused) as caught:
            publish()
    assert "Only XProtect Corporate" in caught.value.remedy


def test_an_answer_that_names_no_lock_is_not_taken_for_a_refusal_and_repeated() -> None:
    with gateway(version="23.3.1.2") as mock:
        made = soap_answer("MarkedDataCreate", "<Status>Success</Status>")
        server = SoapServer(mock, MarkedDataGetNewReference=REFERENCE, MarkedDataCreate=made)
        with pytest.raises(ProtocolViolation):
            publish()
    assert server.asked.count("MarkedDataCreate") == 1


def test_a_lock_of_a_deleted_camera_is_parked() -> None:
    with gateway() as mock:
        mock.post(LOCKS, status=400)
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={})
        add_list(mock, "cameras", [])
        with pytest.raises(NotFoundInVms):
            publish()


def test_a_lost_answer_is_a_lost_reply() -> None:
    with gateway() as mock:
        mock.post(LOCKS, status=500)
        with pytest.raises(ReplyLost):
            publish()


def test_a_lock_is_known_by_its_token() -> None:
    found = (
        "<MarkedData><Id>another</Id><Description>x</Description></MarkedData>"
        f"<MarkedData><Id>{LOCK_ID}</Id><Header>Voie</Header><Description>seen {MARK}</Description></MarkedData>"
    )
    with gateway() as mock:
        SoapServer(mock, MarkedDataSearch=soap_answer("MarkedDataSearch", found))
        assert find() == Receipt(remote_id=LOCK_ID)


def test_a_lock_that_is_not_there_is_not_found() -> None:
    with gateway() as mock:
        SoapServer(mock, MarkedDataSearch=soap_answer("MarkedDataSearch"))
        assert find() is None


def test_a_search_without_answer_is_unavailable() -> None:
    with gateway() as mock:
        mock.replace("POST", OAUTH, body=login_answer(), content_type="text/xml")
        mock.post(OAUTH, body="<html>502</html>", status=502)
        with pytest.raises(VmsUnavailable) as caught:
            find()
    assert type(caught.value) is VmsUnavailable
