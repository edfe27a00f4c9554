from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lxml import etree

from connectors.onvif.device import soap
from connectors.onvif.device.calls import Access, Call, Fault, Operation
from connectors.onvif.device.soap import MAX_BODY_BYTES
from connectors.onvif.device.xml import ENV, ENV11, TDS, WSA, element
from tests.connectors.onvif.device.soap_support import (
    DATE,
    PATH,
    SCOPES,
    SOAP12,
    Client,
    Reply,
    application,
    ask,
    echo,
    request,
    served,
)
from tests.connectors.onvif.device.test_xml import BOMB

pytestmark = pytest.mark.slow


def open_operation(handle: Any) -> Operation:
    return Operation(namespace=TDS, name="GetScopes", handle=handle, access=Access.PRE_AUTH)


def test_an_operation_for_everybody_answers_without_credentials() -> None:
    reply = ask(application(), DATE, {"Authorization": "Basic bm9ib2R5Og=="})
    assert (reply.status, reply.answered) == (200, "GetSystemDateAndTimeResponse")
    assert reply.headers["Content-Type"] == SOAP12


@pytest.mark.parametrize(
    ("data", "status", "code", "subcodes"),
    [
        (b"", 400, "env:Sender", ("ter:WellFormed",)),
        (b"GET / HTTP/1.1", 400, "env:Sender", ("ter:WellFormed",)),
        (SCOPES[:-3], 400, "env:Sender", ("ter:WellFormed",)),
        (BOMB, 400, "env:Sender", ("ter:WellFormed",)),
        (b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/'>" + SCOPES, 400, "env:Sender", ("ter:WellFormed",)),
        (request("<a>" * 40 + "</a>" * 40), 400, "env:Sender", ("ter:WellFormed",)),
        (b"<html/>", 500, "env:VersionMismatch", ()),
        (request("<tds:GetScopes/>", version="urn:other"), 500, "env:VersionMismatch", ()),
        (request(""), 400, "env:Sender", ("ter:Tag",)),
        (request("<tds:GetScopes/><tds:GetScopes/>"), 400, "env:Sender", ("ter:Tag",)),
        (f'<e:Envelope xmlns:e="{ENV}"/>'.encode(), 400, "env:Sender", ("ter:Tag",)),
    ],
)
def test_a_document_that_is_no_request_gets_the_fault_that_says_why(
    data: bytes, status: int, code: str, subcodes: tuple[str, ...]
) -> None:
    reply = ask(application(), data)
    assert (reply.status, reply.code, reply.subcodes) == (status, code, subcodes)


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "text/html"}, DATE, 415),
        ({"Content-Type": "multipart/related; boundary=b"}, DATE, 415),
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Encoding": "gzip"}, gzip.compress(DATE), 415),
        ({}, b"<a>" + b" " * MAX_BODY_BYTES + b"</a>", 413),
        ({"Host": "evil/path"}, DATE, 400),
        ({"Host": "name:99999"}, DATE, 400),
        ({"Host": "user@name"}, DATE, 400),
        ({"Content-Type": "application/xml"}, DATE, 200),
        ({"Content-Type": "text/xml; charset=utf-8"}, DATE, 200),
    ],
)
def test_what_is_no_soap_over_http_gets_http_s_own_status(headers: dict[str, str], data: bytes, status: int) -> None:
    reply = ask(application(), data, headers)
    assert reply.status == status


def test_a_body_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 4096

    async def body(client: Client) -> int | None:
        try:
            return (await client.post(endless())).status
        except ConnectionError:
            return None

    assert served(application().app(), body) in {413, None}


def test_a_slow_body_ends_with_a_time_out_and_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap, "BODY_S", 0.05)

    async def body(client: Client) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\nContent-Length: 500\r\n\r\n<e"
        writer.write(head.encode())
        try:
            async with asyncio.timeout(5):
                return await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()

    head = served(application().app(), body)
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head


def test_only_post_below_onvif_is_served() -> None:
    async def body(client: Client) -> list[int]:
        statuses = []
        for method, path in (("GET", PATH), ("PUT", PATH), ("POST", "/"), ("POST", "/onvif/anything")):
            headers = {"Content-Type": SOAP12}
            async with client.session.request(method, client.url + path, data=DATE, headers=headers) as response:
                statuses.append(response.status)
        return statuses

    assert served(application().app(), body) == [405, 405, 404, 200]


def test_a_mandatory_header_that_is_unknown_is_not_ignored() -> None:
    reply = ask(application(), request("<tds:GetSystemDateAndTime/>", '<tds:Odd e:mustUnderstand="true"/>'))
    assert (reply.status, reply.code) == (500, "env:MustUnderstand")
    reply = ask(application(), request("<tds:GetSystemDateAndTime/>", "<tds:Odd/>"))
    assert reply.status == 200


def test_soap_1_1_is_answered_in_kind() -> None:
    reply = ask(application(), request("<tds:GetSystemDateAndTime/>", version=ENV11), {"Content-Type": "text/xml"})
    assert (reply.status, reply.answered) == (200, "GetSystemDateAndTimeResponse")
    assert reply.headers["Content-Type"].startswith("text/xml")
    refused = ask(application(), request("<tds:GetScopes/>", version=ENV11), {"Content-Type": "text/xml"})
    assert refused.root is not None
    assert refused.status == 401
    assert refused.root.findtext(".//faultcode") == "env:Client"
    assert refused.root.findtext(".//subcode") == "ter:NotAuthorized"


