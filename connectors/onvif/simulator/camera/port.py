"""The bridge's web port: SOAP by POST, snapshots by GET, and what is ordered to go wrong with either."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from connectors.onvif.simulator.camera.disasters import Disasters
from connectors.onvif.simulator.camera.events import PULL_POINT_PATH, PullPointService
from connectors.onvif.simulator.camera.login import Challenged, Credentials, Gate
from connectors.onvif.simulator.camera.services import PRE_AUTH, Handle, Service
from connectors.onvif.simulator.camera.snapshots import Snapshots
from connectors.onvif.simulator.camera.soap import (
    NAMESPACES,
    Element,
    SoapFault,
    SoapRequest,
    answer,
    fault_answer,
    not_supported,
    read_request,
)
from connectors.protocols.simulation import Ledger

CONTENT_TYPE: Final = "application/soap+xml"

_MAX_BODY_BYTES: Final = 256 * 1024
_ANONYMOUS: Final = "-"


@dataclass(slots=True, kw_only=True)
class WebPort:
    """Everything below ``/onvif/`` and ``/snapshot/``."""

    services: Sequence[Service]
    pull_points: PullPointService
    snapshots: Snapshots
    gate: Gate
    disasters: Disasters
    ledger: Ledger

    def app(self) -> web.Application:
        """To be served. Bodies above 256 KiB are refused with 413."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/onvif/{rest:.+}", self._soap)
        app.router.add_get("/snapshot/{name}", self._snapshot)
        return app

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        plan = "pull" if request.path.startswith(PULL_POINT_PATH) else "soap"
        return await self.disasters.befall(request, plan, lambda: self._answered(request))

    async def _answered(self, request: web.Request) -> web.Response:
        if request.content_type != CONTENT_TYPE:
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text=f"SOAP 1.2 is {CONTENT_TYPE}")
        data = await request.read()
        try:
            asked = read_request(data)
            return _written(HTTPStatus.OK, await self._response(asked, request))
        except SoapFault as fault:
            self.ledger.add("fault", path=request.path, fault=fault.code, codes=list(fault.subcodes), reason=str(fault))
            return _written(fault.status, fault_answer(fault))
        except Challenged as challenged:
            return self._challenge(challenged, request.path)

    async def _response(self, asked: SoapRequest, request: web.Request) -> bytes:
        """Credentials first: whoever is not let in does not learn what there is."""
        handle = self._operation(asked, request.path)
        login = _ANONYMOUS
        if handle is None or asked.name[1] not in PRE_AUTH:
            security = asked.header.find("wsse:Security", NAMESPACES) if asked.header is not None else None
            login = self._require_login(_credentials(request, security))
        if handle is None:
            raise not_supported(asked.name[1])
        self.ledger.add("request", operation=asked.name[1], service=request.path, login=login)
        response = handle(asked)
        body = await response if inspect.isawaitable(response) else response
        message = asked.header.findtext("wsa:MessageID", namespaces=NAMESPACES) if asked.header is not None else None
        action = f"{asked.name[0]}/{asked.name[1]}Response" if message else ""
        return answer(body, action, (message or "").strip())

    def _require_login(self, shown: Credentials) -> str:
        if shown.has_any and self.disasters.refuses_login():
            raise self.gate.refusal("user or password is wrong", is_by_token=not shown.authorization)
        return self.gate.require(shown)

    def _operation(self, asked: SoapRequest, path: str) -> Handle | None:
        """By the address that was asked, too: a service answers for itself only."""
        namespace, name = asked.name
        if path.startswith(PULL_POINT_PATH):
            prefix = _PREFIXES.get(namespace, "")
            return self.pull_points.operation(prefix, name, path.removeprefix(PULL_POINT_PATH))
        for service in self.services:
            if service.path == path and NAMESPACES[service.prefix] == namespace:
                return service.operations.get(name)
        return None

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        return await self.disasters.befall(request, "snapshot", lambda: self._picture(request))

    async def _picture(self, request: web.Request) -> web.Response:
        try:
            login = self._require_login(_credentials(request, None))
        except Challenged as challenged:
            return self._challenge(challenged, request.path)
        except SoapFault:  # tokens have no place in a GET
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        jpeg = await self.snapshots.take(request.match_info["name"].removesuffix(".jpg"))
        if jpeg is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        self.ledger.add("snapshot", path=request.path, login=login)
        return web.Response(body=jpeg, content_type="image/jpeg")

    def _challenge(self, challenged: Challenged, path: str) -> web.Response:
        self.ledger.add("challenge", path=path, reason=str(challenged))
        response = web.Response(status=HTTPStatus.UNAUTHORIZED)
        for challenge in challenged.challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response


_PREFIXES: Final[Mapping[str, str]] = {namespace: prefix for prefix, namespace in NAMESPACES.items()}


def _credentials(request: web.Request, security: Element | None) -> Credentials:
    return Credentials(
        method=request.method,
        target=request.raw_path,
        authorization=request.headers.get("Authorization", ""),
        security=security,
    )


def _written(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": f"{CONTENT_TYPE}; charset=utf-8"})
