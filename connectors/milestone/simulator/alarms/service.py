"""The event server's SOAP alarm service, ``/Central/AlarmServiceToken``, port 22331 on a real site (notes §4.6).

SOAP 1.1 with a ``SOAPAction`` that must fit the body; the first parameter is the token of SOAP ``Login``. The WS-HTTP
door ``/Central/AlarmService2`` for Windows accounts is not simulated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.alarms.contract import SERVICE, AlarmFault, Call
from connectors.milestone.simulator.alarms.operations import ORDERS, PUBLISHING, Operations
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.soap.messages import SoapFault, first_body_element
from connectors.milestone.simulator.web.html import error_page
from connectors.milestone.simulator.web.publishing import PublishGate

PATH = "/Central/AlarmServiceToken"
_ACTION = f"{SERVICE}/IAlarmCommandToken/"
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmServer:
    """Serves the alarm service."""

    tokens: Tokens
    gate: PublishGate
    operations: Operations

    def app(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._receive)
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        if request.path.lower().rstrip("/") != PATH.lower():
            return error_page(HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return error_page(HTTPStatus.METHOD_NOT_ALLOWED)
        if request.content_type != "text/xml":
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return await _answered(lambda: self._dispatch(request))

    async def _dispatch(self, request: web.Request) -> web.Response:
        operation = first_body_element(await request.read())
        name = self._operation_name(request, operation)
        call = Call(operation, ("token", *ORDERS[name]))
        if not self.tokens.is_soap(call.text("token")):
            raise AlarmFault("InvalidAuthentication", "The token is missing, unknown or expired")

        async def publish() -> web.Response:
            return self.operations.carry_out(name, call)

        if name in PUBLISHING:
            return await self.gate.guard(request, publish)
        return await publish()

    @staticmethod
    def _operation_name(request: web.Request, operation: etree._Element) -> str:
        tag = etree.QName(operation)
        action = request.headers.get("SOAPAction", "").strip().strip('"')
        if tag.namespace != SERVICE or tag.localname not in ORDERS or action != f"{_ACTION}{tag.localname}":
            raise SoapFault(
                f"The message with Action '{action}' cannot be processed at the receiver, due to a"
                " ContractFilter mismatch at the EndpointDispatcher.",
                "a:ActionNotSupported",
            )
        return tag.localname


async def _answered(serve: Callable[[], Awaitable[web.Response]]) -> web.Response:
    try:
        return await serve()
    except (SoapFault, AlarmFault) as fault:
        return fault.response()
