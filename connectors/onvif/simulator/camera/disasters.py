"""What befalls requests to the web port when it is ordered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from connectors.onvif.simulator.camera.addresses import UNDECLARED_HOST
from connectors.onvif.simulator.camera.soap import SoapFault, fault_answer
from connectors.protocols.simulation import FaultBoard

WEB_OUTCOMES: Final = frozenset(
    {"503", "slow", "drop", "accept-then-drop", "malformed", "empty", "html", "redirect", "huge"}
)
"""Of ``soap``, ``pull`` and ``snapshot``, one for each request."""

SOAP_OUTCOMES: Final = frozenset({*WEB_OUTCOMES, "fault", "bomb", "wrong-answer"})
"""Of ``soap`` and ``pull`` besides."""

_HUGE_BYTES: Final = 64 * 1024 * 1024
_PIECE: Final = b" " * 65_536
_PAGE: Final = "<html><body><h1>Maintenance</h1></body></html>"
_BOMB: Final = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    + ']><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>&a8;</env:Body></env:Envelope>'
)
_WRONG_ANSWER: Final = (
    '<?xml version="1.0"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>'
    '<v:Surprise xmlns:v="urn:nobody:expects"/></env:Body></env:Envelope>'
)
_SOAP: Final = {"Content-Type": "application/soap+xml; charset=utf-8"}
_HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
_FIXED: Final[Mapping[str, tuple[HTTPStatus, Mapping[str, str], str | None]]] = {
    "503": (HTTPStatus.SERVICE_UNAVAILABLE, _HTML, ""),
    "empty": (HTTPStatus.OK, _SOAP, ""),
    "html": (HTTPStatus.OK, _HTML, _PAGE),
    "bomb": (HTTPStatus.OK, _SOAP, _BOMB),
    "wrong-answer": (HTTPStatus.OK, _SOAP, _WRONG_ANSWER),
}
"""Answers that are always the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disasters:
    """Stands before every request."""

    faults: FaultBoard
    slow_s: float

    def refuses_login(self) -> bool:
        """The fault plan ``auth``: right credentials are called wrong."""
        return self.faults.next("auth") == "refuse"

    async def befall(
        self, request: web.Request, plan: str, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Lets the request through to ``answer``, or does to it what was ordered."""
        outcome = self.faults.next(plan)
        if outcome == "drop":
            return _cut(request)
        if outcome == "huge":
            return await _huge(request)
        if (instead := _instead(outcome, request)) is not None:
            return instead
        response = await answer()
        if outcome == "accept-then-drop":
            return _cut(request)
        if outcome == "slow":
            await asyncio.sleep(self.slow_s)
        if outcome == "malformed" and isinstance(response.body, bytes):
            response.body = response.body[: len(response.body) // 2]
        return response


def _instead(outcome: str, request: web.Request) -> web.Response | None:
    """What is answered without doing anything."""
    if outcome == "redirect":
        place = f"{request.scheme}://{UNDECLARED_HOST}{request.path}"
        return web.Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": place})
    if outcome == "fault":
        fault = SoapFault("Receiver", ("ter:Action",), "the service failed")
        return web.Response(status=fault.status, body=fault_answer(fault), headers=_SOAP)
    status, headers, text = _FIXED.get(outcome, (HTTPStatus.OK, {}, None))
    return None if text is None else web.Response(status=status, headers=headers, text=text)


async def _huge(request: web.Request) -> web.StreamResponse:
    """More than anybody should take in, as one well-formed beginning that never comes to its point."""
    response = web.StreamResponse(headers=_SOAP)
    await response.prepare(request)
    await response.write(b"<a>")
    for _ in range(_HUGE_BYTES // len(_PIECE)):
        await response.write(_PIECE)
    return response


def _cut(request: web.Request) -> web.Response:
    """The connection ends without an answer."""
    if request.transport:
        request.transport.abort()
    return web.Response()
