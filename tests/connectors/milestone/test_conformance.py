"""The duties that every connector has, on XProtect's three ages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from connectors.milestone.access.session import XProtectSession
from tests.conformance.suite import ConnectorConformance, Subject
from tests.connectors.milestone.simulator.running import Running
from tests.connectors.milestone.sites import connect, running_site, services_for, settings_for, write_clip
from tests.connectors.milestone.support import camera

pytestmark = pytest.mark.slow

NOBODY = "127.0.0.1:1"

ROUTES: Mapping[str, Mapping[str, str]] = {
    "2020R1": {"config": "soap", "alarms": "soap", "bookmarks": "soap", "events": "", "websocket": ""},
    "2022R1": {"config": "rest", "alarms": "soap", "bookmarks": "soap", "events": "", "websocket": ""},
    "2024R2": {"config": "rest", "alarms": "rest", "bookmarks": "rest", "events": "yes", "websocket": "yes"},
}
"""What each age has, by the notes' table of releases (8.1)."""


@pytest.fixture(scope="module", params=ROUTES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(write_clip(tmp_path_factory.mktemp("videos")), "--release", request.param) as running:
        yield running


@pytest.fixture(scope="module")
def subject(site: Running) -> Subject:
    def records(kind: str) -> Sequence[str]:
        return [json.dumps(record) for record in site.ledger(kind)]

    return Subject(
        connector=connect(site),
        unreachable=connect(site, url=f"https://{NOBODY}", event_server=NOBODY, alarm_server=NOBODY),
        camera=camera(device=site.camera),
        records=records,
    )


class TestXProtect(ConnectorConformance):
    """The suite is the same for every connector; what is its own is which routes each age takes."""

    def test_the_routes_are_those_of_the_age(self, site: Running, request: pytest.FixtureRequest) -> None:
        expected = ROUTES[request.node.callspec.params["site"]]
        session = XProtectSession(settings_for(site), services_for())
        try:
            routes = session.routes
            taken = {
                "config": routes.config(),
                "alarms": routes.alarms(),
                "bookmarks": routes.bookmarks(),
                "events": "yes" if routes.has_events_rest() else "",
                "websocket": "yes" if routes.has_events_websocket() else "",
            }
        finally:
            session.close()
        assert taken == expected
