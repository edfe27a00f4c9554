from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from connectors.milestone.discovery import parse_version
from connectors.milestone.session import XProtectSession
from core.clock import ManualClock
from core.errors import AuthenticationRefused, CertificateRejected, SecretError, VmsRefused, VmsUnavailable
from core.fakes import FakeServices
from tests.connectors.milestone.support import API, PASSWORD, REST, URL, services, settings

WELL_KNOWN = f"{URL}/api/.well-known/uris"
OPENID = f"{URL}/IDP/.well-known/openid-configuration"
TOKEN_URL = f"{API}/IDP/connect/token"
BASIC = f"{URL}/ManagementServer/ServerCommandService.svc"
OAUTH = f"{URL}/ManagementServer/ServerCommandServiceOAuth.svc"


def login_answer(token: str, micro_seconds: int = 14_400_000_000) -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<LoginResponse xmlns="http://videoos.net/2/XProtectCSServerCommand"><LoginResult>'
        "<RegistrationTime>2025-10-27T17:55:36.237Z</RegistrationTime>"
        f"<TimeToLive><MicroSeconds>{micro_seconds}</MicroSeconds></TimeToLive>"
        f"<TimeToLiveLimited>false</TimeToLiveLimited><Token>{token}</Token>"
        "</LoginResult></LoginResponse></s:Body></s:Envelope>"
    )


@pytest.fixture
def vms() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": [f"{URL}/API/"]})
        mock.get(OPENID, json={"server_version": "25.2"})
        mock.post(TOKEN_URL, json={"access_token": "jwt-1", "expires_in": 3600})
        yield mock


def session(given: FakeServices | None = None, **changes: object) -> XProtectSession:
    return XProtectSession(settings(**changes), given or services())


def authorizations(vms: responses.RequestsMock, url: str) -> list[str]:
    return [call.request.headers["Authorization"] for call in vms.calls if call.request.url == url]


@pytest.mark.parametrize(
    ("text", "version"), [("25.2.0.1", (25, 2, 0, 1)), ("21", (21,)), ("", ()), ("2025 R2", (2025,)), ("R2", ())]
)
def test_versions_are_read_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_rest_calls_carry_the_bearer_token_and_log_in_once(vms: responses.RequestsMock) -> None:
    vms.get(f"{REST}/sites", json={"array": []})
    used = session()
    used.rest("GET", "/sites", what="sites")
    used.rest("GET", "/sites", what="sites")
    assert authorizations(vms, f"{REST}/sites") == ["Bearer jwt-1"] * 2
    assert sum(call.request.url == TOKEN_URL for call in vms.calls) == 1
    assert sum(call.request.url == WELL_KNOWN for call in vms.calls) == 1


