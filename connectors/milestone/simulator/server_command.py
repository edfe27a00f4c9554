"""``ServerCommandService``: SOAP login and bookmarks (notes §1.4, §1.5, §5.2).

Result members come in alphabetical order, as data contracts without explicit order are written.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.bookmarks import Bookmark, BookmarkBook
from connectors.milestone.simulator.html import unauthorized_page
from connectors.milestone.simulator.publishing import PublishGate
from connectors.milestone.simulator.routing import Routes
from connectors.milestone.simulator.site import VERSION, Camera, Site, rest_time, stable_id
from connectors.milestone.simulator.soap import (
    ARRAYS,
    SERVER_COMMAND,
    Parameters,
    SoapFault,
    Value,
    answer,
    first_body_element,
)
from connectors.milestone.simulator.tokens import Tokens

_SERVICE = "/ManagementServer/ServerCommandService.svc"
_OAUTH_SERVICE = "/ManagementServer/ServerCommandServiceOAuth.svc"

_ORDERS: Mapping[str, Sequence[str]] = {
    "GetVersion": (),
    "GetServerVersion": (),
    "GetProductInfo": (),
    "Login": ("instanceId", "currentToken"),
    "RegisterIntegration": (
        "token",
        "instanceId",
        "integrationId",
        "integrationVersion",
        "integrationName",
        "manufacturerName",
    ),
    "BookmarkGetNewReference": ("token", "deviceId", "live"),
    "BookmarkCreate": (
        "token",
        "deviceId",
        "timeBegin",
        "timeTrigged",
        "timeEnd",
        "reference",
        "header",
        "description",
    ),
    "BookmarkSearchTime": (
        "token",
        "time",
        "timeLimit",
        "countLimit",
        "deviceTypes",
        "optDeviceIds",
        "optUsers",
        "optSearchStr",
    ),
}
_WITHOUT_TOKEN = frozenset({"GetVersion", "GetServerVersion", "GetProductInfo", "Login"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """Serves the service behind HTTP Basic and, in its OAuth form, behind a Bearer token."""

    site: Site
    tokens: Tokens
    bookmarks: BookmarkBook
    gate: PublishGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", _SERVICE, self._basic)
        routes.add("POST", _OAUTH_SERVICE, self._oauth)

    async def _basic(self, request: web.BaseRequest, _id: str) -> web.Response:
        if not self._is_basic_user(request.headers.get("Authorization", "")):
            return unauthorized_page('Basic realm="ManagementServer"')
        return await self._answered(request, is_oauth=False)

    async def _oauth(self, request: web.BaseRequest, _id: str) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.is_bearer(token.strip()):
            return unauthorized_page("Bearer")
        return await self._answered(request, is_oauth=True)

    def _is_basic_user(self, header: str) -> bool:
        scheme, _, encoded = header.partition(" ")
        try:
            username, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and self.tokens.is_account(username, password)

    async def _answered(self, request: web.BaseRequest, *, is_oauth: bool) -> web.Response:
        if request.content_type != "text/xml":
            return web.Response(status=415, text="Cannot process the message: the content type must be text/xml.")
        try:
            call = first_body_element(await request.read())
            return await self._called(request, call, is_oauth=is_oauth)
        except SoapFault as fault:
            return fault.response()

    async def _called(self, request: web.BaseRequest, call: etree._Element, *, is_oauth: bool) -> web.Response:
        name = etree.QName(call)
        if name.namespace != SERVER_COMMAND or name.localname not in _ORDERS:
            raise SoapFault(f"The message with Action '{name.localname}' cannot be processed", "a:ActionNotSupported")
        parameters = Parameters(call, _ORDERS[name.localname])
        if name.localname not in _WITHOUT_TOKEN:
            self._require_token(parameters.text("token"), is_oauth=is_oauth)
        operation = self._operations()[name.localname]

        async def carry_out() -> web.Response:
            return answer(name.localname, operation(parameters))

        return await self.gate.guard(request, carry_out) if name.localname == "BookmarkCreate" else await carry_out()

    def _operations(self) -> dict[str, Callable[[Parameters], Value | None]]:
        return {
            "GetVersion": lambda _: "25",  # an int; which one is unverified
            "GetServerVersion": lambda _: VERSION,
            "GetProductInfo": _product_info,
            "Login": self._login,
            "RegisterIntegration": _register_integration,
            "BookmarkGetNewReference": self._new_reference,
            "BookmarkCreate": self._create_bookmark,
            "BookmarkSearchTime": self._search_bookmarks,
        }

    def _require_token(self, token: str, *, is_oauth: bool) -> None:
        """The OAuth service knows the caller by the Bearer token and takes an empty one."""
        if token == "" and is_oauth:
            return
        if not self.tokens.is_soap(token):
            raise SoapFault("VMO61008: The token is missing, invalid or expired.", "s:51000")

    def _login(self, parameters: Parameters) -> Value:
        """A renewal, with the old token in ``currentToken``, gets a new token like a first login."""
        parameters.guid("instanceId")
        token = self.tokens.issue_soap(self.site.host)
        return {
            "RegistrationTime": rest_time(token.registered_at),
            "TimeToLive": {"MicroSeconds": str(int(self.tokens.soap_s * 1_000_000))},
            "TimeToLiveLimited": "false",
            "Token": token.text,
        }

    def _new_reference(self, parameters: Parameters) -> Value:
        parameters.boolean("live")
        self._camera(parameters)
        return {"Reference": self.bookmarks.new_reference(), "Time": rest_time(self.bookmarks.clock.utc())}

    def _create_bookmark(self, parameters: Parameters) -> Value:
        try:
            bookmark = self.bookmarks.create(
                camera=self._camera(parameters),
                begin=parameters.moment("timeBegin"),
                triggered=parameters.moment("timeTrigged"),
                end=parameters.moment("timeEnd"),
                reference=parameters.text("reference"),
                header=parameters.text("header"),
                description=parameters.text("description"),
                interface="soap",
            )
        except ValueError as error:
            raise SoapFault(str(error)) from error
        return _bookmark(bookmark)

    def _search_bookmarks(self, parameters: Parameters) -> Value:
        """A negative ``timeLimit`` searches back from ``time``."""
        moment = parameters.moment("time")
        other = moment + parameters.microseconds("timeLimit") / 1_000_000
        kinds = parameters.items("deviceTypes", SERVER_COMMAND, "MediaDeviceType")
        if kinds and "Camera" not in kinds:
            return ()
        found = self.bookmarks.search(
            begin=min(moment, other),
            end=max(moment, other),
            camera_ids=parameters.guids("optDeviceIds"),
            users=parameters.items("optUsers", ARRAYS, "string"),
            text=parameters.text("optSearchStr"),
        )
        return [("Bookmark", _bookmark(bookmark)) for bookmark in found[: max(0, parameters.integer("countLimit"))]]

    def _camera(self, parameters: Parameters) -> Camera:
        camera = self.site.camera(parameters.guid("deviceId"))
        if camera is None:
            raise SoapFault("The device is unknown.")
        return camera


def _product_info(_parameters: Parameters) -> Value:
    major, minor, service, build = VERSION.split(".")
    return {
        "BuildConfiguration": "Release",
        "BuildDate": "2025-06-11T00:00:00Z",
        "BuildNumber": build,
        "MajorVersion": major,
        "MinorVersion": minor,
        "ProductCode": "430",  # which product that is, is unverified
        "ProductLine": stable_id("product line", "simulated"),
        "ProductName": "XProtect Corporate (simulated by Vigie)",
        "SLC": "M01-C01-100-01-SIMULA",
        "ServiceVersion": service,
        "SubProduct": stable_id("sub-product", "simulated"),
        "VendorId": stable_id("vendor", "simulated"),
    }


def _register_integration(parameters: Parameters) -> None:
    parameters.guid("integrationId")


def _bookmark(bookmark: Bookmark) -> Value:
    return {
        "Description": bookmark.description,
        "DeviceId": bookmark.camera.camera_id,
        "Header": bookmark.header,
        "Id": bookmark.bookmark_id,
        "Reference": bookmark.reference,
        "TimeBegin": rest_time(bookmark.begin),
        "TimeEnd": rest_time(bookmark.end),
        "TimeTrigged": rest_time(bookmark.triggered),
        "User": bookmark.user,
    }
