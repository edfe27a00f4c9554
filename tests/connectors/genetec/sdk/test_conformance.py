"""The duties that every connector has, on the SDK bridge with both runtimes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.conformance.suite import ConnectorConformance, Subject
from tests.connectors.genetec.sdk.center import CAMERA, Center
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S, Hosted
from tests.connectors.genetec.simulator.running import simulated

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 60)]

NOBODY = "127.0.0.1:1"
PUBLISH = ["event", "analytics", "alarm", "bookmark", "metadata"]


@pytest.fixture(scope="module")
def subject(each_host: Hosted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """The pictures come from the simulated Media Gateway, everything else from the stub."""
    folder = tmp_path_factory.mktemp("center")
    with simulated() as gateway, pytest.MonkeyPatch.context() as patch, Center(folder, each_host, patch) as center:
        center.cameras(gateway.camera)
        address = str(gateway.extra("rtsp")).removeprefix("rtsp://")

        def records(kind: str) -> Sequence[str]:
            return [" ".join(row) for row in center.rows(kind)]

        yield Subject(
            connector=center.connector(media_gateway=address, publish=PUBLISH),
            unreachable=center.connector(url="nobody", media_gateway=NOBODY),
            camera=CAMERA.model_copy(update={"device": gateway.camera}),
            records=records,
        )


class TestSdkBridge(ConnectorConformance):
    """Nothing of its own: the suite is the same for every connector."""
