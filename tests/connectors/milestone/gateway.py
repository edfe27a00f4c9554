"""A mocked gateway with one camera, its hardware and its recorder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import responses
from responses.registries import FirstMatchRegistry

from tests.connectors.milestone.support import DEVICE, HARDWARE, RECORDER, REST, URL

NAMESPACE = "http://videoos.net/2/XProtectCSServerCommand"
OAUTH = f"{URL}/ManagementServer/ServerCommandServiceOAuth.svc"


def camera_object(device: str = DEVICE, name: str = "Quai 1 nord", **changes: Any) -> dict[str, Any]:
    parent = {"parent": {"type": "hardware", "id": HARDWARE}}
    return {"id": device, "name": name, "enabled": True, "relations": parent, **changes}


def hardware_object(**changes: Any) -> dict[str, Any]:
    parent = {"parent": {"type": "recordingServers", "id": RECORDER}}
    return {"id": HARDWARE, "name": "Axis", "enabled": True, "relations": parent, **changes}


def recorder_object(port: int = 7563, **changes: Any) -> dict[str, Any]:
    url = f"https://vms.site.test:{port}/"
    return {"id": RECORDER, "name": "REC01", "enabled": True, "webServerUri": url, **changes}


def add_list(mock: responses.RequestsMock, collection: str, items: list[dict[str, Any]], rest: str = REST) -> None:
    """The same list for every page asked for."""
    mock.upsert("GET", f"{rest}/{collection}", json={"array": items})


def soap_answer(operation: str, result: str = "") -> str:
    return soap_body(
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{result}</{operation}Result></{operation}Response>'
    )


def soap_fault(text: str) -> str:
    return soap_body(f"<s:Fault><faultcode>s:51000</faultcode><faultstring>{text}</faultstring></s:Fault>")


def soap_body(content: str) -> str:
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{content}</s:Body></s:Envelope>'


def login_answer(token: str = "TOKEN#a#vms//ServerConnector#") -> str:
    life = "<TimeToLive><MicroSeconds>14400000000</MicroSeconds></TimeToLive>"
    return soap_answer("Login", f"{life}<Token>{token}</Token>")


class WithRegistration(FirstMatchRegistry):
    """Answers the registration that follows each SOAP login, so that tests need not count with it."""

    def find(self, request: requests.PreparedRequest) -> tuple[responses.BaseResponse | None, list[str]]:
        sent = request.body or b""
        if b"RegisterIntegration>" in (sent if isinstance(sent, bytes) else sent.encode()):
            url = str(request.url)
            return responses.Response("POST", url, body=soap_answer("RegisterIntegration"), content_type="text/xml"), []
        return super().find(request)


@contextmanager
def gateway(
    version: str = "25.2.0.1", recorder: dict[str, Any] | None = None, url: str = URL, date: str | None = None
) -> Iterator[responses.RequestsMock]:
    """Discovery, both logins, and one camera."""
    rest = f"{url}/API/rest/v1"
    with responses.RequestsMock(assert_all_requests_are_fired=False, registry=WithRegistration) as mock:
        mock.add_passthru("http://127.0.0.1")
        mock.get(
            f"{url}/api/.well-known/uris",
            json={"ProductVersion": version, "ApiGateways": [f"{url}/API/"]},
            headers={"Date": date} if date else {},
        )
        mock.get(f"{url}/IDP/.well-known/openid-configuration", json={"server_version": "25.2"})
        mock.post(f"{url}/API/IDP/connect/token", json={"access_token": "jwt", "expires_in": 3600})
        mock.post(f"{url}/ManagementServer/ServerCommandServiceOAuth.svc", body=login_answer(), content_type="text/xml")
        add_list(mock, "cameras", [camera_object()], rest)
        add_list(mock, "hardware", [hardware_object()], rest)
        add_list(mock, "recordingServers", [recorder or recorder_object()], rest)
        mock.get(f"{rest}/cameras/{DEVICE}", json={"data": camera_object()})
        mock.get(f"{rest}/hardware/{HARDWARE}", json={"data": hardware_object()})
        mock.get(f"{rest}/recordingServers/{RECORDER}", json={"data": recorder or recorder_object()})
        yield mock
