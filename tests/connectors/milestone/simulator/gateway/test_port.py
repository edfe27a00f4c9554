from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running, run

pytestmark = pytest.mark.slow

BASIC = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


def test_the_addresses_of_the_site_need_no_token(simulator: Running) -> None:
    uris = simulator.send("GET", "/api/.well-known/uris").json()
    assert uris["SecureManagementServer"] == f"{simulator.announced.url}/"
    assert uris["IdentityProvider"] == f"{simulator.announced.url}/IDP"
    assert uris["ApiGateways"] == [f"{simulator.announced.url}/API/"]
    assert simulator.send("GET", "/Api/.Well-Known/Uris").json() == uris


@pytest.mark.parametrize("header", [None, "", f"Basic {BASIC}", "Bearer", "Bearer x.y.z", "Bearer a"])
@pytest.mark.parametrize("path", ["/cameras", "/alarms", "/bookmarks", "/no-such-thing"])
def test_rest_is_closed_without_a_valid_token(simulator: Running, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = simulator.send("GET", f"/api/rest/v1{path}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["httpCode"] == 401


def test_a_token_whose_claims_were_changed_is_refused(simulator: Running) -> None:
    header, _, signature = simulator.bearer().split(".")
    forged = base64.urlsafe_b64encode(b'{"jti":"x"}').rstrip(b"=").decode()
    answer = simulator.send(
        "GET", "/api/rest/v1/cameras", headers={"Authorization": f"Bearer {header}.{forged}.{signature}"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/REST/V1/Cameras", "/API/rest/v1/cameras/", "/aPi/ReSt/v1/CAMERAS"])
def test_paths_are_matched_in_any_case(simulator: Running, path: str) -> None:
    headers = {"Authorization": f"bearer {simulator.bearer()}"}
    assert simulator.send("GET", path, headers=headers).status_code == 200


def test_what_is_unknown_is_answered_like_iis_outside_rest_and_like_the_gateway_inside(simulator: Running) -> None:
    outside = simulator.send("GET", "/nowhere")
    assert (outside.status_code, outside.headers["Content-Type"].partition(";")[0]) == (404, "text/html")
    assert "<fieldset>" in outside.text
    inside = simulator.rest("GET", "/nowhere")
    assert (inside.status_code, inside.json()["error"]["details"][0]["errorText"]) == (400, "Unknown request")
    assert simulator.rest("DELETE", "/cameras").status_code == 405


@pytest.mark.parametrize("status", [500, 502, 503])
def test_the_fault_html_error_answers_anything_with_a_page(fresh: Running, status: int) -> None:
    fresh.order("html-error", str(status))
    answer = fresh.send("GET", "/api/.well-known/uris")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, "text/html")
    assert fresh.send("GET", "/api/.well-known/uris").status_code == 200


def test_the_fault_idp_turns_one_login_away(fresh: Running) -> None:
    fresh.order("idp", "503")
    assert fresh.log_in().status_code == 503
    assert fresh.log_in().status_code == 200


def test_the_fault_token_expired_ends_every_token(fresh: Running) -> None:
    headers = {"Authorization": f"Bearer {fresh.bearer()}"}
    assert fresh.send("GET", "/api/rest/v1/cameras", headers=headers).status_code == 200
    fresh.order("token-expired", "now")
    assert fresh.send("GET", "/api/rest/v1/cameras", headers=headers).status_code == 401
    assert fresh.rest("GET", "/cameras").status_code == 200


def test_a_site_without_certificates_serves_http_throughout(video: Path) -> None:
    with run(video, "--http-only") as plain:
        assert plain.announced.url.startswith("http:")
        uris = plain.send("GET", "/api/.well-known/uris").json()
        assert (uris["SecureManagementServer"], uris["UnsecureManagementServer"]) == ("", f"{plain.announced.url}/")
        [recorder] = plain.rest("GET", "/recordingServers").json()["array"]
        assert recorder["webServerUri"].startswith("http:")
