from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.model import CameraSettings, SecretRef
from connectors.onvif.mqtt.events import MqttEvents
from connectors.onvif.settings import OnvifSettings
from core.clock import SystemClock
from core.contracts import Clock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    ReplyLost,
    RightMissing,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Alert, Delivery, DeliveryState
from tests.connectors.onvif.device.event_support import GATE, YARD, an_alert, key_of, token_of
from tests.connectors.onvif.mqtt.brokers import PASSWORD, USERNAME, RunningBroker, mosquitto

pytestmark = pytest.mark.slow

pytest.importorskip("paho.mqtt", reason="needs the extra 'mqtt'")

OWN = "vigie/onvif-ej/RuleEngine/vigie:ZonePresence/yard/&quai-0/yard"


@dataclass(frozen=True)
class Services:
    site_dir: Path
    password: str = PASSWORD
    clock: Clock = field(default_factory=SystemClock)
    front: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> Any:
        return lambda _reference: self.password


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with mosquitto(tmp_path) as running:
        yield running


def settings(url: str, ca: Path | None = None, timeout_s: float = 5.0, **broker: Any) -> OnvifSettings:
    return OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": "https://vms.site.local",
            "allow_http": True,
            "username": "vigie",
            "password": {"secret": "x"},
            "publish": ["mqtt"],
            "ca": ca,
            "timeout_s": timeout_s,
            "broker": {"url": url, "username": USERNAME, "password": SecretRef(secret="b"), **broker},
        }
    )


def publish(events: MqttEvents, alert: Alert) -> None:
    camera = CameraSettings.model_construct(id="quai-0", name="", vms="vms", device="0", rules=(GATE, YARD))
    delivery = Delivery(
        key=key_of(alert),
        alert_id=alert.alert_id,
        camera_id="quai-0",
        vms_id="vms",
        action="mqtt",
        state=DeliveryState.SENDING,
        attempts=1,
    )
    assert events.publish(delivery, alert, camera).remote_id == token_of(alert)


def test_every_alert_arrives_once_under_each_of_its_topics_and_its_states_end_at_rest(
    broker: RunningBroker, tmp_path: Path
) -> None:
    events = MqttEvents(settings(broker.url), Services(tmp_path))
    alerts = [an_alert(YARD, at=float(number)) for number in range(20)]
    with broker.witness(4 * len(alerts)) as seen:
        for alert in alerts:
            publish(events, alert)
    events.close()
    own = [content["Data"] for topic, content in seen if topic == OWN]
    assert [data["vigie:AlertId"] for data in own if data["State"]] == [token_of(alert) for alert in alerts]
    assert [data["State"] for data in own] == [True, False] * len(alerts)
    kept = broker.retained()
    assert {content["Data"].get("State", content["Data"].get("IsInside")) for content in kept.values()} == {False}


def test_tls_is_verified_against_the_sites_ca(tmp_path: Path) -> None:
    with mosquitto(tmp_path, is_tls=True) as broker:
        events = MqttEvents(settings(broker.url, broker.ca), Services(tmp_path))
        publish(events, an_alert(YARD))
        events.close()
        assert OWN in broker.retained()
        untrusting = MqttEvents(settings(broker.url), Services(tmp_path))
        with pytest.raises(CertificateRejected, match="does not verify"):
            publish(untrusting, an_alert(YARD))
        other_name = MqttEvents(settings(broker.url.replace("localhost", "127.0.0.1"), broker.ca), Services(tmp_path))
        with pytest.raises(CertificateRejected, match="does not verify"):
            publish(other_name, an_alert(YARD))


def test_a_wrong_password_needs_a_person_and_is_in_no_text(broker: RunningBroker, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationRefused) as caught:
        publish(MqttEvents(settings(broker.url), Services(tmp_path, password="wr0ng")), an_alert())
    assert "wr0ng" not in caught.value.line()


def test_an_account_that_may_not_write_there_is_told_so(tmp_path: Path) -> None:
    with mosquitto(tmp_path, may_write="elsewhere/#") as broker, pytest.raises(RightMissing, match="does not let us"):
        publish(MqttEvents(settings(broker.url), Services(tmp_path)), an_alert())


def test_a_broker_that_went_away_is_unavailable_and_found_again_when_it_is_back(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        events = MqttEvents(settings(broker.url), Services(tmp_path))
        publish(events, an_alert(at=1.0))
    with pytest.raises(VmsUnavailable):
        publish(events, an_alert(at=2.0))
    with mosquitto(tmp_path) as again:
        moved = MqttEvents(settings(again.url), Services(tmp_path))
        publish(moved, an_alert(at=2.0))
        moved.close()
    events.close()


@pytest.mark.parametrize("answers", [b"", b"\x20\x03\x00\x00\x00"])
def test_a_broker_that_says_nothing_costs_the_time_out_and_no_more(answers: bytes, tmp_path: Path) -> None:
    """Silent from the start: unavailable. Silent after the login: the event may have arrived."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answers)
                done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        events = MqttEvents(settings(f"mqtt://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.3), Services(tmp_path))
        try:
            with pytest.raises(VmsUnavailable) as caught:
                publish(events, an_alert())
        finally:
            done.set()
            thread.join(10)
            events.close()
        assert isinstance(caught.value, ReplyLost) == bool(answers)


def test_without_a_declared_broker_nothing_is_contacted(tmp_path: Path) -> None:
    bare = settings("mqtt://localhost").model_copy(update={"broker": None})
    with pytest.raises(VmsRefused, match="no broker"):
        publish(MqttEvents(bare, Services(tmp_path)), an_alert())


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://broker"},
        {"url": "mqtts://u:p@broker"},
        {"url": "mqtts://broker/path"},
        {"url": "mqtts://broker:99999"},
        {"topic_prefix": ""},
        {"topic_prefix": "a/#"},
        {"topic_prefix": "/a"},
        {"username": ""},
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="broker"):
        settings(**{"url": "mqtts://broker", **changed})


def test_a_broker_and_the_action_go_together_and_clear_text_is_a_choice() -> None:
    good = settings("mqtt://broker").model_dump()
    changes: list[dict[str, Any]] = [{"publish": []}, {"broker": None}, {"allow_http": False}]
    for change in changes:
        with pytest.raises(ValueError, match="broker"):
            OnvifSettings.model_validate({**good, **change})
