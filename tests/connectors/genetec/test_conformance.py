"""The duties that every connector has, on Security Center's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from tests.conformance.suite import ConnectorConformance, Subject
from tests.connectors.genetec.center import running_center

pytestmark = pytest.mark.slow

NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with running_center(tmp_path_factory.mktemp("center")) as center:

        def records(kind: str) -> Sequence[str]:
            return [json.dumps(record) for record in center.recorded(kind)]

        yield Subject(
            connector=center.connector(),
            unreachable=center.connector(url=f"https://{NOBODY}/WebSdk", media_gateway=NOBODY),
            camera=center.camera,
            records=records,
        )


class TestSecurityCenter(ConnectorConformance):
    """Nothing of its own: the suite is the same for every connector."""
