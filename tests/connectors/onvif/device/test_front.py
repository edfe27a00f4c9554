"""The running device as the connector uses it; what it answers over the network is tested part by part elsewhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.model import CameraSettings
from connectors.onvif.device import front as front_module
from connectors.onvif.device.front import DeviceFront
from connectors.onvif.device.hub import EventHub
from connectors.onvif.settings import OnvifSettings
from core.clock import SystemClock
from core.errors import NotFoundInVms, NotYetTaken, SecretError, VmsRefused, VmsUnavailable
from core.fakes import FakeServices
from core.types import FrameBoxes
from tests.conformance.suite import an_alert
from tests.connectors.onvif.simulator.client.drivers import driving
from tests.connectors.onvif.site import RULE

CAMERA = CameraSettings(id="quai-1", name="Quai 1", vms="vms", device="source", rules=(RULE,))
ALERT = an_alert(CAMERA)
NOTHING = FrameBoxes(camera_id=CAMERA.id, captured_at=1_700_000_000.0, tracks=())


def front(secrets: Callable[[object], str] = lambda _reference: "secret", **device: Any) -> DeviceFront:
    settings = OnvifSettings.model_validate(
        {
            "id": "vms",
            "type": "onvif",
            "url": "https://bridge.test",
            "username": "vigie",
            "password": {"env": "X"},
            "allow_http": True,
            "device": {"listen": "127.0.0.1:0", "password": {"env": "X"}, **device},
        }
    )
    return DeviceFront(settings, FakeServices(clock=SystemClock(), secrets=secrets))


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceFront]:
    monkeypatch.setattr(front_module, "TAKEN_WAIT_S", 0.05)
    with closing(front()) as made:
        made.start([CAMERA])
        yield made


def test_an_alert_that_nobody_subscribed_to_is_kept_for_later(running: DeviceFront) -> None:
    with pytest.raises(VmsUnavailable, match="nobody is subscribed to the events of camera quai-1") as raised:
        running.publish(ALERT, uuid4())
    assert "Add the device to the VMS" in raised.value.remedy


def test_an_alert_waits_until_the_subscriber_fetches_it_and_is_then_known_as_fetched(running: DeviceFront) -> None:
    url = running.url.removesuffix("/onvif/device_service")
    with driving(url, "xprotect", password="secret", pull_every_s=0.5) as (_, ledger):
        ledger.wait_for("subscribed")
        key = until_one_waits(running)
        ledger.wait_for("event", where=lambda row: f"vigie:{key.hex[:20]}" in row["tokens"])
        running.publish(ALERT, key)
        assert running.has(key)


def until_one_waits(running: DeviceFront) -> UUID:
    """Key of an alert that came between two pulls; one that comes during a pull is fetched at once."""
    for _ in range(100):
        key = uuid4()
        try:
            running.publish(replace(ALERT, alert_id=uuid4()), key)
        except NotYetTaken:
            return key
    raise AssertionError("every alert was fetched at once")


def test_what_it_was_never_given_it_does_not_have(running: DeviceFront) -> None:
    assert not running.has(uuid4())


def test_a_camera_without_channel_is_told_to_a_person(running: DeviceFront) -> None:
    with pytest.raises(NotFoundInVms, match="camera other is no channel"):
        running.publish(replace(ALERT, camera_id="other"), uuid4())
    with pytest.raises(VmsUnavailable, match="other"):
        running.show(replace(NOTHING, camera_id="other"))


def test_workers_are_told_where_to_hand_over_video_only_where_video_is_offered(running: DeviceFront) -> None:
    with closing(front(video=False)) as silent:
        assert silent.start([CAMERA]) == {}
    running.show(NOTHING)
    assert running.statistics()["subscribers"] == 0


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with (
            closing(front(listen=f"127.0.0.1:{port}")) as late,
            pytest.raises(VmsUnavailable, match=str(port)) as raised,
        ):
            late.start([CAMERA])
    assert "port" in raised.value.remedy


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing", encoding="utf-8")
    with closing(front(certificate=broken, key=broken)) as made, pytest.raises(VmsRefused, match=r"broken\.pem"):
        made.start([CAMERA])


def test_before_the_device_runs_and_where_it_could_not_start_alerts_wait_and_are_not_parked() -> None:
    """Delivery begins before the device listens: what a killed service left must not become a person's work."""
    with closing(front()) as idle:
        for ask in (lambda: idle.publish(ALERT, uuid4()), lambda: idle.has(uuid4())):
            with pytest.raises(VmsUnavailable, match="device of vms does not run") as raised:
                ask()
            assert "restart" in raised.value.remedy
        assert idle.url == ""
        assert idle.statistics() == {}


def test_closing_ends_it_and_may_be_repeated(running: DeviceFront) -> None:
    running.close()
    running.close()
    with pytest.raises(VmsUnavailable):
        running.publish(ALERT, uuid4())


def test_an_alert_for_a_vms_that_comes_now_and_then_does_not_hold_up_the_others(
    running: DeviceFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "TAKEN_WAIT_S", 30.0)
    monkeypatch.setattr(EventHub, "is_awaited", lambda *_: False)
    url = running.url.removesuffix("/onvif/device_service")
    with driving(url, "xprotect", password="secret", pull_every_s=0.5) as (_, ledger):
        ledger.wait_for("subscribed")
        began = time.monotonic()
        until_one_waits(running)
        assert time.monotonic() - began < 10.0


def test_a_password_that_cannot_be_read_is_the_trouble_of_this_vms_alone() -> None:
    def unreadable(_reference: object) -> str:
        raise SecretError("secret X cannot be read", remedy="Write it.")

    with closing(front(unreadable)) as made, pytest.raises(VmsRefused, match="device: secret X") as raised:
        made.start([CAMERA])
    assert raised.value.remedy == "Write it."
