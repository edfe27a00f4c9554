from __future__ import annotations

import contextlib
import itertools
import re
import socket
import ssl
import threading
from itertools import pairwise
from pathlib import Path

import av
import pytest
from lxml import etree
from websockets.exceptions import InvalidStatus

from connectors.milestone.vps import camera as vps_camera
from connectors.milestone.vps import front as vps_front
from connectors.milestone.vps import relay as vps_relay
from connectors.milestone.vps.front import VpsFront, driver_url
from connectors.milestone.vps.source import VpsSource
from connectors.protocols.clips import Clip, load_clip
from connectors.protocols.scene import write_scene
from core.clock import ManualClock, SystemClock
from core.errors import VmsRefused, VmsUnavailable
from core.types import Packet
from tests.connectors.milestone.support import DEVICE, WAIT_S, camera, services, settings, video_packet
from tests.connectors.milestone.vps.drivers import AT_MS, Driver, Worker, boxes, picture, running_front, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("clip") / "scene.mp4"
    write_scene(path, seconds=2.0, size=(160, 90))
    return load_clip(path)


def ordinal(packet: Packet) -> int:
    return round((packet.captured_at * 1000 - AT_MS) / 80)


def numbers(worker: Worker) -> list[int]:
    return [ordinal(packet) for packet in worker.packets]


def test_a_real_clip_reaches_the_worker_unchanged_and_decodes(tmp_path: Path, clip: Clip) -> None:
    with running_front(tls_in=tmp_path) as running, running.driver() as driver, running.worker() as worker:
        for number, packet in enumerate(clip.packets):
            at_ms = AT_MS + round(packet.offset_s * 1000)
            driver.push(video_packet(packet.data, at_ms=at_ms, is_key=packet.is_key, sequence=number))
        worker.has(len(clip.packets))
        decoder = av.CodecContext.create("h264", "r")
        decoded = sum(len(decoder.decode(av.Packet(packet.data))) for packet in worker.packets)
    assert [packet.data for packet in worker.packets] == [packet.data for packet in clip.packets]
    assert [packet.is_key for packet in worker.packets] == [packet.is_key for packet in clip.packets]
    assert {packet.codec for packet in worker.packets} == {"h264"}
    assert worker.packets[1].captured_at == pytest.approx((AT_MS + 80) / 1000)
    assert decoded >= len(clip.packets) - 1


def test_boxes_return_on_the_drivers_connection_in_order_with_the_frames_own_time(tmp_path: Path) -> None:
    with running_front(tls_in=tmp_path) as running, running.driver() as driver:
        for number in range(40):
            running.front.show(boxes(AT_MS + 80 * number, tracks=number % 3), camera())
        returned = [driver.metadata() for _ in range(40)]
    assert [at_ms for at_ms, _ in returned] == [AT_MS + 80 * number for number in range(40)]
    for number, (_, document) in enumerate(returned):
        objects = etree.fromstring(document).findall(".//{*}Object")
        assert len(objects) == number % 3, "an empty frame is sent too: it clears the boxes"
    assert b'UtcTime="2025-11-20T10:02:03.456Z"' in returned[0][1]


def test_a_worker_that_connects_late_begins_at_the_key_frame_of_the_present_group() -> None:
    with running_front() as running, running.driver() as driver:
        for number in range(8):
            driver.push(picture(number))
        statistics = running.front.statistics()["quai-1"]
        wait_until(lambda: statistics.frames_in == 8)
        with running.worker() as worker:
            worker.has(3)
            driver.push(picture(8))
            worker.has(4)
    assert numbers(worker) == [5, 6, 7, 8]
    assert statistics.frames_unheard == 8


def test_a_dead_worker_costs_the_driver_nothing_and_another_takes_over() -> None:
    with running_front() as running, running.driver() as driver:
        with running.worker() as first:
            driver.push(picture(0))
            first.has(1)
        driver.push(picture(1))
        running.front.show(boxes(AT_MS), camera())
        assert driver.metadata()[0] == AT_MS
        with running.worker() as second:
            driver.push(picture(2))
            second.has(3)
    assert numbers(second) == [0, 1, 2]
    assert running.front.statistics()["quai-1"].driver_connections == 1


