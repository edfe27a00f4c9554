"""The client, its video, its events and the check against the simulated bridge: real sockets, TLS, digest, H.264."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.model import CameraSettings
from connectors.onvif.check.check import Check
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.control.channels import EVENTS, open_control
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.settings import OnvifSettings
from connectors.onvif.video.live import BridgeSource, open_live
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.scene import write_scene
from core.clock import SystemClock
from core.errors import (
    AuthenticationRefused,
    ProtocolViolation,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.fakes import FakeServices
from core.types import CameraReported, EventSeen, FindingLevel, Packet
from tests.connectors.listener import Listener, listening
from tests.connectors.onvif.simulator.camera.running import PASSWORD, USERNAME, Bridge, run

pytestmark = pytest.mark.slow

ARM = "tns1:Device/Trigger/DigitalInput?LogicalState=true"
DISARM = "tns1:Device/Trigger/DigitalInput?LogicalState=false"
WAIT_S = 10.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "gate.mp4"
    write_scene(path, seconds=2.0, fps=12.5, size=(160, 96))
    return path


@pytest.fixture(scope="module")
def bridge(video: Path) -> Iterator[Bridge]:
    with run(video, "--cameras", "2", "--substreams") as running:
        yield running


@pytest.fixture
def fresh(video: Path) -> Iterator[Bridge]:
    with run(video, "--slow-seconds", "0.2") as running:
        yield running


def settings_for(bridge: Bridge, **changes: Any) -> OnvifSettings:
    entry: dict[str, Any] = {
        "id": "bridge",
        "type": "onvif",
        "url": bridge.announced.url,
        "username": USERNAME,
        "password": {"secret": "bridge"},
        "ca": bridge.announced.ca,
        "allow_http": not bridge.announced.url.startswith("https"),
        "transport": "https",
        "publish": [],
        "timeout_s": 5.0,
    }
    return OnvifSettings.model_validate({**entry, **changes})


def services_for(password: str = PASSWORD) -> FakeServices:
    return FakeServices(clock=SystemClock(), secrets=lambda _: password)


@contextmanager
def client_of(bridge: Bridge, *, password: str = PASSWORD, **changes: Any) -> Iterator[OnvifClient]:
    client = OnvifClient(settings_for(bridge, **changes), services_for(password))
    with closing(client):
        yield client


def camera(bridge: Bridge, number: int = 0) -> CameraSettings:
    device = bridge.announced.cameras[number].device
    return CameraSettings.model_validate({"id": "gate", "vms": "bridge", "device": device})


@contextmanager
def video_of(bridge: Bridge, **changes: Any) -> Iterator[BridgeSource]:
    settings, services = settings_for(bridge, **changes), services_for()
    with (
        closing(OnvifClient(settings, services)) as client,
        closing(open_live(settings, services, client, camera(bridge))) as source,
    ):
        yield source


def first(source: BridgeSource, count: int = 3) -> list[Packet]:
    packets = source.packets()
    return [next(packets) for _ in range(count)]


@contextmanager
def heard(
    bridge: Bridge, memory: PullPointMemory | None = None, since: float | None = None, **changes: Any
) -> Iterator[Listener]:
    """``since``: now, for who never listened before."""
    control = [{"event": ARM, "state": "armed"}, {"event": DISARM, "state": "off"}]
    settings, services = settings_for(bridge, control=control, **changes), services_for()
    since = services.clock.utc() if since is None else since
    with closing(OnvifClient(settings, services)) as client:
        memory = memory or PullPointMemory()
        cameras = [item.device for item in bridge.announced.cameras]
        with listening(
            open_control(EVENTS, since, settings, services, client, memory=memory, cameras=cameras)
        ) as listener:
            listener.linked()
            yield listener


def seen(listener: Listener) -> str:
    """The next event, reports of cameras left out."""
    while not isinstance(message := listener.next(), EventSeen):
        assert isinstance(message, CameraReported)
    return message.event


@pytest.mark.parametrize("options", [(), ("--no-media",), ("--no-media2",)])
@pytest.mark.parametrize("login", ["digest", "username-token"])
def test_cameras_are_listed_by_either_media_service_and_either_login(
    video: Path, options: tuple[str, ...], login: str
) -> None:
    with run(video, "--cameras", "2", "--login", login, *options) as bridge, client_of(bridge) as client:
        assert {item.device for item in client.cameras()} == {item.device for item in bridge.announced.cameras}


@pytest.mark.parametrize("skew", ["7200", "-7200"])
def test_a_token_is_taken_by_a_bridge_whose_clock_is_hours_off(video: Path, skew: str) -> None:
    with run(video, "--login", "username-token", "--clock-skew", skew) as bridge, client_of(bridge) as client:
        assert client.measured_offset_s() == pytest.approx(float(skew), abs=2.0)
        assert client.cameras()


def test_a_wrong_password_is_refused(bridge: Bridge) -> None:
    with client_of(bridge, password="wrong") as client, pytest.raises(AuthenticationRefused):
        client.cameras()


def test_many_threads_at_a_time_are_let_in(bridge: Bridge) -> None:
    with client_of(bridge) as client, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: client.information().model, range(64)))
    assert len(found) == 64


def test_a_snapshot_is_a_picture(bridge: Bridge) -> None:
    with client_of(bridge) as client:
        assert client.snapshot(bridge.camera).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("transport", "changes"),
    [("https", {}), ("tcp", {"allow_http": True}), ("udp", {"allow_http": True})],
)
def test_video_comes_with_the_bridges_time_by_every_transport(
    bridge: Bridge, transport: str, changes: dict[str, Any]
) -> None:
    with video_of(bridge, transport=transport, **changes) as source:
        packets = first(source)
        assert source.time_source is TimeSource.RECORDER
    assert packets[0].is_key
    assert packets[0].codec == "h264"
    assert packets[-1].captured_at == pytest.approx(SystemClock().utc(), abs=10.0)


@pytest.mark.parametrize(("height", "suffix"), [(None, ""), (48, "/small")])
def test_the_profile_of_the_wanted_height_is_streamed(bridge: Bridge, height: int | None, suffix: str) -> None:
    with client_of(bridge, height=height) as client:
        assert client.stream_uri(bridge.camera).endswith(f"{bridge.camera}{suffix}")


def test_a_stream_on_a_camera_itself_is_refused(fresh: Bridge) -> None:
    fresh.order("stream-uri", "undeclared-host")
    with video_of(fresh) as source, pytest.raises(VmsRefused, match="does not declare"):
        first(source)


def test_a_source_that_was_closed_gives_nothing(bridge: Bridge) -> None:
    with video_of(bridge) as source:
        source.close()
        assert list(source.packets()) == []


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("503", VmsUnavailable),
        ("drop", VmsUnavailable),
        ("accept-then-drop", VmsUnavailable),
        ("fault", VmsUnavailable),
        ("malformed", ProtocolViolation),
        ("empty", ProtocolViolation),
        ("html", ProtocolViolation),
        ("bomb", ProtocolViolation),
        ("wrong-answer", ProtocolViolation),
        ("huge", ProtocolViolation),
        ("redirect", VmsRefused),
    ],
)
def test_what_befalls_the_bridge_is_told_and_passes(fresh: Bridge, outcome: str, kind: type[VmsError]) -> None:
    with client_of(fresh) as client:
        fresh.order("soap", outcome)
        with pytest.raises(kind) as caught:
            client.cameras()
        assert str(caught.value)
        fresh.order("soap")
        assert client.cameras()


def test_a_key_that_is_turned_arms_and_disarms(fresh: Bridge) -> None:
    with heard(fresh) as listener:
        for state, event in ((True, ARM), (False, DISARM), (True, ARM)):
            fresh.act("set-input", state=state)
            assert seen(listener) == event


def test_a_lost_camera_is_told_and_so_is_its_return(fresh: Bridge) -> None:
    with heard(fresh) as listener:
        present = listener.next()
        fresh.act("lose-camera")
        fresh.act("return-camera")
        told = [present, *listener.take(2)]
    assert [item.is_lost for item in told if isinstance(item, CameraReported)] == [False, True, False]
    assert {item.device for item in told if isinstance(item, CameraReported)} == {fresh.camera}


def test_what_happened_while_the_pull_point_was_gone_is_told_once_and_nothing_twice(fresh: Bridge) -> None:
    memory, since = PullPointMemory(), SystemClock().utc()
    with heard(fresh, memory, since) as listener:
        fresh.act("set-input", state=True)
        assert seen(listener) == ARM
        fresh.act("restart")
        assert isinstance(listener.ended_with(), VmsUnavailable)
    fresh.act("set-input", state=False)
    with heard(fresh, memory, since) as listener:
        assert seen(listener) == DISARM
    with heard(fresh, memory, since) as listener:
        fresh.act("set-input", state=True)
        assert seen(listener) == ARM


def keep_busy_until_broken(bridge: Bridge, listener: Listener) -> None:
    """A pull that began before the fault was ordered is answered still; the next one waits for something to happen."""
    for _ in range(50):
        bridge.act("lose-camera")
        bridge.act("return-camera")
        listener._thread.join(0.05)
        if not listener._thread.is_alive():
            return


@pytest.mark.parametrize("outcome", ["drop", "accept-then-drop", "503", "malformed"])
def test_what_a_broken_pull_held_is_told_by_the_next_connection_and_only_once(fresh: Bridge, outcome: str) -> None:
    memory, since = PullPointMemory(), SystemClock().utc()
    with heard(fresh, memory, since) as listener:
        fresh.order("pull", outcome)
        fresh.act("set-input", state=True)
        keep_busy_until_broken(fresh, listener)
        assert isinstance(listener.ended_with(), VmsError)
        told = [message.event for message in listener.rest() if isinstance(message, EventSeen)]
    fresh.order("pull")
    with heard(fresh, memory, since) as listener:
        if not told:
            told.append(seen(listener))
        fresh.act("set-input", state=False)
        told.append(seen(listener))
    assert told == [ARM, DISARM]
    assert len(fresh.ledger("subscription")) == 1


@pytest.mark.parametrize(("outcome", "kind"), [("full", VmsUnavailable), ("undeclared-host", VmsRefused)])
def test_a_pull_point_that_cannot_be_had_is_said_so(fresh: Bridge, outcome: str, kind: type[VmsError]) -> None:
    fresh.order("events", outcome)
    settings, services = settings_for(fresh), services_for()
    with (
        closing(OnvifClient(settings, services)) as client,
        listening(open_control(EVENTS, 0.0, settings, services, client, memory=PullPointMemory())) as listener,
    ):
        error = listener.ended_with()
    assert isinstance(error, kind)
    assert error.remedy


def test_the_check_finds_a_simulated_bridge_in_order(bridge: Bridge) -> None:
    control = [{"event": ARM, "state": "armed"}]
    settings, services = settings_for(bridge, control=control), services_for()
    with closing(OnvifClient(settings, services)) as client:
        findings = Check(settings, services, client).run([camera(bridge)])
    assert [item for item in findings if item.level is not FindingLevel.OK] == []
    assert {"video_ok", "pull_point_ok", "control_event_ok", "camera_loss_ok"} <= {item.code for item in findings}
