from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses
from structlog.testing import capture_logs

from connectors.milestone.access.discovery import parse_version
from connectors.milestone.access.session import XProtectSession
from core.clock import ManualClock
from core.errors import AuthenticationRefused, CertificateRejected, SecretError, VmsRefused, VmsUnavailable
from core.fakes import FakeServices
from tests.connectors.milestone.support import API, PASSWORD, REST, URL, WAIT_S, services, settings

WELL_KNOWN = f"{URL}/api/.well-known/uris"
OPENID = f"{URL}/IDP/.well-known/openid-configuration"
TOKEN_URL = f"{API}/IDP/connect/token"
BASIC = f"{URL}/ManagementServer/ServerCommandService.svc"
OAUTH = f"{URL}/ManagementServer/ServerCommandServiceOAuth.svc"
ASMX = f"{URL}/ServerAPI/ServerCommandService.asmx"


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
    """Of the calls to that address, without the registration that follows each SOAP login."""
    return [
        call.request.headers["Authorization"]
        for call in vms.calls
        if call.request.url == url and "RegisterIntegration" not in body(call)
    ]


def body(call: responses.Call) -> str:
    sent = call.request.body
    return sent.decode() if isinstance(sent, bytes) else str(sent)


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
    bodies = [body(call) for call in vms.calls if call.request.url == OAUTH and "currentToken" in body(call)]
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
    [["https://elsewhere.test/API/"], ["http://vms.site.test/API/"], ["https://[oops/API/"], [], "nonsense"],
    ids=["undeclared host", "no TLS", "no address", "none", "no list"],
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


def one_off(vms: responses.RequestsMock, url: str) -> int:
    return sum(call.request.url == url for call in vms.calls)


def test_without_gateway_the_management_servers_own_identity_provider_is_used(vms: responses.RequestsMock) -> None:
    vms.replace("GET", WELL_KNOWN, body="<html>404</html>", status=404)
    vms.post(f"{URL}/IDP/connect/token", json={"access_token": "jwt-direct"})
    assert session().bearer.get() == "jwt-direct"


def test_a_windows_account_logs_in_straight_at_the_management_server(vms: responses.RequestsMock) -> None:
    vms.replace("GET", WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": ["https://gw.site.test/API/"]})
    vms.post(f"{URL}/IDP/connect/token", json={"access_token": "jwt-windows"})
    used = session(hosts=["gw.site.test"], login="windows", username="SITE\\vigie")
    assert used.bearer.get() == "jwt-windows"


def test_a_windows_account_of_an_older_vms_uses_the_older_service_in_its_own_spelling(
    vms: responses.RequestsMock,
) -> None:
    vms.replace("GET", WELL_KNOWN, status=404)
    vms.replace("GET", OPENID, status=404)
    vms.post(ASMX, body=login_answer("TOKEN#n#vms//ServerConnector#"), content_type="text/xml")
    used = session(login="windows", username="SITE\\vigie")
    assert used.corporate.get() == "TOKEN#n#vms//ServerConnector#"
    request = next(call.request for call in vms.calls if call.request.url == ASMX)
    assert request.headers["SOAPAction"].strip('"') == "http://videoos.net/2/XProtectCSServerCommand/Login"
    assert "Authorization" not in request.headers, "NTLM answers a challenge"
    vms.replace("POST", ASMX, body=found_bookmarks(), content_type="text/xml")
    used.with_corporate_token(lambda commands, token: commands.search_bookmarks(token, "device", 0, 1, "x"))
    sent = str(body(vms.calls[-1]))
    assert "schemas.microsoft.com" not in sent
    assert ":guid>device<" in sent


def found_bookmarks() -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<BookmarkSearchTimeResponse xmlns="http://videoos.net/2/XProtectCSServerCommand"/></s:Body></s:Envelope>'
    )


def test_an_oauth_client_uses_the_announced_token_endpoint(vms: responses.RequestsMock) -> None:
    vms.replace("GET", OPENID, json={"server_version": "25.2", "token_endpoint": "https://idp.site.test/connect/token"})
    vms.post("https://idp.site.test/connect/token", json={"access_token": "jwt-service"})
    assert session(login="client", username="app", hosts=["idp.site.test"]).bearer.get() == "jwt-service"


