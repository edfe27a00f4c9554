from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from connectors.milestone.access.soap import NAMESPACE
from core.errors import (
    AuthenticationRefused,
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
from tests.connectors.milestone.support import API, CAPTURED_AT, DEVICE, REST, alert, camera, connector, delivery

BOOKMARKS = f"{REST}/bookmarks"
BOOKMARK_ID = "66666666-6666-4666-8666-666666666666"
MARK = delivery("bookmark").token


def publish(**changes: Any) -> Receipt:
    return connector(**changes).publish(delivery("bookmark"), alert(), camera())


def find() -> Receipt | None:
    return connector().find(delivery("bookmark"), alert(), camera())


@pytest.mark.parametrize("wrapper", ["result", "data"])
def test_a_bookmark_spans_the_alerts_own_time_and_ends_with_the_mark(wrapper: str) -> None:
    with gateway() as mock:
        mock.post(BOOKMARKS, json={wrapper: {"id": BOOKMARK_ID, "state": "Success"}}, status=201)
        receipt = publish(bookmark_before_s=5, bookmark_after_s=10)
        body = json.loads(str(mock.calls[-1].request.body, "utf-8"))  # type: ignore[arg-type]
    assert receipt.remote_id == BOOKMARK_ID
    assert body == {
        "header": "Voie interdite",
        "description": f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {MARK}",
        "timeBegin": "2025-11-20T10:01:56.456Z",
        "timeTriggered": "2025-11-20T10:02:03.456Z",
        "timeEnd": "2025-11-20T10:02:13.456Z",
        "devicePath": {"type": "cameras", "id": DEVICE},
    }


def test_a_refused_bookmark_says_why() -> None:
    error = {"httpCode": "400", "details": [{"errorText": "devicePath is required"}]}
    with gateway() as mock:
        mock.post(BOOKMARKS, json=error, status=400)
        with pytest.raises(RequestInvalid, match="devicePath is required"):
            publish()
        mock.replace("POST", BOOKMARKS, json=error, status=403)
        with pytest.raises(AuthenticationRefused) as caught:
            publish()
    assert "Create bookmarks" in caught.value.remedy


def test_before_2024_r2_bookmarks_are_made_through_soap() -> None:
    with gateway(version="23.3.1.2") as mock:
        mock.replace("POST", OAUTH, body=login_answer("TOKEN#t#"), content_type="text/xml")
        mock.post(
            OAUTH, body=soap_answer("BookmarkGetNewReference", "<Reference>no.1</Reference>"), content_type="text/xml"
        )
        mock.post(OAUTH, body=soap_answer("BookmarkCreate", f"<Id>{BOOKMARK_ID}</Id>"), content_type="text/xml")
        assert publish().remote_id == BOOKMARK_ID
        last = mock.calls[-1].request.body
    assert isinstance(last, bytes)
    fields = {etree.QName(item).localname: item.text for item in etree.fromstring(last)[0][0]}
    assert fields["token"] == "TOKEN#t#"
    assert fields["reference"] == "no.1"
    assert (fields["description"] or "").endswith(MARK)


def test_a_bookmark_is_searched_around_the_alert_and_known_by_its_mark() -> None:
    found = (
        "<Bookmark><Id>another</Id><Description>another mark</Description></Bookmark>"
        f"<Bookmark><Id>{BOOKMARK_ID}</Id><Header>Voie</Header><Description>seen {MARK}</Description></Bookmark>"
    )
    with gateway() as mock:
        mock.replace("POST", OAUTH, body=login_answer("TOKEN#t#"), content_type="text/xml")
        mock.post(OAUTH, body=soap_answer("BookmarkSearchTime", found), content_type="text/xml")
        receipt = find()
        last = mock.calls[-1].request.body
    assert receipt is not None
    assert receipt.remote_id == BOOKMARK_ID
    assert isinstance(last, bytes)
    asked = etree.fromstring(last)[0][0]
    assert asked.findtext(f"{{{NAMESPACE}}}optSearchStr") == "", "in which fields the VMS searches is unverified"
    assert asked.findtext(f"{{{NAMESPACE}}}time") == "2025-11-20T10:00:51.456Z"
    assert asked.findtext(f".//{{{NAMESPACE}}}MicroSeconds") == str(round((62 + 10 + 80) * 1e6))


def test_a_bookmark_that_is_not_there_is_not_found() -> None:
    with gateway() as mock:
        mock.replace("POST", OAUTH, body=login_answer(), content_type="text/xml")
        mock.post(OAUTH, body=soap_answer("BookmarkSearchTime", ""), content_type="text/xml")
        assert find() is None


STALE_TOKEN = soap_fault("VMO61001: token")


def test_a_bookmark_refused_for_a_token_of_before_a_restart_is_made_with_a_fresh_one() -> None:
    with gateway(version="23.3.1.2") as mock:
        mock.replace("POST", OAUTH, body=login_answer("TOKEN#old#"), content_type="text/xml")
        mock.post(OAUTH, body=STALE_TOKEN, status=500, content_type="text/xml")
        mock.post(OAUTH, body=login_answer("TOKEN#new#"), content_type="text/xml")
        mock.post(
            OAUTH, body=soap_answer("BookmarkGetNewReference", "<Reference>no.1</Reference>"), content_type="text/xml"
        )
        mock.post(OAUTH, body=soap_answer("BookmarkCreate", f"<Id>{BOOKMARK_ID}</Id>"), content_type="text/xml")
        assert publish().remote_id == BOOKMARK_ID
        last = mock.calls[-1].request.body
    assert b"TOKEN#new#" in bytes(last or b"")  # type: ignore[arg-type]


def test_a_search_with_a_token_that_is_no_longer_taken_logs_in_once_more() -> None:
    with gateway() as mock:
        mock.replace("POST", OAUTH, body=login_answer("TOKEN#old#"), content_type="text/xml")
        mock.post(OAUTH, body=STALE_TOKEN, status=500, content_type="text/xml")
        mock.post(OAUTH, body=login_answer("TOKEN#new#"), content_type="text/xml")
        mock.post(OAUTH, body=soap_answer("BookmarkSearchTime", ""), content_type="text/xml")
        assert find() is None
        last = mock.calls[-1].request.body
    assert b"TOKEN#new#" in bytes(last or b"")  # type: ignore[arg-type]


def test_a_search_without_answer_is_unavailable_and_no_lost_reply() -> None:
    with gateway() as mock:
        mock.replace("POST", OAUTH, body="<html>502</html>", status=502)
        with pytest.raises(VmsUnavailable) as caught:
            find()
    assert not isinstance(caught.value, ReplyLost)


def test_a_bookmark_begins_before_the_alerts_first_frame() -> None:
    with gateway() as mock:
        mock.post(BOOKMARKS, json={"result": {"id": BOOKMARK_ID}}, status=201)
        connector().publish(delivery("bookmark"), alert(started_at=CAPTURED_AT - 3600), camera())
        body = json.loads(str(mock.calls[-1].request.body, "utf-8"))  # type: ignore[arg-type]
    assert body["timeBegin"] == "2025-11-20T09:01:53.456Z"


def options_answer(**options: str) -> str:
    told = "".join(
        f"<ServerOption><Key>{key}</Key><Value>{value}</Value></ServerOption>" for key, value in options.items()
    )
    return soap_answer("GetConfiguration", f"<Recorders/><ServerOptions>{told}</ServerOptions>")


REFERENCE = soap_answer("BookmarkGetNewReference", "<Reference>no.1</Reference>")
UNKNOWN_FAILURE = soap_fault("Something went wrong").replace("s:51000", "a:InternalServiceFault")


@pytest.mark.parametrize("refusal", [soap_fault("VMO61008: no"), UNKNOWN_FAILURE])
@pytest.mark.parametrize("operation", ["BookmarkGetNewReference", "BookmarkCreate"])
def test_a_bookmark_of_a_deleted_camera_is_parked_in_whatever_words_soap_refuses(operation: str, refusal: str) -> None:
    with gateway(version="23.3.1.2") as mock:
        SoapServer(mock, **{"BookmarkGetNewReference": REFERENCE, operation: refusal})
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={})
        add_list(mock, "cameras", [])
        with pytest.raises(NotFoundInVms) as caught:
            publish()
    assert DEVICE in str(caught.value)


