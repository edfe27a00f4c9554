from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from core.contracts import ConnectorServices, SecretSource, VideoSource, VmsConnector
from core.errors import SecretError, VmsUnavailable
from core.fakes import FakeConnector, FakeServices, FakeVideoSource, MemorySecrets
from core.types import Packet


def packet(captured_at: float) -> Packet:
    return Packet(codec="h264", data=b"", captured_at=captured_at, is_key=True, received_at=0.0)


def test_secrets_are_those_given_and_others_are_an_error_with_a_remedy() -> None:
    secrets: SecretSource = MemorySecrets({"vms": "hunter2"})
    assert secrets.read("vms") == "hunter2"
    with pytest.raises(SecretError) as missing:
        secrets.read("other")
    assert missing.value.remedy


def test_a_source_yields_its_packets_then_fails_as_told() -> None:
    source: VideoSource = FakeVideoSource([packet(1.0), packet(2.0)], failure=VmsUnavailable("gone"))
    stream: Iterator[Packet] = source.packets()
    assert [next(stream).captured_at, next(stream).captured_at] == [1.0, 2.0]
    with pytest.raises(VmsUnavailable, match="gone"):
        next(stream)


def test_a_source_without_failure_stays_still_until_another_thread_closes_it() -> None:
    source = FakeVideoSource([packet(1.0)])
    seen: list[Packet] = []
    reader = threading.Thread(target=lambda: seen.extend(source.packets()))
    reader.start()
    source.close()
    source.close()
    reader.join(5.0)
    assert not reader.is_alive()
    assert len(seen) <= 1


def test_a_still_source_that_nobody_closes_fails_rather_than_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.fakes._LONGEST_WAIT_S", 0.01)
    with pytest.raises(VmsUnavailable, match="not closed"):
        list(FakeVideoSource([]).packets())


def test_a_fake_connector_needs_nothing_and_offers_everything_a_user_calls() -> None:
    services: ConnectorServices = FakeServices()
    connector: VmsConnector = FakeConnector(services=services)
    assert connector.actions() == ("event",)
    assert connector.list_cameras() == []
    assert connector.check([]) == []
    connector.close()