def test_a_client_secret_is_not_sent_to_an_undeclared_host(vms: responses.RequestsMock) -> None:
    vms.replace("GET", OPENID, json={"server_version": "25.2", "token_endpoint": "https://evil.test/connect/token"})
    with pytest.raises(VmsRefused, match=r"evil\.test"):
        session(login="client", username="app").bearer.get()
    assert not one_off(vms, "https://evil.test/connect/token")


@pytest.mark.parametrize("step", ["bearer", "corporate"])
def test_an_older_vms_refuses_an_oauth_client_in_words(vms: responses.RequestsMock, step: str) -> None:
    vms.replace("GET", WELL_KNOWN, status=404)
    vms.replace("GET", OPENID, status=404)
    with pytest.raises(VmsRefused, match=r"2021 R1|no identity provider|token endpoint"):
        getattr(session(login="client", username="app"), step).get()


def test_we_register_once_per_login_and_a_refusal_of_it_harms_nothing(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    vms.post(OAUTH, body=login_answer("TOKEN#1#vms//ServerConnector#"), content_type="text/xml")
    used = session(services(clock=clock))
    with capture_logs() as logs:
        used.corporate.get()
        clock.advance(0.51 * 14_400)
        used.corporate.get()
        registrations = [body(call) for call in vms.calls if "RegisterIntegration" in body(call)]
        assert len(registrations) == 1, "continuing a token is no login"
        assert "<ns0:token></ns0:token>" in registrations[0], "the bearer token is enough there"
        assert "Vigie" in registrations[0]
        used.corporate.renew(used.corporate.get())
    assert [entry["event"] for entry in logs].count("integration_not_registered") == 1


def test_many_threads_with_a_wrong_password_log_in_once_in_five_minutes(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    vms.replace("POST", TOKEN_URL, json={"error": "invalid_grant", "error_code": "InvalidCredentials"}, status=400)
    used = session(services(clock=clock))

    def camera() -> None:
        for ask in (used.corporate.get, lambda: used.rest("GET", "/sites", what="sites")):
            with pytest.raises(AuthenticationRefused, match="password is wrong"):
                ask()

    for time in range(1, 4):
        threads = [threading.Thread(target=camera) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        # The bearer token's refusal is kept as the corporate token's own, a moment later.
        assert one_off(vms, TOKEN_URL) == time
        clock.advance(300.0)


def test_a_password_that_was_changed_is_not_sent_again_with_every_soap_call(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    vms.replace("GET", WELL_KNOWN, status=404)
    vms.replace("GET", OPENID, status=404)
    vms.post(BASIC, body=login_answer("TOKEN#b#vms//ServerConnector#"), content_type="text/xml")
    used = session(services(clock=clock))
    used.corporate.get()
    vms.replace("POST", BASIC, body="<html>401</html>", status=401)
    before = one_off(vms, BASIC)
    for _ in range(5):
        with pytest.raises(AuthenticationRefused):
            used.with_corporate_token(lambda commands, token: commands.trigger_event(token, "event"))
    assert one_off(vms, BASIC) == before + 1


def test_tokens_are_renewed_by_a_step_of_the_background_and_not_by_those_who_need_them(
    vms: responses.RequestsMock,
) -> None:
    clock = ManualClock()
    used = session(services(clock=clock))
    used.bearer.get()
    vms.replace("POST", TOKEN_URL, json={"access_token": "jwt-2", "expires_in": 3600})
    clock.advance(0.73 * 3600)
    used._renewal.step()
    asked = one_off(vms, TOKEN_URL)
    clock.advance(0.1 * 3600)
    assert used.bearer.get() == "jwt-2"
    assert one_off(vms, TOKEN_URL) == asked
    used.close()
    assert not [thread for thread in threading.enumerate() if thread is used._renewal._thread]


def test_known_addresses_are_used_while_nobody_answers(vms: responses.RequestsMock) -> None:
    clock = ManualClock()
    used = session(services(clock=clock))
    known = used.addresses()
    clock.advance(3600.0)
    vms.replace("GET", WELL_KNOWN, status=503)
    assert used.addresses() is known