def test_a_second_worker_replaces_the_first() -> None:
    with running_front() as running, running.driver() as driver, running.worker() as first:
        with running.worker() as second:
            driver.push(picture(0))
            second.has(1)
        assert "another worker" in str(first.failed())


def test_when_the_driver_leaves_the_worker_hears_it_and_the_next_driver_serves_it() -> None:
    with running_front() as running:
        with running.driver() as driver, running.worker() as first:
            driver.push(picture(0))
            first.has(1)
            driver.close()
            assert "closed its VPS connection" in str(first.failed())
        with running.worker() as second, running.driver() as driver:
            driver.push(picture(3, is_key=False))
            driver.push(picture(5))
            second.has(1)
    assert numbers(second) == [5], "what no key frame precedes cannot be decoded"


def test_a_second_driver_of_a_camera_replaces_the_first() -> None:
    with running_front() as running, running.driver() as first, running.driver() as second:
        assert first.is_closed_by_the_front()
        running.front.show(boxes(AT_MS), camera())
        assert second.metadata()[0] == AT_MS


def test_cameras_do_not_see_each_other() -> None:
    other = camera(id="quai-2", device="44444444-4444-4444-8444-444444444444")
    with running_front(camera(), other) as running, running.driver() as one, running.driver("quai-2") as two:
        with Worker(running.told, other) as worker:
            one.push(picture(0))
            two.push(picture(5))
            worker.has(1)
        running.front.show(boxes(AT_MS + 1, camera_id="quai-2"), other)
        assert two.metadata()[0] == AT_MS + 1
    assert numbers(worker) == [5]


@pytest.mark.parametrize("name", [DEVICE, DEVICE.upper(), f"{{{DEVICE}}}".replace("{", "%7B").replace("}", "%7D")])
def test_a_driver_may_ask_by_the_cameras_guid(name: str) -> None:
    with running_front() as running, running.driver(name) as driver:
        running.front.show(boxes(AT_MS), camera())
        assert driver.metadata()[0] == AT_MS


@pytest.mark.parametrize("path", ["vps/unknown", "vps/", "gstreamer/pipelines/quai-1", ""])
def test_an_unknown_path_is_answered_404(path: str) -> None:
    with running_front() as running, pytest.raises(InvalidStatus) as refused:
        Driver(running.told["url"].replace("vps/", path))
    assert refused.value.response.status_code == 404


def test_without_a_driver_boxes_are_refused_with_the_remedy() -> None:
    with running_front() as running:
        with pytest.raises(VmsUnavailable, match="no VPS driver is connected") as refused:
            running.front.show(boxes(AT_MS), camera())
        assert "VPSNODES,http://127.0.0.1:" in refused.value.remedy
        assert running.front.statistics()["quai-1"].metadata_dropped == 1
        with pytest.raises(VmsUnavailable, match="not started for this camera"):
            running.front.show(boxes(AT_MS), camera(id="elsewhere"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"secret": "0" * 32}, "another run"), ({"secret": "é"}, "another run"), ({}, "no camera 'unknown'")],
)
def test_the_relay_serves_only_workers_of_this_run(change: dict[str, str], complaint: str) -> None:
    watched = camera() if change else camera(id="unknown")
    with running_front() as running, running.driver() as driver:
        driver.push(picture(0))
        source = VpsSource(watched, {**running.told, **change}, SystemClock())
        with pytest.raises(VmsUnavailable, match=complaint):
            list(source.packets())