@pytest.mark.parametrize(("refusal", "kind"), [(soap_fault("VMO61008: no"), VmsRefused), (UNKNOWN_FAILURE, ReplyLost)])
def test_while_the_camera_is_there_the_refusal_itself_decides(refusal: str, kind: type[VmsError]) -> None:
    with gateway(version="23.3.1.2") as mock:
        SoapServer(
            mock,
            BookmarkGetNewReference=REFERENCE,
            BookmarkCreate=refusal,
            GetConfiguration=options_answer(Bookmark="True"),
        )
        with pytest.raises(kind) as caught:
            publish()
    assert type(caught.value) is kind


@pytest.mark.parametrize("refusal", [soap_fault("VMO61008: no"), UNKNOWN_FAILURE])
def test_an_edition_without_bookmarks_is_told_and_parks(refusal: str) -> None:
    with gateway(version="23.3.1.2") as mock:
        SoapServer(
            mock,
            BookmarkGetNewReference=REFERENCE,
            BookmarkCreate=refusal,
            GetConfiguration=options_answer(Bookmark="False"),
        )
        with pytest.raises(RightMissing, match="edition") as caught:
            publish()
    assert "take 'bookmark' out of 'publish'" in caught.value.remedy


def test_a_refused_password_keeps_its_own_remedy() -> None:
    with gateway(version="23.3.1.2") as mock:
        refusal = {"error": "invalid_grant", "error_code": "InvalidCredentials"}
        mock.replace("POST", f"{API}/IDP/connect/token", json=refusal, status=400)
        with pytest.raises(AuthenticationRefused) as caught:
            publish()
    assert "username and password" in caught.value.remedy


def test_in_an_outage_nothing_more_is_asked() -> None:
    with gateway(version="23.3.1.2") as mock:
        server = SoapServer(mock, BookmarkGetNewReference=REFERENCE, BookmarkCreate="<html>busy</html>")
        with pytest.raises(ProtocolViolation):
            publish()
    assert server.asked[-1] == "BookmarkCreate"
