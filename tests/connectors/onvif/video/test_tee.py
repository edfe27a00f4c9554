from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self

import pytest

from connectors.onvif.device.relay import Relay
from connectors.onvif.device.relayed_video import RelayedVideo
from connectors.onvif.video import tee
from connectors.onvif.video.tee import Forwarder, TeeSource
from connectors.protocols.clips import Clip, load_clip, nal_type, nal_units, parameter_sets
from connectors.protocols.live import LivePacket
from connectors.protocols.scene import write_scene
from core.clock import ManualClock
from core.contracts import VideoSource
from core.errors import VmsUnavailable
from core.fakes import FakeVideoSource
from core.types import Packet
from tests.connectors.onvif.device.streams import START, WAIT_S


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("tee") / "scene.mp4"
    write_scene(path, seconds=4.0, fps=10.0, size=(320, 180))
    return load_clip(path)


def packets_of(clip: Clip) -> list[Packet]:
    return [
        Packet(
            codec=clip.codec,
            data=item.data,
            captured_at=START + item.offset_s,
            is_key=item.is_key,
            received_at=item.offset_s,
        )
        for item in clip.packets
    ]


class Device:
    """The device's side on a loop in a thread: a feed, its relay and one viewer who comes and goes."""

    def __init__(self) -> None:
        self.video = RelayedVideo()
        self.front: dict[str, str] = {}
        self.loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        self.loop.close()

    def watch(self, count: int) -> Watching:
        return Watching(self, count)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with Relay({"quai-1": self.video}).listening() as front:
            self.front.update(front)
            self._ready.set()
            await self._leave.wait()


class Watching:
    """A viewer who takes so many pictures."""

    def __init__(self, device: Device, count: int) -> None:
        self._joined = threading.Event()
        self._future = asyncio.run_coroutine_threadsafe(self._watch(device.video, count), device.loop)
        assert self._joined.wait(WAIT_S)

    async def _watch(self, video: RelayedVideo, count: int) -> list[LivePacket]:
        async with video.listen() as listener:
            self._joined.set()
            return [await anext(listener) for _ in range(count)]

    def result(self) -> list[LivePacket]:
        return self._future.result(WAIT_S)


@pytest.fixture
def device() -> Iterator[Device]:
    with Device() as running:
        yield running


def wanted(forwarder: Forwarder) -> None:
    """Waits until the device's wish arrived; the next packet that is taken obeys it."""
    eventually(lambda: forwarder._link.turn() > 0)


def test_the_format_is_known_before_anybody_watches(device: Device, clip: Clip) -> None:
    forwarder = Forwarder(device.front, "quai-1", ManualClock())
    for packet in packets_of(clip):
        forwarder.take(packet)
    eventually(lambda: device.video.format is not None and device.video.format.fps is not None)
    forwarder.close()
    described = device.video.format
    assert described is not None
    assert (described.codec, described.width, described.height) == ("h264", 320, 180)
    assert described.fps == pytest.approx(10.0, abs=0.1)
    assert described.parameter_sets == parameter_sets(clip.packets[0].data, "h264")
    assert device.video.statistics.pictures == 0


def test_who_begins_to_watch_gets_the_group_of_pictures_from_its_key_frame(device: Device, clip: Clip) -> None:
    packets = packets_of(clip)
    forwarder = Forwarder(device.front, "quai-1", ManualClock())
    for packet in packets[:15]:
        forwarder.take(packet)
    watching = device.watch(8)
    wanted(forwarder)
    for packet in packets[15:18]:
        forwarder.take(packet)
    seen = watching.result()
    forwarder.close()
    assert [packet.is_key for packet in packets[10:18]] == [True] + [False] * 7
    assert [item.data for item in seen] == [packet.data for packet in packets[10:18]]


def test_the_analyser_gets_every_packet_as_it_came_whatever_the_device_does(clip: Clip) -> None:
    packets = packets_of(clip)
    for front in ({}, {"relay": f"127.0.0.1:{_closed_port()}", "secret": "x"}):
        source = TeeSource(FakeVideoSource(packets, failure=VmsUnavailable("end")), front, "quai-1", ManualClock())
        seen: list[Packet] = []
        with pytest.raises(VmsUnavailable, match="end"):
            collect(source, seen)
        assert seen == packets


def test_a_device_that_comes_back_is_dialled_again(clip: Clip) -> None:
    packets = iter(packets_of(clip))
    clock = ManualClock()
    with Device() as first:
        forwarder = Forwarder(first.front, "quai-1", clock)
        forwarder.take(next(packets))
        eventually(lambda: first.video.format is not None)
    with Device() as second:
        forwarder._link._address = ("127.0.0.1", int(second.front["relay"].rpartition(":")[2]))
        forwarder._link._hello = f"{second.front['secret']} quai-1\n".encode()
        while forwarder._link.is_up():
            forwarder.take(next(packets))
        clock.advance(tee.REDIAL_S)
        forwarder.take(next(packets))
        eventually(lambda: second.video.format is not None)
        forwarder.close()


def test_a_device_that_takes_nothing_costs_pictures_but_never_time(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tee, "MAX_BACKLOG_BYTES", 10_000)
    large = [replace(packet, data=packet.data + b"\x00" * 1_000_000) for packet in packets_of(clip)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        forwarder = Forwarder({"relay": f"127.0.0.1:{server.getsockname()[1]}", "secret": "x"}, "quai-1", ManualClock())
        forwarder.take(large[0])
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"\x01")
            wanted(forwarder)
            for packet in large[1:]:
                forwarder.take(packet)
            assert forwarder._link.backlog < 16_000_000
            assert forwarder._skips_to_key
        forwarder.close()


def test_parameter_sets_that_came_apart_are_put_in_front_of_key_frames(device: Device, clip: Clip) -> None:
    sets = b"".join(b"\x00\x00\x00\x01" + unit for unit in parameter_sets(clip.packets[0].data, "h264"))
    bare = [replace(packet, data=_without_sets(packet.data), extradata=sets) for packet in packets_of(clip)]
    assert not parameter_sets(bare[0].data, "h264")
    forwarder = Forwarder(device.front, "quai-1", ManualClock())
    forwarder.take(bare[0])
    watching = device.watch(1)
    wanted(forwarder)
    forwarder.take(bare[1])
    (seen,) = watching.result()
    forwarder.close()
    assert parameter_sets(seen.data, "h264") == parameter_sets(clip.packets[0].data, "h264")


def test_a_codec_that_rtp_cannot_carry_is_left_to_the_analyser() -> None:
    packet = Packet(codec="mjpeg", data=b"\xff\xd8", captured_at=START, is_key=True, received_at=0.0)
    source = TeeSource(FakeVideoSource([packet]), {"relay": "127.0.0.1:9", "secret": "x"}, "quai-1", ManualClock())
    packets = source.packets()
    assert next(packets) == packet
    source.close()
    assert list(packets) == []


def collect(source: VideoSource, seen: list[Packet]) -> None:
    """Keeps also what came before a failure."""
    for packet in source.packets():
        seen.append(packet)  # noqa: PERF402


def _without_sets(data: bytes) -> bytes:
    return b"".join(b"\x00\x00\x01" + unit for unit in nal_units(data) if nal_type(unit, "h264") not in {7, 8})


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(condition: Callable[[], bool]) -> None:
    """The device's thread is another one: its side of things follows soon."""
    pause = threading.Event()
    for _ in range(round(WAIT_S * 100)):
        if condition():
            return
        pause.wait(0.01)
    assert condition()
