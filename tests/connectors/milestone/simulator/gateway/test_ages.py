from __future__ import annotations

from pathlib import Path

import pytest

from connectors.milestone.simulator.gateway.ages import require_path
from connectors.milestone.simulator.releases import RELEASES
from connectors.milestone.simulator.web.routing import NoSuchPath
from tests.connectors.milestone.simulator.running import INSTANCE, Running, run

LOGIN = f"<instanceId>{INSTANCE}</instanceId><currentToken></currentToken>"
SINCE = {
    "/IDP/connect/token": "2021R1",
    "/ManagementServer/ServerCommandServiceOAuth.svc": "2021R1",
    "/api/.well-known/uris": "2022R1",
    "/API/IDP/connect/token": "2022R1",
    "/api/rest/v1/cameras": "2022R1",
    "/api/rest/v1/alarmDefinitions": "2022R1",
    "/api/rest/v1/events/1": "2023R2",
    "/API/rest/v1/alarmStates": "2023R2",
    "/api/ws/events/v1": "2023R3",
    "/api/rest/v1/bookmarks": "2024R2",
    "/api/rest/v1/evidenceLocks": "2024R2",
    "/ManagementServer/ServerCommandService.svc": "2020R1",
    "/ServerAPI/ServerCommandService.asmx": "2020R1",
}


@pytest.mark.parametrize("path", SINCE)
def test_a_path_exists_from_its_release_on(path: str) -> None:
    first = [*RELEASES].index(SINCE[path])
    there = []
    for release in RELEASES.values():
        try:
            require_path(path, release)
            there.append(True)
        except NoSuchPath:
            there.append(False)
    assert there == [False] * first + [True] * (len(RELEASES) - first)


def _is_iis_page(site: Running, method: str, path: str) -> bool:
    answer = site.send(method, path)
    return answer.status_code == 404 and "<fieldset>" in answer.text


def test_a_site_of_2020_knows_neither_provider_nor_gateway(video: Path) -> None:
    with run(video, "--release", "2020R1") as site:
        assert _is_iis_page(site, "GET", "/IDP/.well-known/openid-configuration")
        assert _is_iis_page(site, "POST", "/ManagementServer/ServerCommandServiceOAuth.svc")
        assert _is_iis_page(site, "GET", "/api/.well-known/uris")
        assert _is_iis_page(site, "GET", "/api/rest/v1/cameras")
        assert "<Token>TOKEN#" in site.soap("Login", LOGIN).text


def test_a_site_of_2021_has_the_provider_but_no_gateway(video: Path) -> None:
    with run(video, "--release", "2021R1") as site:
        configuration = site.send("GET", "/IDP/.well-known/openid-configuration").json()
        assert configuration["server_version"].startswith("21.1.")
        assert _is_iis_page(site, "POST", "/API/IDP/connect/token")


def test_rest_that_came_later_is_an_unknown_request(video: Path) -> None:
    with run(video, "--release", "2022R2") as site:
        assert site.rest("GET", "/cameras").status_code == 200
        later = [site.rest("POST", f"/{name}", json={}) for name in ("events", "alarms", "bookmarks")]
        unasked = site.send("POST", "/api/rest/v1/events", json={})
    assert [answer.status_code for answer in later] == [400] * 3
    assert unasked.status_code == 401
