"""Clients that others published read the simulated bridge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.onvif.public_clients import CLIENTS, PublicClient, pytest_cache, read_device
from tests.connectors.onvif.simulator.camera.running import PASSWORD, USERNAME, Bridge, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pytest_cache(request, tmp_path_factory)


@pytest.fixture
def site(video: Path) -> Iterator[Bridge]:
    with run(video, "--cameras", "2") as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_public_client_reads_cameras_addresses_and_events(client: PublicClient, cache: Path, site: Bridge) -> None:
    found = read_device(
        client,
        cache,
        site.announced.url,
        (USERNAME, PASSWORD),
        site.announced.ca,
        lambda: site.act("set-input", state=True),
    )
    devices = [camera.device for camera in site.announced.cameras]
    assert found.model == "Simulated Open Network Bridge"
    assert found.profiles == {"profile-0-main": "gate 1", "profile-1-main": "gate 2"}
    assert found.sources == devices
    assert [uri.rpartition("/")[2] for uri in found.uris.values()] == devices
    assert found.topics == ["Device/Trigger/DigitalInput", "VideoSource/SignalLoss"]
    topic = "tns1:Device/Trigger/DigitalInput"
    assert [event for event in found.events if event[0] == topic] == [
        (topic, "Initialized", {"InputToken": "Input 1", "LogicalState": "false"}),
        (topic, "Changed", {"InputToken": "Input 1", "LogicalState": "true"}),
    ]
    services = {record["service"] for record in site.ledger("request")}
    assert ("/onvif/media2_service" in services) == ("python" in client.name)
