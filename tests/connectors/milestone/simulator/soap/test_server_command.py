from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import requests
from lxml import etree

from tests.connectors.milestone.simulator.running import INSTANCE, NS, Running

pytestmark = pytest.mark.slow

ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
S = "http://schemas.xmlsoap.org/soap/envelope/"
LOGIN = f"<instanceId>{INSTANCE}</instanceId><currentToken></currentToken>"


def _root(answer: requests.Response) -> etree._Element:
    assert answer.headers["Content-Type"].startswith("text/xml")
    return etree.fromstring(answer.content)


def _result(answer: requests.Response, operation: str) -> etree._Element:
    assert answer.status_code == 200, answer.text
    found = _root(answer).find(f"{{{S}}}Body/{{{NS}}}{operation}Response/{{{NS}}}{operation}Result")
    assert found is not None
    return found


def _fault(answer: requests.Response) -> tuple[str, str]:
    assert answer.status_code == 500
    fault = _root(answer).find(f"{{{S}}}Body/{{{S}}}Fault")
    assert fault is not None
    return fault.findtext("faultcode") or "", fault.findtext("faultstring") or ""


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(f"{{{NS}}}{name}") or ""


def _create(token: str, camera: str, **changes: str) -> str:
    values = {
        "token": token,
        "deviceId": camera,
        "timeBegin": "2025-11-20T10:01:50Z",
        "timeTrigged": "2025-11-20T10:02:03Z",
        "timeEnd": "2025-11-20T10:02:30Z",
        "reference": "no.7",
        "header": "Intrusion",
        "description": "track 41 key-1",
        **changes,
    }
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def _search(token: str, text: str, camera: str = "", time: str = "2025-11-20T10:00:00Z", limit_s: int = 600) -> str:
    devices = f'<optDeviceIds xmlns:a="{ARRAYS}"><a:guid>{camera}</a:guid></optDeviceIds>' if camera else ""
    return (
        f"<token>{token}</token><time>{time}</time>"
        f"<timeLimit><MicroSeconds>{limit_s * 1_000_000}</MicroSeconds></timeLimit><countLimit>10</countLimit>"
        f"<deviceTypes><MediaDeviceType>Camera</MediaDeviceType></deviceTypes>{devices}"
        f"<optSearchStr>{text}</optSearchStr>"
    )


@pytest.mark.parametrize("service", ["", "OAuth"])
def test_login_gives_a_token_that_lives_four_hours(simulator: Running, service: str) -> None:
    result = _result(simulator.soap("Login", LOGIN, service=service), "Login")
    assert [etree.QName(child).localname for child in result] == [
        "RegistrationTime",
        "TimeToLive",
        "TimeToLiveLimited",
        "Token",
    ]
    assert result.findtext(f"{{{NS}}}TimeToLive/{{{NS}}}MicroSeconds") == "14400000000"
    assert UUID(_text(result, "Token").split("#")[1]).version == 4


def test_a_renewal_gives_another_token(simulator: Running) -> None:
    first = simulator.soap_token()
    renewal = f"<instanceId>{INSTANCE}</instanceId><currentToken>{first}</currentToken>"
    assert _text(_result(simulator.soap("Login", renewal), "Login"), "Token") not in {"", first}


@pytest.mark.parametrize(
    "options",
    [
        {"auth": ("vigie", "wrong")},
        {"auth": None},
        {"auth": None, "headers": {"Authorization": "Basic !"}},
        {"service": "OAuth", "headers": {"Authorization": "Bearer x"}, "auth": None},
        {"service": "OAuth", "auth": ("vigie", "vigie-demo"), "headers": {"Authorization": ""}},
    ],
)
def test_wrong_credentials_get_the_page_of_iis(simulator: Running, options: dict[str, Any]) -> None:
    if options.get("service") and options["auth"] is None:
        path = "/ManagementServer/ServerCommandServiceOAuth.svc"
        answer = simulator.send("POST", path, data=b"", headers=options["headers"])
    elif options.get("service"):
        answer = simulator.send("POST", "/ManagementServer/ServerCommandServiceOAuth.svc", auth=options["auth"])
    else:
        answer = simulator.soap("Login", LOGIN, **options)
    assert answer.status_code == 401
    assert "<fieldset>" in answer.text
    assert answer.headers["WWW-Authenticate"].split()[0] in {"Basic", "Bearer"}


def test_operations_are_told_apart_by_the_body_whatever_soapaction_says(simulator: Running) -> None:
    answer = simulator.soap("Login", LOGIN, headers={"SOAPAction": '"http://videoos.net/2/Wrong/JPEGGetLive"'})
    assert _text(_result(answer, "Login"), "Token")


@pytest.mark.parametrize("content_type", ["application/soap+xml", "application/xml", "text/plain"])
def test_another_content_type_is_not_processed(simulator: Running, content_type: str) -> None:
    assert simulator.soap("Login", LOGIN, headers={"Content-Type": content_type}).status_code == 415


def test_a_soap_1_2_envelope_is_a_version_mismatch(simulator: Running) -> None:
    document = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>'
    answer = simulator.send(
        "POST",
        "/managementserver/servercommandservice.svc",
        data=document,
        auth=("vigie", "vigie-demo"),
        headers={"Content-Type": "text/xml"},
    )
    assert _fault(answer)[0] == "s:VersionMismatch"


def test_an_unknown_operation_is_a_fault(simulator: Running) -> None:
    assert _fault(simulator.soap("GetSmartClientVersion"))[0] == "a:ActionNotSupported"


@pytest.mark.parametrize(
    "body", ["", "<instanceId>x</instanceId>", f"<instanceId xmlns='urn:other'>{INSTANCE}</instanceId>"]
)
def test_a_login_without_a_guid_cannot_be_deserialized(simulator: Running, body: str) -> None:
    assert _fault(simulator.soap("Login", body))[0] == "a:DeserializationFailed"


