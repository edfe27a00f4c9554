from __future__ import annotations

import base64
import os
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from connectors.milestone.simulator.gateway.faults import GatewayFaults
from connectors.milestone.simulator.rest_options import RestOptions
from connectors.protocols.simulation import FaultBoard
from core.clock import ManualClock
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

WELL_KNOWN = "/api/.well-known/uris"


@pytest.fixture
def site(video: Path) -> Iterator[Running]:
    with run(video, "--recycle-seconds", "0.4", "--slow-list-seconds", "0.3") as running:
        yield running


def _open_web_socket(site: Running) -> ssl.SSLSocket:
    """A connection on which the upgrade to a WebSocket succeeded."""
    host, _, port = site.announced.url.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cafile=site.ca)
    peer = context.wrap_socket(socket.create_connection((host, int(port)), TIMEOUT_S), server_hostname=host)
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(
        f"GET /api/ws/events/v1 HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {site.bearer()}\r\n\r\n".encode()
    )
    assert peer.recv(4096).startswith(b"HTTP/1.1 101")
    return peer


def _statuses_until_ok(site: Running) -> list[int]:
    statuses: list[int] = []
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            statuses.append(site.send("GET", WELL_KNOWN).status_code)
        except requests.ConnectionError:
            continue
        if statuses[-1] == 200 and len(statuses) > 1:
            return statuses
    raise AssertionError("the gateway did not come back")


def test_a_recycled_gateway_drops_every_socket_and_is_away_for_a_while(site: Running) -> None:
    with _open_web_socket(site) as peer:
        site.order("gateway-recycle", "now")
        with suppress(ConnectionError):
            assert peer.recv(4096) == b""
    statuses = Counter(_statuses_until_ok(site))
    assert set(statuses) == {502, 503, 200}
    assert site.rest("GET", "/cameras").status_code == 200


def test_a_gateway_can_recycle_by_itself(video: Path) -> None:
    with run(video, "--recycle-every", "0.5", "--recycle-seconds", "0.2") as restless:
        for _ in range(2):
            assert {502, 503} & set(_statuses_until_change(restless))


def _statuses_until_change(site: Running) -> list[int]:
    statuses: list[int] = []
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            statuses.append(site.send("GET", WELL_KNOWN).status_code)
        except requests.ConnectionError:
            continue
        if statuses[-1] == 200 and statuses[:-1].count(200) < len(statuses) - 1:
            return statuses
    raise AssertionError("the gateway did not recycle")


def test_lists_are_late_when_ordered_and_nothing_else_is(site: Running) -> None:
    site.order("slow-list", "slow", repeat=True)
    begun = time.monotonic()
    assert site.rest("GET", f"/cameras/{site.camera}").status_code == 200
    single_s, begun = time.monotonic() - begun, time.monotonic()
    assert site.rest("GET", "/cameras").status_code == 200
    assert time.monotonic() - begun >= 0.3
    assert single_s < 0.3


@pytest.mark.parametrize(("outcome", "made"), [("before", 0), ("after", 1)])
def test_a_connection_is_cut_before_or_after_the_effect(site: Running, outcome: str, made: int) -> None:
    headers = {"Authorization": f"Bearer {site.bearer()}"}
    site.order("rest-drop", outcome)
    with pytest.raises(requests.ConnectionError):
        site.send("POST", "/api/rest/v1/analyticsEvents", headers=headers, json={"name": "ACME"})
    assert len(site.rest("GET", "/analyticsEvents?name='ACME'").json()["array"]) == made


def test_a_share_of_connections_is_cut_the_same_in_every_run(video: Path) -> None:
    assert _fates(video, "7") == _fates(video, "7")
    assert {*_fates(video, "7")} == {"cut", "answered"}


def _fates(video: Path, seed: str) -> list[str]:
    with run(video, "--drop-share", "0.5", "--seed", seed) as flaky:
        headers = {"Authorization": f"Bearer {flaky.bearer()}"}
        fates = []
        for _ in range(12):
            try:
                flaky.send("GET", "/api/rest/v1/sites", headers=headers)
                fates.append("answered")
            except requests.ConnectionError:
                fates.append("cut")
        return fates


def test_a_good_token_can_be_refused_without_reason(site: Running) -> None:
    headers = {"Authorization": f"Bearer {site.bearer()}"}
    site.order("unauthorized", "now")
    assert site.send("GET", "/api/rest/v1/sites", headers=headers).status_code == 401
    assert site.send("GET", "/api/rest/v1/sites", headers=headers).status_code == 200


def test_a_certificate_can_be_of_another_name(video: Path) -> None:
    with run(video, "--certificate-name", "vms01.example.com") as misnamed:
        with pytest.raises(requests.exceptions.SSLError, match="match"):
            misnamed.send("GET", WELL_KNOWN)
        with pytest.raises(ssl.SSLCertVerificationError, match="match"):
            misnamed.connect()


@pytest.mark.parametrize("share", ["-0.1", "1.5", "many"])
def test_a_share_is_within_0_to_1(video: Path, share: str) -> None:
    with pytest.raises(SystemExit), run(video, "--drop-share", share):
        pass


def test_without_a_fixed_time_slow_lists_take_half_a_minute_to_two() -> None:
    faults = GatewayFaults(faults=FaultBoard(), clock=ManualClock(), options=RestOptions())
    times = [faults.list_delay_s() for _ in range(50)]
    assert 30.0 <= min(times) < 60.0
    assert 90.0 < max(times) <= 120.0
