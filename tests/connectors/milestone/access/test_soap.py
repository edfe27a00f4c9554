from __future__ import annotations

import socket
from collections.abc import Iterator
from uuid import UUID

import pytest
import requests
import responses
from lxml import etree

from connectors.milestone.access.soap import NAMESPACE, Bookmark, Change, EvidenceLock, ProductInfo, ServerCommands
from connectors.protocols.http import HttpSession
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RightMissing,
    VmsError,
    VmsRefused,
)
from tests.connectors.milestone.support import CAPTURED_AT, DEVICE, URL

pytestmark = pytest.mark.slow

ADDRESS = f"{URL}/ManagementServer/ServerCommandService.svc"
INSTANCE = UUID("0d4a7c52-7d0b-4f0e-9a61-2d1f9f0a55aa")
LOCK = EvidenceLock(
    device=DEVICE,
    begin=CAPTURED_AT - 10,
    tagged=CAPTURED_AT,
    end=CAPTURED_AT + 20,
    header="Voie <interdite>",
    description="person 0.93 vigie:0123",
    retention_days=30,
    lock_id=str(INSTANCE),
)
BOOKMARK = Bookmark(
    device=DEVICE,
    begin=CAPTURED_AT - 10,
    triggered=CAPTURED_AT,
    end=CAPTURED_AT + 20,
    header="Voie <interdite>",
    description="person 0.93 & more vigie:0123",
)


@pytest.fixture
def commands() -> Iterator[ServerCommands]:
    http = HttpSession(ca=None, timeout_s=5.0)
    yield ServerCommands(http, ADDRESS, lambda _: "Basic dXNlcjpwdw==")
    http.close()


def envelope(body: str) -> str:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="urn:a">'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def answer(operation: str, result: str) -> str:
    return envelope(
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{result}</{operation}Result></{operation}Response>'
    )


def sent() -> etree._Element:
    body = responses.calls[-1].request.body
    assert isinstance(body, bytes)
    return etree.fromstring(body)


def fields(element: etree._Element) -> list[tuple[str, str]]:
    return [(etree.QName(item).localname, "".join(map(str, item.itertext()))) for item in element]


def test_the_wsdl_loads_without_any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    http = HttpSession(ca=None, timeout_s=1.0)
    ServerCommands(http, ADDRESS, lambda _: "")
    http.close()


