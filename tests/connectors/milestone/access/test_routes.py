from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.milestone.access.session import XProtectSession
from core.clock import ManualClock
from core.errors import VmsUnavailable
from tests.connectors.milestone.gateway import OAUTH, gateway, login_answer, soap_answer
from tests.connectors.milestone.support import API, REST, URL, services, settings

pytestmark = pytest.mark.slow

WELL_KNOWN = f"{URL}/api/.well-known/uris"
OPENID = f"{URL}/IDP/.well-known/openid-configuration"
BASIC = f"{URL}/ManagementServer/ServerCommandService.svc"
NOBODY = f"{REST}/bookmarks/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def session(clock: ManualClock) -> Iterator[XProtectSession]:
    made = XProtectSession(settings(), services(clock=clock))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("version", "alarms", "bookmarks", "events", "websocket"),
    [
        ("22.1.0.1", "soap", "soap", False, False),
        ("23.1.3", "soap", "soap", False, False),
        ("23.2.0.1", "rest", "soap", True, False),
        ("23.3.0.1", "rest", "soap", True, True),
        ("24.1.0.1", "rest", "soap", True, True),
        ("24.2.0.1", "rest", "rest", True, True),
        ("25.2.0.1", "rest", "rest", True, True),
        ("26.1.0.1", "rest", "rest", True, True),
    ],
)
def test_the_version_decides_where_a_gateway_answers(
    session: XProtectSession, version: str, alarms: str, bookmarks: str, events: bool, websocket: bool
) -> None:
    with gateway(version):
        routes = session.routes
        assert routes.config() == "rest"
        assert (routes.alarms(), routes.bookmarks()) == (alarms, bookmarks)
        assert (routes.has_events_rest(), routes.has_events_websocket()) == (events, websocket)


def test_without_a_gateway_everything_goes_by_soap(session: XProtectSession) -> None:
    with gateway() as mock:
        mock.replace("GET", WELL_KNOWN, status=404, body="<html>")
        routes = session.routes
        assert (routes.config(), routes.alarms(), routes.bookmarks()) == ("soap", "soap", "soap")
        assert not routes.has_events_rest()
        assert not routes.has_events_websocket()
        assert routes.version() == (25, 2), "the identity provider tells it"
        assert "no API Gateway" in routes.described()["alarms"]


def test_before_2021_r1_the_product_information_tells_the_version(session: XProtectSession) -> None:
    with gateway() as mock:
        mock.replace("GET", WELL_KNOWN, status=404, body="<html>")
        mock.replace("GET", OPENID, status=404, body="<html>")
        mock.post(BASIC, body=login_answer(), content_type="text/xml")
        product = "<MajorVersion>20</MajorVersion><MinorVersion>3</MinorVersion>"
        mock.post(BASIC, body=soap_answer("GetProductInfo", product), content_type="text/xml")
        assert session.routes.version() == (20, 3)
        assert session.routes.described() == {
            "version": "20.3",
            "soap login": "older endpoint with HTTP Basic over TLS",
            "configuration": "soap: there is no API Gateway (2022 R1 and later)",
            "alarms": "soap: there is no API Gateway (2022 R1 and later)",
            "bookmarks": "soap: there is no API Gateway (2022 R1 and later)",
            "events": "no: there is no API Gateway (2022 R1 and later)",
            "operators' acts": "no: there is no API Gateway (2022 R1 and later)",
        }


def _without_version(mock: responses.RequestsMock) -> None:
    mock.replace("GET", WELL_KNOWN, json={"ApiGateways": [f"{API}/"]})
    mock.replace("GET", OPENID, json={"issuer": "x"})
    mock.post(OAUTH, body=soap_answer("GetProductInfo", "<MajorVersion>R</MajorVersion>"), content_type="text/xml")


MISSING = {"error": {"httpCode": 404, "details": [{"errorText": "no such bookmark"}]}}
UNKNOWN = {"error": {"httpCode": 400, "details": [{"errorText": "unknown request"}]}}