def test_versions_need_no_soap_token_but_the_product_does(simulator: Running) -> None:
    assert _result(simulator.soap("GetVersion"), "GetVersion").text == "25"
    assert _result(simulator.soap("GetServerVersion"), "GetServerVersion").text == "25.2.0.1"
    assert _fault(simulator.soap("GetProductInfo"))[0] == "s:51000"
    product = _result(simulator.soap("GetProductInfo", f"<token>{simulator.soap_token()}</token>"), "GetProductInfo")
    assert (_text(product, "MajorVersion"), _text(product, "MinorVersion")) == ("25", "2")


@pytest.mark.parametrize(
    ("service", "token", "is_taken"), [("", "", False), ("OAuth", "", True), ("OAuth", "x", False)]
)
def test_only_the_oauth_service_takes_an_empty_token(
    simulator: Running, service: str, token: str, is_taken: bool
) -> None:
    answer = simulator.soap("BookmarkSearchTime", _search(token, ""), service=service)
    if is_taken:
        _result(answer, "BookmarkSearchTime")
    else:
        code, text = _fault(answer)
        assert (code, text.split(":")[0]) == ("s:51000", "VMO61008")


def test_a_created_bookmark_is_found_again_and_is_in_the_ledger(fresh: Running) -> None:
    token = fresh.soap_token()
    made = _result(fresh.soap("BookmarkCreate", _create(token, fresh.camera)), "BookmarkCreate")
    assert [etree.QName(child).localname for child in made] == [
        "Description",
        "DeviceId",
        "Header",
        "Id",
        "Reference",
        "TimeBegin",
        "TimeEnd",
        "TimeTrigged",
        "User",
    ]
    found = _result(
        fresh.soap("BookmarkSearchTime", _search(token, "KEY-1", fresh.camera.upper())), "BookmarkSearchTime"
    )
    assert [_text(bookmark, "Id") for bookmark in found.findall(f"{{{NS}}}Bookmark")] == [_text(made, "Id")]
    [record] = fresh.ledger("bookmark")
    assert (record["id"], record["camera"], record["description"]) == (
        _text(made, "Id"),
        fresh.camera,
        "track 41 key-1",
    )
    assert record["interface"] == "soap"


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ({"text": ""}, 1),
        ({"text": "intrusion"}, 1),
        ({"text": "no.7"}, 1),
        ({"text": "no.8"}, 0),
        ({"text": "", "camera": INSTANCE}, 0),
        ({"text": "", "time": "2025-11-20T10:01:50Z", "limit_s": 40}, 1),
        ({"text": "", "time": "2025-11-20T10:01:51Z", "limit_s": 600}, 0),
        ({"text": "", "time": "2025-11-20T10:01:50Z", "limit_s": 39}, 0),
        ({"text": "", "time": "2025-11-20T10:05:00Z", "limit_s": -600}, 1),
    ],
)
def test_a_search_looks_at_text_device_and_time(fresh: Running, search: dict[str, Any], count: int) -> None:
    token = fresh.soap_token()
    _result(fresh.soap("BookmarkCreate", _create(token, fresh.camera)), "BookmarkCreate")
    found = _result(fresh.soap("BookmarkSearchTime", _search(token, **search)), "BookmarkSearchTime")
    assert len(found) == count


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deviceId": INSTANCE}, "a:InternalServiceFault"),
        ({"deviceId": "gate"}, "a:DeserializationFailed"),
        ({"timeBegin": "yesterday"}, "a:DeserializationFailed"),
        ({"timeBegin": "2025-11-20"}, "a:DeserializationFailed"),
        ({"timeBegin": "2025-11-20T10:02:04Z"}, "a:InternalServiceFault"),
        ({"timeEnd": "2025-11-20T10:02:02Z"}, "a:InternalServiceFault"),
    ],
)
def test_a_bookmark_that_is_described_wrongly_is_a_fault(
    simulator: Running, changes: dict[str, str], code: str
) -> None:
    token = simulator.soap_token()
    assert _fault(simulator.soap("BookmarkCreate", _create(token, simulator.camera, **changes)))[0] == code


def test_a_parameter_out_of_order_is_passed_over(fresh: Running) -> None:
    token = fresh.soap_token()
    body = _create(token, fresh.camera).replace("<header>Intrusion</header>", "") + "<header>Intrusion</header>"
    made = _result(fresh.soap("BookmarkCreate", body), "BookmarkCreate")
    assert _text(made, "Header") == ""


def test_references_are_reserved_one_after_the_other(fresh: Running) -> None:
    token = fresh.soap_token()
    body = f"<token>{token}</token><deviceId>{fresh.camera}</deviceId><live>true</live>"
    references = [
        _text(_result(fresh.soap("BookmarkGetNewReference", body), "BookmarkGetNewReference"), "Reference")
        for _ in range(2)
    ]
    assert references == ["no.000001", "no.000002"]


def test_an_integration_can_introduce_itself_without_a_soap_token_at_the_oauth_service(simulator: Running) -> None:
    body = (
        f"<token></token><instanceId>{INSTANCE}</instanceId><integrationId>{INSTANCE}</integrationId>"
        "<integrationVersion>1</integrationVersion><integrationName>Vigie</integrationName>"
        "<manufacturerName>Vigie</manufacturerName>"
    )
    answer = simulator.soap("RegisterIntegration", body, service="OAuth")
    response = _root(answer).find(f"{{{S}}}Body/{{{NS}}}RegisterIntegrationResponse")
    assert response is not None
    assert len(response) == 0
