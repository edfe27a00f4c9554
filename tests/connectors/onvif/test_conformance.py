"""The duties that every connector has, over ONVIF: a bridge gives the video, a driver that added our device the proof."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conformance.suite import ConnectorConformance, Subject
from tests.connectors.onvif.site import onvif_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with onvif_site(tmp_path_factory.mktemp("site")) as site:
        yield Subject(
            connector=site.connector,
            unreachable=site.unreachable,
            camera=site.camera,
            records=lambda _kind: [json.dumps(row) for row in site.events()],
        )


class TestOnvif(ConnectorConformance):
    """Nothing of its own: the suite is the same for every connector."""