@responses.activate
def test_the_login_envelope_is_the_documented_one(commands: ServerCommands) -> None:
    login = (
        "<TimeToLive><MicroSeconds>14400000000</MicroSeconds></TimeToLive><Token>TOKEN#x#vms//ServerConnector#</Token>"
    )
    responses.post(ADDRESS, body=answer("Login", login), content_type="text/xml; charset=utf-8")
    assert commands.login(INSTANCE, "") == ("TOKEN#x#vms//ServerConnector#", 14_400.0)
    documented = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
     <Login xmlns="{NAMESPACE}">
      <instanceId>{INSTANCE}</instanceId><currentToken></currentToken>
     </Login></s:Body></s:Envelope>"""
    expected = etree.fromstring(documented, etree.XMLParser(remove_blank_text=True))
    assert [(e.tag, e.text or "") for e in sent().iter()] == [(e.tag, e.text or "") for e in expected.iter()]
    headers = responses.calls[-1].request.headers
    assert headers["SOAPAction"].strip('"') == f"{NAMESPACE}/IServerCommandService/Login"
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert headers["Authorization"] == "Basic dXNlcjpwdw=="


@responses.activate
def test_the_order_of_a_results_members_and_unknown_ones_do_not_matter(commands: ServerCommands) -> None:
    shuffled = "<Token>T</Token><New>1</New><TimeToLive><MicroSeconds>2000000</MicroSeconds></TimeToLive>"
    responses.post(ADDRESS, body=answer("Login", shuffled), content_type="text/xml")
    assert commands.login(INSTANCE, "") == ("T", 2.0)


@responses.activate
def test_a_bookmark_gets_a_reference_and_is_made_in_the_documented_parameter_order(commands: ServerCommands) -> None:
    reference = answer("BookmarkGetNewReference", "<Reference>no.001274</Reference>")
    responses.post(ADDRESS, body=reference, content_type="text/xml")
    responses.post(ADDRESS, body=answer("BookmarkCreate", f"<Id>{INSTANCE}</Id>"), content_type="text/xml")
    assert commands.create_bookmark("TOKEN#t", BOOKMARK) == str(INSTANCE)
    assert fields(sent()[0][0]) == [
        ("token", "TOKEN#t"),
        ("deviceId", DEVICE),
        ("timeBegin", "2025-11-20T10:01:53.456Z"),
        ("timeTrigged", "2025-11-20T10:02:03.456Z"),
        ("timeEnd", "2025-11-20T10:02:23.456Z"),
        ("reference", "no.001274"),
        ("header", BOOKMARK.header),
        ("description", BOOKMARK.description),
    ]


@responses.activate
def test_the_bookmark_search_has_the_documented_parameter_order(commands: ServerCommands) -> None:
    found = (
        f"<Bookmark><Id>{INSTANCE}</Id><Description>seen vigie:0123</Description></Bookmark>"
        "<Bookmark><Id>another</Id><Description>seen</Description></Bookmark>"
    )
    responses.post(ADDRESS, body=answer("BookmarkSearchTime", found), content_type="text/xml")
    bookmarks = commands.search_bookmarks("TOKEN#t", DEVICE, CAPTURED_AT, CAPTURED_AT + 60, "vigie:0123")
    assert bookmarks == {str(INSTANCE): "\nseen vigie:0123"}
    assert fields(sent()[0][0]) == [
        ("token", "TOKEN#t"),
        ("time", "2025-11-20T10:02:03.456Z"),
        ("timeLimit", "60000000"),
        ("countLimit", "1000"),
        ("deviceTypes", "Camera"),
        ("optDeviceIds", DEVICE),
        ("optUsers", ""),
        ("optSearchStr", ""),
    ]
    assert sent()[0][0][5][0].tag == "{http://schemas.microsoft.com/2003/10/Serialization/Arrays}guid"


@responses.activate
def test_among_too_many_bookmarks_nobody_can_tell(commands: ServerCommands) -> None:
    many = "".join(f"<Bookmark><Id>{number}</Id></Bookmark>" for number in range(1000))
    responses.post(ADDRESS, body=answer("BookmarkSearchTime", many), content_type="text/xml")
    with pytest.raises(VmsRefused, match="1000 bookmarks or more"):
        commands.search_bookmarks("TOKEN#t", DEVICE, 0, 60, "x")


@pytest.mark.parametrize("result", ["", None])
@responses.activate
def test_no_bookmark_found_is_an_empty_answer(commands: ServerCommands, result: str | None) -> None:
    empty = envelope(f'<BookmarkSearchTimeResponse xmlns="{NAMESPACE}"/>')
    body = empty if result is None else answer("BookmarkSearchTime", result)
    responses.post(ADDRESS, body=body, content_type="text/xml")
    assert commands.search_bookmarks("TOKEN#t", DEVICE, 0, 60, "x") == {}


SOAP_11_FAULT = envelope(
    "<s:Fault><faultcode>s:51000</faultcode><faultstring>VMO61008: no such camera</faultstring></s:Fault>"
)
RIGHTS_FAULT = envelope(
    "<s:Fault><faultcode>s:51000</faultcode><faultstring>VMO61000: Access denied to TOKEN#secret#</faultstring></s:Fault>"
)
INTERNAL_FAULT = envelope(
    "<s:Fault><faultcode>a:InternalServiceFault</faultcode><faultstring>The server was unable to go on</faultstring></s:Fault>"
)
DETAIL_FAULT = (
    '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><soap:Fault>'
    "<soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason><soap:Text>failed</soap:Text></soap:Reason>"
    '<detail ErrorNumber="20001" SubErrorNumber="2" BaseExceptionName="X" ExceptionMessage="Token invalid"/>'
    "</soap:Fault></soap:Body></soap:Envelope>"
)
IIS_PAGE = (
    "<!DOCTYPE html><html><head><style>p {color: red}</style></head><body><fieldset><h2>404 - File not found.</h2>"
    "</fieldset></body></html>"
)


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        (SOAP_11_FAULT, 500, VmsRefused, "VMO61008: no such camera"),
        (RIGHTS_FAULT, 500, RightMissing, "Access denied"),
        (INTERNAL_FAULT, 500, ReplyLost, "unable to go on"),
        (DETAIL_FAULT, 500, AuthenticationRefused, "20001 Token invalid"),
        (DETAIL_FAULT, 200, AuthenticationRefused, "Token invalid"),
        (IIS_PAGE, 404, NotFoundInVms, "404 - File not found"),
        (IIS_PAGE, 401, AuthenticationRefused, "HTTP 401"),
        (IIS_PAGE, 200, ProtocolViolation, "holds no BookmarkCreateResponse"),
        (IIS_PAGE, 502, ReplyLost, "HTTP 502"),
        ("", 500, ReplyLost, "HTTP 500"),
        (envelope(""), 200, ProtocolViolation, "holds no"),
        ("<s:Envelope", 200, ProtocolViolation, "holds no"),
    ],
)
@responses.activate
def test_every_shape_of_fault_becomes_the_error_it_means(
    commands: ServerCommands, body: str, status: int, kind: type[VmsError], words: str
) -> None:
    reference = answer("BookmarkGetNewReference", "<Reference>no.1</Reference>")
    responses.post(ADDRESS, body=reference, content_type="text/xml")
    responses.post(ADDRESS, body=body, status=status, content_type="text/xml" if "Envelope" in body else "text/html")
    with pytest.raises(kind, match=words) as caught:
        commands.create_bookmark("TOKEN#t", BOOKMARK)
    assert type(caught.value) is kind
    assert "TOKEN#secret" not in caught.value.line()
    assert "color: red" not in str(caught.value)


@pytest.mark.parametrize(
    "result",
    [
        "",
        "<Token>T</Token>",
        "<Token/><TimeToLive><MicroSeconds>1000000</MicroSeconds></TimeToLive>",
        "<Token>T</Token><TimeToLive><MicroSeconds>soon</MicroSeconds></TimeToLive>",
    ],
)
@responses.activate
def test_a_login_answer_that_cannot_be_used_is_a_protocol_violation(commands: ServerCommands, result: str) -> None:
    responses.post(ADDRESS, body=answer("Login", result), content_type="text/xml")
    with pytest.raises(ProtocolViolation):
        commands.login(INSTANCE, "")


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        ("<Bookmark>", '<Bookmark xmlns="urn:other">'),
        ("<Id>1</Id>", "<Id><Guid>1</Guid></Id>"),
        ("<Id>1</Id>", ""),
        (f'xmlns="{NAMESPACE}"', 'xmlns="urn:other"'),
        ("BookmarkSearchTimeResult", "Result"),
    ],
)
@responses.activate
def test_bookmarks_that_cannot_be_read_are_not_taken_for_none(commands: ServerCommands, was: str, instead: str) -> None:
    found = answer("BookmarkSearchTime", "<Bookmark><Id>1</Id><Header>H</Header></Bookmark>")
    responses.post(ADDRESS, body=found.replace(was, instead), content_type="text/xml")
    with pytest.raises(ProtocolViolation):
        commands.search_bookmarks("TOKEN#t", DEVICE, 0, 60, "x")


@responses.activate
def test_the_registration_is_in_the_documented_parameter_order(commands: ServerCommands) -> None:
    responses.post(
        ADDRESS, body=envelope(f'<RegisterIntegrationResponse xmlns="{NAMESPACE}"/>'), content_type="text/xml"
    )
    commands.register_integration("", INSTANCE)
    names = [name for name, _ in fields(sent()[0][0])]
    assert names == [
        "token",
        "instanceId",
        "integrationId",
        "integrationVersion",
        "integrationName",
        "manufacturerName",
    ]


@pytest.mark.parametrize(("major", "version"), [("25", (25, 2)), ("R", ()), ("", ())])
@responses.activate
def test_product_information_tells_edition_and_version(
    commands: ServerCommands, major: str, version: tuple[int, ...]
) -> None:
    told = f"<ProductLine>L</ProductLine><MajorVersion>{major}</MajorVersion><MinorVersion>2</MinorVersion><SLC>S</SLC>"
    responses.post(ADDRESS, body=answer("GetProductInfo", told), content_type="text/xml")
    assert commands.product_info("TOKEN#t") == ProductInfo(version=version, product_line="L", product_code="", slc="S")


@responses.activate
def test_configuration_changes_are_told_with_their_time(commands: ServerCommands) -> None:
    told = (
        f"<Change><ChangeType>Modified</ChangeType><Id>{DEVICE.upper()}</Id><Time>2025-11-20T10:02:03.4560000Z</Time>"
        "</Change><Change><ChangeType>Odd</ChangeType></Change>"
    )
    responses.post(ADDRESS, body=answer("QueryChanges", told), content_type="text/xml")
    assert commands.query_changes("TOKEN#t", CAPTURED_AT) == [
        Change(kind="Modified", object_id=DEVICE, at=CAPTURED_AT),
        Change(kind="Odd", object_id="", at=None),
    ]
    assert fields(sent()[0][0]) == [("token", "TOKEN#t"), ("changesFrom", "2025-11-20T10:02:03.456Z")]


@pytest.mark.parametrize("result", ["", None])
@responses.activate
def test_no_change_is_an_empty_answer(commands: ServerCommands, result: str | None) -> None:
    empty = envelope(f'<QueryChangesResponse xmlns="{NAMESPACE}"/>')
    responses.post(ADDRESS, body=empty if result is None else answer("QueryChanges", ""), content_type="text/xml")
    assert commands.query_changes("TOKEN#t", CAPTURED_AT) == []


@responses.activate
def test_an_event_is_triggered_by_its_id(commands: ServerCommands) -> None:
    responses.post(ADDRESS, body=envelope(f'<EventTriggerResponse xmlns="{NAMESPACE}"/>'), content_type="text/xml")
    commands.trigger_event("TOKEN#t", DEVICE)
    assert fields(sent()[0][0]) == [("token", "TOKEN#t"), ("eventId", DEVICE)]


@responses.activate
def test_an_event_whose_answer_is_lost_may_have_been_triggered(commands: ServerCommands) -> None:
    responses.post(ADDRESS, body="", status=500)
    with pytest.raises(ReplyLost):
        commands.trigger_event("TOKEN#t", DEVICE)


@responses.activate
def test_an_evidence_lock_is_made_in_the_documented_parameter_order(commands: ServerCommands) -> None:
    reference = answer("MarkedDataGetNewReference", "<Reference>no.7</Reference>")
    responses.post(ADDRESS, body=reference, content_type="text/xml")
    made = f"<Status>Success</Status><MarkedData><Header>x</Header><Id>{INSTANCE}</Id></MarkedData><FaultDevices/>"
    responses.post(ADDRESS, body=answer("MarkedDataCreate", made), content_type="text/xml")
    assert commands.create_evidence_lock("TOKEN#t", LOCK) == str(INSTANCE)
    assert fields(sent()[0][0]) == [
        ("token", "TOKEN#t"),
        ("markedDataId", str(INSTANCE)),
        ("deviceIds", DEVICE),
        ("timeStart", "2025-11-20T10:01:53.456Z"),
        ("timeTag", "2025-11-20T10:02:03.456Z"),
        ("timeEnd", "2025-11-20T10:02:23.456Z"),
        ("reference", "no.7"),
        ("header", LOCK.header),
        ("description", LOCK.description),
        ("markedDataType", "2"),
        ("useRetention", "true"),
        ("retentionExpire", "2025-12-20T10:02:03.456Z"),
        ("retentionOption", "UserDefined-1"),
    ]


@responses.activate
def test_a_device_that_cannot_be_locked_is_a_refusal_in_the_vms_own_words(commands: ServerCommands) -> None:
    responses.post(ADDRESS, body=answer("MarkedDataGetNewReference", ""), content_type="text/xml")
    refused = (
        "<Status>Failed</Status><FaultDevices><MarkedDataFaultDevice><DeviceId>d</DeviceId><ErrorCode>3</ErrorCode>"
        "<Message>no recording</Message></MarkedDataFaultDevice></FaultDevices>"
    )
    responses.post(ADDRESS, body=answer("MarkedDataCreate", refused), content_type="text/xml")
    with pytest.raises(VmsRefused, match="d 3 no recording"):
        commands.create_evidence_lock("TOKEN#t", LOCK)


@responses.activate
def test_evidence_locks_are_searched_page_by_page(commands: ServerCommands) -> None:
    first = "".join(f"<MarkedData><Id>{number}</Id><Header>H</Header></MarkedData>" for number in range(100))
    responses.post(ADDRESS, body=answer("MarkedDataSearch", first), content_type="text/xml")
    last = "<MarkedData><Id>last</Id><Header>H</Header><Description>vigie:0123</Description></MarkedData>"
    responses.post(ADDRESS, body=answer("MarkedDataSearch", last), content_type="text/xml")
    found = commands.find_evidence_locks("TOKEN#t", DEVICE, CAPTURED_AT, CAPTURED_AT + 60, "vigie:0123")
    assert found == {"last": "H\nvigie:0123"}
    asked = dict(fields(sent()[0][0]))
    assert asked["markedDataFromTime"] == "2025-11-20T10:02:03.456Z"
    assert asked["markedDataToTime"] == "2025-11-20T10:03:03.456Z"
    assert (asked["pageIndex"], asked["pageSize"], asked["deviceIds"]) == ("1", "100", DEVICE)


def served_locks(served: int, size: int) -> None:
    """A server of so many locks, of which it shows ``size`` at a time."""

    def page(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = etree.fromstring(bytes(request.body or b""))  # type: ignore[arg-type]
        begin = int(body.findtext(".//{*}pageIndex") or 0) * size
        shown = "".join(f"<MarkedData><Id>{n}</Id></MarkedData>" for n in range(begin, min(begin + size, served)))
        return 200, {}, answer("MarkedDataSearch", shown)

    responses.add_callback("POST", ADDRESS, callback=page, content_type="text/xml")


@responses.activate
def test_a_server_of_smaller_pages_is_read_to_the_end(commands: ServerCommands) -> None:
    served_locks(served=25, size=10)
    assert commands.find_evidence_locks("TOKEN#t", DEVICE, CAPTURED_AT, CAPTURED_AT + 60, "vigie:0123") == {}
    assert len(responses.calls) == 4


@responses.activate
def test_among_too_many_locks_nobody_can_tell(commands: ServerCommands) -> None:
    served_locks(served=10_000, size=100)
    with pytest.raises(VmsRefused, match="more than 2000 locks"):
        commands.find_evidence_locks("TOKEN#t", DEVICE, CAPTURED_AT, CAPTURED_AT + 60, "vigie:0123")


@responses.activate
def test_a_configuration_without_recorders_is_a_protocol_violation(commands: ServerCommands) -> None:
    responses.post(ADDRESS, body=answer("GetConfiguration", "<ServerName>S</ServerName>"), content_type="text/xml")
    with pytest.raises(ProtocolViolation, match="no recorders"):
        commands.configuration("TOKEN#t")
