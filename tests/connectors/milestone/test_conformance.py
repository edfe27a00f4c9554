"""The duties that every connector has, on XProtect's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from tests.conformance.suite import ConnectorConformance, Subject
from tests.connectors.milestone.sites import connect, running_site, write_clip
from tests.connectors.milestone.support import camera

NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with running_site(write_clip(tmp_path_factory.mktemp("videos"))) as site:

        def records(kind: str) -> Sequence[str]:
            return [json.dumps(record) for record in site.ledger(kind)]

        yield Subject(
            connector=connect(site),
            unreachable=connect(site, url=f"https://{NOBODY}", event_server=NOBODY),
            camera=camera(device=site.camera),
            records=records,
        )


class TestXProtect(ConnectorConformance):
    """Nothing of its own: the suite is the same for every connector."""
