"""Clients that others published read our device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.onvif.public_clients import CLIENTS, PublicClient, pytest_cache, read_device
from tests.connectors.onvif.simulator.client.scripted_device import PASSWORD, USER
from tests.connectors.onvif.site import OnvifSite, onvif_site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OWN_TOPIC = "tns1:RuleEngine/vigie:ZonePresence/zone"


@pytest.fixture(scope="module")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pytest_cache(request, tmp_path_factory)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnvifSite]:
    with onvif_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_public_client_reads_channels_addresses_topics_and_events(
    client: PublicClient, cache: Path, site: OnvifSite
) -> None:
    tokens: list[str] = []
    found = read_device(client, cache, site.device, (USER, PASSWORD), str(site.ca), lambda: tokens.append(site.alert()))
    assert found.model == "Vigie video analytics"
    assert found.mac.count(":") == 5
    assert list(found.profiles) == [site.camera.id]
    assert found.sources == [site.camera.id]
    assert all(uri.endswith(f"/onvif/stream/{site.camera.id}") for uri in found.uris.values())
    assert found.topics == ["RuleEngine/FieldDetector/ObjectsInside", "RuleEngine/ZonePresence/zone"]
    rising = [items for topic, operation, items in found.events if (topic, operation) == (OWN_TOPIC, "Changed")]
    assert [(items["State"], items["vigie:AlertId"]) for items in rising if items["State"] == "true"] == [
        ("true", token) for token in tokens
    ]
