from __future__ import annotations

import socket

import pytest

from config.model import VmsSettings
from connectors.milestone.connector import MilestoneConnector
from core.contracts import Capability
from core.errors import NotFoundInVms, RequestInvalid, VmsRefused
from tests.connectors.milestone.gateway import gateway, recorder_object
from tests.connectors.milestone.support import alert, camera, connector, delivery, services, settings


def test_constructing_reads_no_secret_and_connects_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nobody was to be contacted, and nothing to be read")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    used = MilestoneConnector(settings(publish=["alarm"], video="vps", allow_http=True), services(secrets=refuse))
    assert used.control_channels()
    used.close()


def test_it_says_what_it_can_do() -> None:
    used = connector(publish=["alarm", "bookmark"])
    assert used.actions() == ("alarm", "bookmark")
    assert used.askable == {"alarm", "bookmark"}
    assert used.capabilities == set(Capability)


def test_boxes_are_no_delivery() -> None:
    used = connector(publish=["alarm", "metadata"], video="vps", allow_http=True)
    assert used.actions() == ("alarm",)


@pytest.mark.parametrize(
    ("publish", "expected"),
    [(["alarm"], ("events", "verdicts")), (["event"], ("events", "verdicts")), (["bookmark"], ("events",))],
)
def test_verdicts_are_asked_for_where_alerts_become_alarms(publish: list[str], expected: tuple[str, ...]) -> None:
    assert connector(publish=publish).control_channels() == expected


def test_settings_of_another_vms_are_a_mistake_of_the_caller() -> None:
    other = VmsSettings.model_validate(
        {"id": "x", "type": "genetec", "url": "https://x.test", "username": "u", "password": {"env": "P"}}
    )
    with pytest.raises(TypeError, match="MilestoneSettings"):
        MilestoneConnector(other, services())


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="fax"):
        connector().publish(delivery("fax"), alert(), camera())
    with pytest.raises(RequestInvalid, match="event"):
        connector().find(delivery("event"), alert(), camera())


def test_opening_video_does_no_io_and_an_unknown_id_shows_when_packets_are_asked_for() -> None:
    source = connector().open_video(camera(device="quai-1"))
    with gateway(), pytest.raises(NotFoundInVms, match="no XProtect device id"):
        list(source.packets())


def test_a_recorder_on_a_host_that_is_not_declared_gets_no_token() -> None:
    evil = recorder_object(webServerUri="https://evil.test:7563/")
    with gateway(recorder=evil), pytest.raises(VmsRefused, match=r"evil\.test") as caught:
        list(connector().open_video(camera()).packets())
    assert "hosts:" in caught.value.remedy


def test_close_may_be_called_twice() -> None:
    used = connector()
    used.close()
    used.close()