@pytest.mark.parametrize(
    ("status", "body", "route"),
    [
        (200, {"array": []}, "rest"),
        (403, MISSING, "rest"),
        (404, MISSING, "soap"),
        (404, "<html>", "soap"),
        (400, UNKNOWN, "soap"),
    ],
)
def test_where_no_version_is_told_alarms_are_probed(
    session: XProtectSession, status: int, body: object, route: str
) -> None:
    with gateway() as mock:
        _without_version(mock)
        mock.get(f"{REST}/alarms", status=status, json=body)
        assert session.routes.version() == ()
        assert session.routes.alarms() == route
        before = len(mock.calls)
        assert session.routes.alarms() == route
        assert len(mock.calls) == before, "one probe is enough"


@pytest.mark.parametrize(
    ("status", "body", "route"),
    [(404, MISSING, "rest"), (403, MISSING, "rest"), (400, UNKNOWN, "soap"), (404, {}, "soap")],
)
def test_bookmarks_are_probed_by_one_that_cannot_be_there(
    session: XProtectSession, status: int, body: object, route: str
) -> None:
    with gateway() as mock:
        _without_version(mock)
        mock.get(NOBODY, status=status, json=body)
        assert session.routes.bookmarks() == route


@pytest.mark.parametrize(("status", "is_there"), [(400, True), (426, True), (401, True), (404, False)])
def test_the_websocket_is_probed_by_its_address(session: XProtectSession, status: int, is_there: bool) -> None:
    with gateway() as mock:
        _without_version(mock)
        mock.get(f"{API}/ws/events/v1", status=status)
        assert session.routes.has_events_websocket() is is_there


@pytest.mark.parametrize("part", ["alarms", "websocket"])
def test_a_probe_that_fails_says_nothing_and_is_made_again(session: XProtectSession, part: str) -> None:
    address = {"alarms": f"{REST}/alarms", "websocket": f"{API}/ws/events/v1"}[part]
    with gateway() as mock:
        _without_version(mock)
        mock.get(address, status=503)
        ask = {"alarms": session.routes.alarms, "websocket": session.routes.has_events_websocket}[part]
        with pytest.raises(VmsUnavailable):
            ask()
        mock.replace("GET", address, status=200, json={"array": []})
        assert ask() in {"rest", True}


def test_what_was_probed_is_described(session: XProtectSession) -> None:
    with gateway() as mock:
        _without_version(mock)
        mock.get(f"{REST}/alarms", json={"array": []})
        mock.get(f"{REST}/events", status=400)
        mock.get(NOBODY, status=400)
        mock.get(f"{API}/ws/events/v1", status=404)
        described = session.routes.described()
        assert described["version"] == "not told"
        assert described["alarms"] == "rest: no version is told; probing Alarms REST found it"
        assert described["events"] == "no: no version is told; probing Events REST did not find it"


def test_a_vms_that_is_down_leaves_the_route_open(session: XProtectSession) -> None:
    with gateway() as mock:
        mock.replace("GET", WELL_KNOWN, status=503)
        with pytest.raises(VmsUnavailable):
            session.routes.alarms()


def test_an_updated_vms_is_noticed_after_rediscovery(session: XProtectSession, clock: ManualClock) -> None:
    with gateway("22.1.0.1") as mock:
        assert session.routes.alarms() == "soap"
        mock.replace("GET", WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": [f"{API}/"]})
        assert session.routes.alarms() == "soap"
        clock.advance(3600.0)
        assert session.routes.alarms() == "rest"


def test_a_gateway_that_was_starting_is_found_a_minute_later(session: XProtectSession, clock: ManualClock) -> None:
    with gateway() as mock:
        mock.replace("GET", WELL_KNOWN, status=404, body="<html>")
        assert session.routes.config() == "soap"
        mock.replace("GET", WELL_KNOWN, json={"ProductVersion": "25.2.0.1", "ApiGateways": [f"{API}/"]})
        assert session.routes.config() == "soap"
        clock.advance(60.0)
        assert session.routes.config() == "rest"
