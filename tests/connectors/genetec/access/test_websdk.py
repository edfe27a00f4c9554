from __future__ import annotations

import base64
from typing import Any

import pytest
import responses

from connectors.genetec.access.websdk import WebSdk
from connectors.protocols.http import HttpSession
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
from tests.connectors.genetec.samples import URL, fail, ok


@pytest.fixture
def sdk() -> WebSdk:
    return WebSdk(URL, HttpSession(ca=None, timeout_s=1.0), lambda: ("vigie", "app+/=", "pässword"))


@responses.activate
def test_every_request_carries_user_application_and_password_and_asks_for_json(sdk: WebSdk) -> None:
    responses.get(f"{URL}/", json=ok(), headers={"Date": "Fri, 15 Jan 2027 08:00:00 GMT"})
    assert sdk.ping().date == "Fri, 15 Jan 2027 08:00:00 GMT"
    headers = responses.calls[0].request.headers
    scheme, credentials = headers["Authorization"].split(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == "vigie;app+/=:pässword"
    assert headers["Accept"] == "text/json"


@responses.activate
def test_a_post_without_body_has_a_length(sdk: WebSdk) -> None:
    responses.post(f"{URL}/action", json=ok())
    sdk.do("POST", "/action", "SendMessage(a)", what="send")
    assert responses.calls[0].request.headers["Content-Length"] == "0"


@responses.activate
@pytest.mark.parametrize(
    ("result", "rows"),
    [(None, []), ({"Guid": "a"}, [{"Guid": "a"}]), ([{"Guid": "a"}, {"Guid": "b"}], [{"Guid": "a"}, {"Guid": "b"}])],
    ids=["nothing", "one-object", "array"],
)
def test_one_row_comes_bare_and_several_as_a_list(sdk: WebSdk, result: Any, rows: list[Any]) -> None:
    responses.get(f"{URL}/entity", json=ok(result))
    assert sdk.ask("/entity", "entity=a", what="read").rows() == rows


@responses.activate
@pytest.mark.parametrize("status", ["TooManyResults", "Partial"])
def test_a_cut_report_says_so_and_keeps_its_rows(sdk: WebSdk, status: str) -> None:
    responses.get(f"{URL}/report/Bookmark", json={"Rsp": {"Status": status, "Result": [{"Guid": "a"}]}})
    answer = sdk.ask("/report/Bookmark", what="look")
    assert answer.rows() == [{"Guid": "a"}]
    assert not answer.is_complete


@responses.activate
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("UnableToRetrieveEntity", NotFoundInVms),
        ("UnsufficientPrivilege", RightMissing),
        ("CertificateCountExceeded", AuthenticationRefused),
        ("InvalidValue", RequestInvalid),
        ("SomethingNew", VmsRefused),
    ],
)
def test_a_failure_in_the_envelope_is_understood_in_both_known_shapes(
    sdk: WebSdk, code: str, expected: type[VmsError], inside: bool
) -> None:
    responses.get(f"{URL}/alarm", json=fail(code, "password=hunter22 wrong", inside=inside))
    with pytest.raises(VmsError) as caught:
        sdk.do("GET", "/alarm", "TriggerAlarm(a)", what="trigger")
    assert type(caught.value) is expected
    assert code in str(caught.value)
    assert "wrong" in str(caught.value)
    assert "hunter22" not in str(caught.value)


@responses.activate
@pytest.mark.parametrize(
    ("status", "expected", "remedy"),
    [
        (401, AuthenticationRefused, "Authorization"),
        (403, AuthenticationRefused, "Log on using the SDK"),
        (404, AuthenticationRefused, "base URI"),
        (411, AuthenticationRefused, "Content-Length"),
        (302, AuthenticationRefused, "redirects"),
        (400, RequestInvalid, ""),
        (503, VmsUnavailable, ""),
        (500, ReplyLost, ""),
    ],
)
def test_each_http_status_says_what_to_do(sdk: WebSdk, status: int, expected: type[VmsError], remedy: str) -> None:
    responses.get(f"{URL}/", status=status, body="<html/>", headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(VmsError) as caught:
        sdk.ping()
    assert type(caught.value) is expected
    assert remedy in caught.value.remedy
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    "body", ["<rsp status='ok'/>", "[]", "{}", '{"Rsp":{}}', '{"Rsp":null}', '{"Rsp":{"Status":"Maybe"}}', "", "\x00"]
)
def test_an_unreadable_answer_is_a_lost_reply_where_the_request_has_an_effect(sdk: WebSdk, body: str) -> None:
    responses.get(f"{URL}/alarm", body=body)
    with pytest.raises(ProtocolViolation):
        sdk.ask("/alarm", what="look")
    with pytest.raises(ReplyLost):
        sdk.do("GET", "/alarm", what="trigger")


@responses.activate
def test_an_answer_with_a_byte_order_mark_is_read(sdk: WebSdk) -> None:
    responses.get(f"{URL}/", body=b'\xef\xbb\xbf{"Rsp":{"Status":"Ok"}}')
    assert sdk.ping().is_complete
