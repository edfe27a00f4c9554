from __future__ import annotations

import json

import pytest
import requests

from connectors.milestone.access.rest import created_id, error_texts, listed, single, succeeded
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


def response(body: object, status: int = 200) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return answer


NESTED = {"error": {"httpCode": 400, "details": [{"errorText": "The source is unknown", "property": "source"}]}}
FLAT = {"httpCode": "400", "details": [{"errorText": "devicePath is required"}, {"errorText": "header too long"}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (NESTED, "The source is unknown"),
        (FLAT, "devicePath is required; header too long"),
        ({"error": "unauthorized"}, ""),
        ({"details": "text"}, ""),
        ({"details": 1}, ""),
        ({"details": [{"errorText": "password=hunter2 is bad"}]}, "password=*** is bad"),
        ([], ""),
        ("<html>", ""),
    ],
)
def test_error_texts_are_found_in_both_nestings_and_hold_no_credential(body: object, words: str) -> None:
    assert error_texts(response(body, 400)) == words


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, VmsRefused),
        (400, RequestInvalid),
        (401, AuthenticationRefused),
        (403, RightMissing),
        (404, NotFoundInVms),
        (409, VmsRefused),
        (429, VmsUnavailable),
        (500, ReplyLost),
        (502, ReplyLost),
        (503, VmsUnavailable),
        (504, ReplyLost),
    ],
)
def test_every_status_becomes_the_error_it_means(status: int, kind: type[VmsError]) -> None:
    with pytest.raises(kind) as caught:
        succeeded(response(NESTED, status), "alarm")
    assert type(caught.value) is kind
    assert str(status) in str(caught.value)


def test_a_refusal_tells_the_gateways_words_and_the_callers_remedy() -> None:
    with pytest.raises(RequestInvalid, match="alarm: HTTP 400 The source is unknown") as caught:
        succeeded(response(NESTED, 400), "alarm", remedy="look there")
    assert caught.value.remedy == "look there"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"result": {"id": "a"}}, "a"),
        ({"data": {"id": "b"}}, "b"),
        ({"result": {}}, ""),
        ({"result": None, "data": {"id": "c"}}, "c"),
        ("accepted", ""),
        ([], ""),
        ({"data": "text"}, ""),
    ],
)
def test_the_id_of_what_was_made_is_read_from_any_wrapper(body: object, found: str) -> None:
    assert created_id(response(body, 201)) == found


def test_lists_and_single_objects_are_unwrapped() -> None:
    assert listed(response({"array": [{"id": "1"}, "odd"]}), "list") == [{"id": "1"}]
    assert single(response({"data": {"id": "1"}}), "one") == {"id": "1"}
    assert single(response({"result": {"id": "2"}}), "one") == {"id": "2"}


@pytest.mark.parametrize("body", ["<html>", [], {"data": {}}, {"array": {}}])
def test_an_answer_that_is_no_list_is_a_protocol_violation(body: object) -> None:
    with pytest.raises(ProtocolViolation):
        listed(response(body), "list")


@pytest.mark.parametrize("body", ["<html>", [], {"array": []}, {"data": "text"}])
def test_an_answer_without_an_object_is_a_protocol_violation(body: object) -> None:
    with pytest.raises(ProtocolViolation):
        single(response(body), "one")