def test_the_bearer_token_is_renewed_ahead_of_its_end(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    vms.get(f"{REST}/sites", json={"array": []})
    used = session(services(clock=clock))
    used.rest("GET", "/sites", what="sites")
    vms.replace("POST", TOKEN_URL, json={"access_token": "jwt-2", "expires_in": 3600})
    clock.advance(0.81 * 3600)
    used.rest("GET", "/sites", what="sites")
    assert authorizations(vms, f"{REST}/sites") == ["Bearer jwt-1", "Bearer jwt-2"]


def test_a_401_midway_is_answered_by_one_renewal_and_one_more_try(vms: responses.RequestsMock) -> None:
    vms.get(f"{REST}/sites", status=401)
    vms.get(f"{REST}/sites", json={"array": []})
    used = session()
    used.bearer.get()
    vms.replace("POST", TOKEN_URL, json={"access_token": "jwt-2", "expires_in": 3600})
    assert used.rest("GET", "/sites", what="sites").status_code == 200
    assert authorizations(vms, f"{REST}/sites") == ["Bearer jwt-1", "Bearer jwt-2"]


def test_a_401_that_stays_is_handed_back_after_one_renewal(vms: responses.RequestsMock) -> None:
    vms.get(f"{REST}/sites", status=401)
    used = session()
    used.bearer.get()
    vms.replace("POST", TOKEN_URL, json={"access_token": "jwt-2", "expires_in": 3600})
    assert used.rest("GET", "/sites", what="sites").status_code == 401
    assert len(authorizations(vms, f"{REST}/sites")) == 2


def test_a_newer_vms_gives_the_corporate_token_for_the_bearer_token(vms: responses.RequestsMock) -> None:
    vms.post(OAUTH, body=login_answer("TOKEN#a#vms//ServerConnector#"), content_type="text/xml; charset=utf-8")
    assert session().corporate.get() == "TOKEN#a#vms//ServerConnector#"
    assert authorizations(vms, OAUTH) == ["Bearer jwt-1"]


def test_an_older_vms_gives_the_corporate_token_for_the_password(vms: responses.RequestsMock) -> None:
    vms.replace("GET", OPENID, json={"issuer": "old"})
    vms.replace("GET", WELL_KNOWN, json={"ProductVersion": "20.3.1", "ApiGateways": []})
    vms.post(BASIC, body=login_answer("TOKEN#b#vms//ServerConnector#"), content_type="text/xml")
    assert session().corporate.get() == "TOKEN#b#vms//ServerConnector#"
    assert authorizations(vms, BASIC) == ["Basic " + base64.b64encode(f"vigie:{PASSWORD}".encode()).decode()]


def test_a_wrong_password_over_basic_is_tried_only_once(vms: responses.RequestsMock) -> None:
    vms.replace("GET", OPENID, status=404)
    vms.replace("GET", WELL_KNOWN, json={"ProductVersion": "20.3.1"})
    vms.post(BASIC, body="<html><fieldset><h2>401 - Unauthorized</h2></fieldset></html>", status=401)
    with pytest.raises(AuthenticationRefused, match="401 - Unauthorized"):
        session().corporate.get()
    assert len(authorizations(vms, BASIC)) == 1


def test_the_corporate_token_is_continued_at_half_its_life(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    vms.post(OAUTH, body=login_answer("TOKEN#1#vms//ServerConnector#"), content_type="text/xml")
    used = session(services(clock=clock))
    used.corporate.get()
    clock.advance(0.51 * 14_400)
    vms.replace("POST", OAUTH, body=login_answer("TOKEN#2#vms//ServerConnector#"), content_type="text/xml")
    assert used.corporate.get() == "TOKEN#2#vms//ServerConnector#"
    bodies = [str(call.request.body) for call in vms.calls if call.request.url == OAUTH]
    assert "TOKEN#1#vms//ServerConnector#" in bodies[1]
    instances = {body.partition("instanceId>")[2][:36] for body in bodies}
    assert len(instances) == 1


def test_without_tls_an_older_vms_gets_no_password(vms: responses.RequestsMock) -> None:
    url = "http://vms.site.test"
    vms.get(f"{url}/api/.well-known/uris", status=404)
    vms.get(f"{url}/IDP/.well-known/openid-configuration", status=404)
    with pytest.raises(VmsRefused, match="without TLS"):
        session(url=url, allow_http=True).corporate.get()


@pytest.mark.parametrize(
    "announced",
    [["https://elsewhere.test/API/"], ["http://vms.site.test/API/"], [], "nonsense"],
    ids=["undeclared host", "no TLS", "none", "no list"],
)
def test_a_gateway_that_may_not_be_contacted_is_reached_through_the_management_server(
    vms: responses.RequestsMock, announced: object
) -> None:
    vms.replace("GET", WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": announced})
    assert session().addresses().rest == REST


def test_a_declared_gateway_on_another_host_is_used(vms: responses.RequestsMock) -> None:
    vms.replace("GET", WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": ["https://gw.site.test/API/"]})
    assert session(hosts=["gw.site.test"]).addresses().rest == "https://gw.site.test/API/rest/v1"


def test_a_vms_without_discovery_gets_the_default_addresses(vms: responses.RequestsMock) -> None:
    vms.replace("GET", WELL_KNOWN, body="<html>404</html>", status=404)
    found = session().addresses()
    assert (found.rest, found.has_gateway, found.version) == (REST, False, ())


def test_a_vms_that_is_down_is_unavailable(vms: responses.RequestsMock) -> None:
    vms.replace("GET", WELL_KNOWN, body="<html>starting</html>", status=503)
    with pytest.raises(VmsUnavailable):
        session().rest("GET", "/sites", what="sites")


def test_a_secret_that_cannot_be_read_is_a_refusal_with_its_remedy(vms: responses.RequestsMock) -> None:
    def unreadable(_: object) -> str:
        raise SecretError("no secret xprotect-password", remedy="vigie secret set")

    with pytest.raises(AuthenticationRefused, match="no secret") as caught:
        session(services(secrets=unreadable)).bearer.get()
    assert caught.value.remedy == "vigie secret set"


def test_a_missing_ca_file_is_a_rejected_certificate(tmp_path: Path) -> None:
    with pytest.raises(CertificateRejected, match=r"ca\.pem"):
        session(services(site_dir=tmp_path), ca="certs/ca.pem").addresses()
