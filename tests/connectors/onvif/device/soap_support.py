"""A device of no channels, its SOAP application on a real socket, and requests as a client writes them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from aiohttp import ClientResponse, ClientSession, TCPConnector, web
from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation
from connectors.onvif.device.identity import identity_of
from connectors.onvif.device.model import Device
from connectors.onvif.device.soap import SoapApplication
from connectors.onvif.device.xml import ENV, TDS, WSSE, WSU, child, element
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.digest import parameters
from connectors.protocols.serving import listening
from core.clock import ManualClock, iso_utc

ACCOUNTS = {"vms": "s3cret", "ünïcode": "pässword"}
REALM = "vigie"
PATH = "/onvif/device_service"
SOAP12 = "application/soap+xml; charset=utf-8"
PASSWORD_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"

Result = TypeVar("Result")
Tls: TypeAlias = tuple[ssl.SSLContext, ssl.SSLContext]
"""The server's and the client's side."""


def settings(**device: Any) -> OnvifSettings:
    values: Mapping[str, Any] = {
        "id": "bridge",
        "type": "onvif",
        "url": "https://bridge.site.local",
        "username": "vigie",
        "password": {"env": "P"},
        "device": {"certificate": Path("c.pem"), "key": Path("k.pem"), "password": {"env": "P"}, **device},
        "allow_http": True,
    }
    return OnvifSettings.model_validate(values)


def device(**own: Any) -> Device:
    chosen = settings(**own)
    return Device(
        settings=chosen,
        identity=identity_of(chosen, host="machine"),
        channels=(),
        clock=ManualClock(),
        stream_uri=lambda channel, protocol, asked_at: None,
    )


def echo(name: str, access: Access = Access.AUTHENTICATED, seen: list[Call] | None = None) -> Operation:
    """An operation that answers with its own name."""

    def handle(call: Call) -> etree._Element:
        if seen is not None:
            seen.append(call)
        made = element(f"tds:{name}Response")
        child(made, "tds:Echo", call.base_url)
        return made

    return Operation(namespace=TDS, name=name, handle=handle, access=access)


def application(
    operations: Sequence[Operation] | None = None, clock: ManualClock | None = None, **options: Any
) -> SoapApplication:
    given = operations or [echo("GetScopes"), echo("GetSystemDateAndTime", Access.PRE_AUTH)]
    return SoapApplication(
        given, ACCOUNTS, clock or ManualClock(), **{"username_token": False, "realm": REALM, **options}
    )


def request(body: str, header: str = "", version: str = ENV) -> bytes:
    """``body`` may use the prefixes ``tds`` and those of the header."""
    return (
        f'<e:Envelope xmlns:e="{version}" xmlns:tds="{TDS}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"'
        f' xmlns:wsa="http://www.w3.org/2005/08/addressing"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'
    ).encode()


SCOPES = request("<tds:GetScopes/>")
DATE = request("<tds:GetSystemDateAndTime/>")


def token(
    clock: ManualClock,
    *,
    username: str = "vms",
    password: str = "s3cret",
    nonce: bytes = b"0123456789abcdef",
    created: str | None = None,
    kind: str = PASSWORD_DIGEST,
) -> str:
    """A ``wsse:Security`` header as Security Center writes it: mandatory, its nonce without an encoding's name."""
    at = iso_utc(clock.utc()) if created is None else created
    digest = base64.b64encode(hashlib.sha1(nonce + at.encode() + password.encode()).digest()).decode()
    return (
        '<wsse:Security e:mustUnderstand="1"><wsse:UsernameToken>'
        f'<wsse:Username>{username}</wsse:Username><wsse:Password Type="{kind}">{digest}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{at}</wsu:Created>"
        "</wsse:UsernameToken></wsse:Security>"
    )


class Login:
    """A client that computes the digest on its own, from the challenges that it was given."""

    def __init__(self, challenges: Sequence[str], algorithm: str = "MD5") -> None:
        self._algorithm = algorithm
        given = [parameters(text.removeprefix("Digest ")) for text in challenges]
        self.nonce = next(found["nonce"] for found in given if found["algorithm"] == algorithm)

    def header(self, count: int = 1, *, password: str = "s3cret", with_qop: bool = True, **changed: Any) -> str:
        hashed = hashlib.md5 if self._algorithm == "MD5" else hashlib.sha256

        def digest(text: str) -> str:
            return hashed(text.encode()).hexdigest()

        given = {
            "username": "vms",
            "realm": REALM,
            "nonce": self.nonce,
            "uri": PATH,
            "algorithm": self._algorithm,
            **({"qop": "auth", "nc": f"{count:08x}", "cnonce": "c0ffee"} if with_qop else {}),
            **changed,
        }
        first = digest(f"{given['username']}:{REALM}:{password}")
        second = digest(f"POST:{given['uri']}")
        middle = f"{given['nc']}:{given['cnonce']}:{given['qop']}:" if "qop" in given else ""
        given["response"] = digest(f"{first}:{given['nonce']}:{middle}{second}")
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items())


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    root: etree._Element | None

    @property
    def subcodes(self) -> tuple[str, ...]:
        assert self.root is not None
        return tuple(value.text or "" for value in self.root.findall(f".//{{{ENV}}}Subcode/{{{ENV}}}Value"))

    @property
    def code(self) -> str:
        assert self.root is not None
        return self.root.findtext(f".//{{{ENV}}}Code/{{{ENV}}}Value") or ""

    @property
    def answered(self) -> str:
        """Local name of what stands in the body."""
        assert self.root is not None
        body = self.root[-1]
        return etree.QName(body[0]).localname


class Client:
    """Posts to a served application."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(self, data: bytes | Any, headers: Mapping[str, str] | None = None, path: str = PATH) -> Reply:
        given = {"Content-Type": SOAP12, **(headers or {})}
        async with self.session.post(f"{self.url}{path}", data=data, headers=given) as response:
            return await _reply(response)


async def _reply(response: ClientResponse) -> Reply:
    data = await response.read()
    return Reply(
        status=response.status,
        headers=response.headers,
        challenges=tuple(response.headers.getall("WWW-Authenticate", [])),
        root=etree.fromstring(data) if data.startswith(b"<?xml") else None,
    )


def served(
    app: web.Application,
    body: Callable[[Client], Awaitable[Result]],
    *,
    tls: Tls | None = None,
) -> Result:
    """Runs ``body`` with a client of the application, on a real socket."""

    async def run() -> Result:
        async with asyncio.timeout(20):
            async with listening(app, "127.0.0.1", 0, ssl_context=tls[0] if tls else None) as port:
                scheme = "https" if tls else "http"
                async with ClientSession(connector=_connector(tls)) as session:
                    return await body(Client(session, f"{scheme}://127.0.0.1:{port}"))

    return asyncio.run(run())


def _connector(tls: Tls | None) -> Any:
    return TCPConnector(ssl=tls[1]) if tls else TCPConnector()


def ask(app: Any, data: bytes, headers: Mapping[str, str] | None = None, *, tls: Tls | None = None) -> Reply:
    return served(app.app(), lambda client: client.post(data, headers), tls=tls)
