"""The device's SOAP over HTTP: reads a request within bounds, asks who sends it, finds the operation, answers.

Order and statuses: SPEC:Core "Authentication over HTTP and HTTPS", "HTTP errors", "Generic faults". Every operation that
is not PRE_AUTH needs credentials, also one that does not exist: who is nobody learns nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from lxml import etree

from connectors.onvif.device.addresses import host_in_url
from connectors.onvif.device.auth import HttpDigest, UsernameTokens, Verdict
from connectors.onvif.device.calls import Access, Call, Fault, Operation, Written, not_supported
from connectors.onvif.device.envelope import CONTENT_TYPES, Envelope, answer, fault_answer, read_envelope, status_of
from connectors.onvif.device.xml import ENV
from connectors.protocols.rtsp.one_port import settle
from core.contracts import Clock
from core.logs import OnceGate

ROOT: Final = "/onvif/"

MAX_BODY_BYTES: Final = 64 * 1024
"""The largest request of the services, a metadata configuration with its filter, has a few thousand."""

BODY_S: Final = 10.0
"""A request's body is there by then."""

WRITE_S: Final = 30.0
"""A client that takes nothing for so long is dead: its connection is closed."""

_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?")
_MAX_PORT: Final = 65_535
_MAX_REFUSED: Final = 64
"""Clients whose wrong credentials are told; with more of them nobody reads on, and memory stays bounded."""

_REFUSED: Final = (
    "credentials for the ONVIF device are refused: compare the account in the VMS with 'device:' in the site file,"
    " and the clocks where the VMS sends UsernameTokens"
)
_NOT_AUTHORIZED: Final = Fault("Sender", ("NotAuthorized",), "Sender not Authorized")
_XML_TYPES: Final = frozenset({*CONTENT_TYPES.values(), "application/xml"})
"""The two of SOAP, and what hand-made clients send."""

_log = structlog.get_logger(component="onvif")