@pytest.mark.parametrize("said", [b"\n", b"GET / HTTP/1.1\r\n", b"x" * 200_000])
def test_the_relay_survives_strangers(said: bytes) -> None:
    with running_front() as running, running.driver() as driver:
        host, port = running.told["relay"].split(":")
        with socket.create_connection((host, int(port)), WAIT_S) as stranger:
            stranger.sendall(said)
        with running.worker() as worker:
            driver.push(picture(0))
            worker.has(1)


def test_whoever_says_nothing_to_the_relay_is_shown_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vps_relay, "_HELLO_S", 0.05)
    with running_front() as running:
        host, port = running.told["relay"].split(":")
        with socket.create_connection((host, int(port)), WAIT_S) as mute:
            assert mute.recv(1) == b""


def test_a_slow_worker_skips_to_the_newest_group_and_the_driver_does_not_feel_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vps_camera, "MAX_QUEUED_BYTES", 2_000_000)
    last = 99
    with running_front() as running, running.driver() as driver:
        source = VpsSource(camera(), running.told, SystemClock())
        stream = source.packets()
        driver.push(picture(0))
        taken = [next(stream)]
        for number in range(1, last + 1):
            driver.push(picture(number, payload=bytes(200_000)))
        statistics = running.front.statistics()["quai-1"]
        wait_until(lambda: statistics.frames_in == last + 1)
        taken += itertools.takewhile(lambda packet: ordinal(packet) < last, stream)
        source.close()
    seen = [ordinal(packet) for packet in taken]
    assert 0 < statistics.frames_dropped < last
    assert len(seen) + 1 + statistics.frames_dropped == last + 1
    assert all(after == before + 1 or after % 5 == 0 for before, after in pairwise(seen))


def test_a_slow_driver_gets_the_newest_boxes_in_order_and_what_it_missed_is_counted() -> None:
    last = 199
    with running_front() as running, running.driver() as driver:
        statistics = running.front.statistics()["quai-1"]
        for number in range(last + 1):
            running.front.show(boxes(AT_MS + number, tracks=150), camera())
        times = [driver.metadata()[0] - AT_MS]
        while times[-1] < last:
            times.append(driver.metadata()[0] - AT_MS)
        wait_until(lambda: statistics.metadata_sent == len(times))
    assert times == sorted(set(times))
    assert statistics.metadata_dropped == last + 1 - len(times) > 0


@pytest.mark.parametrize("has_tls", [False, True])
def test_a_driver_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_tls: bool) -> None:
    monkeypatch.setattr(vps_front, "_STUCK_S", 0.2)
    with running_front(tls_in=tmp_path if has_tls else None) as running, running.driver() as driver:
        statistics = running.front.statistics()["quai-1"]
        driver.connection.close_timeout = 0.1  # it would drain first what it has not taken
        moments = itertools.count(AT_MS)
        watching = running.front._cameras["quai-1"]

        def is_let_go() -> bool:
            if watching.has_driver:
                with contextlib.suppress(VmsUnavailable):  # it was let go just now
                    running.front.show(boxes(next(moments), tracks=300), camera())
            return not watching.has_driver

        wait_until(is_let_go)
        assert statistics.metadata_dropped > 0


@pytest.mark.parametrize(("has_driver", "complaint"), [(False, "no VPS driver"), (True, "sent no picture for 10 s")])
def test_silence_is_told_with_its_cause(monkeypatch: pytest.MonkeyPatch, has_driver: bool, complaint: str) -> None:
    monkeypatch.setattr(vps_relay, "HEARTBEAT_S", 0.02)
    clock = ManualClock()
    with running_front() as running:
        driver = running.driver() if has_driver else None
        with running.worker(clock=clock) as worker:
            clock.advance(10.5)
            failure = worker.failed()
        if driver is not None:
            driver.close()
    assert complaint in str(failure)
    assert failure.recovers
    assert failure.remedy


def test_malformed_messages_are_counted_and_do_not_end_the_connection() -> None:
    with running_front() as running, running.driver() as driver, running.worker() as worker:
        driver.connection.send("text")
        driver.connection.send(b"\0\1")
        driver.send(9, b"")
        driver.send(3, b"\0" * 8)
        driver.push(picture(0))
        worker.has(1)
    assert running.front.statistics()["quai-1"].messages_malformed == 4


