"""Address, credentials, serializers and refusals of the role."""

from __future__ import annotations

import http.client
import ssl
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

import pytest
import requests

from tests.connectors.genetec.simulator.running import PASSWORD, UNKNOWN, USER, Client, simulated

pytestmark = pytest.mark.slow


def test_a_ping_is_answered_ok(client: Client) -> None:
    assert client.ask("GET", "/") == {"Status": "Ok"}
    assert client.ask("GET", "") == {"Status": "Ok"}


def test_the_certificate_is_the_site_s(client: Client) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(client.announced.url, timeout=5)


def test_without_credentials_the_role_asks_for_them(client: Client) -> None:
    response = requests.get(client.announced.url, verify=client.announced.ca, timeout=5)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (USER, PASSWORD),  # the application id was forgotten
        (f"{USER};another-application", PASSWORD),
        (f"{USER};{{app}}", "wrong"),
        ("nobody;{app}", PASSWORD),
        (f"{USER};{{app}} ", PASSWORD),
    ],
)
def test_wrong_credentials_are_forbidden(client: Client, user: str, password: str) -> None:
    auth = (user.format(app=client.extra("application_id")), password)
    assert client.send("GET", "/", auth=auth).status_code == 403


@pytest.mark.parametrize("value", ["Bearer x", "Basic", "Basic ???", "Basic /////w=="])
def test_broken_credentials_are_forbidden(client: Client, value: str) -> None:
    client.http.auth = None
    assert client.send("GET", "/", headers={"Authorization": value}).status_code == 403


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/nonsense"),
        ("GET", "/events/RaiseCustomEvent/5000/x"),
        ("POST", "/alarm?q=TriggerAlarm(x)"),
        ("POST", "/events/RaiseCustomEvent/5000/x/a%2Fb"),
        ("POST", "/events/RaiseCustomEvent/5000/x/a/b"),
        ("POST", "/events/RaiseCustomEvent/5000/x/a%23b"),
        ("PUT", "/entity"),
    ],
)
def test_what_is_no_command_is_not_found(client: Client, verb: str, path: str) -> None:
    assert client.send(verb, path).status_code == 404


def test_another_base_uri_is_not_found(client: Client) -> None:
    other = client.announced.url.replace("/WebSdk", "/Other")
    assert client.http.get(other, timeout=5).status_code == 404
    assert client.http.get(client.announced.url.replace("/WebSdk", "/websdk"), timeout=5).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(None, 411), ("0", 200)])
def test_a_post_needs_its_length(client: Client, length: str | None, status: int) -> None:
    address = urlsplit(client.announced.url)
    assert address.hostname
    context = ssl.create_default_context(cafile=client.announced.ca)
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=5)
    request = requests.Request("POST", client.announced.url, auth=client.http.auth).prepare()
    connection.putrequest("POST", f"{address.path}/events/RaiseCustomEvent/5000/{client.camera}/hello")
    connection.putheader("Authorization", request.headers["Authorization"])
    if length:
        connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/json", "text/json"),
        ("text/html, text/json;q=0.9", "text/json"),
        ("text/xml", "text/xml"),
        ("application/xml", "application/xml"),
        ("*/*", "application/xml"),
        ("", "application/xml"),
    ],
)
def test_the_answer_is_written_as_asked_or_in_legacy_xml(client: Client, accept: str, content_type: str) -> None:
    query = f"/entity?q=entity={client.camera},Name"
    response = client.send("GET", query, headers={"Accept": accept})
    assert response.headers["Content-Type"].startswith(content_type)
    assert "Dock 1" in response.text


def test_xml_has_the_same_envelope_and_legacy_xml_its_own(client: Client) -> None:
    query = f"/entity?q=entity={client.camera},Name"
    modern = ET.fromstring(client.send("GET", query, headers={"Accept": "text/xml"}).content)
    assert (modern.tag, modern.findtext("Rsp/Status"), modern.findtext("Rsp/Result/Name")) == ("WebSdk", "Ok", "Dock 1")
    legacy = ET.fromstring(client.send("GET", query, headers={"Accept": "application/xml"}).content)
    assert (legacy.tag, legacy.get("status"), legacy.findtext("Name")) == ("rsp", "ok", "Dock 1")
    failed = client.send("GET", f"/entity?q=entity={UNKNOWN},Name", headers={"Accept": "application/xml"})
    assert UNKNOWN in (ET.fromstring(failed.content).findtext("error/message") or "")


def test_a_failure_is_a_200_with_code_and_message_inside(client: Client) -> None:
    failed = client.ask("GET", "/entity", f"entity={UNKNOWN},Name")
    assert failed["Status"] == "Fail"
    assert failed["Result"]["SdkErrorCode"] == "UnableToRetrieveEntity"
    assert UNKNOWN in failed["Result"]["Message"]


def test_failure_fields_can_stand_beside_the_status() -> None:
    with simulated("--flat-errors") as client:
        failed = client.ask("GET", "/entity", f"entity={UNKNOWN},Name")
        assert (failed["Status"], failed["SdkErrorCode"]) == ("Fail", "UnableToRetrieveEntity")
        assert "Result" not in failed


def test_a_second_user_needs_a_second_licence() -> None:
    with simulated("--extra-user", "other=secret") as client:
        other = Client(announced=client.announced, user="other", password="secret")
        assert client.send("GET", "/").status_code == 200
        assert other.send("GET", "/").status_code == 403
        other.http.close()
    with simulated("--extra-user", "other=secret", "--licensed-users", "2") as client:
        other = Client(announced=client.announced, user="other", password="secret")
        assert [found.send("GET", "/").status_code for found in (client, other)] == [200, 200]
        other.http.close()


def test_a_logon_ends_without_requests_and_frees_its_licence() -> None:
    with simulated("--extra-user", "other=secret", "--session-timeout", "0") as client:
        client.ask("GET", "/events/subscribe", "event(Camera,CameraMotion)")
        other = Client(announced=client.announced, user="other", password="secret")
        assert other.send("GET", "/").status_code == 200
        assert client.ask("GET", "/events/subscribed")["Result"] == []
        other.http.close()


def test_authentication_faults_are_forbidden(client: Client) -> None:
    client.order("auth", "403")
    assert [client.send("GET", "/").status_code for _ in range(2)] == [403, 200]
