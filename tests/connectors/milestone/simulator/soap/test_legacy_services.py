"""The services beside ``ServerCommandService.svc``: the older ``.asmx``, and ``ServiceRegistrationService``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from lxml import etree
from requests.auth import AuthBase, HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth

from tests.connectors.milestone.simulator.running import INSTANCE, NS, TIMEOUT_S, Running, run
from tests.connectors.milestone.simulator.soap.calls import envelope, numbers, plain, result

USER, PASSWORD = "CORP\\guard", "N1ght!"
LOGIN = f"<instanceId>{INSTANCE}</instanceId><currentToken></currentToken>"
LEGACY = "/ServerAPI/ServerCommandService.asmx"
REGISTRATIONS = {
    "/ManagementServer/ServiceRegistrationService.svc": (
        "http://schemas.videoos/ServiceRegistrationService/2008/06/Vmo/01"
    ),
    "/ServerAPI/ServiceRegistrationService.asmx": "http://videoos.net/2/XProtectCSServiceRegistration",
}


@pytest.fixture(scope="module")
def old(video: Path) -> Iterator[Running]:
    """A site of 2020 with a Windows account, over plain HTTP."""
    options = ("--release", "2020R1", "--http-only", "--windows-user", USER, "--windows-password", PASSWORD)
    with run(video, *options) as site:
        yield site


def _post(
    site: Running, path: str, operation: str, body: str, namespace: str = NS, auth: AuthBase | None = None
) -> requests.Response:
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    return site.send("POST", path, data=envelope(operation, body, namespace), headers=headers, auth=auth)


@pytest.mark.parametrize("auth", [HttpNtlmAuth(USER, PASSWORD), HTTPBasicAuth(USER, PASSWORD)])
def test_a_windows_user_logs_in_at_the_old_service(old: Running, auth: AuthBase) -> None:
    login = plain(result(_post(old, LEGACY, "Login", LOGIN, auth=auth), "Login"))
    assert login["Token"].startswith("TOKEN#")
    asked = f"<token>{login['Token']}</token>"
    configuration = plain(result(_post(old, LEGACY, "GetConfiguration", asked, auth=auth), "GetConfiguration"))
    hardware_id = configuration["Recorders"][0]["Hardware"][0]["HardwareId"]
    asked += f"<hardwareIds><guid>{hardware_id}</guid></hardwareIds>"
    answer = _post(old, LEGACY, "GetConfigurationHardware", asked, auth=auth)
    ids = result(answer, "GetConfigurationHardware").find(f"{{{NS}}}HardwareInfo/{{{NS}}}DeviceIds")
    assert ids is not None
    assert [(etree.QName(child).namespace, child.text) for child in ids] == [(NS, old.camera)]


@pytest.mark.parametrize(
    "auth", [None, HTTPBasicAuth(USER, "wrong"), HTTPBasicAuth("vigie", "vigie-demo"), HttpNtlmAuth(USER, "wrong")]
)
def test_others_get_the_page_of_iis(old: Running, auth: AuthBase | None) -> None:
    answer = _post(old, LEGACY, "Login", LOGIN, auth=auth)
    assert (answer.status_code, "<fieldset>" in answer.text) == (401, True)


@pytest.mark.parametrize(
    ("operation", "token", "expected"),
    [
        ("GetConfiguration", "", ("20001", "1")),
        ("GetConfiguration", "TOKEN#x", ("20001", "2")),
        ("Unheard", "", ("40000", "0")),
    ],
)
def test_faults_of_the_old_service_have_numbers(
    old: Running, operation: str, token: str, expected: tuple[str, str]
) -> None:
    auth = HTTPBasicAuth(USER, PASSWORD)
    assert numbers(_post(old, LEGACY, operation, f"<token>{token}</token>", auth=auth)) == expected


@pytest.mark.parametrize("path", REGISTRATIONS)
def test_services_are_told_to_anyone(simulator: Running, path: str) -> None:
    answer = _post(simulator, path, "GetServices", "", REGISTRATIONS[path])
    services = plain(result(answer, "GetServices", REGISTRATIONS[path]))
    assert [service["name"] for service in services] == ["Management Server", "API Gateway"]
    assert services[0]["uri"] == [f"{simulator.announced.url}/"]
    assert services[0]["endpoints"]["ServiceEndpoint"]["authentication"] == "Basic"


def test_a_site_without_gateway_tells_of_none(old: Running) -> None:
    path, namespace = next(iter(REGISTRATIONS.items()))
    answer = _post(old, path, "GetServices", "", namespace)
    assert "API Gateway" not in answer.text
    other = _post(old, path, "GetNothing", "", namespace)
    assert other.status_code == 500
    assert requests.get(f"{old.announced.url}{path}", timeout=TIMEOUT_S).status_code == 405
