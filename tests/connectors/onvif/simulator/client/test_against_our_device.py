"""The drivers, which know nothing of our device but what the notes say, against our device."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from config.model import CameraSettings, RuleSettings, SecretRef
from connectors.onvif.bench_children import SceneSource
from connectors.onvif.device.front import DeviceFront
from connectors.onvif.settings import OnvifSettings
from connectors.onvif.simulator.client.driver import Play
from connectors.onvif.simulator.client.roles import Login, StreamMethod
from connectors.onvif.video.tee import TeeSource
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import load_clip
from connectors.protocols.scene import write_scene
from core.clock import SystemClock
from core.errors import NotYetTaken, VmsUnavailable
from core.fakes import FakeServices
from core.types import Alert, Box, Delivery, FrameBoxes, Priority, RuleState, Track
from tests.connectors.onvif.simulator.client.drivers import WAIT_S, broken, driving
from tests.connectors.onvif.simulator.client.scripted_device import USER

CAMERA = "quai-1"
ZONE = ((0.3, 0.2), (0.8, 0.2), (0.8, 1.0))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("device") / "scene.mp4"
    write_scene(path, seconds=1.0, fps=12.5, size=(160, 90))
    return path


@dataclass(kw_only=True)
class Running:
    """A device whose worker plays a clip and sees a person."""

    front: DeviceFront
    url: str
    ca: Path

    def publish(self, rule: RuleSettings) -> str:
        """Publishes an alert of a rule, as often as it takes; its token."""
        alert = Alert(
            alert_id=uuid4(), camera_id=CAMERA, rule_id=rule.id, rule_type=rule.type, rule_name=rule.name,
            priority=Priority.HIGH, state=RuleState.ARMED, captured_at=time.time(), started_at=time.time(),
        )  # fmt: skip
        key = uuid4()
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            try:
                self.front.publish(alert, key)
            except (NotYetTaken, VmsUnavailable):
                continue
            return Delivery.token_of(key)
        raise AssertionError("nobody took the alert")


RULES: tuple[RuleSettings, ...] = (
    ZonePresenceSettings(id="voie", type="zone_presence", name="Voie interdite", zone=ZONE, dwell_s=1.0),
    LineCrossingSettings(id="porte", type="line_crossing", name="Porte", line=((0.1, 0.5), (0.9, 0.5))),
    RuleSettings(id="feu", type="fire", name="Feu"),
    RuleSettings(id="arme", type="weapon", name="Arme"),
    RuleSettings(id="chute", type="person_down", name="Chute"),
)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(folder: Path, video: Path, host: str = "127.0.0.1", port: int = 0, **device: Any) -> Iterator[Running]:
    authority = SiteAuthority.create(folder)
    certificate, key = authority.issue(["127.0.0.1"])
    tls = {} if device.get("rtsp") else {"certificate": certificate, "key": key, "username_token": True}
    settings = OnvifSettings.model_validate(
        {
            "id": "vms", "type": "onvif", "url": "https://bridge.invalid", "username": "u",
            "password": SecretRef(env="X"), "allow_http": True,
            "device": {
                "listen": f"{host}:{port or _free_port()}", "username": USER, "password": SecretRef(env="X"), **tls, **device,
            },
        }
    )  # fmt: skip
    cameras = [
        CameraSettings(id=CAMERA, name="Quai 1", vms="vms", device="a", rules=RULES),
        CameraSettings(id="quai-2", name="Quai 2", vms="vms", device="b", rules=RULES[:1]),
    ]
    front = DeviceFront(settings, FakeServices(clock=SystemClock(), site_dir=folder))
    try:
        told = front.start(cameras)
        sources = [TeeSource(SceneSource(load_clip(video)), told, camera.id, SystemClock()) for camera in cameras]
        workers = [
            threading.Thread(target=_watch, args=(source, front, camera.id))
            for source, camera in zip(sources, cameras, strict=True)
        ]
        for worker in workers:
            worker.start()
        try:
            yield Running(front=front, url=front.url.removesuffix("/onvif/device_service"), ca=authority.ca)
        finally:
            for source in sources:
                source.close()
            for worker in workers:
                worker.join(WAIT_S)
    finally:
        front.close()


def _watch(source: TeeSource, front: DeviceFront, camera: str) -> None:
    for packet in source.packets():
        person = Track(
            track_id=7, label="person", score=0.9, box=Box(left=0.2, top=0.2, right=0.4, bottom=0.8),
            first_seen=packet.captured_at,
        )  # fmt: skip
        front.show(FrameBoxes(camera_id=camera, captured_at=packet.captured_at, tracks=(person,)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "chosen"),
    [
        ("xprotect", {"method": None}),
        ("genetec", {"method": None}),
        ("generic", {"method": None}),
        ("generic", {"method": None, "login": Login.USERNAME_TOKEN}),
    ],
    ids=["xprotect", "genetec", "generic", "generic with a token"],
)
def test_our_device_satisfies_every_driver_over_one_tls_port(
    tmp_path: Path, video: Path, role: str, chosen: dict[str, Any]
) -> None:
    with (
        running(tmp_path, video) as device,
        driving(device.url, role, password="secret", ca=device.ca, play=Play.BOTH, **chosen) as (driver, ledger),
    ):
        ledger.wait_for("subscribed")
        tokens = [device.publish(rule) for rule in RULES]
        fallen = ledger.wait_for(
            "event", where=lambda record: "chute" in record["topic"] and record["edge"] == "falling"
        )
        ledger.wait_for("metadata", 20, where=lambda record: record["channel"] == 1 and record["objects"])
        ledger.wait_for("video", 2, where=lambda record: record["channel"] == 0)
        driver.conclude()
        assert broken(driver) == {}
        events = ledger.records("event")
    assert len(fallen) == 1
    assert all(event["channel"] == 0 for event in events)
    for token in tokens:
        topics = [event["topic"] for event in events if event["tokens"] == [token]]
        assert topics
        assert len(topics) == len(set(topics)), "each topic tells an alert once"
    states = [(str(event["topic"]), event["edge"]) for event in events if event["edge"]]
    assert sorted(topic for topic, edge in states if edge == "rising") == sorted(
        topic for topic, edge in states if edge == "falling"
    )


@pytest.mark.slow
def test_xprotect_raises_its_own_events_where_it_has_them(tmp_path: Path, video: Path) -> None:
    with (
        running(tmp_path, video) as device,
        driving(device.url, password="secret", ca=device.ca, method=StreamMethod.HTTPS) as (_, ledger),
    ):
        ledger.wait_for("subscribed")
        for rule in RULES[:3]:
            device.publish(rule)
        ledger.wait_for("event", where=lambda record: record["name"] == "Fire")
        ledger.wait_for("event", where=lambda record: record["name"] == "Intrusion")
        ledger.wait_for("event", where=lambda record: record["name"] == "Line Crossed")


@pytest.mark.slow
def test_rtsps_plays_with_the_certificate_verified(tmp_path: Path, video: Path) -> None:
    chosen = {"ca": tmp_path / "ca.pem", "play": Play.BOTH, "method": StreamMethod.RTSPS}
    with (
        running(tmp_path, video, rtsps=f"127.0.0.1:{_free_port()}") as device,
        driving(device.url, "generic", password="secret", **chosen) as (driver, ledger),
    ):
        ledger.wait_for("metadata", 20, where=lambda record: record["objects"])
        ledger.wait_for("video", 2)
        assert broken(driver) == {}


@pytest.mark.slow
def test_acts_leave_the_device_in_order(tmp_path: Path, video: Path) -> None:
    with (
        running(tmp_path, video) as device,
        driving(device.url, password="secret", ca=device.ca, play=Play.METADATA, method=None) as (driver, ledger),
    ):
        ledger.wait_for("metadata", 5)
        assert len(driver.add().channels) == 2
        driver.restart_metadata()
        driver.drop_subscription()
        driver.synchronise()
        ledger.wait_for("stream-started", 4)
        ledger.wait_for("subscribed", 2)
        token = device.publish(RULES[-1])
        ledger.wait_for("event", where=lambda record: record["tokens"] == [token] and record["subscription"] == 2)
        assert broken(driver) == {}


@pytest.mark.slow
@pytest.mark.parametrize("method", [StreamMethod.UDP, StreamMethod.TCP, StreamMethod.HTTP])
def test_in_clear_every_method_plays(tmp_path: Path, video: Path, method: StreamMethod) -> None:
    with (
        running(tmp_path, video, rtsp=f"127.0.0.1:{_free_port()}", udp=True) as device,
        driving(device.url, password="secret", play=Play.BOTH, method=method) as (driver, ledger),
    ):
        ledger.wait_for("metadata", 20, where=lambda record: record["objects"])
        ledger.wait_for("video", 2)
        assert broken(driver) == {}


@pytest.mark.slow
def test_multicast_plays_on_another_machine() -> None:
    isolated = ["unshare", "-rn"]
    if shutil.which("unshare") is None or subprocess.run([*isolated, "true"], check=False, timeout=10).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    command = [*isolated, sys.executable, "-m", "tests.connectors.onvif.simulator.client.multicast_run"]
    root = Path(__file__).parents[5]
    told = subprocess.run(command, cwd=root, check=False, timeout=50, capture_output=True, text=True)
    report = json.loads(told.stdout)
    assert {one["code"]: one["violations"] for one in report["expectations"] if one["violations"]} == {}
    assert report["is_satisfied"]
    assert told.returncode == 0