def test_an_addressed_request_is_related_to_by_its_answer() -> None:
    action = f"{TDS}/Device/GetSystemDateAndTimeRequest"
    header = f"<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action>{action}</wsa:Action>"
    reply = ask(application(), request("<tds:GetSystemDateAndTime/>", header))
    assert reply.root is not None
    assert reply.root.findtext(f".//{{{WSA}}}RelatesTo") == "urn:uuid:1"
    assert reply.root.findtext(f".//{{{WSA}}}Action") == f"{TDS}/Device/GetSystemDateAndTimeResponse"
    fault = ask(application(), request("<tds:GetScopes/>", header))
    assert fault.root is not None
    assert fault.root.findtext(f".//{{{WSA}}}RelatesTo") == "urn:uuid:1"


@pytest.mark.parametrize(
    ("host", "option", "base_url"),
    [
        ("cam.site.local:8443", "", "http://cam.site.local:8443"),
        ("10.0.0.5", "", "http://10.0.0.5"),
        ("[fe80::1]:80", "", "http://[fe80::1]:80"),
        ("10.0.0.5:8443", "vigie.site.local", "http://vigie.site.local:8443"),
        ("10.0.0.5:8443", "fe80::2", "http://[fe80::2]:8443"),
    ],
)
def test_addresses_in_answers_are_those_by_which_the_client_came(host: str, option: str, base_url: str) -> None:
    seen: list[Call] = []
    app = application([echo("GetScopes", Access.PRE_AUTH, seen)], host=option)
    assert ask(app, SCOPES, {"Host": host}).status == 200
    assert seen[0].base_url == base_url
    assert seen[0].host == base_url.removeprefix("http://").removesuffix(":8443").removesuffix(":80")
    assert (seen[0].path, seen[0].is_secure) == (PATH, False)


def test_a_service_s_fault_goes_out_with_subcodes_and_detail() -> None:
    detail = element("tt:Reason")

    def handle(_call: Call) -> etree._Element:
        raise Fault("Sender", ("InvalidArgVal", "NoProfile"), "no such\x00 profile", detail=detail)

    reply = ask(application([open_operation(handle)]), SCOPES)
    assert (reply.status, reply.subcodes) == (400, ("ter:InvalidArgVal", "ter:NoProfile"))
    assert reply.root is not None
    assert reply.root.findtext(f".//{{{ENV}}}Text") == "no such profile"
    assert reply.root.find(f".//{{{ENV}}}Detail/{{*}}Reason") is not None


def test_a_defect_is_a_fault_without_inner_matters_and_the_connection_lives_on() -> None:
    def handle(_call: Call) -> etree._Element:
        raise RuntimeError("password=hunter2")

    async def body(client: Client) -> list[Reply]:
        return [await client.post(SCOPES), await client.post(DATE)]

    app = application([open_operation(handle), echo("GetSystemDateAndTime", Access.PRE_AUTH)]).app()
    failed, after = served(app, body)
    assert (failed.status, failed.subcodes, after.status) == (500, ("ter:Action",), 200)
    assert failed.root is not None
    assert b"hunter2" not in etree.tostring(failed.root)


def test_who_waits_does_not_keep_others_waiting() -> None:
    release = asyncio.Event()

    async def handle(_call: Call) -> etree._Element:
        await release.wait()
        return element("tds:GetScopesResponse")

    async def body(client: Client) -> tuple[int, int]:
        waiting = asyncio.create_task(client.post(SCOPES))
        quick = await client.post(DATE)
        assert not waiting.done()
        release.set()
        return quick.status, (await waiting).status

    app = application([open_operation(handle), echo("GetSystemDateAndTime", Access.PRE_AUTH)]).app()
    assert served(app, body) == (200, 200)


def test_a_service_hears_once_that_its_answer_was_written() -> None:
    heard: list[bool] = []

    def handle(call: Call) -> etree._Element:
        call.after_written(heard.append)
        assert not heard
        return element("tds:GetScopesResponse")

    assert ask(application([open_operation(handle)]), SCOPES).status == 200
    assert heard == [True]


def test_a_service_hears_that_its_answer_was_not_written_to_a_client_that_left() -> None:
    heard: list[bool] = []
    left = asyncio.Event()
    told = asyncio.Event()

    async def handle(call: Call) -> etree._Element:
        call.after_written(heard.append)
        call.after_written(lambda _is_written: told.set())
        await left.wait()
        return element("tds:GetScopesResponse")

    async def body(client: Client) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(SCOPES)}"
        writer.write(f"{head}\r\n\r\n".encode() + SCOPES)
        await writer.drain()
        under = writer.get_extra_info("socket")
        await asyncio.sleep(0.05)
        under.shutdown(socket.SHUT_RDWR)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        left.set()
        async with asyncio.timeout(5):
            await told.wait()

    served(application([open_operation(handle)]).app(), body)
    assert heard == [False]


def test_a_service_whose_answer_failed_hears_that_it_was_not_written() -> None:
    heard: list[bool] = []

    def handle(call: Call) -> etree._Element:
        call.after_written(heard.append)
        raise RuntimeError

    assert ask(application([open_operation(handle)]), SCOPES).status == 500
    assert heard == [False]


def test_a_client_that_takes_nothing_is_dropped_and_its_answer_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap, "WRITE_S", 0.2)
    heard: list[bool] = []
    told = asyncio.Event()

    def handle(call: Call) -> etree._Element:
        call.after_written(heard.append)
        call.after_written(lambda _is_written: told.set())
        made = element("tds:GetScopesResponse")
        made.text = "x" * 8_000_000
        return made

    async def body(client: Client) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]), limit=1)
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(SCOPES)}"
        writer.write(f"{head}\r\n\r\n".encode() + SCOPES)
        async with asyncio.timeout(5):
            await told.wait()
        writer.transport.abort()

    served(application([open_operation(handle)]).app(), body)
    assert heard == [False]