def test_a_codec_that_is_not_analysed_is_refused_with_the_remedy() -> None:
    with running_front() as running, running.driver() as driver, running.worker() as worker:
        driver.push(picture(0, codec=0x000F))
        failure = worker.failed()
    assert isinstance(failure, VmsRefused)
    assert "AV1" in str(failure)
    assert failure.remedy


def test_audio_is_passed_over() -> None:
    with running_front() as running, running.driver() as driver, running.worker() as worker:
        driver.push(b"\x00\x20\x00\x00\x00\x08\0\0")
        driver.push(picture(0))
        worker.has(1)
    assert running.front.statistics()["quai-1"].frames_in == 1


def test_a_source_ends_when_another_thread_closes_it() -> None:
    with running_front() as running, running.driver():
        worker = running.worker()
        worker.close()
        worker.close()
    assert worker.failure is None


def test_a_closed_source_yields_nothing() -> None:
    source = VpsSource(camera(), {}, ManualClock())
    source.close()
    assert list(source.packets()) == []


def test_where_no_front_runs_the_source_says_so() -> None:
    with pytest.raises(VmsUnavailable, match="only while the service runs"):
        list(VpsSource(camera(), {}, ManualClock()).packets())


def test_closing_the_front_ends_drivers_and_workers() -> None:
    with running_front() as running:
        driver, worker = running.driver(), running.worker()
        running.front.close()
        running.front.close()
        assert driver.is_closed_by_the_front()
        assert worker.failed().recovers
        with pytest.raises(VmsUnavailable):
            running.front.show(boxes(AT_MS), camera())
        with pytest.raises(VmsUnavailable, match=r"does not answer|is gone"):
            list(VpsSource(camera(), running.told, SystemClock()).packets())
    assert "vps-front" not in {thread.name for thread in threading.enumerate()}


def test_a_driver_that_does_not_trust_the_certificate_gets_nowhere(tmp_path: Path) -> None:
    with running_front(tls_in=tmp_path) as running:
        with pytest.raises(ssl.SSLCertVerificationError):
            Driver(running.url(), ssl.create_default_context())
        with running.driver() as driver:
            running.front.show(boxes(AT_MS), camera())
            assert driver.metadata()[0] == AT_MS


def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vps.pem").write_text("no certificate")
    vps = {"listen": "127.0.0.1:0", "certificate": "vps.pem", "key": "absent.key"}
    front = VpsFront(settings(video="vps", vps=vps), services(site_dir=tmp_path))
    with pytest.raises(VmsRefused, match=re.escape("vps.pem")) as refused:
        front.start([camera()])
    assert refused.value.remedy


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        front = VpsFront(settings(video="vps", allow_http=True, vps={"listen": listen}), services())
        with pytest.raises(VmsUnavailable, match="cannot listen") as refused:
            front.start([camera()])
        front.close()
    assert refused.value.remedy


def test_a_front_that_was_never_started_may_be_closed() -> None:
    VpsFront(settings(video="vps", allow_http=True), services()).close()


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("0.0.0.0:5001", f"http://{socket.gethostname()}:5001/vps/quai-1"),
        ("vigie.site.local:443", "http://vigie.site.local:443/vps/quai-1"),
        ("[fd00::7]:5001", "http://[fd00::7]:5001/vps/quai-1"),
    ],
)
def test_the_drivers_url_names_this_machine(listen: str, url: str) -> None:
    assert driver_url(settings(video="vps", allow_http=True, vps={"listen": listen}), "quai-1") == url


def test_the_drivers_url_says_https_where_there_is_a_certificate() -> None:
    vps = {"listen": "vigie:5001", "certificate": "vps.pem", "key": "vps.key"}
    assert driver_url(settings(video="vps", vps=vps), "") == "https://vigie:5001/vps/"
