"""``ServiceRegistrationService``: which services the site has, and where (notes §1.4). Needs no token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.site import Site, stable_id
from connectors.milestone.simulator.soap.messages import (
    ARRAYS,
    Dialect,
    Items,
    SoapFault,
    Value,
    answer,
    first_body_element,
)
from connectors.milestone.simulator.web.routing import Handler, Routes

_SVC = Dialect("http://schemas.videoos/ServiceRegistrationService/2008/06/Vmo/01", ARRAYS, has_numbered_faults=False)
_ASMX = Dialect.asmx("http://videoos.net/2/XProtectCSServiceRegistration")
_PATHS: Mapping[str, Dialect] = {
    "/ManagementServer/ServiceRegistrationService.svc": _SVC,
    "/ServerAPI/ServiceRegistrationService.asmx": _ASMX,
}
_MANAGEMENT_SERVER = "a10cd823-bb4e-4d31-a162-dd236fc78fa6"
_GATEWAY = "e46b7bf9-03ce-44eb-bbdc-8ba16d0aaa80"
"""Types of the services whose ids are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRegistration:
    """Serves ``GetServices`` at both addresses."""

    site: Site

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        for path, dialect in _PATHS.items():
            routes.add("POST", path, self._handler(dialect))

    def _handler(self, dialect: Dialect) -> Handler:
        async def handler(request: web.BaseRequest, _id: str) -> web.Response:
            try:
                name = etree.QName(first_body_element(await request.read(), dialect))
                if (name.namespace, name.localname) != (dialect.namespace, "GetServices"):
                    raise SoapFault(f"The operation '{name.localname}' is unknown", "a:ActionNotSupported")  # noqa: TRY301 - one answer for every fault
                return answer("GetServices", self._services(), dialect)
            except SoapFault as fault:
                return fault.response(dialect)

        return handler

    def _services(self) -> Value:
        base = self.site.gateway_url
        known = [
            ("ServiceInfo", _service(_MANAGEMENT_SERVER, self.site.site_id, "Management Server", base, _commands(base)))
        ]
        if self.site.release.has_gateway:
            known.append(
                ("ServiceInfo", _service(_GATEWAY, stable_id("service", "gateway"), "API Gateway", f"{base}API/", ()))
            )
        return known


def _commands(base: str) -> Value:
    return [
        (
            "ServiceEndpoint",
            {
                "uri": f"{base}ManagementServer/ServerCommandService.svc",
                "authentication": "Basic",
                "name": "ServerCommandService",
                "description": "Endpoint for ServerCommandService using basic user authentication",
            },
        )
    ]


def _service(kind: str, instance: str, name: str, uri: str, endpoints: Value) -> Value:
    return {
        "type": kind,
        "instance": instance,
        "uri": Items("string", [uri]),
        "name": name,
        "description": "",
        "trusted": "true",
        "enabled": "true",
        "endpoints": endpoints,
        "endpointdefinition": "",
    }