class SoapApplication:
    """Serves operations to clients that prove one of the accounts (name → password)."""

    def __init__(
        self,
        operations: Sequence[Operation],
        accounts: Mapping[str, str],
        clock: Clock,
        *,
        username_token: bool,
        realm: str,
        host: str = "",
    ) -> None:
        """``username_token``: take WS-Security digests, over TLS only. ``host``: ours in answers, else as the client wrote."""
        self._operations = {(operation.namespace, operation.name): operation for operation in operations}
        self._digest = HttpDigest(accounts, clock, realm)
        self._tokens = UsernameTokens(accounts, clock) if username_token else None
        self._host = host_in_url(host)
        self._gate = OnceGate(_log)
        self._refused: set[str] = set()

    def app(self) -> web.Application:
        """The application, to be served on the device's one port."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", f"{ROOT}{{path:.*}}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        waiting: list[Written] = []
        is_written = False
        try:
            response = await self._respond(request, waiting)
            is_written = await _write(response, request) and response.status == HTTPStatus.OK
        finally:
            for written in waiting:
                written(is_written)
        return response

    async def _respond(self, request: web.Request, waiting: list[Written]) -> web.Response:
        """Whatever happens becomes an answer. ``waiting`` gets those who want to know whether it was written."""
        envelope = None
        try:
            base_url = self._base_url(request)
            envelope = read_envelope(await _body(request))
            if refusal := self._refusal(request, envelope):
                return refusal
            envelope.require_understood()
            call = Call(
                body=envelope.body,
                base_url=base_url,
                path=request.path,
                is_secure=request.secure,
                after_written=waiting.append,
            )
            return _response(answer(await self._perform(call, envelope), envelope), envelope)
        except Fault as fault:
            return _fault(fault, envelope)
        except _Unreadable as refused:
            return _fault(Fault("Sender", ("WellFormed",), refused.reason), None, refused.status)

    async def _perform(self, call: Call, envelope: Envelope) -> etree._Element:
        operation = self._operations.get(envelope.name)
        if operation is None:
            raise not_supported("Optional Action Not Implemented")
        try:
            given = operation.handle(call)
            return await given if inspect.isawaitable(given) else given
        except Fault:
            raise
        except Exception as error:
            self._gate.lost(("defect", operation.name), "an ONVIF operation failed by a defect", exc_info=error)
            raise Fault("Receiver", ("Action",), "Action Failed") from error

    def _refusal(self, request: web.Request, envelope: Envelope) -> web.Response | None:
        """What who is nobody gets; None for everybody else."""
        operation = self._operations.get(envelope.name)
        if operation is not None and operation.access is Access.PRE_AUTH:
            return None
        authorization = request.headers.get("Authorization", "")
        token = envelope.username_token if self._tokens is not None and request.secure else None
        verdict = self._digest.judge(authorization, request.method, request.raw_path)
        if (verdict is Verdict.ABSENT and token is None) or verdict in {Verdict.STALE, Verdict.REFUSED}:
            return self._challenge(verdict, envelope, request)
        if self._tokens is not None and token is not None and self._tokens.judge(token) is not Verdict.ACCEPTED:
            self._tell_refused(request)
            return _fault(_NOT_AUTHORIZED, envelope)
        self._tell_accepted(request)
        return None

    def _challenge(self, verdict: Verdict, envelope: Envelope, request: web.Request) -> web.Response:
        if verdict is Verdict.REFUSED:
            self._tell_refused(request)
        response = _fault(_NOT_AUTHORIZED, envelope, HTTPStatus.UNAUTHORIZED)
        for challenge in self._digest.challenges(is_stale=verdict is Verdict.STALE):
            response.headers.add("WWW-Authenticate", challenge)
        return response

    def _tell_refused(self, request: web.Request) -> None:
        client = request.remote or ""
        if client not in self._refused and len(self._refused) >= _MAX_REFUSED:
            return
        self._refused.add(client)
        self._gate.lost(("login", client), _REFUSED, client=client)

    def _tell_accepted(self, request: web.Request) -> None:
        settle(request)
        client = request.remote or ""
        if client in self._refused:
            self._refused.discard(client)
            self._gate.recovered(("login", client), "credentials for the ONVIF device are right again", client=client)

    def _base_url(self, request: web.Request) -> str:
        """By what the client reached us; it is written into answers, so it must be a name and a port and nothing else."""
        given = request.headers.getall("Host", [])
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None or int(match["port"] or 1) not in range(1, _MAX_PORT + 1):
            raise _Unreadable(HTTPStatus.BAD_REQUEST, "the Host header is not a name with a port")
        port = f":{match['port']}" if match["port"] else ""
        return f"{'https' if request.secure else 'http'}://{self._host or match['name']}{port}"


class _Unreadable(Exception):
    """A request whose body is not to be read, or did not come."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def _body(request: web.Request) -> bytes:
    if request.headers.get("Content-Type") and request.content_type not in _XML_TYPES:
        raise _Unreadable(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content is not SOAP")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Unreadable(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content is compressed")
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while chunk := await request.content.readany():
                data += chunk
                if len(data) > MAX_BODY_BYTES:
                    raise _Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_BODY_BYTES} bytes")
    except TimeoutError as error:
        raise _Unreadable(HTTPStatus.REQUEST_TIMEOUT, f"the content did not come within {BODY_S:g} s") from error
    return bytes(data)


def _response(data: bytes, envelope: Envelope | None, status: int = 200) -> web.Response:
    content_type = CONTENT_TYPES[envelope.version if envelope else ENV]
    return web.Response(body=data, status=status, content_type=content_type, charset="utf-8")


def _fault(fault: Fault, envelope: Envelope | None, status: HTTPStatus | None = None) -> web.Response:
    """``status``: another one than SOAP's. A request that was not read to its end closes its connection."""
    response = _response(fault_answer(fault, envelope), envelope, status or status_of(fault))
    if envelope is None:
        response.force_close()
    return response


async def _write(response: web.Response, request: web.Request) -> bool:
    """True once all of it is with the operating system."""
    if request.transport is not None:
        # Draining then means that nothing is left in our own buffer.
        request.transport.set_write_buffer_limits(high=1, low=0)
    try:
        async with asyncio.timeout(WRITE_S):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    except ConnectionError:
        return False
    return request.transport is not None and not request.transport.is_closing()
