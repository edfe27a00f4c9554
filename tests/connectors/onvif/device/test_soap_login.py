from __future__ import annotations

import asyncio

import pytest
import requests
from aiohttp import ClientSession, DigestAuthMiddleware
from requests.auth import HTTPDigestAuth
from structlog.testing import capture_logs

from connectors.protocols.certificates import SiteAuthority
from core.clock import ManualClock
from tests.connectors.onvif.device.soap_support import (
    ACCOUNTS,
    PATH,
    SCOPES,
    SOAP12,
    Client,
    Login,
    Reply,
    Tls,
    application,
    ask,
    request,
    served,
    token,
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    authority = SiteAuthority.create(tmp_path_factory.mktemp("ca"))
    return authority.server_context(["127.0.0.1"]), authority.client_context()


@pytest.mark.parametrize("body", ["<tds:GetScopes/>", "<tds:NoSuchThing/>", "<NoNamespace/>"])
def test_everything_else_is_challenged_and_who_is_nobody_learns_nothing(body: str) -> None:
    reply = ask(application(), request(body))
    assert (reply.status, reply.code, reply.subcodes) == (401, "env:Sender", ("ter:NotAuthorized",))
    assert [challenge.split()[0] for challenge in reply.challenges] == ["Digest", "Digest"]
    assert not any("stale" in challenge for challenge in reply.challenges)


@pytest.mark.parametrize(("username", "password"), [*ACCOUNTS.items()])
def test_aiohttp_s_digest_client_gets_in(username: str, password: str) -> None:
    async def body(client: Client) -> list[int]:
        login = DigestAuthMiddleware(username, password)
        async with ClientSession(middlewares=(login,)) as session:
            inside = Client(session, client.url)
            return [(await inside.post(SCOPES)).status for _ in range(3)]

    assert served(application().app(), body) == [200, 200, 200]


def test_requests_digest_client_gets_in_and_a_wrong_password_does_not() -> None:
    def posted(url: str, password: str) -> requests.Response:
        login = HTTPDigestAuth("vms", password)
        return requests.post(url, data=SCOPES, headers={"Content-Type": SOAP12}, auth=login, timeout=5)

    async def body(client: Client) -> tuple[requests.Response, requests.Response]:
        url = client.url + PATH
        return await asyncio.to_thread(posted, url, "s3cret"), await asyncio.to_thread(posted, url, "wrong")

    right, wrong = served(application().app(), body)
    assert (right.status_code, wrong.status_code) == (200, 401)
    assert "GetScopesResponse" in right.text
    assert "NotAuthorized" in wrong.text


def test_an_unknown_operation_is_not_supported_for_who_is_known(tls: Tls) -> None:
    clock = ManualClock()
    app = application(clock=clock, username_token=True)
    reply = ask(app, request("<tds:SystemReboot/>", token(clock)), tls=tls)
    assert (reply.status, reply.code, reply.subcodes) == (500, "env:Receiver", ("ter:ActionNotSupported",))


def test_a_username_token_gets_in_over_tls_where_it_is_switched_on(tls: Tls) -> None:
    clock = ManualClock()
    reply = ask(application(clock=clock, username_token=True), request("<tds:GetScopes/>", token(clock)), tls=tls)
    assert (reply.status, reply.answered) == (200, "GetScopesResponse")


@pytest.mark.parametrize("is_on", [False, True])
def test_a_username_token_counts_for_nothing_in_clear_or_switched_off(is_on: bool, tls: Tls) -> None:
    clock = ManualClock()
    app = application(clock=clock, username_token=is_on)
    reply = ask(app, request("<tds:GetScopes/>", token(clock)), tls=None if is_on else tls)
    assert reply.status == 401


def test_a_wrong_or_replayed_username_token_is_the_sender_s_fault(tls: Tls) -> None:
    clock = ManualClock()
    good, wrong = token(clock), token(clock, password="wrong")

    async def body(client: Client) -> list[Reply]:
        return [await client.post(request("<tds:GetScopes/>", header)) for header in (wrong, good, good)]

    replies = served(application(clock=clock, username_token=True).app(), body, tls=tls)
    assert [reply.status for reply in replies] == [400, 200, 400]
    assert {replies[0].subcodes, replies[2].subcodes} == {("ter:NotAuthorized",)}


@pytest.mark.parametrize(
    ("on_http", "in_soap", "status"),
    [("s3cret", "s3cret", 200), ("s3cret", "wrong", 400), ("wrong", "s3cret", 401)],
)
def test_with_credentials_on_both_levels_both_must_be_right(on_http: str, in_soap: str, status: int, tls: Tls) -> None:
    clock = ManualClock()

    async def body(client: Client) -> int:
        login = Login((await client.post(SCOPES)).challenges)
        data = request("<tds:GetScopes/>", token(clock, password=in_soap))
        return (await client.post(data, {"Authorization": login.header(password=on_http)})).status

    assert served(application(clock=clock, username_token=True).app(), body, tls=tls) == status


def test_a_replayed_request_is_challenged_anew() -> None:
    async def body(client: Client) -> tuple[int, Reply]:
        header = {"Authorization": Login((await client.post(SCOPES)).challenges, "SHA-256").header()}
        return (await client.post(SCOPES, header)).status, await client.post(SCOPES, header)

    first, again = served(application().app(), body)
    assert (first, again.status) == (200, 401)
    assert all("stale=true" in challenge for challenge in again.challenges)


def test_wrong_credentials_are_told_once_per_client_and_so_is_their_return() -> None:
    async def body(client: Client) -> None:
        challenges = (await client.post(SCOPES)).challenges
        for count, password in enumerate(("wrong", "wrong", "s3cret", "s3cret"), 1):
            await client.post(SCOPES, {"Authorization": Login(challenges).header(count, password=password)})

    with capture_logs() as logs:
        served(application().app(), body)
    assert [(entry["log_level"], entry["client"]) for entry in logs] == [
        ("warning", "127.0.0.1"),
        ("info", "127.0.0.1"),
    ]
